"""The coordinate convention of the whole project, and the cameras of LGM and ImageDream.

The world is right-handed: x right, y up, z towards who looks from the front. A pose is a [4, 4] matrix that takes
points of the camera to the world (column vectors); the camera's axes are OpenGL's: x right, y up, and it looks along
its -z. Angles are in degrees: azimuth 0 is in front (+z) and 90 at the right (+x); elevation is positive when the
camera is above. Points of a picture are (x, y) pixels from its top-left corner; pixel (column, row) has its centre at
(column + 0.5, row + 0.5).

    published name                                        here
    kiui `orbit_camera(e, a)`                             `orbit_pose(-e, a)`: there a negative elevation is above
    ... with `opengl=False`                               the third column of it times -1
    LGM `prepare_default_rays(elevation=e)`               `default_rays(config, -e)`
    ashawkey/mvdream_diffusers `get_camera(elevation=e)`  `imagedream_cameras(e)`: there positive is above, as here
    3DTopia/LGM mvdream `get_camera(elevation=e)`         `imagedream_cameras(-e)`
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from lgm.config import BIG, LGMConfig

AZIMUTHS_DEG = (0.0, 90.0, 180.0, 270.0)
"""The four views, in LGM's order."""
FRAME_OF_VIEW = (1, 2, 3, 0)
"""LGM's view k is this frame of ImageDream's. Source: 3DTopia/LGM infer.py."""


class Camera(NamedTuple):
    """A pinhole camera; off-axis if the principal point is not the picture's centre."""

    pose: Tensor  # [4, 4], OpenGL axes
    fx: float  # focal lengths, pixels
    fy: float
    cx: float  # principal point, pixels from the top-left corner
    cy: float
    width: int  # of the picture, pixels
    height: int

    def resized(self, width: int, height: int) -> Camera:
        """The same view at another resolution."""
        across, down = width / self.width, height / self.height
        return Camera(self.pose, self.fx * across, self.fy * down, self.cx * across, self.cy * down, width, height)

    def window(self, left: float, top: float, width: int, height: int) -> Camera:
        """A crop of the view, or more than it: `left` and `top` may be negative."""
        return Camera(self.pose, self.fx, self.fy, self.cx - left, self.cy - top, width, height)


def orbit_pose(elevation_deg: float, azimuth_deg: float, radius: float = BIG.cam_radius) -> Tensor:
    """The pose of an upright camera that looks at the origin.

    Returns:
        [4, 4] float64.
    """
    e, a = math.radians(elevation_deg), math.radians(azimuth_deg)
    right = (math.cos(a), 0.0, -math.sin(a))
    up = (-math.sin(e) * math.sin(a), math.cos(e), -math.sin(e) * math.cos(a))
    backward = (math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a))
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3] = torch.tensor([right, up, backward], dtype=torch.float64).T
    pose[:3, 3] = radius * pose[:3, 2]
    return pose


def projected(points: Tensor, camera: Camera) -> tuple[Tensor, Tensor]:
    """[N, 2] pixels, x then y, and [N] depth of points [N, 3] before a camera."""
    view = world_to_camera(camera.pose).to(points)
    x, y, z = (points @ view[:3, :3].T + view[:3, 3]).unbind(-1)
    return torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], -1), z


def orbit_camera(elevation_deg: float, azimuth_deg: float, size: int) -> Camera:
    """LGM's camera, for a square picture of `size` pixels."""
    f_px, pose = focal_px(size, BIG.fovy), orbit_pose(elevation_deg, azimuth_deg, BIG.cam_radius)
    return Camera(pose, f_px, f_px, size / 2, size / 2, size, size)


def focal_px(size: int, fov_deg: float) -> float:
    """The focal length for a picture `size` pixels high with this field of view."""
    return 0.5 * size / math.tan(math.radians(fov_deg) / 2)


def world_to_camera(pose: Tensor) -> Tensor:
    """[..., 4, 4] for column vectors: a pose's view matrix, to OpenCV axes (x right, y down, looks along +z)."""
    flip = pose.new_tensor([1.0, -1.0, -1.0, 1.0])
    return torch.linalg.inv(pose * flip)


def rays(pose: Tensor, size: int, fov_deg: float) -> tuple[Tensor, Tensor]:
    """Origin and directions of the rays through the pixel centres of a square picture.

    Returns:
        [3] origin, and [size, size, 3] unit directions; both in the world.
    """
    centres = (torch.arange(size, dtype=pose.dtype) + 0.5 - size / 2) / focal_px(size, fov_deg)
    y, x = torch.meshgrid(-centres, centres, indexing="ij")
    directions = torch.stack([x, y, -torch.ones_like(x)], dim=-1) @ pose[:3, :3].T
    return pose[:3, 3], torch.nn.functional.normalize(directions, dim=-1)


def ray_embedding(pose: Tensor, size: int, fov_deg: float) -> Tensor:
    """Pluecker coordinates of every pixel's ray: origin x direction, then direction.

    Returns:
        [6, size, size].
    """
    origin, directions = rays(pose, size, fov_deg)
    moments = torch.linalg.cross(origin.expand_as(directions), directions, dim=-1)
    return torch.cat([moments, directions], dim=-1).permute(2, 0, 1)


def default_rays(config: LGMConfig = BIG, elevation_deg: float = 0.0) -> Tensor:
    """The ray embeddings of LGM's four cameras, at azimuth 0, 90, 180, 270 degrees.

    Returns:
        [4, 6, input_size, input_size] float32.
    """
    poses = [orbit_pose(elevation_deg, azimuth, config.cam_radius) for azimuth in AZIMUTHS_DEG]
    return torch.stack([ray_embedding(pose, config.input_size, config.fovy) for pose in poses]).float()


def imagedream_cameras(elevation_deg: float = 0.0, *, blender: bool = True, extra_view: bool = True) -> Tensor:
    """The four cameras as ImageDream expects them, sixteen numbers each.

    Args:
        blender: use Blender's world axes (z up), as the weights expect.
        extra_view: append a row of zeros: the view that carries the input picture.

    Returns:
        [4, 16] or [5, 16] float32: poses at distance 1, flattened.

    Source: bytedance/ImageDream camera_utils.py.
    """
    poses = torch.stack([orbit_pose(elevation_deg, azimuth, radius=1.0) for azimuth in AZIMUTHS_DEG])
    if blender:  # Blender's y is our -z, its z our y
        poses = poses[:, [0, 2, 1, 3]] * poses.new_tensor([1.0, -1.0, 1.0, 1.0])[:, None]
    rows = poses.flatten(1)
    return (torch.cat([rows, torch.zeros_like(rows[:1])]) if extra_view else rows).float()
