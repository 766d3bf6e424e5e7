"""Geometry: square crops of pictures, cameras, rotations.

Coordinates are those of `lgm/cameras.py`: right-handed, x right, y up; a camera looks along its -z. Lengths are world
units. Image points are (x, y) pixels from the top-left corner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

LONGEST = 1e6
"""The largest length, in world units or pixels."""

Triple = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
NOT_TURNED: Quaternion = (1.0, 0.0, 0.0, 0.0)


class Crop(NamedTuple):
    """A square of a picture, in its pixels; it may reach beyond the picture."""

    left: float
    top: float
    side: float


@dataclass(frozen=True)
class PictureCamera:
    """The pinhole camera of a picture, whose square view is a crop of it.

    Off-axis in the picture as a whole: the crop may lie anywhere. The defaults are LGM's camera.
    """

    width: int  # of the picture, pixels
    height: int
    crop: Crop
    fov_deg: float = 49.1  # of the crop, across and down. Source: 3DTopia/LGM core/options.py
    radius: float = 1.5  # from the target, world units
    azimuth_deg: float = 0.0  # 0: in front (+z); 90: at the right (+x)
    elevation_deg: float = 0.0  # positive: the camera is above
    target: Triple = (0.0, 0.0, 0.0)  # what it looks at

    @property
    def f_px(self) -> float:
        """Focal length in pixels of the picture."""
        return 0.5 * self.crop.side / math.tan(math.radians(self.fov_deg) / 2)

    @property
    def centre_px(self) -> tuple[float, float]:
        """The principal point: where in the picture the target is."""
        return self.crop.left + self.crop.side / 2, self.crop.top + self.crop.side / 2

    def axes(self) -> np.ndarray:
        """(3, 3) float64: rows are right, up and backward of the camera in the world."""
        a, e = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        backward = (math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a))
        right = (math.cos(a), 0.0, -math.sin(a))
        return np.array([right, np.cross(backward, right), backward])

    def position(self) -> np.ndarray:
        """(3,) float64, world units."""
        return np.array(self.target) + self.radius * self.axes()[2]


def quarter(rotation: Sequence[float]) -> Quaternion:
    """The nearest orientation of a cube, with a canonical sign.

    Args:
        rotation: of about unit length.
    """
    steps = (0.0, 0.5, 0.5**0.5, 1.0)
    parts = [float(np.copysign(min(steps, key=lambda step: abs(abs(one) - step)), one)) for one in rotation]
    sign = next((np.sign(one) for one in parts if one), 1.0)
    w, x, y, z = (float(sign * one) + 0.0 for one in parts)
    return w, x, y, z


def camera_values(camera: PictureCamera) -> dict[str, Any]:
    """A camera as JSON values, for `viewer.js`."""
    return asdict(camera) | {"crop": list(camera.crop), "target": list(camera.target)}


def read_camera(values: object) -> PictureCamera | None:
    """The inverse of `camera_values`, for untrusted values; None if they are invalid."""
    if not isinstance(values, dict):
        return None
    width, height = _side(values.get("width")), _side(values.get("height"))
    angles = numbers([values.get(name) for name in ("fov_deg", "radius", "azimuth_deg", "elevation_deg")], 4)
    crop, target = numbers(values.get("crop"), 3), numbers(values.get("target"), 3)
    if not width or not height or angles is None or crop is None or target is None:
        return None
    fov_deg, radius, azimuth_deg, elevation_deg = angles
    if not (0 < fov_deg < 180 and radius > 0 and crop[2] > 0 and abs(elevation_deg) <= 90):
        return None
    return PictureCamera(width, height, Crop(*crop), fov_deg, radius, azimuth_deg, elevation_deg, target)


def _side(value: object) -> int:
    """A side in pixels; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LONGEST else 0


def numbers(values: object, count: int) -> Any:
    """`count` finite numbers of bounded size as a tuple of floats; None for anything else."""
    if not isinstance(values, list) or len(values) != count:
        return None
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LONGEST:
            return None
    return tuple(float(value) for value in values)
