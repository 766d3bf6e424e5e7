"""The camera of the picture that Gaussians were made from, found by comparing outlines.

A network assumes a lens, and the elevation is only about known: seen from there, its output would miss the outline.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from torch import Tensor

from lgm.cameras import Camera, focal_px, orbit_pose
from lgm.config import BIG
from lgm.gaussians import Gaussians
from lgm.render import render
from studio.geometry import Crop, PictureCamera
from studio.solid.alignment import aligned

_RADIUS = 3.2
"""Of the camera, in LGM's units. Source: the mean of 60 pictures of `toybox/solid/turntable.py`, mostly 2.4 to 4."""
_HIGHER_DEG = (-4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0)
"""Added to the elevation: pictures show the object above or below their middle. In those 60, it was 2.0 +- 2.8."""


def picture_camera(gaussians: Gaussians, outline: Tensor, elevation_deg: float) -> PictureCamera:
    """The camera from which Gaussians cover an outline best.

    Args:
        gaussians: [N, ...] around the origin, front at +z.
        outline: [S, S] in [0, 1], of the object in its picture.
        elevation_deg: of the camera, roughly.

    Returns:
        A camera whose crop is the whole outline.
    """
    side, wanted = len(outline), outline.cpu().numpy() >= 0.5
    wide = 2 * math.degrees(math.atan(math.tan(math.radians(BIG.fovy) / 2) * BIG.cam_radius / _RADIUS))
    crop = Crop(0.0, 0.0, float(side))
    guesses = [PictureCamera(side, side, crop, wide, _RADIUS, 0.0, elevation_deg + more) for more in _HIGHER_DEG]
    return max((_aimed(gaussians, guess, wanted) for guess in guesses), key=lambda pair: pair[1])[0]


def lens_of(camera: PictureCamera, side: int) -> Camera:
    """What it sees in its crop, in `side` pixels."""
    f_px, pose = focal_px(side, camera.fov_deg), orbit_pose(camera.elevation_deg, camera.azimuth_deg, camera.radius)
    pose[:3, 3] += pose.new_tensor(camera.target)
    return Camera(pose, f_px, f_px, side / 2, side / 2, side, side)


def _aimed(gaussians: Gaussians, camera: PictureCamera, wanted: np.ndarray) -> tuple[PictureCamera, float]:
    """The camera zoomed and moved sideways until it sees an outline, and the intersection over union then."""
    side = len(wanted)
    shift, overlap = aligned(render(gaussians, lens_of(camera, side)).alpha.cpu().numpy() >= 0.5, wanted)
    reach = math.tan(math.radians(camera.fov_deg) / 2) / shift.scale
    right, up, _ = camera.axes()
    x, y, z = (float(one) for one in 2 * reach * camera.radius * (shift.down * up - shift.right * right))
    return replace(camera, fov_deg=2 * math.degrees(math.atan(reach)), target=(x, y, z)), overlap
