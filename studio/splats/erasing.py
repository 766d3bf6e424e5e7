"""Erasing Gaussians of a splat: regions as JSON, and what lies in them. Knows no file.

A Gaussian is where its centre is. A selection from a camera goes all the way through.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from studio.errors import BadRequest
from studio.geometry import PictureCamera, Triple, numbers, read_camera
from studio.splats.splat import Splat
from studio.validation import shown

MAX_REGIONS = 1_000
MAX_POINTS = 20_000
"""Of all regions of a request together."""
_NEAREST = 0.2 / 1.5
"""Of the camera's distance: nothing nearer is visible. As in viewer/viewer.js."""
_MASK_SIDE = 2048
"""Longest side of the mask that strokes are drawn on, in pixels."""
_ROUND = 3
"""Fractional bits of OpenCV's coordinates."""


class Cuboid(NamedTuple):
    """An axis-aligned box in the world."""

    low: Triple
    high: Triple


class ScreenRectangle(NamedTuple):
    """A rectangle in a camera's picture, in pixels."""

    camera: PictureCamera
    left: float
    top: float
    right: float
    bottom: float


class BrushStroke(NamedTuple):
    """A brush stroke in a camera's picture, in pixels."""

    camera: PictureCamera
    points: tuple[tuple[float, float], ...]
    radius: float


@dataclass(frozen=True)
class Region:
    """Adds to the selection or, with `add` False, removes from it."""

    shape: Cuboid | ScreenRectangle | BrushStroke
    add: bool = True


@dataclass(frozen=True)
class Erasure:
    """Erases what is selected; with `keep`, everything else."""

    regions: tuple[Region, ...]
    keep: bool = False


def box_from(values: object) -> Cuboid:
    """
    Args:
        values: list of six numbers: x, y and z of two opposite corners.

    Raises:
        BadRequest: anything else.
    """
    corners = numbers(values, 6)
    if corners is None:
        raise BadRequest(f"A box is six numbers, X,Y,Z of two corners, not {shown(values)}.")
    ends = [(min(pair), max(pair)) for pair in zip(corners[:3], corners[3:], strict=True)]
    (x, across), (y, up), (z, back) = ends
    return Cuboid((x, y, z), (across, up, back))


def read_erasures(values: object) -> tuple[Erasure, ...]:
    """
    Args:
        values: JSON: a list of `{"regions": [...], "keep": false}`, one after the other. A region is `{"box": [x, y, z,
            x, y, z]}`, `{"camera": {...}, "rectangle": [left, top, right, bottom]}` or `{"camera": {...}, "points":
            [[x, y], ...], "radius": r}`; with `"add": false` it is removed from the selection.

    Raises:
        BadRequest: there is none, or one is malformed.
    """
    if not isinstance(values, list) or not values or not all(isinstance(one, dict) for one in values):
        raise BadRequest(f"What is to be erased is a list of regions, not {shown(values)}.")
    every = [one.get("regions") for one in values]
    if not all(isinstance(one, list) and one for one in every):
        raise BadRequest("Each step of erasing needs a list of regions.")
    if sum(map(len, every)) > MAX_REGIONS:
        raise BadRequest(f"At most {MAX_REGIONS:,} regions are erased at once. Keep the splat, then go on.")
    read = tuple(
        Erasure(tuple(map(_region, regions)), one.get("keep") is True)
        for one, regions in zip(values, every, strict=True)
    )
    strokes = [region.shape for one in read for region in one.regions if isinstance(region.shape, BrushStroke)]
    if sum(len(stroke.points) for stroke in strokes) > MAX_POINTS:
        raise BadRequest(f"The strokes have more than {MAX_POINTS:,} points. Keep the splat, then go on.")
    return read


def kept_of(splat: Splat, erasures: Sequence[Erasure]) -> np.ndarray:
    """(N,) bool: what is left."""
    positions = splat.world_positions()
    kept = np.ones(splat.count, bool)
    for one in erasures:
        selected = np.zeros(splat.count, bool)
        for region in one.regions:
            selected[_inside(positions, region.shape)] = region.add
        kept &= selected == one.keep
    return kept


def _region(values: object) -> Region:
    if not isinstance(values, dict):
        raise BadRequest(f"A region is a table with a box, a rectangle or points, not {shown(values)}.")
    add = values.get("add") is not False
    if "box" in values:
        return Region(box_from(values["box"]), add)
    camera = read_camera(values.get("camera"))
    if camera is None:
        raise BadRequest("A region that is not a box needs the camera it is seen from.")
    if "rectangle" in values:
        sides = numbers(values["rectangle"], 4)
        if sides is None:
            raise BadRequest(f"A rectangle is four numbers, not {shown(values['rectangle'])}.")
        return Region(ScreenRectangle(camera, *sides), add)
    points, radius = values.get("points"), numbers([values.get("radius")], 1)
    read = [numbers(point, 2) for point in points] if isinstance(points, list) else []
    if not read or len(read) > MAX_POINTS or None in read or radius is None or radius[0] <= 0:
        raise BadRequest("A stroke is a list of points, [x, y] each, and the radius of the brush.")
    return Region(BrushStroke(camera, tuple(read), radius[0]), add)


def _inside(positions: np.ndarray, shape: Cuboid | ScreenRectangle | BrushStroke) -> np.ndarray:
    """(N,) bool. Args: positions: (N, 3) float32, world units."""
    if isinstance(shape, Cuboid):
        low, high = np.array(shape.low, np.float32), np.array(shape.high, np.float32)
        return np.logical_and.reduce((positions >= low) & (positions <= high), axis=1)
    points, is_seen = _seen(positions, shape.camera)
    if isinstance(shape, ScreenRectangle):
        low, high = (shape.left, shape.top), (shape.right, shape.bottom)
        return is_seen & ((points >= low) & (points <= high)).all(axis=1)
    return is_seen & _under(points, shape)


def _seen(positions: np.ndarray, camera: PictureCamera) -> tuple[np.ndarray, np.ndarray]:
    """The centres in the picture, (N, 2) float64 in pixels; and whether they are in front of the camera, (N,)."""
    seen = (positions.astype(np.float64) - camera.position()) @ camera.axes().T
    depth = np.maximum(-seen[:, 2], 1e-9)
    points = np.stack([seen[:, 0], -seen[:, 1]], axis=1) * (camera.f_px / depth)[:, None] + camera.centre_px
    return points, -seen[:, 2] >= _NEAREST * camera.radius


def _under(points: np.ndarray, stroke: BrushStroke) -> np.ndarray:
    """Which points (N, 2) the brush covers. It is drawn once, however many points it has."""
    path = np.array(stroke.points)
    low, high = path.min(axis=0) - stroke.radius, path.max(axis=0) + stroke.radius
    scale = _MASK_SIDE / float((high - low).max())
    columns, rows = (math.ceil(side * scale) + 1 for side in high - low)
    mask = np.zeros((rows, columns), np.uint8)
    drawn = np.round((path - low) * scale * 2**_ROUND).astype(np.int32)
    for begin, end in pairwise(drawn):
        cv2.line(mask, begin, end, 1, max(1, round(2 * stroke.radius * scale)), cv2.LINE_8, _ROUND)
    for end in (drawn[0], drawn[-1]):
        cv2.circle(mask, end, round(stroke.radius * scale * 2**_ROUND), 1, -1, cv2.LINE_8, _ROUND)
    inside = ((points >= low) & (points <= high)).all(axis=1)
    at = np.floor((points[inside] - low) * scale).astype(np.intp)
    inside[inside] = mask[at[:, 1], at[:, 0]] == 1
    return inside
