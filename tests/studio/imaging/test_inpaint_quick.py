"""A photo with an object painted out: the hole looks like what is around it, and nothing else changes."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio import masks
from studio.imaging.inpaint_quick import fill_behind

SIZE = (300, 220)
DISC = (110, 70, 190, 150)


def hidden(image: Image.Image) -> tuple[Image.Image, np.ndarray]:
    """The picture with a red disc on it, and the disc's mask."""
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse(DISC, fill=255)
    covered = image.copy()
    covered.paste((230, 20, 20), mask=mask)
    return covered, np.asarray(mask)


def worst(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


def test_on_a_plain_ground_nothing_is_left():
    plain = Image.new("RGB", SIZE, (90, 140, 200))
    assert worst(fill_behind(*hidden(plain)), plain) <= 1


def test_a_slope_of_colours_goes_on():
    x, y = np.meshgrid(np.linspace(0, 1, SIZE[0]), np.linspace(0, 1, SIZE[1]))
    slope = Image.fromarray(np.stack([60 + 120 * x, 200 - 80 * y, 90 + 40 * x * y], -1).astype(np.uint8))
    assert worst(fill_behind(*hidden(slope)), slope) <= 20


def test_the_texture_of_the_ground_goes_on():
    x, _ = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    stripes = np.stack([128 + 60 * np.sin(x / 2.5)] * 3, -1)
    ground = Image.fromarray(stripes.astype(np.uint8))
    filled = np.asarray(fill_behind(*hidden(ground)), float)[90:130, 130:170]
    difference = np.abs(filled - stripes[90:130, 130:170])
    assert difference.mean() < 18, "the stripes do not meet"
    assert filled.std() > 30


def test_a_shadow_that_reaches_under_the_object_leaves_no_seam():
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    shade = 170 - 100 * np.exp(-((x - 112) ** 2 + (y - 125) ** 2) / (2 * 14.0**2))
    ground = Image.fromarray(np.stack([shade] * 3, -1).astype(np.uint8))
    image, mask = hidden(ground)
    filled = np.asarray(fill_behind(image, mask), float)
    just_inside = (masks.grown(mask, 3) > 0) & (masks.grown(mask, 1) == 0)
    assert np.abs(filled - np.asarray(ground, float))[just_inside].mean() < 3


def test_away_from_the_object_every_pixel_stays():
    noise = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    image, mask = hidden(Image.fromarray(noise))
    filled = np.asarray(fill_behind(image, mask))
    far = np.ones(mask.shape, bool)
    far[50:170, 90:210] = False
    assert (filled[far] == np.asarray(image)[far]).all()
    assert not ((filled[80:140, 120:180] == (230, 20, 20)).all(-1)).any()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 50), (1300, 40)])
def test_pictures_of_any_size_are_filled(size: tuple[int, int]):
    image = Image.new("RGB", size, "green")
    for mask in (np.zeros(size[::-1], np.uint8), np.full(size[::-1], 255, np.uint8)):
        filled = fill_behind(image, mask)
        assert filled.size == size and filled.mode == "RGB"


def test_a_picture_that_is_all_object_stays_a_picture():
    image = Image.new("RGB", (40, 30), (1, 2, 3))
    assert fill_behind(image, np.full((30, 40), 255, np.uint8)).size == (40, 30)


def test_a_picture_larger_than_it_is_worked_on_at_is_filled_too():
    plain = Image.new("RGB", (2300, 600), (90, 140, 200))
    assert worst(fill_behind(*hidden(plain)), plain) <= 2
