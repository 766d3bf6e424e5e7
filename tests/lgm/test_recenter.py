"""Objects put into the middle of a square, as OpenCV's numbers have it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lgm.recenter import recenter
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


def test_a_line_keeps_a_pixel_of_its_thinness():
    mask = torch.zeros(2000, 40, dtype=torch.bool)
    mask[5:1990, 20:22] = True
    got = recenter(mask[..., None].repeat(1, 1, 4).float(), mask, border=0.9)
    assert got.shape == (2000, 2000, 4)
    assert (got[..., 3] > 0).any(0).sum() == 1
