"""How well a splat covers the object it was made from, and the size and place that cover it best.

Compares silhouettes from the picture's camera. Splats from elsewhere are first put in front of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from studio import masks
from studio.contract import Size
from studio.geometry import Crop, PictureCamera
from studio.solid.contract import FILLED_SHARE, mask_square
from studio.splats.rasterizer import painted, through
from studio.splats.splat import Pose, Splat
from studio.splats.transform import placed

GOOD_FIT = 0.85
"""From this value on, a splat counts as matching its picture."""
_SIDE = 256
_WINDOW = 1.4
"""Silhouettes are compared in a square this much larger than the crop, which a splat may exceed."""
_ROUNDS = 3
"""Of fitting flat silhouettes and rendering again, since near parts grow faster than far ones."""
_FINEST = 0.0005
_MIDDLE = 0.6
"""Size of a splat placed on a picture, as a share of the picture's shorter side."""
_MOST_OF_IT = 0.98
"""The share of a splat's Gaussians that determines its size, to ignore outliers."""


class Shift(NamedTuple):
    """A silhouette moved in the picture, about the centre of the window. Lengths are shares of the window's side."""

    scale: float = 1.0
    right: float = 0.0
    down: float = 0.0


def fit(splat: Splat, mask: np.ndarray) -> float:
    """Intersection over union of the splat's silhouette at its reset pose and the mask, 0 to 1, to four digits.

    Args:
        splat: with a camera.
        mask: HW uint8 of the camera's picture.
    """
    camera = _camera_of(splat)
    return round(masks.overlap(_silhouette(splat, camera), _wanted(mask, camera)), 4)


def matched(splat: Splat, mask: np.ndarray) -> Splat:
    """The splat, scaled and moved across the picture so that it covers the mask best.

    Returns:
        With transformed arrays; the same splat if nothing is better.
    """
    camera = _camera_of(splat)
    wanted = _wanted(mask, camera)
    best = current = placed(splat)
    best_fit = masks.overlap(_silhouette(splat, camera), wanted)
    for _ in range(_ROUNDS):
        shown = _silhouette(current, camera)
        if not shown.any():
            break
        current = _moved(current, camera, _best_shift(shown, wanted))
        found = masks.overlap(_silhouette(current, camera), wanted)
        if found <= best_fit:
            break
        best, best_fit = current, found
    return best


def middle_of(size: Size) -> Crop:
    """The crop of an object in the middle of a picture."""
    side = _MIDDLE * min(size) / FILLED_SHARE
    return Crop((size.width - side) / 2, (size.height - side) / 2, side)


def standing(splat: Splat, camera: PictureCamera) -> Splat:
    """The splat in front of a camera, in the middle of its crop and as large as models see an object.

    Args:
        splat: placed.
    """
    bounds = splat.bounds(_MOST_OF_IT)
    width, height, depth = (float(one) for one in bounds.size)
    reach = FILLED_SHARE * math.tan(math.radians(camera.fov_deg) / 2)
    scale = reach * camera.radius / max((max(width, height) + reach * depth) / 2, 1e-6)
    x, y, z = (float(one) for one in np.array(camera.target) - scale * bounds.centre)
    return placed(replace(splat, pose=Pose(scale=scale, translation=(x, y, z), camera=camera)))


def _camera_of(splat: Splat) -> PictureCamera:
    if splat.pose.camera is None:
        raise ValueError("got a splat without a camera, expected one that stands on a picture")
    return splat.pose.camera


def _window(camera: PictureCamera) -> Crop:
    left, top, side = camera.crop
    margin = side * (_WINDOW - 1) / 2
    return Crop(left - margin, top - margin, side * _WINDOW)


def _silhouette(splat: Splat, camera: PictureCamera) -> np.ndarray:
    """(_SIDE, _SIDE) bool."""
    return painted(splat, through(camera, _window(camera), _SIDE)).alpha >= 0.5


def _wanted(mask: np.ndarray, camera: PictureCamera) -> np.ndarray:
    return mask_square(mask, _window(camera), _SIDE) >= masks.HALF


def _moved(splat: Splat, camera: PictureCamera, shift: Shift) -> Splat:
    """The splat scaled about the camera's target and moved across its view.

    Args:
        splat: placed.
    """
    right, up, _ = camera.axes()
    across = _window(camera).side / camera.f_px * camera.radius  # of the window, at the target
    target = np.array(camera.target)
    translation = target * (1 - shift.scale) + across * (shift.right * right - shift.down * up)
    x, y, z = (float(value) for value in translation)
    return placed(replace(splat, pose=Pose(scale=shift.scale, translation=(x, y, z), camera=splat.pose.camera)))


def _best_shift(shown: np.ndarray, wanted: np.ndarray) -> Shift:
    """Aligns one silhouette with the other: by their bounds, then by hill climbing."""
    picture = Image.fromarray(shown.astype(np.uint8) * 255)

    def score(shift: Shift) -> float:
        return masks.overlap(np.asarray(_warped(picture, shift)) >= masks.HALF, wanted)

    start = _by_boxes(shown, wanted)
    best = max((Shift(), start), key=score)
    return _climbed(best, score)


def _by_boxes(shown: np.ndarray, wanted: np.ndarray) -> Shift:
    first, second = (masks.box_of(one.astype(np.uint8) * 255) for one in (shown, wanted))
    if first is None or second is None:
        return Shift()
    (x0, y0, x1, y1), (u0, v0, u1, v1) = first, second
    scale = math.sqrt((u1 - u0) * (v1 - v0) / ((x1 - x0) * (y1 - y0)))
    right = (u0 + u1) / 2 - _SIDE / 2 - scale * ((x0 + x1) / 2 - _SIDE / 2)
    down = (v0 + v1) / 2 - _SIDE / 2 - scale * ((y0 + y1) / 2 - _SIDE / 2)
    return Shift(scale, right / _SIDE, down / _SIDE)


def _climbed(best: Shift, score: Callable[[Shift], float]) -> Shift:
    """The best reached by changing one value at a time."""
    best_score, step = score(best), 0.04
    while step >= _FINEST:
        near = [best._replace(scale=best.scale * (1 + sign * step)) for sign in (1, -1)]
        near += [best._replace(right=best.right + sign * step / 2) for sign in (1, -1)]
        near += [best._replace(down=best.down + sign * step / 2) for sign in (1, -1)]
        found = max(near, key=score)
        if score(found) > best_score:
            best, best_score = found, score(found)
        else:
            step /= 2
    return best


def _warped(picture: Image.Image, shift: Shift) -> Image.Image:
    middle = _SIDE / 2
    back = 1 / shift.scale
    x = middle - back * (middle + shift.right * _SIDE)
    y = middle - back * (middle + shift.down * _SIDE)
    return picture.transform(picture.size, Image.Transform.AFFINE, (back, 0, x, 0, back, y), Image.Resampling.BILINEAR)
