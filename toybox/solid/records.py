"""Turntables traced once and stored on disk, to be shown in any colour."""

import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from toybox.parallel import in_processes
from toybox.solid.turntable import EXTRA_VIEWS, VIEWS, Turntable, sample_turntable
from toybox.world import Camera, Planes, camera_rays, render_planes

SIZE = 128
"""Side of the photo and of every view, in pixels."""

_ALL_VIEWS = VIEWS + EXTRA_VIEWS
_PLANES = 6
_FULL_SCALE = 1.25


class Records:
    """Traced turntables, 1 MB each.

    Attributes:
        planes: (N, 9, 6, H, W) uint8: the photo, then the views; for each, the weight of the object's colour, its fixed
            colours RGB, the weight of the background, and the coverage.
        depths: (N, 8, H, W) float16 of the views, in world units along the viewing axis; infinite outside.
        seed: of the turntables.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        """Opens the files that `trace_turntables` wrote with the same seed."""
        self.planes = np.load(folder / "planes.npy", mmap_mode="r")
        self.depths = np.load(folder / "depths.npy", mmap_mode="r")
        self.seed = seed

    def __len__(self) -> int:
        return len(self.planes)

    def turntable(self, index: int) -> Turntable:
        """The turntable at this index."""
        return turntable_of(self.seed, index)


def turntable_of(seed: int, index: int) -> Turntable:
    """The index-th turntable of a seed, independent of all others."""
    return sample_turntable(random.Random(f"turntable {seed} {index}"))


def trace_turntables(folder: Path, count: int, seed: int) -> Records:
    """Traces the turntables 0 to count - 1 of a seed in parallel, unless they exist."""
    if not (folder / "depths.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        parts = [folder / "planes.part.npy", folder / "depths.part.npy"]
        shapes = [(count, 1 + _ALL_VIEWS, _PLANES, SIZE, SIZE), (count, _ALL_VIEWS, SIZE, SIZE)]
        planes = np.lib.format.open_memmap(parts[0], mode="w+", dtype=np.uint8, shape=shapes[0])
        depths = np.lib.format.open_memmap(parts[1], mode="w+", dtype=np.float16, shape=shapes[1])
        for index, traced in enumerate(in_processes(_trace, [seed] * count, range(count))):
            planes[index], depths[index] = traced
        for array, part, name in zip((planes, depths), parts, ("planes.npy", "depths.npy"), strict=True):
            array.flush()
            part.replace(folder / name)
    return Records(folder, seed)


def trace_planes(turntable: Turntable) -> tuple[np.ndarray, np.ndarray]:
    """A turntable as planes (9, 6, H, W) uint8 and depths (8, H, W) float16, see `Records`."""
    scenes = [turntable.photo, *(turntable.scene(index) for index in range(_ALL_VIEWS))]
    traced = [render_planes(scene, size=SIZE) for scene in scenes]
    planes = np.stack([plane_bytes(one) for one in traced])
    depths = torch.stack([one.depth for one in traced[1:]]).to(torch.float16).numpy()
    return planes, depths


def shade_bytes(planes: Tensor, colour: Tensor, background: Tensor) -> Tensor:
    """Pictures of one object in any colour.

    Args:
        planes: (..., 6, H, W) uint8, see `Records`.
        colour: RGB of the object, (..., 3).
        background: RGB of the floor or of the plain background, (..., 3).

    Returns:
        (..., 3, H, W) float32, [0, 1].
    """
    weight, own, ground, _ = planes.float().mul(_FULL_SCALE / 255).split([1, 3, 1, 1], dim=-3)
    return (own + weight * colour[..., None, None] + ground * background[..., None, None]).clamp_(0, 1)


def coverage_of(planes: Tensor) -> Tensor:
    """The share of each pixel that the object covers: (..., 6, H, W) uint8 to (..., H, W) float32, [0, 1]."""
    return (planes[..., _PLANES - 1, :, :].float() * (_FULL_SCALE / 255)).clamp_(0, 1)


def positions_of(turntable: Turntable, depths: Tensor) -> Tensor:
    """The surface point that each pixel of the views sees.

    Args:
        turntable: the traced turntable.
        depths: (8, H, W) or the first few of them, see `Records`.

    Returns:
        (views, H, W, 3) float32 in LGM's units around the point all cameras look at; NaN outside the object.
    """
    found = [_points(turntable, camera, depth) for camera, depth in zip(turntable.cameras, depths, strict=False)]
    return torch.stack(found)


def _points(turntable: Turntable, camera: Camera, depth: Tensor) -> Tensor:
    rays = camera_rays(camera, depth.shape[-1])
    reach = depth.float().flatten() / rays.axial
    points = rays.origin - torch.tensor(camera.target) + rays.towards * reach[:, None]
    points[~depth.flatten().isfinite()] = torch.nan
    return (points * turntable.scale).view(*depth.shape, 3)


def plane_bytes(planes: Planes) -> np.ndarray:
    stacked = torch.cat([planes.weights[:1], planes.own, planes.ground[None], planes.coverage[:1]])
    return (stacked * (255 / _FULL_SCALE)).round().clamp(0, 255).to(torch.uint8).numpy()


def _trace(seed: int, index: int) -> tuple[np.ndarray, np.ndarray]:
    return trace_planes(turntable_of(seed, index))
