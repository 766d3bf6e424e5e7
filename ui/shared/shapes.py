"""Sizes and qualities as people think of them: a shape ("3:2") and how large. Pure functions, no gradio."""

from __future__ import annotations

import math

from studio.contract import ModelSpec, Size
from studio.errors import BadRequest

QUALITIES = {"low": "Low", "medium": "Medium", "high": "High", "xhigh": "Higher", "max": "Highest"}
"""What the page calls the qualities of a model, from coarse to fine."""
PRECISIONS = {
    "16-bit": "16-bit",
    "fp8": "8-bit (fp8)",
    "gguf-q8": "8-bit (GGUF)",
    "int8": "8-bit",
    "gguf-q5": "5-bit (GGUF)",
    "gguf-q4": "4-bit (GGUF)",
    "nf4": "4-bit (NF4)",
}
"""What the page calls the forms in which weights are kept."""
CUSTOM = "custom"
"""The choice "any width and height", offered by models that take any size."""

_RATIOS = ((1, 1), (5, 4), (4, 3), (3, 2), (16, 9), (2, 1), (21, 9))


def shapes(spec: ModelSpec) -> dict[str, list[Size]]:
    """The sizes a model offers, by shape ("3:2"), both in the model's own order."""
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
    """What the page shows: "▭ 3:2"."""
    if shape == CUSTOM:
        return "Custom"
    width, height = (int(part) for part in shape.split(":"))
    if width == height:
        return "□ Square"
    return f"▭ {shape}" if width > height else f"▯ {shape}"


def size_of(text: str) -> Size:
    """The size whose name is `text`: "1216 x 832".

    Raises:
        BadRequest: it is not the name of a size.
    """
    sides = text.split(" x ")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise BadRequest(f"'{text:.60}' is not a size. Choose one from the list.")
    return Size(int(sides[0]), int(sides[1]))
