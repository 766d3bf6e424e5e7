"""Objects put into the middle of a square, as OpenCV's numbers have it and exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lgm.recenter import Square, framed, recenter, square_around
from tests.lgm.reference import FIXTURES, arrays, assert_near, facts


def picture(name: str) -> Tensor:
    return torch.from_numpy(np.array(Image.open(FIXTURES / f"recenter_{name}.png")))


@pytest.mark.parametrize("case", [0, 1])
def test_the_published_way_is_reproduced_to_one_level(case: int):
    given, expected = picture(f"{case}_in"), picture(f"{case}_out")
    got = recenter(given, given[..., 3] > 0)
    assert got.dtype == torch.uint8
    assert_near(got, expected, most=1, rms=0.1)


@pytest.mark.parametrize("case", [0, 1])
def test_the_published_way_is_reproduced_in_floating_point_and_over_white(case: int):
    given = picture(f"{case}_in").float() / 255
    expected = arrays("recenter")
    got = recenter(given, given[..., 3] > 0)
    assert_near(got[::5, ::5], expected[f"float_{case}_sub"], most=2e-5)
    white = got[..., :3] * got[..., 3:] + 1 - got[..., 3:]
    assert_near(white[::5, ::5], expected[f"white_{case}_sub"], most=6e-3)


@pytest.mark.parametrize("case", [0, 1])
def test_the_published_way_is_reproduced_for_rgb(case: int):
    given, known = picture(f"{case}_in"), facts("recenter")[case]["rgb_input_stats"]
    got = recenter(given[..., :3], given[..., 3] > 0).double()
    assert got.mean().item() == pytest.approx(known["mean"], abs=0.05)
    assert got.std(unbiased=False).item() == pytest.approx(known["std"], abs=0.05)


def test_around_rgb_it_is_white():
    given = torch.zeros(20, 30, 3, dtype=torch.uint8)
    mask = torch.zeros(20, 30, dtype=torch.bool)
    mask[5:12, 8:14] = True
    got = recenter(given, mask)
    assert got.shape == (30, 30, 3)
    assert (got[0, 0] == 255).all() and (got[15, 15] == 0).all()


def test_a_mask_of_one_row_or_of_nothing_is_refused():
    mask = torch.zeros(8, 8, dtype=torch.bool)
    for rows in (0, 1):
        mask[3 : 3 + rows, 2:6] = True
        with pytest.raises(ValueError, match="less than two pixels high"):
            recenter(torch.zeros(8, 8, 4), mask)


def test_the_square_has_the_object_in_its_middle_and_80_percent_of_it():
    mask = torch.zeros(100, 100, dtype=torch.bool)
    mask[10:50, 60:70] = True
    assert square_around(mask) == Square(left=40, top=5, side=50)
    with pytest.raises(ValueError, match="empty mask"):
        square_around(torch.zeros(4, 4, dtype=torch.bool))


@pytest.mark.parametrize("square", [Square(3.25, -2.5, 40.5), Square(10.0, 4.5, 9.75)])
def test_a_framed_square_shows_each_place_where_it_belongs(square: Square):
    """On a ramp the mean of what a pixel covers is the value at its middle, to a twentieth of a pixel."""
    rows, columns = torch.meshgrid(torch.arange(60) + 0.5, torch.arange(60) + 0.5, indexing="ij")
    ramp = torch.stack([columns, rows, torch.ones(60, 60)], dim=-1)
    got = framed(ramp, square, 16)
    middles = (torch.arange(16) + 0.5) * square.side / 16
    x, y = torch.meshgrid(square.left + middles, square.top + middles, indexing="xy")
    inside = got[..., 2] > 1 - 1e-6
    assert inside.float().mean() > 0.8
    assert_near(got[..., 0][inside], x[inside], most=0.05)
    assert_near(got[..., 1][inside], y[inside], most=0.05)


def test_beyond_the_picture_there_is_nothing():
    got = framed(torch.ones(10, 10, 1), Square(-10, -10, 20), 8)
    assert not got[:4].any() and not got[:, :4].any()
    assert_near(got[4:, 4:], torch.ones(4, 4, 1), most=1e-6)
