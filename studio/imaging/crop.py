"""Which part of a picture a model sees when it changes it, and at what size. Pure geometry; no pixels, no masks.

canvas          the source with its extension
  box           the part to change, with enough context for the model
    size        the model's working size; the box fills its `inner` part, the rest is padding
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from studio.completion import default_size
from studio.contract import ModelSpec, Size

SMALL_SHARE = 0.25
"""Of the canvas' longest side: anything smaller gets a crop of its own."""
_MOST_OF_IT = 0.6
_STRETCH = 1.03
"""Aspect ratios that differ by less are stretched, unnoticeably; others are padded, and the padding removed later."""
_ROOM = 1.3
"""A canvas up to this many times the model's size (each side) loses little when shown as a whole."""


class Rectangle(NamedTuple):
    """In whole pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> Size:
        return Size(self.right - self.left, self.bottom - self.top)


@dataclass(frozen=True)
class Frame:
    box: Rectangle  # of the canvas
    size: Size
    inner: Rectangle  # of `size`


def framed(canvas: Size, spec: ModelSpec, changed: Rectangle | None, margin: int = 0) -> Frame:
    """
    Args:
        changed: bounds of what may change, in the canvas; None: everything.
        margin: pixels around it that must be visible too.
    """
    working = default_size(spec)
    side = math.sqrt(working.width * working.height)
    whole = Rectangle(0, 0, *canvas)
    box = whole if changed is None else _box(canvas, changed, margin, side, spec)
    least = side * side / 4 if box == whole else side * side  # a crop gets the full resolution
    size = fitting(box.size, min(max(canvas.width * canvas.height, least), side * side), spec)
    return Frame(box, size, _inner(box.size, size))


def fitting(shape: Size, area: float, spec: ModelSpec) -> Size:
    """The size the model supports that is closest to an aspect ratio and an area, the ratio first."""
    ratio = shape.width / shape.height
    if spec.any_size is None:
        return min(spec.sizes, key=lambda one: (round(_unlike(one, ratio), 2), abs(one.width * one.height - area)))
    smallest, largest, multiple = spec.any_size
    width = math.sqrt(area * ratio)
    sides = (width, width / ratio)
    scale = min(1.0, largest / max(sides)) if max(sides) > largest else max(1.0, smallest / min(sides))
    low, high = -(-smallest // multiple), largest // multiple
    counts = [min(max(round(side * scale / multiple), low), high) for side in sides]
    while counts[0] * counts[1] * multiple**2 > area and max(counts) > low:
        # Rounded up beyond the area, which some pipelines would shrink themselves.
        counts = min(_smaller(counts, low), key=lambda pair: _unlike(Size(*pair), ratio))
    return Size(counts[0] * multiple, counts[1] * multiple)


def _smaller(counts: list[int], low: int) -> list[list[int]]:
    """One step less in width or in height."""
    across, down = counts
    return [pair for pair in ([across - 1, down], [across, down - 1]) if min(pair) >= low]


def _box(canvas: Size, changed: Rectangle, margin: int, side: float, spec: ModelSpec) -> Rectangle:
    """The changed part with context: as much again on each side, and never very few pixels."""
    whole = Rectangle(0, 0, *canvas)
    longest = max(changed.size)
    is_large = longest >= SMALL_SHARE * max(canvas)
    if is_large and max(canvas) <= _ROOM * side:
        return whole
    around = max(longest, margin)
    width, height = (max(length + 2 * around, side / 4) for length in changed.size)
    ratio = width / height
    if spec.any_size is None:  # the nearest supported ratio needs no padding
        made = fitting(Size(round(width), round(height)), side * side, spec)
        ratio = made.width / made.height
    width, height = max(width, height * ratio), max(height, width / ratio)
    box_sides = (min(canvas.width, math.ceil(width)), min(canvas.height, math.ceil(height)))
    if box_sides[0] * box_sides[1] >= _MOST_OF_IT * canvas.width * canvas.height and max(canvas) <= _ROOM * side:
        return whole
    left = _placed(changed.left, changed.right, box_sides[0], canvas.width)
    top = _placed(changed.top, changed.bottom, box_sides[1], canvas.height)
    return Rectangle(left, top, left + box_sides[0], top + box_sides[1])


def _placed(low: int, high: int, length: int, limit: int) -> int:
    """Where a stretch of this length begins, centred on low..high but within 0..limit."""
    return min(max((low + high - length) // 2, 0), limit - length)


def _inner(shape: Size, size: Size) -> Rectangle:
    across, down = size.width / shape.width, size.height / shape.height
    if max(across, down) / min(across, down) <= _STRETCH:
        return Rectangle(0, 0, *size)
    scale = min(across, down)
    width, height = (max(1, round(length * scale)) for length in shape)
    left, top = (size.width - width) // 2, (size.height - height) // 2
    return Rectangle(left, top, left + width, top + height)


def _unlike(size: Size, ratio: float) -> float:
    return abs(math.log(size.width / size.height / ratio))
