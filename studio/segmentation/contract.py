"""The contract of segmentation: selections and results. Knows no models and no disk.

Points are (x, y) in pixels of the full-size picture from its top-left corner. Masks are uint8, 255 = selected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from studio.contract import Size, Stroke
from studio.errors import BadRequest
from studio.recipe.selection import Box, Point, SegmentRequest
from studio.validation import shown

MAX_LENGTH = 512.0
"""The most pixels by which a mask grows, shrinks or fades."""
MAX_SIDE = 2048
"""Longest side, in pixels, at which masks are computed; larger pictures get enlarged masks."""


@dataclass(frozen=True)
class Candidate:
    """One of the masks a model offers."""

    score: float  # predicted IoU, 0 to 1
    box: Box  # bounds, in pixels of the full picture
    area: int  # pixels of the full picture
    mask: np.ndarray = field(repr=False, compare=False)  # HW uint8 at the working size
    point: Point | None = None  # the click that gave it, from a grid


@dataclass(frozen=True)
class Segmentation:
    """The mask of one request."""

    candidates: tuple[Candidate, ...]  # three for one click, best first; else one, or none without click and box
    choice: int  # index of the candidate in use
    mask: np.ndarray = field(repr=False, compare=False)  # HW uint8 at the working size, soft if feathered
    size: Size  # of the full picture
    box: Box | None  # bounds in pixels of the full picture; None: empty
    area: int  # selected pixels of the full picture
    seconds: float  # how long it took
    missed: tuple[Point, ...] = ()  # clicks that contradict the mask


@dataclass(frozen=True)
class Everything:
    """All regions a model finds in a picture, largest first."""

    regions: tuple[Candidate, ...]  # each with its point
    labels: np.ndarray = field(
        repr=False, compare=False
    )  # HW uint16 at the working size; 0: none, i + 1: region i on top
    size: Size


# --- between the studio and a model -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class MaskRequest:
    """What a segmentation model gets."""

    picture: Callable[[], Image.Image]  # RGB; called only if the model does not have the picture yet
    key: str  # identifies the picture
    size: Size
    points: tuple[Point, ...] = ()
    box: Box | None = None
    start: np.ndarray | None = field(default=None, compare=False)  # HW uint8: a mask to start from
    choice: int | None = None
    strokes: tuple[Stroke, ...] = ()  # hints, for models that take them


@dataclass(frozen=True)
class MaskResult:
    """A model's masks of the whole picture, as logits."""

    logits: np.ndarray = field(repr=False, compare=False)  # (M, h, w) float32, best first
    scores: tuple[float, ...]  # M of them
    is_soft: bool = False  # the edge fades from -1 to 1; else it is at 0


@dataclass(frozen=True)
class GridMaskRequest:
    """Clicks on a grid; a model's `run` answers with a list of `GridMask`."""

    picture: Callable[[], Image.Image]
    key: str
    size: Size


class GridMask(NamedTuple):
    """One mask of many."""

    point: Point
    score: float
    logits: np.ndarray  # (h, w) float32


# --- what is allowed --------------------------------------------------------------------------------------------------


def check(request: SegmentRequest, size: Size) -> None:
    """
    Args:
        size: of the picture.

    Raises:
        BadRequest: a click outside the picture, an empty box, or an invalid length.
    """
    for point in request.points:
        if not (0 <= point.x <= size.width and 0 <= point.y <= size.height):
            raise BadRequest(
                f"The point ({point.x:g}, {point.y:g}) lies outside of the picture, which is {size}. Click inside it."
            )
    begun = request.box or request.start or any(stroke.add for stroke in request.strokes)
    if request.points and not any(point.add for point in request.points) and not begun:
        raise BadRequest("Click on what you want first: clicks that only remove select nothing.")
    box = request.box
    if box is not None and not (box.left < box.right and box.top < box.bottom):
        raise BadRequest(
            f"The box {_plain(box)} is empty: left must be smaller than right, and top smaller than bottom."
        )
    if box is not None and not (box.left < size.width and box.top < size.height and box.right > 0 and box.bottom > 0):
        raise BadRequest(f"The box {_plain(box)} lies outside of the picture, which is {size}. Draw it inside.")
    for name, length, least in (("grow", request.grow, -MAX_LENGTH), ("feather", request.feather, 0.0)):
        if not least <= length <= MAX_LENGTH:
            raise BadRequest(f"{name} goes from {least:g} to {MAX_LENGTH:g} pixels, not {length:g}.")


def in_pixels(request: SegmentRequest, size: Size, unit: str) -> SegmentRequest:
    """Points and box converted from fractions of width and height to pixels.

    Raises:
        BadRequest: the unit is neither "pixel" nor "fraction", or a fraction is not within 0 and 1.
    """
    if unit == "pixel":
        return request
    if unit != "fraction":
        raise BadRequest(f"The unit must be 'pixel' or 'fraction', not {shown(unit)}.")
    for value in (*(side for point in request.points for side in point[:2]), *(request.box or ())):
        if not 0 <= value <= 1:
            raise BadRequest(f"A fraction lies between 0 and 1, {value:g} does not. Use unit='pixel' for pixels.")
    across, down = size
    box = request.box
    return replace(
        request,
        points=tuple(Point(point.x * across, point.y * down, point.add) for point in request.points),
        box=None if box is None else Box(box.left * across, box.top * down, box.right * across, box.bottom * down),
    )


def _plain(box: Box) -> str:
    return "[" + ", ".join(f"{side:g}" for side in box) + "]"
