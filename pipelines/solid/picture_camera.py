"""The camera of the picture that Gaussians were made from, found by comparing outlines.

A network assumes a lens, and the elevation is only about known: seen from there, its output would miss the outline.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from operator import itemgetter

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
_HIGHER_DEG = (-8.0, -4.0, 0.0, 4.0, 8.0, 12.0, 16.0, 20.0)
"""Added to the elevation, which people leave at 0 and which differs across a picture; then `_FINER_DEG`."""
_FINER_DEG = (-2.0, 2.0)
_PER_DEG = 0.0005
"""What a degree must add to the intersection over union: a ball looks the same from all of them."""


def picture_camera(gaussians: Gaussians, outline: Tensor, elevation_deg: float) -> PictureCamera:
    """The camera from which Gaussians cover an outline best.

    Args:
        gaussians: [N, ...] around the origin, front at +z.
        outline: [S, S] in [0, 1], of the object in its picture.
        elevation_deg: of the camera, roughly.

    Returns:
        A camera whose crop is the whole outline.
    """
    side = len(outline)
    wide = 2 * math.degrees(math.atan(math.tan(math.radians(BIG.fovy) / 2) * BIG.cam_radius / _RADIUS))
    level = PictureCamera(side, side, Crop(0.0, 0.0, float(side)), wide, _RADIUS)

    def tried(elevations_deg: Iterable[float]) -> list[tuple[PictureCamera, float]]:
        found = []
        for each in elevations_deg:
            camera, overlap = aimed(gaussians, outline, replace(level, elevation_deg=each))
            found.append((camera, overlap - _PER_DEG * abs(each - elevation_deg)))
        return found

    rough = max(tried(elevation_deg + more for more in _HIGHER_DEG), key=itemgetter(1))
    fine = tried(rough[0].elevation_deg + more for more in _FINER_DEG)
    return max(rough, *fine, key=itemgetter(1))[0]


def aimed(gaussians: Gaussians, outline: Tensor, camera: PictureCamera) -> tuple[PictureCamera, float]:
    """The camera zoomed and moved sideways until it sees an outline, and the intersection over union then."""
    seen, wanted = (
        plane.cpu().numpy() >= 0.5 for plane in (render(gaussians, lens_of(camera, len(outline))).alpha, outline)
    )
    shift, overlap = aligned(seen, wanted)
    reach = math.tan(math.radians(camera.fov_deg) / 2) / shift.scale
    right, up, _ = camera.axes()
    sideways = 2 * reach * camera.radius * (shift.down * up - shift.right * right)
    x, y, z = (float(one) for one in np.array(camera.target) + sideways)
    return replace(camera, fov_deg=2 * math.degrees(math.atan(reach)), target=(x, y, z)), overlap


def lens_of(camera: PictureCamera, side: int) -> Camera:
    """What it sees in its crop, in `side` pixels."""
    f_px, pose = focal_px(side, camera.fov_deg), orbit_pose(camera.elevation_deg, camera.azimuth_deg, camera.radius)
    pose[:3, 3] += pose.new_tensor(camera.target)
    return Camera(pose, f_px, f_px, side / 2, side / 2, side, side)
