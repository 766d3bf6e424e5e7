"""How well a splat covers the object it was made from, and the size and place that cover it best.

Compares silhouettes from the picture's camera. Splats from elsewhere are first put in front of it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from studio import masks
from studio.contract import Size
from studio.geometry import Crop, PictureCamera
from studio.solid.alignment import Shift, aligned
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
_MIDDLE = 0.6
"""Size of a splat placed on a picture, as a share of the picture's shorter side."""
_MOST_OF_IT = 0.98
"""The share of a splat's Gaussians that determines its size, to ignore outliers."""


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
        current = _moved(current, camera, aligned(shown, wanted)[0])
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
