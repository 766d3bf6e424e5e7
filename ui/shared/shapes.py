"""Sizes and qualities as people think of them: an aspect ratio ("3:2") and how large. Pure functions, no gradio."""

from __future__ import annotations

import math

from studio.contract import ModelSpec, Size
from studio.errors import BadRequest

QUALITIES = {"low": "Low", "medium": "Medium", "high": "High", "xhigh": "Higher", "max": "Highest"}
"""The page's names for a model's qualities, from coarse to fine."""
PRECISIONS = {
    "16-bit": "16-bit",
    "fp8": "8-bit (fp8)",
    "gguf-q8": "8-bit (GGUF)",
    "int8": "8-bit",
    "gguf-q5": "5-bit (GGUF)",
    "gguf-q4": "4-bit (GGUF)",
    "nf4": "4-bit (NF4)",
}
"""The page's names for precisions of weights."""
CUSTOM = "custom"
"""The choice of any width and height, for models that support it."""

_RATIOS = ((1, 1), (5, 4), (4, 3), (3, 2), (16, 9), (2, 1), (21, 9))


def shapes(spec: ModelSpec) -> dict[str, list[Size]]:
    """The sizes a model offers, by aspect ratio ("3:2"), both in the model's own order."""
    groups: dict[str, list[Size]] = {}
    for size in spec.sizes:
        groups.setdefault(shape_of(size), []).append(size)
    return groups


def shape_of(size: Size) -> str:
    """The nearest common ratio: 1216 x 832 is "3:2"."""
    wide = max(size) / min(size)
    long, short = min(_RATIOS, key=lambda ratio: abs(math.log(wide * ratio[1] / ratio[0])))
    return f"{long}:{short}" if size.width >= size.height else f"{short}:{long}"


def shape_label(shape: str) -> str:
    """The page's label: "▭ 3:2"."""
    if shape == CUSTOM:
        return "Custom"
    width, height = (int(part) for part in shape.split(":"))
    if width == height:
        return "□ Square"
    return f"▭ {shape}" if width > height else f"▯ {shape}"


def size_of(text: str) -> Size:
    """The size with this name: "1216 x 832". Raises BadRequest."""
    sides = text.split(" x ")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise BadRequest(f"'{text:.60}' is not a size. Choose one from the list.")
    return Size(int(sides[0]), int(sides[1]))
