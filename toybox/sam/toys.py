"""Scenes of the toy world, traced once and stored as bytes, to be shown in any colours."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from toybox.parallel import in_processes
from toybox.words import BACKGROUND_RGB, BACKGROUNDS, COLOUR_RGB, COLOURS, Colour, Rgb
from toybox.world import Scene, Thing, is_allowed, render_planes, sample_scene

MOST_OBJECTS = 3
TRACED_SIZE = 256
_PLANE_COUNT = MOST_OBJECTS + 3 + 1 + 1
_FULL_SCALE = 1.25
_CROWD = 0.25


class Toys:
    """Traced training scenes.

    Attributes:
        path: of the file.
        planes: (N, 8, H, W) uint8: weights of three objects, own colours RGB, ground, number of the object seen.
        seed: of the scenes.
    """

    def __init__(self, path: Path, seed: int) -> None:
        """Opens the file that `trace_toys` wrote with the same seed."""
        self.path = path
        self.planes = np.load(path, mmap_mode="r")
        self.seed = seed

    def __reduce__(self) -> tuple[type[Self], tuple[Path, int]]:
        """Another process opens the file again."""
        return type(self), (self.path, self.seed)

    def __len__(self) -> int:
        return len(self.planes)

    def scene(self, index: int) -> Scene:
        """The scene of the planes at this index."""
        return sample_toy(self.seed, index)


def trace_toys(path: Path, count: int, seed: int) -> Toys:
    """Traces the scenes 0 to count - 1 of a seed in parallel, unless the file exists."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npy")
        shape = (count, _PLANE_COUNT, TRACED_SIZE, TRACED_SIZE)
        planes = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
        for index, traced in enumerate(in_processes(_trace, [seed] * count, range(count))):
            planes[index] = traced
        planes.flush()
        part.replace(path)
    return Toys(path, seed)


def sample_toy(seed: int, index: int) -> Scene:
    """The index-th scene of a seed: mostly one or two objects, sometimes three that occlude each other."""
    rng = random.Random(f"toy sam {seed} {index}")
    if rng.random() >= _CROWD:
        return sample_scene(rng)
    while True:
        scene = sample_scene(rng, count=MOST_OBJECTS)
        things = tuple(_somewhere(rng, thing) for thing in scene.objects)
        if is_allowed(crowd := replace(scene, objects=things), "train"):
            return crowd


def plane_bytes(scene: Scene) -> np.ndarray:
    """A scene of at most three objects as planes, (8, H, W) uint8, see `Toys`."""
    planes = render_planes(scene, size=TRACED_SIZE)
    missing = torch.zeros(MOST_OBJECTS - len(scene.objects), TRACED_SIZE, TRACED_SIZE)
    stacked = torch.cat([planes.weights, missing, planes.own, planes.ground[None]])
    colours = (stacked * (255 / _FULL_SCALE)).round().clamp(0, 255).to(torch.uint8)
    seen = planes.coverage.argmax(dim=0) + 1
    numbers = torch.where(planes.coverage.sum(dim=0) >= 0.5, seen, 0).to(torch.uint8)
    return torch.cat([colours, numbers[None]]).numpy()


def enlarge(planes: Tensor, size: int) -> Tensor:
    """Resizes planes (8, H, W) uint8: object numbers by nearest neighbour, colours with interpolation."""
    if size == planes.shape[-1]:
        return planes
    shape = (size, size)
    colours = F.interpolate(planes[None, :-1].float(), shape, mode="bilinear", align_corners=False).round()
    numbers = F.interpolate(planes[None, -1:].float(), shape, mode="nearest-exact")
    return torch.cat([colours, numbers], dim=1)[0].to(torch.uint8)


def shade_planes(planes: Tensor, colours: Tensor, background: Tensor) -> Tensor:
    """The picture of a geometry in any colours.

    Args:
        planes: (8, H, W) uint8, see `Toys`.
        colours: (3, 3) float32, one RGB per object.
        background: RGB of the ground as (3, 1, 1), or a picture (3, H, W) behind the objects.

    Returns:
        (3, H, W) float32, [0, 1].
    """
    values = planes[: _PLANE_COUNT - 1].float() * (_FULL_SCALE / 255)
    weights, own, ground = values.split([MOST_OBJECTS, 3, 1])
    return (own + torch.einsum("nhw,nc->chw", weights, colours) + ground * background).clamp_(0, 1)


def training_colours(scene: Scene, rng: np.random.Generator) -> tuple[list[Rgb], Rgb]:
    """Random colours for a scene's objects and background that keep it in the training split."""
    while True:
        names: list[Colour] = [COLOURS[rng.integers(len(COLOURS))] for _ in scene.objects]
        background = BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
        things = tuple(Thing(thing.kind, name) for thing, name in zip(scene.objects, names, strict=True))
        if is_allowed(Scene(things, background), "train"):
            return [COLOUR_RGB[name] for name in names], BACKGROUND_RGB[background]


def _somewhere(rng: random.Random, thing: Thing) -> Thing:
    return replace(thing, x=rng.uniform(-0.75, 0.75), z=rng.uniform(-0.8, 0.5), scale=rng.uniform(0.4, 0.8))


def _trace(seed: int, index: int) -> np.ndarray:
    return plane_bytes(sample_toy(seed, index))
