"""Pictures to change, and models that answer badly: they repaint every pixel, or move or resize the frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from pipelines import catalog
from pipelines.machine import Machine
from providers import catalog as clouds
from providers.keys import Keys
from studio.contract import ModelSpec, Size, Task

SHRUNK = 8
"""Models are asked for pictures so many times smaller than they make, so that the tests are quick."""


def picture(size: tuple[int, int], *, seed: int = 0, mode: str = "RGB") -> Image.Image:
    """Coloured clouds and a few sharp things: as much detail everywhere as a photograph has."""
    rng = np.random.default_rng(seed)
    width, height = size
    total = np.zeros((height, width, 3), np.float32)
    for cells in (4, 9, 20, 44):
        small = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += np.asarray(small.resize(size, Image.Resampling.BICUBIC), np.float32) / 4
    image = Image.fromarray(total.clip(0, 255).astype(np.uint8))
    for _ in range(6):
        left, top = int(rng.integers(0, width)), int(rng.integers(0, height))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        image.paste(colour, (left, top, left + max(1, width // 9), top + max(1, height // 9)))
    if mode == "RGBA":
        image.putalpha(Image.fromarray(rng.integers(0, 256, (height, width), dtype=np.uint8)))
    return image


def moved(image: Image.Image, x: float, y: float, scale: float = 1.0) -> Image.Image:
    """Everything `scale` times as large around the centre, then moved right and down; edges are repeated."""
    pad = 64
    wide = Image.fromarray(np.pad(np.asarray(image), ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    middle_x, middle_y = wide.width / 2, wide.height / 2
    numbers = (1 / scale, 0, middle_x - (middle_x + x) / scale, 0, 1 / scale, middle_y - (middle_y + y) / scale)
    turned = wide.transform(wide.size, Image.Transform.AFFINE, numbers, Image.Resampling.BICUBIC)
    return turned.crop((pad, pad, pad + image.width, pad + image.height))


def backends() -> list[ModelSpec]:
    """All that change pictures, here and in the clouds, with the shapes they really make, at an eighth of the size."""
    here = catalog.models(Machine("Linux", 2, 8.0, ()))
    found = [spec for spec in (*here, *clouds.models(Keys())) if Task.ITERATE in spec.tasks]
    return [_shrunk(spec) for spec in found]


def _shrunk(spec: ModelSpec) -> ModelSpec:
    sizes = tuple(Size(max(16, size.width // SHRUNK), max(16, size.height // SHRUNK)) for size in spec.sizes)
    if spec.any_size is None:
        return replace(spec, sizes=sizes)
    smallest, largest, multiple = spec.any_size
    return replace(spec, sizes=sizes, any_size=(smallest // SHRUNK, largest // SHRUNK, max(1, multiple // SHRUNK)))


def _noise(shown: Image.Image) -> Image.Image:
    rng = np.random.default_rng(1)
    return Image.fromarray(rng.integers(0, 256, (shown.height, shown.width, 3), dtype=np.uint8))


ANSWERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "every pixel changed": lambda shown: Image.eval(shown, lambda value: 255 - value),
    "another picture": _noise,
    "one colour": lambda shown: Image.new("RGB", shown.size, (255, 0, 255)),
    "moved": lambda shown: moved(shown, 4, -3),
    "enlarged": lambda shown: moved(shown, 0, 0, 1.05),
    "another size": lambda shown: shown.resize((shown.width * 3 // 2, shown.height * 3 // 2)),
    "another shape": lambda shown: shown.resize((shown.width + 23, shown.height)),
    "cut off": lambda shown: shown.crop((0, shown.height // 8, shown.width, shown.height - shown.height // 8)),
    "one pixel": lambda shown: shown.resize((1, 1)),
    "see-through": lambda shown: Image.merge("RGBA", (*shown.split(), shown.convert("L"))),
}
