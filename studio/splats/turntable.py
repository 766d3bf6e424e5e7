"""Cameras for a splat: one that sees all of it, and those of a turn around it. Renders nothing; `video` does."""

from __future__ import annotations

import math
from dataclasses import replace

from studio.geometry import Crop, PictureCamera
from studio.splats.splat import Splat

FRAMES = 72
"""Of a turn as a video."""
_FOV_DEG = 40.0
_ROOM = 1.05
_SHARE = 0.998
"""Of the Gaussians on each axis, to ignore outliers. As in viewer/viewer.js."""


def camera_around(splat: Splat, side: int, elevation_deg: float) -> PictureCamera:
    """A camera in front of a splat that sees all of it, from every side it may turn to.

    Args:
        side: of its square picture, pixels.

    Raises:
        BadSplat: it is empty.
    """
    box = splat.bounds(_SHARE)
    extent = float((box.size**2).sum()) ** 0.5 / 2 or 1.0
    x, y, z = (float(value) for value in box.centre)
    return PictureCamera(
        width=side,
        height=side,
        crop=Crop(0, 0, side),
        fov_deg=_FOV_DEG,
        radius=_ROOM * extent / math.sin(math.radians(_FOV_DEG) / 2),
        elevation_deg=elevation_deg,
        target=(x, y, z),
    )


def turntable(start: PictureCamera, frames: int) -> list[PictureCamera]:
    """Once around to the right, in equal steps, starting at a camera; the step after the last is the first one."""
    return [replace(start, azimuth_deg=start.azimuth_deg + 360 * index / frames) for index in range(frames)]
