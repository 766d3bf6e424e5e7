"""From an object to a splat: the requests, the models' inputs, and where the splat stands over its picture.

Two models in a row: one makes four views of the object, one makes a splat from four views. Knows no models and no disk.
The world is that of `studio/splats/splat.py`; a mask is HW uint8, 255 = the object.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from studio import masks
from studio.contract import Size
from studio.errors import BadRequest
from studio.geometry import Crop, PictureCamera
from studio.recipe.solid import NO_VIEWS, Four
from studio.segmentation.objects import flat

AZIMUTHS_DEG = (0.0, 90.0, 180.0, 270.0)
"""Of the four views: front, right, back, left."""
SIDES = ("front", "right", "back", "left")
"""What people call them."""
FILLED_SHARE = 0.8
"""Longer side of the object over side of the crop. Source: 3DTopia/LGM, recenter with border_ratio 0.2."""
MAX_ELEVATION_DEG = 80.0
"""A camera straight above sees no sides."""
INPUT_SIDE = 512
"""Side of a model's input, in pixels; it resizes that to its training size."""
MAX_VIEW_SIDE = 1024
"""Side of a stored view, in pixels: more than any model here uses."""


@dataclass(frozen=True)
class SolidRequest:
    """A request for views of an object, or for a splat and the views it still needs, as one job.

    Complete once `Solids.make` has decided every None. The model makes all four views at once; only the requested ones
    are kept. Without `only`, the front view is the object itself as the model saw it, not the model's version.
    """

    object: str  # asset id of an object, or of a picture with a transparent background; the splat stands on it
    splat: bool = True  # False: only views
    views: Four = NO_VIEWS  # asset ids of any pictures, in the order of AZIMUTHS_DEG; "": make it
    only: tuple[int, ...] = ()  # which views to make; (): the missing ones
    views_model: str = ""  # "": the first that is ready
    splat_model: str = ""
    elevation_deg: float | None = None  # of the picture's camera; positive: looking down on the object
    seed: int | None = None  # of the views, as are the next two
    steps: int | None = None
    guidance: float | None = None


# --- between the studio and a model -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ViewsRequest:
    """What a views model gets; it returns a `ViewsResult`."""

    image: Image.Image  # RGB, square, the object on white; it takes FILLED_SHARE of the side
    elevation_deg: float
    seed: int
    steps: int  # 0: the model has no such setting
    guidance: float


@dataclass(frozen=True)
class ViewsResult:
    """Four views, and what was used to make them."""

    images: tuple[Image.Image, ...]  # four RGB squares of one size, in the order of AZIMUTHS_DEG
    seed: int | None  # None: the model took none
    revision: str = ""  # of the weights, if only the loaded model knows it
    notice: str = ""  # a sentence for the person


@dataclass(frozen=True)
class SplatRequest:
    """What a splat model gets; it returns a `Splat` around the origin, front at +z, y up.

    The splat's camera is that of the first view, if the model knows better than `camera_of`.
    """

    views: tuple[Image.Image, ...]  # four RGB squares on white, of any sizes
    elevation_deg: float
    front_mask: Image.Image | None = None  # "L", square: the object in the first view; None: unknown


# --- geometry ---------------------------------------------------------------------------------------------------------


def crop_of(mask: np.ndarray) -> Crop:
    """The square around an object that models see: the longer side of its bounds takes FILLED_SHARE, centred.

    Raises:
        BadRequest: nothing is selected.
    """
    box = masks.box_of(mask)
    if box is None:
        raise BadRequest("This object is empty: nothing of it can be seen. Select it again in the Segment tab.")
    left, top, right, bottom = box
    side = max(right - left, bottom - top) / FILLED_SHARE
    return Crop((left + right - side) / 2, (top + bottom - side) / 2, side)


def camera_of(crop: Crop, size: Size, elevation_deg: float = 0.0) -> PictureCamera:
    """The camera of a picture, in closed form: the models' own camera, looking through the crop they see.

    Args:
        size: of the picture.
    """
    return PictureCamera(size.width, size.height, crop, elevation_deg=elevation_deg)


def square(image: Image.Image, crop: Crop, side: int, background: str = "white") -> Image.Image:
    """The crop of a picture as a model sees it.

    Args:
        image: RGB, or RGBA where only the object is opaque.
        side: pixels of the result.

    Returns:
        RGB, `side` pixels square; transparent pixels and those outside the picture are background.
    """
    plain = flat(image, background)
    factor = int(crop.side // (4 * side))
    if factor > 1:  # reduce very large pictures first
        plain, crop = plain.reduce(factor), Crop(*(value / factor for value in crop))
    left, top = math.floor(crop.left), math.floor(crop.top)
    right, bottom = math.ceil(crop.left + crop.side), math.ceil(crop.top + crop.side)
    ground = Image.new("RGB", (right - left, bottom - top), background)
    ground.paste(plain, (-left, -top))
    box = (crop.left - left, crop.top - top, crop.left - left + crop.side, crop.top - top + crop.side)
    return ground.resize((side, side), Image.Resampling.BICUBIC, box=box)


def mask_square(mask: np.ndarray, crop: Crop, side: int) -> np.ndarray:
    """The crop of a mask: (side, side) uint8, 0 outside the picture."""
    grey = Image.fromarray(mask)
    return np.asarray(square(Image.merge("RGB", (grey, grey, grey)), crop, side, "black"))[..., 0]


def view_square(image: Image.Image) -> Image.Image:
    """Any picture as a view: RGB, square, on white, at most MAX_VIEW_SIDE; nothing is cut off."""
    plain = flat(image).copy()
    plain.thumbnail((MAX_VIEW_SIDE, MAX_VIEW_SIDE), reducing_gap=3.0)
    side = max(plain.size)
    if plain.size == (side, side):
        return plain
    ground = Image.new("RGB", (side, side), "white")
    ground.paste(plain, ((side - plain.width) // 2, (side - plain.height) // 2))
    return ground
