"""What a person selects in a picture, and what comes of it: the contract of segmentation. Knows no models and no disk.

Points are (x, y) in pixels of the full-size picture from its top-left corner. Masks are uint8, 255 = selected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from PIL import Image

from studio.contract import Size, Stroke

MAX_SIDE = 2048
"""Masks are worked on with a longest side of at most so many pixels, and enlarged for larger pictures."""


class Point(NamedTuple):
    """A click: on what is wanted, or on what is not."""

    x: float
    y: float
    add: bool = True


class Box(NamedTuple):
    """Around what is wanted; right and bottom are one past the last pixel."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class SegmentRequest:
    """What a person asked for. It is complete: what is not in it cannot change the mask.

    The work goes in this order: the model's mask (or `start`), strokes, snap, holes, largest part, grow, feather,
    invert. A model that takes strokes as hints gets them with the clicks.
    """

    picture: str  # asset id
    model: str = ""  # "": the first that is ready
    points: tuple[Point, ...] = ()
    box: Box | None = None
    start: str = ""  # id of an object to begin with
    choice: int | None = None  # which of the three masks of the first click; None: the one with the best score
    strokes: tuple[Stroke, ...] = ()
    snap: bool = False  # to the nearest edges of the picture
    fill_holes: bool = False
    largest_part: bool = False
    grow: float = 0.0  # pixels; negative shrinks
    feather: float = 0.0  # pixels over which the edge fades
    invert: bool = False


@dataclass(frozen=True)
class Candidate:
    """One mask the model offers."""

    score: float  # the IoU the model expects of it, 0 to 1
    box: Box  # around it, in pixels of the full picture
    area: int  # pixels of the full picture
    mask: np.ndarray = field(repr=False, compare=False)  # HW uint8 at the working size
    point: Point | None = None  # the click that gives it, where the model was asked everywhere


@dataclass(frozen=True)
class Segmentation:
    """The mask of one request."""

    candidates: tuple[Candidate, ...]  # three after one click, best first; else one, or none without click and box
    choice: int  # which candidate the mask is of
    mask: np.ndarray = field(repr=False, compare=False)  # HW uint8 at the working size, soft where it is feathered
    size: Size  # of the full picture
    box: Box | None  # in pixels of the full picture; None: nothing is selected
    area: int  # pixels of the full picture that are selected at least by half
    seconds: float  # the whole answer took
    missed: tuple[Point, ...] = ()  # clicks that the mask does not follow: wanted ones outside, unwanted ones inside


@dataclass(frozen=True)
class Everything:
    """All that the model finds in a picture, large to small."""

    regions: tuple[Candidate, ...]  # each with the point that gives it
    labels: np.ndarray = field(
        repr=False, compare=False
    )  # HW uint16 at the working size; 0: none, i + 1: region i on top
    size: Size


# --- between the studio and a model -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class MaskRequest:
    """What a segmentation model gets."""

    picture: Callable[[], Image.Image]  # RGB, whole; called only if the model does not know the picture yet
    key: str  # names the content of the picture
    size: Size
    points: tuple[Point, ...] = ()
    box: Box | None = None
    start: np.ndarray | None = field(default=None, compare=False)  # HW uint8: a mask to begin with
    choice: int | None = None
    strokes: tuple[Stroke, ...] = ()  # hints, for a model that takes them


@dataclass(frozen=True)
class MaskResult:
    """Masks as the model draws them: over the whole picture, more than 0 inside."""

    logits: np.ndarray = field(repr=False, compare=False)  # (M, h, w) float32, best first
    scores: tuple[float, ...]  # M of them
    is_soft: bool = False  # the edge fades from -1 to 1; else it is hard


@dataclass(frozen=True)
class GridRequest:
    """A click everywhere: what `Model.run` of a segmentation model answers with a list of `GridMask`."""

    picture: Callable[[], Image.Image]
    key: str
    size: Size


class GridMask(NamedTuple):
    """One mask of many."""

    point: Point
    score: float
    logits: np.ndarray  # (h, w) float32
