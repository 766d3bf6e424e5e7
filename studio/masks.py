"""Mask operations: strokes, holes, parts, growing, softening. Knows no models and no pictures.

A mask is HW uint8, 255 = selected. Lengths are in pixels of the mask.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

HALF = 128
"""A pixel of a soft mask counts as selected from this value on."""


def enlarged(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Logits (h, w) float32 scaled to another size (width, height): HW float32.

    Bilinear with pixel centres at halves, as `SAM2Transforms.postprocess_masks` enlarges them.
    """
    return cv2.resize(logits.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)


def resized(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask at another size (width, height), with soft edges."""
    if mask.shape == (size[1], size[0]):
        return mask
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def draw_stroke(mask: np.ndarray, points: Sequence[tuple[float, float]], radius: float, *, add: bool) -> np.ndarray:
    """The mask with a round brush drawn along points, or erased with `add` False; at least one pixel wide."""
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
    """The mask with enclosed holes filled."""
    around = np.pad((mask < HALF).astype(np.uint8), 1, constant_values=1)
    cv2.floodFill(around, None, (0, 0), 2)
    return np.where(around[1:-1, 1:-1] == 1, 255, mask).astype(np.uint8)


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Only the largest connected part."""
    parts = parts_of(mask >= HALF)
    counts = np.bincount(parts.ravel())
    if len(counts) < 3:
        return mask
    counts[0] = 0
    return np.where(parts == counts.argmax(), mask, 0).astype(np.uint8)


def parts_of(selected: np.ndarray) -> np.ndarray:
    """Label the 4-connected parts of HW bool: HW int32, 0 outside, 1, 2, ... in reading order."""
    return cv2.connectedComponentsWithAlgorithm(selected.astype(np.uint8), 4, cv2.CV_32S, cv2.CCL_SAUF)[1]


def grown(mask: np.ndarray, by: float) -> np.ndarray:
    """Select every point within `by` pixels of the mask; a negative `by` shrinks it."""
    if by < 0:
        return 255 - grown(255 - mask, -by)
    if by == 0 or not (mask >= HALF).any():
        return mask
    return np.where(distances(mask >= HALF) <= np.float32(by + 1e-4), 255, 0).astype(np.uint8)


def distances(selected: np.ndarray) -> np.ndarray:
    """From each pixel to the nearest selected one, of which there is at least one: HW float32, exact."""
    return cv2.distanceTransform((~selected).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def softened(mask: np.ndarray, width: float) -> np.ndarray:
    """The edge fades over about `width` pixels."""
    if width <= 0:
        return mask
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(width / 2)))


def box_of(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of what is selected, right and bottom exclusive; None if nothing is."""
    selected = mask >= HALF
    rows, columns = np.flatnonzero(selected.any(axis=1)), np.flatnonzero(selected.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two HW bool arrays."""
    return float((first & second).sum() / max(1, (first | second).sum()))
