"""Turntables at the size of the toy networks, half of the traced size, in memory-mapped arrays.

Everything is rotated so that the first camera is at azimuth 0, as LGM assumes.
"""

import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lgm.cameras import orbit_pose
from toybox.parallel import in_processes
from toybox.solid.records import Records, positions_of, turntable_of
from toybox.solid.turntable import EXTRA_VIEWS, RADIUS, VIEWS, is_held_out
from toybox.words import COLOUR_RGB, COLOURS, KINDS

SIDE = 64
"""Side of a view in pixels, and of LGM's grid of Gaussians."""

_NAMED, _ALIKE = 0.4, 0.15
"""Share of objects with a named colour, and the distance (in RGB) from which on two colours are distinct."""

_ALL_VIEWS = VIEWS + EXTRA_VIEWS


@dataclass(frozen=True)
class Grids:
    """The training data, one entry per turntable.

    Attributes:
        planes: (N, 9, 6, 64, 64) uint8, see `Records`: the photo, then the views.
        positions: (N, 4, 3, 64, 64) float16: the surface point that each pixel of the four views sees, in LGM's world;
            NaN outside the object.
        angles: (N, 8, 2) float32: azimuth and elevation in degrees of all cameras, the first azimuth being 0.
        kinds: (N,) int64, indexes into `KINDS`.
    """

    planes: np.ndarray
    positions: np.ndarray
    angles: np.ndarray
    kinds: np.ndarray

    def __len__(self) -> int:
        return len(self.planes)

    def poses(self, index: int) -> Tensor:
        """(8, 4, 4) float32: the cameras of a turntable."""
        return torch.stack([orbit_pose(float(up), float(around), RADIUS) for around, up in self.angles[index]]).float()


def make_grids(folder: Path, records: Records) -> Grids:
    """Downsamples the traced turntables by two, unless the result exists."""
    if not (folder / "kinds.npy").exists():
        count = len(records)
        planes = np.lib.format.open_memmap(folder / "small.npy", "w+", np.uint8, (count, 1 + _ALL_VIEWS, 6, SIDE, SIDE))
        positions = np.lib.format.open_memmap(folder / "at.npy", "w+", np.float16, (count, VIEWS, 3, SIDE, SIDE))
        angles, kinds = np.zeros((count, _ALL_VIEWS, 2), np.float32), np.zeros(count, np.int64)
        halved = in_processes(_halve, [folder] * count, [records.seed] * count, range(count))
        for index, made in enumerate(halved):
            planes[index], positions[index], angles[index], kinds[index] = made
        planes.flush()
        positions.flush()
        np.save(folder / "angles.npy", angles)
        np.save(folder / "kinds.npy", kinds)  # last: marks the folder as complete
    names = ("small.npy", "at.npy", "angles.npy", "kinds.npy")
    return Grids(*(np.load(folder / name, mmap_mode="r") for name in names))


def sample_colour(kind: int, rng: random.Random) -> Tensor:
    """A colour (3,) for an object of this kind (an index into `KINDS`) in training: a named one or any other.

    With named colours only, a network memorises them: it gives the sides of a blue cube the nearest colour it saw on
    cubes. No colour is held out or close to a held-out one, see `is_held_out`.
    """
    named = [torch.tensor(COLOUR_RGB[colour]) for colour in COLOURS if not is_held_out(KINDS[kind], colour)]
    if rng.random() < _NAMED:
        return rng.choice(named)
    held_out = [torch.tensor(COLOUR_RGB[colour]) for colour in COLOURS if is_held_out(KINDS[kind], colour)]
    while True:
        colour = torch.tensor([rng.uniform(0.05, 1) for _ in range(3)])
        if all(float((colour - other).norm()) > _ALIKE for other in held_out):
            return colour


def facing(positions: Tensor, azimuth_deg: float) -> Tensor:
    """Rotates points (..., 3) about the vertical axis so that a camera at this azimuth is in front of them."""
    angle = math.radians(azimuth_deg)
    x, y, z = positions.unbind(-1)
    across, near = math.cos(angle), math.sin(angle)
    return torch.stack([across * x - near * z, y, near * x + across * z], dim=-1)


def _halve(folder: Path, seed: int, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    records = Records(folder, seed)
    turntable = turntable_of(seed, index)
    planes = torch.from_numpy(records.planes[index].copy()).float()
    small = torch.nn.functional.avg_pool2d(planes, 2).round().to(torch.uint8)
    points = positions_of(turntable, torch.from_numpy(records.depths[index, :VIEWS].copy()))
    azimuth = turntable.cameras[0].azimuth_deg
    squares = facing(points, azimuth).unflatten(2, (SIDE, 2)).unflatten(1, (SIDE, 2))  # views, y, 2, x, 2, 3
    at = squares.transpose(2, 3).flatten(3, 4).nanmean(dim=3).permute(0, 3, 1, 2)
    angles = [((camera.azimuth_deg - azimuth) % 360, camera.elevation_deg) for camera in turntable.cameras]
    return small.numpy(), at.half().numpy(), np.array(angles, np.float32), KINDS.index(turntable.thing.kind)
