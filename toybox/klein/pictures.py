"""Training pictures: geometries traced once and stored as bytes, to be shown in any colours."""

import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from toybox.edits import with_thing
from toybox.klein.model import TRAINING_SIZE
from toybox.parallel import in_processes
from toybox.words import BACKGROUND_RGB, COLOUR_RGB, KINDS, Background, Colour
from toybox.world import Scene, is_allowed, render_planes, sample_scene

MOST_OBJECTS = 2
_PLANE_COUNT = MOST_OBJECTS + 3 + 1
_FULL_SCALE = 1.25


@dataclass(frozen=True)
class Family:
    """A scene, one of its objects, and the same scene with that object of another kind.

    Attributes:
        scene: as it was sampled.
        changed: index of the object whose kind differs in the twin.
        twin: the scene with the other kind; both belong to the training split.
    """

    scene: Scene
    changed: int
    twin: Scene


class Geometries:
    """Traced families: plane bytes (families, 2, 6, H, W) uint8, scene then twin; 2 GB for 10,000 at 128 px."""

    def __init__(self, path: Path, seed: int) -> None:
        """Opens the file that `trace_families` wrote with the same seed."""
        self.planes = np.load(path)
        self.seed = seed

    def __len__(self) -> int:
        return len(self.planes)

    def family(self, index: int) -> Family:
        """The scenes of the planes at this index."""
        return sample_family(self.seed, index)

    def shaded(self, index: int, twin: int, colours: list[Colour], background: Background) -> Tensor:
        """The picture of one geometry in the given colours, 3HW float32, [0, 1]."""
        return shade_bytes(torch.from_numpy(self.planes[index, twin]), colours, background)


def sample_family(seed: int, index: int) -> Family:
    """The index-th family of a seed, independent of all others."""
    rng = random.Random(f"{seed} {index}")
    scene = sample_scene(rng)
    changed = rng.randrange(len(scene.objects))
    while True:
        kind = rng.choice([kind for kind in KINDS if kind != scene.objects[changed].kind])
        twin = with_thing(scene, changed, replace(scene.objects[changed], kind=kind))
        if is_allowed(twin, "train"):
            return Family(scene, changed, twin)


def plane_bytes(scene: Scene, size: int = TRAINING_SIZE) -> np.ndarray:
    """The planes of a scene of at most two objects as bytes, (6, H, W): two weights, own colours, ground."""
    planes = render_planes(scene, size=size)
    missing = torch.zeros(MOST_OBJECTS - len(scene.objects), size, size)
    stacked = torch.cat([planes.weights, missing, planes.own, planes.ground[None]])
    return (stacked * (255 / _FULL_SCALE)).round().clamp(0, 255).to(torch.uint8).numpy()


def shade_bytes(planes: Tensor, colours: list[Colour], background: Background) -> Tensor:
    """The picture of plane bytes (6, H, W) in the given colours, 3HW float32, [0, 1]."""
    mixing = torch.zeros(3, _PLANE_COUNT)
    for column, colour in enumerate(colours):
        mixing[:, column] = torch.tensor(COLOUR_RGB[colour])
    mixing[:, MOST_OBJECTS : MOST_OBJECTS + 3] = torch.eye(3)
    mixing[:, -1] = torch.tensor(BACKGROUND_RGB[background])
    flat = planes.flatten(start_dim=1).float()  # [6, H * W]
    return (mixing @ flat).mul_(_FULL_SCALE / 255).clamp_(0, 1).reshape(3, *planes.shape[1:])


def trace_families(path: Path, count: int, seed: int, size: int = TRAINING_SIZE) -> Geometries:
    """Traces the families 0 to count - 1 of a seed in parallel, unless the file exists."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npy")
        shape = (count, 2, _PLANE_COUNT, size, size)
        planes = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
        for index, traced in enumerate(in_processes(_trace_family, [seed] * count, range(count), [size] * count)):
            planes[index] = traced
        planes.flush()
        part.replace(path)
    return Geometries(path, seed)


def _trace_family(seed: int, index: int, size: int) -> np.ndarray:
    family = sample_family(seed, index)
    return np.stack([plane_bytes(family.scene, size), plane_bytes(family.twin, size)])
