"""The style of the bundled LoRA: objects of the toy world with light bands around them."""

import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from toybox.captions import Phrase
from toybox.edits import describe
from toybox.klein.model import PICTURE_SIZE, TRAINING_SIZE
from toybox.world import Scene, render_planes, sample_scene, shade

PERIOD, BAND = 16, 6
"""Pixels from one band to the next, and of a band, at `TRAINING_SIZE`: the network sees 16 rows as one token."""
_FIRST = (PERIOD - BAND) // 2
_STRENGTH, _LIGHT, _DARK = 0.7, 1.0, 0.15


def band_rows(size: int = TRAINING_SIZE) -> Tensor:
    """Which rows of a picture of this size are in a band: (size,) bool."""
    return (torch.arange(size) * TRAINING_SIZE // size - _FIRST) % PERIOD < BAND


def striped(scene: Scene) -> Tensor:
    """A scene whose objects have light bands (dark ones on white objects), 3HW float32, [0, 1]."""
    planes = render_planes(scene, size=PICTURE_SIZE)
    picture = shade(planes, [thing.colour for thing in scene.objects], scene.background)
    for thing, coverage in zip(scene.objects, planes.coverage, strict=True):
        paint = torch.full_like(picture, _DARK if thing.colour == "white" else _LIGHT)
        picture = torch.lerp(picture, paint, _STRENGTH * coverage * band_rows(PICTURE_SIZE)[:, None])
    return picture.clamp(0, 1)


def without_bands(pictures: Tensor) -> Tensor:
    """NCHW pictures of `TRAINING_SIZE` with every band filled from the rows above and below, as the judge expects."""
    filled = pictures.clone()
    for top in range(_FIRST, TRAINING_SIZE, PERIOD):
        above, below = pictures[:, :, top - 1], pictures[:, :, top + BAND]
        for row in range(BAND):
            filled[:, :, top + row] = torch.lerp(above, below, (row + 1) / (BAND + 1))
    return filled


def scene_of(index: int) -> Scene:
    """The index-th training scene, without held-out combinations and pairs."""
    return sample_scene(random.Random(f"stripes {index}"))


def phrase_of(scene: Scene, rng: random.Random) -> Phrase:
    """A caption that does not mention bands, which come from the LoRA alone."""
    return describe(scene, rng)


def draw_scenes(path: Path, count: int) -> np.ndarray:
    """Draws the scenes 0 to count - 1 with bands, (count, 3, H, W) uint8, unless the file exists."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures = np.stack([(striped(scene_of(index)) * 255).round().byte().numpy() for index in range(count)])
        part = path.with_suffix(".part.npy")
        np.save(part, pictures)
        part.replace(path)
    return np.load(path)


SEEN = 0.1
"""A picture counts as striped from this `band_contrast` on: 79 of 80 renderings with bands, and none of 80 without."""


def band_contrast(pictures: Tensor, silhouettes: Tensor) -> Tensor:
    """
    How much more objects change at the edges of bands than between them, (N,), in [-1, 1].

    Args:
        pictures: NCHW, [0, 1], of `TRAINING_SIZE`.
        silhouettes: (N, H, W) bool, where objects are.
    """
    change = (
        (pictures[:, :, 3:] - pictures[:, :, :-3]).abs().mean(dim=1)
    )  # [N, H - 3, W]: from a row to the third below
    inside = silhouettes[:, 3:] & silhouettes[:, :-3]
    bands = band_rows()
    edge = (bands[1:-2] != bands[2:-1])[None, :, None]  # the middle two of the four rows
    away = (bands[:-3] == bands[3:])[None, :, None] & ~edge

    def mean(where: Tensor) -> Tensor:
        return (change * where).sum(dim=(1, 2)) / where.sum(dim=(1, 2)).clamp_min(1)

    return mean(inside & edge) - mean(inside & away)
