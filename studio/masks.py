"""Work on masks: strokes, holes, parts, growing, softening. Knows no models and no pictures.

A mask is HW uint8, 255 = selected. Lengths are in pixels of the mask.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

HALF = 128
"""From here on a pixel of a soft mask counts as selected."""

_FAR = 30_000


def enlarged(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Logits (h, w) float32 over the whole picture at another size (width, height): HW float32.

    Bilinear with pixel centres at halves, as `SAM2Transforms.postprocess_masks` enlarges them.
    """
    return np.asarray(Image.fromarray(logits.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))


def resized(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask at another size (width, height), with soft edges."""
    if mask.shape == (size[1], size[0]):
        return mask
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR))


def draw_stroke(mask: np.ndarray, points: Sequence[tuple[float, float]], radius: float, *, add: bool) -> np.ndarray:
    """A mask with a round brush drawn along points, or with an eraser; the smallest covers one pixel."""
    radius = max(radius, 0.5)
    image = Image.fromarray(mask)
    draw = ImageDraw.Draw(image)
    value = 255 if add else 0
    if len(points) > 1:
        draw.line([(x - 0.5, y - 0.5) for x, y in points], fill=value, width=max(1, round(2 * radius)))
    for x, y in points:  # round ends and joints
        draw.ellipse((x - radius, y - radius, x + radius - 1, y + radius - 1), fill=value)
    return np.asarray(image)


def without_holes(mask: np.ndarray) -> np.ndarray:
    """What is enclosed by the mask becomes part of it."""
    outside = parts_of(mask < HALF)
    edge = np.concatenate([outside[0], outside[-1], outside[:, 0], outside[:, -1]])
    open_sky = np.isin(outside, np.unique(edge[edge > 0]))
    return np.where((outside > 0) & ~open_sky, 255, mask).astype(np.uint8)


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Only the largest of the pieces that do not touch."""
    parts = parts_of(mask >= HALF)
    counts = np.bincount(parts.ravel())
    if len(counts) < 3:
        return mask
    counts[0] = 0
    return np.where(parts == counts.argmax(), mask, 0).astype(np.uint8)


def parts_of(selected: np.ndarray) -> np.ndarray:
    """Numbers the pieces of HW bool that touch along an edge: HW int32, 0 outside, 1, 2, ... in reading order.

    Pieces are put together from the runs of each row, all at once: a run and those it touches in the next row get the
    smaller of their numbers until nothing changes, with shortcuts along the way (Shiloach and Vishkin, 1982).
    """
    height, width = selected.shape
    padded = np.zeros((height, width + 1), np.int8)
    padded[:, :-1] = selected
    steps = np.diff(padded.ravel(), prepend=np.int8(0))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    below = width + 1
    first = np.searchsorted(ends, starts + below, side="right")
    counts = np.maximum(np.searchsorted(starts, ends + below, side="left") - first, 0)
    upper = np.repeat(np.arange(len(starts)), counts)
    lower = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    number = np.arange(len(starts))
    while True:
        one, other = number[upper], number[lower]
        if np.array_equal(one, other):
            break
        np.minimum.at(number, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(number, number[number]):
            number = number[number]
    _, named = np.unique(number, return_inverse=True)
    marks = np.zeros(height * below + 1, np.int32)
    marks[starts] += named.astype(np.int32) + 1
    marks[ends] -= named.astype(np.int32) + 1
    return np.cumsum(marks[:-1], dtype=np.int32).reshape(height, below)[:, :-1]


def grown(mask: np.ndarray, by: float) -> np.ndarray:
    """Every point nearer than `by` pixels to the mask becomes selected; a negative `by` takes away from its edge."""
    if by < 0:
        return 255 - grown(255 - mask, -by)
    reach = math.floor(by)
    selected = mask >= HALF
    if by == 0 or not selected.any():
        return mask
    sideways = distance_in_row(selected)
    result = sideways <= by
    for rows in range(1, min(reach, len(mask) - 1) + 1):
        near = sideways <= math.sqrt(by * by - rows * rows)
        result[rows:] |= near[:-rows]
        result[:-rows] |= near[rows:]
    return result.astype(np.uint8) * 255


def softened(mask: np.ndarray, width: float) -> np.ndarray:
    """The edge fades over about `width` pixels."""
    if width <= 0:
        return mask
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(width / 2)))


def box_of(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom around what is selected, right and bottom one past it; None for nothing."""
    selected = mask >= HALF
    rows, columns = np.flatnonzero(selected.any(axis=1)), np.flatnonzero(selected.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two HW bool arrays."""
    return float((first & second).sum() / max(1, (first | second).sum()))


def distance_in_row(selected: np.ndarray) -> np.ndarray:
    """How far it is to the nearest selected pixel of the same row: HW int32, large where there is none."""
    columns = np.arange(selected.shape[1], dtype=np.int32)
    left = np.maximum.accumulate(np.where(selected, columns, -_FAR), axis=1)
    right = np.minimum.accumulate(np.where(selected, columns, 2 * _FAR)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(columns - left, right - columns)
