"""Where a camera sees points of the world: the slow twin of what paints and places splats."""

from __future__ import annotations

import numpy as np

from studio.geometry import PictureCamera


def project(camera: PictureCamera, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Args:
        points: (N, 3).

    Returns:
        (N, 2) pixels, x then y, and (N,) depths before the camera; a depth of 0 or less is behind it.
    """
    seen = (np.asarray(points, np.float64) - camera.position()) @ camera.axes().T
    depth = -seen[:, 2]
    ahead = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
    flat = camera.f_px * seen[:, :2] / ahead[:, None] * (1, -1)
    return flat + camera.centre_px, depth
