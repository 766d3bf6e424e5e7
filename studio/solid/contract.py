"""From an object to a splat: the requests, the models' inputs, and where the splat stands over its picture.

Two models in a row: one makes four views of the object, one makes a splat of four views. Knows no models and no disk.
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

AZIMUTHS_DEG = (0.0, 90.0, 180.0, 270.0)
"""Where the four views are seen from: in front, from the right, from behind, from the left."""
SIDES = ("front", "right", "back", "left")
"""What people call them."""
FILLED_SHARE = 0.8
"""Of the crop's side that the longer side of the object takes. Source: 3DTopia/LGM, recenter with border_ratio 0.2."""
MAX_ELEVATION_DEG = 80.0
"""A camera straight above sees no sides at all."""
INPUT_SIDE = 512
"""Pixels of the square that a model is shown; it resizes that to what it was taught at."""
MAX_VIEW_SIDE = 1024
"""Pixels of a view that is kept: more than any model here looks at."""


@dataclass(frozen=True)
class SolidRequest:
    """What a person asks for of an object: views of it, or a splat and the views that it still needs, as one job.

    Complete once `Solids.make` has filled every None that the models have a control for. The model makes all four views
    at once; those that are wanted are kept. Without `only` the front is the object itself, as the model was shown it,
    and not what the model made of it.
    """

    object: str  # asset id of an object, or of a picture with a transparent background: the splat stands where it is
    splat: bool = True  # False: only views
    views: Four = NO_VIEWS  # asset ids in the order of AZIMUTHS_DEG, any pictures will do; "": that one is made
    only: tuple[int, ...] = ()  # which views are made; (): those that are not there
    views_model: str = ""  # "": the first that is ready
    splat_model: str = ""
    elevation_deg: float | None = None  # of the camera that saw the picture; positive: it looked down on the object
    seed: int | None = None  # of the views, like the next two
    steps: int | None = None
    guidance: float | None = None


# --- between the studio and a model -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ViewsRequest:
    """What a model for views gets; it answers with `ViewsResult`."""

    image: Image.Image  # RGB, square, the object before white; it takes FILLED_SHARE of the side
    elevation_deg: float
    seed: int
    steps: int  # 0: the model has no such control
    guidance: float


@dataclass(frozen=True)
class ViewsResult:
    """Four views, and what was used to make them."""

    images: tuple[Image.Image, ...]  # four RGB squares of one size, in the order of AZIMUTHS_DEG
    seed: int | None  # None: the model took none
    revision: str = ""  # of the weights, where only the loaded model knows it
    notice: str = ""  # a sentence for the person


@dataclass(frozen=True)
class SplatRequest:
    """What a model for splats gets; it answers with a `Splat` around the origin, seen from in front at +z, y up."""

    views: tuple[Image.Image, ...]  # four RGB squares before white, each of a size of its own
    elevation_deg: float
    front_mask: Image.Image | None = None  # "L", square: what the object covers of the first view; None: not known


# --- geometry ---------------------------------------------------------------------------------------------------------


def mask_of(image: Image.Image) -> np.ndarray:
    """HW uint8: what of an object's file is opaque; all of a picture that hides nothing."""
    if image.mode == "RGBA":
        return np.asarray(image.getchannel("A"))
    return np.full((image.height, image.width), 255, np.uint8)


def crop_of(mask: np.ndarray) -> Crop:
    """The square around an object that a model is shown: the longer side of its box takes FILLED_SHARE, centred.

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
    """The camera that saw a picture, in closed form: the models' own camera, through the crop they are shown.

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
        RGB, `side` pixels square; what is see-through or outside of the picture is background.
    """
    plain = _before(image, background)
    factor = int(crop.side // (4 * side))
    if factor > 1:  # what is much larger than needed is not enlarged by a frame first
        plain, crop = plain.reduce(factor), Crop(*(value / factor for value in crop))
    left, top = math.floor(crop.left), math.floor(crop.top)
    right, bottom = math.ceil(crop.left + crop.side), math.ceil(crop.top + crop.side)
    ground = Image.new("RGB", (right - left, bottom - top), background)
    ground.paste(plain, (-left, -top))
    box = (crop.left - left, crop.top - top, crop.left - left + crop.side, crop.top - top + crop.side)
    return ground.resize((side, side), Image.Resampling.BICUBIC, box=box)


def mask_square(mask: np.ndarray, crop: Crop, side: int) -> np.ndarray:
    """The crop of a mask: (side, side) uint8, 0 outside of the picture."""
    grey = Image.fromarray(mask)
    return np.asarray(square(Image.merge("RGB", (grey, grey, grey)), crop, side, "black"))[..., 0]


def view_square(image: Image.Image) -> Image.Image:
    """Any picture as a view: RGB, square, before white, of MAX_VIEW_SIDE at most; nothing is cut off."""
    plain = _before(image, "white")
    plain.thumbnail((MAX_VIEW_SIDE, MAX_VIEW_SIDE), reducing_gap=3.0)
    side = max(plain.size)
    if plain.size == (side, side):
        return plain
    ground = Image.new("RGB", (side, side), "white")
    ground.paste(plain, ((side - plain.width) // 2, (side - plain.height) // 2))
    return ground


def _before(image: Image.Image, background: str) -> Image.Image:
    """RGB, a picture of its own; what is see-through shows the background."""
    if image.mode == "RGB":
        return image.copy()
    ground = Image.new("RGB", image.size, background)
    ground.paste(image, mask=image.getchannel("A"))
    return ground
