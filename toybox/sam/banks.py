"""Pictures made once and kept as bytes: geometries of the toy world without their colours, and clutter. No networks."""

import os
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from toybox.sam.clutter import MOST_REGIONS, Clutter, sample_clutter
from toybox.sam.fills import Fields
from toybox.sam.model import PICTURE_SIZE
from toybox.world import Scene, Thing, is_allowed, render_planes, sample_scene

MOST_OBJECTS = 3
PLANE_COUNT = MOST_OBJECTS + 3 + 1 + 1
FULL_SCALE = 1.25
"""The brightest value that fits into the bytes of a plane."""

_CROWD = 0.25


class Banks(NamedTuple):
    """Everything that training pictures are made of.

    Attributes:
        seed: of the toy scenes.
        planes: (N, 8, H, W) uint8: weights of three objects, own colours RGB, ground, number of the object seen.
        images: (M, H, W, 3) uint8, clutter.
        regions: (M, H, W) uint8, see `Clutter`.
        owners: (M, 3, 64) uint8: things, groups and whether it is a part, see `Clutter`.
    """

    seed: int
    planes: np.ndarray
    images: np.ndarray
    regions: np.ndarray
    owners: np.ndarray


def build_banks(folder: Path, *, scenes: int, clutters: int, seed: int) -> Banks:
    """Makes what is not there yet, in parallel, and opens it."""
    side = PICTURE_SIZE
    toys = _build(folder / "toy.npy", partial(toy_record, seed), scenes, {"planes": (PLANE_COUNT, side, side)})
    shapes = {"images": (side, side, 3), "regions": (side, side), "owners": (3, MOST_REGIONS)}
    clutter = _build(folder / "clutter.npy", partial(clutter_record, seed), clutters, shapes)
    return Banks(seed, toys["planes"], clutter["images"], clutter["regions"], clutter["owners"])


def sample_toy(seed: int, index: int) -> Scene:
    """The index-th scene of a seed: mostly the usual one or two objects, at times three that hide each other."""
    rng = random.Random(f"toy sam {seed} {index}")
    if rng.random() >= _CROWD:
        return sample_scene(rng)
    while True:
        scene = sample_scene(rng, count=MOST_OBJECTS)
        things = tuple(_somewhere(rng, thing) for thing in scene.objects)
        if is_allowed(crowd := replace(scene, objects=things), "train"):
            return crowd


def toy_record(seed: int, index: int) -> dict[str, np.ndarray]:
    """The planes of a scene, see `Banks`."""
    return {"planes": plane_bytes(sample_toy(seed, index))}


def plane_bytes(scene: Scene) -> np.ndarray:
    """A scene of at most three objects as planes (8, H, W) uint8, see `Banks`."""
    planes = render_planes(scene, size=PICTURE_SIZE)
    missing = torch.zeros(MOST_OBJECTS - len(scene.objects), PICTURE_SIZE, PICTURE_SIZE)
    stacked = torch.cat([planes.weights, missing, planes.own, planes.ground[None]])
    colours = (stacked * (255 / FULL_SCALE)).round().clamp(0, 255).to(torch.uint8)
    seen = planes.coverage.argmax(dim=0) + 1
    numbers = torch.where(planes.coverage.sum(dim=0) >= 0.5, seen, 0).to(torch.uint8)
    return torch.cat([colours, numbers[None]]).numpy()


def clutter_record(seed: int, index: int) -> dict[str, np.ndarray]:
    """The index-th training clutter of a seed, see `Banks`."""
    clutter = sample_clutter(np.random.default_rng([seed, index]), _fields(), PICTURE_SIZE)
    return {"images": clutter.image, "regions": clutter.regions, "owners": owners_of(clutter)}


def owners_of(clutter: Clutter) -> np.ndarray:
    """Things, groups and parts as one array, (3, 64) uint8."""
    return np.stack([clutter.things, clutter.groups, clutter.is_part.astype(np.uint8)])


def _somewhere(rng: random.Random, thing: Thing) -> Thing:
    return replace(thing, x=rng.uniform(-0.75, 0.75), z=rng.uniform(-0.8, 0.5), scale=rng.uniform(0.4, 0.8))


@cache
def _fields() -> Fields:
    return Fields()


def _build(
    path: Path, record: Callable[[int], dict[str, np.ndarray]], count: int, shapes: dict[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """One file per array, named after the path; they appear only when all records are written."""
    paths = {name: path.with_name(f"{path.stem}_{name}.npy") for name in shapes}
    if not all(file.exists() for file in paths.values()):
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = {name: file.with_suffix(".part.npy") for name, file in paths.items()}
        arrays = {
            name: np.lib.format.open_memmap(parts[name], mode="w+", dtype=np.uint8, shape=(count, *shape))
            for name, shape in shapes.items()
        }
        with ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
            for index, made in enumerate(pool.map(record, range(count), chunksize=50)):
                for name, value in made.items():
                    arrays[name][index] = value
        for name, array in arrays.items():
            array.flush()
            parts[name].replace(paths[name])
    return {name: np.load(file, mmap_mode="r") for name, file in paths.items()}
