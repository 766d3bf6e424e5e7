"""The square a model is shown, and the camera that goes with it: pure geometry."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from studio.contract import Size
from studio.errors import BadRequest
from studio.geometry import Crop
from studio.solid.contract import FILLED_SHARE, camera_of, crop_of, mask_square, square, view_square
from tests.projection import project

places = st.floats(-500, 1500)
sides = st.floats(1, 3000)
angles = st.floats(-80, 80)


def a_mask(left: int, top: int, right: int, bottom: int, size: tuple[int, int] = (100, 200)) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def test_the_object_takes_four_fifths_of_the_middle_of_its_crop():
    crop = crop_of(a_mask(40, 10, 80, 90))
    assert crop.side == pytest.approx(100)
    assert (crop.left, crop.top) == pytest.approx((10, 0))
    seen = mask_square(a_mask(40, 10, 80, 90), crop, 200) >= 128
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    assert rows[-1] + 1 - rows[0] == FILLED_SHARE * 200
    assert (rows[0], 200 - 1 - rows[-1]) == (20, 20)
    assert columns[0] == 200 - 1 - columns[-1]


def test_one_pixel_is_an_object_too():
    crop = crop_of(a_mask(199, 99, 200, 100))
    assert crop == pytest.approx(Crop(198.875, 98.875, 1.25))
    image = Image.new("RGBA", (200, 100))
    image.putpixel((199, 99), (255, 0, 0, 255))
    assert square(image, crop, 64).getpixel((32, 32)) == (255, 0, 0)


def test_an_empty_object_is_refused_with_a_sentence():
    with pytest.raises(BadRequest, match="This object is empty"):
        crop_of(np.zeros((5, 5), np.uint8))


def test_what_is_outside_of_the_picture_and_see_through_is_white():
    image = Image.new("RGBA", (40, 40))
    image.paste((0, 0, 255, 255), (0, 0, 10, 10))
    seen = square(image, Crop(-10, -10, 40), 80)
    assert seen.mode == "RGB" and seen.size == (80, 80)
    assert seen.getpixel((2, 2)) == (255, 255, 255) == seen.getpixel((70, 70))
    assert seen.getpixel((30, 30)) == (0, 0, 255)


def test_a_picture_much_larger_than_the_square_gives_the_same_square():
    large = Image.new("RGB", (2048, 2048), "white")
    large.paste("black", (512, 512, 1536, 1536))
    seen = np.asarray(square(large, Crop(0, 0, 2048), 64).convert("L"))
    assert seen[20:44, 20:44].max() == 0 and seen[:14].min() == 255 and seen[:, 50:].min() == 255


@given(left=places, top=places, side=sides, elevation_deg=angles)
def test_the_camera_puts_the_corners_of_its_view_on_the_corners_of_the_crop(
    left: float, top: float, side: float, elevation_deg: float
):
    camera = camera_of(Crop(left, top, side), Size(640, 480), elevation_deg)
    right, up, backward = camera.axes()
    reach = np.tan(np.radians(49.1 / 2))
    ahead = camera.position() - backward
    corners = [ahead + reach * (x * right + y * up) for x, y in ((-1, 1), (1, 1), (1, -1), (-1, -1))]
    places_, depths = project(camera, np.array(corners))
    expected = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
    assert np.allclose(places_, expected, atol=1e-9 * 5000)
    assert np.allclose(depths, 1)


@given(left=places, top=places, side=sides, elevation_deg=angles)
def test_the_camera_looks_at_the_middle_of_the_object(left: float, top: float, side: float, elevation_deg: float):
    camera = camera_of(Crop(left, top, side), Size(640, 480), elevation_deg)
    (place,), (depth,) = project(camera, np.zeros((1, 3)))
    assert np.allclose(place, (left + side / 2, top + side / 2))
    assert depth == pytest.approx(1.5)


@pytest.mark.parametrize("size", [(64, 64), (3, 200), (200, 3), (1, 1), (3000, 1500)])
def test_any_picture_becomes_a_view_without_losing_a_part(size: tuple[int, int]):
    view = view_square(Image.new("RGB", size, "red"))
    assert view.mode == "RGB" and view.width == view.height <= 1024
    red = np.asarray(view)[..., 1] < 128
    assert red.any() and red.mean() == pytest.approx(min(size) / max(size), rel=0.02)


def test_a_view_leaves_the_picture_it_is_made_of_alone():
    picture = Image.new("RGB", (2048, 2048), "red")
    view_square(picture)
    assert picture.size == (2048, 2048)
