"""Aligns one silhouette with another: resizes it, and moves it across the picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from studio import masks

_FINEST = 0.0005
"""The last step, as a share of the size or of the side."""


class Shift(NamedTuple):
    """A silhouette resized about the centre of the picture, then moved. Lengths are shares of its side."""

    scale: float = 1.0
    right: float = 0.0
    down: float = 0.0


def aligned(shown: np.ndarray, wanted: np.ndarray) -> tuple[Shift, float]:
    """The shift of one silhouette that covers the other best, and their intersection over union then.

    By their bounds, then by hill climbing.

    Args:
        shown: (S, S) bool, like `wanted`.
    """
    picture = Image.fromarray(shown.astype(np.uint8) * 255)

    def score(shift: Shift) -> float:
        return masks.overlap(np.asarray(_warped(picture, shift)) >= masks.HALF, wanted)

    start = _by_boxes(shown, wanted)
    return _climbed(max((Shift(), start), key=score), score)


def _by_boxes(shown: np.ndarray, wanted: np.ndarray) -> Shift:
    first, second = (masks.box_of(one.astype(np.uint8) * 255) for one in (shown, wanted))
    if first is None or second is None:
        return Shift()
    (x0, y0, x1, y1), (u0, v0, u1, v1), side = first, second, len(wanted)
    scale = math.sqrt((u1 - u0) * (v1 - v0) / ((x1 - x0) * (y1 - y0)))
    right = (u0 + u1) / 2 - side / 2 - scale * ((x0 + x1) / 2 - side / 2)
    down = (v0 + v1) / 2 - side / 2 - scale * ((y0 + y1) / 2 - side / 2)
    return Shift(scale, right / side, down / side)


def _climbed(best: Shift, score: Callable[[Shift], float]) -> tuple[Shift, float]:
    """The best reached by changing one value at a time, and its score."""
    best_score, step = score(best), 0.04
    while step >= _FINEST:
        near = [best._replace(scale=best.scale * (1 + sign * step)) for sign in (1, -1)]
        near += [best._replace(right=best.right + sign * step / 2) for sign in (1, -1)]
        near += [best._replace(down=best.down + sign * step / 2) for sign in (1, -1)]
        found_score, found = max(((score(one), one) for one in near), key=lambda pair: pair[0])
        if found_score > best_score:
            best, best_score = found, found_score
        else:
            step /= 2
    return best, best_score


def _warped(picture: Image.Image, shift: Shift) -> Image.Image:
    side = picture.width
    middle = side / 2
    back = 1 / shift.scale
    x = middle - back * (middle + shift.right * side)
    y = middle - back * (middle + shift.down * side)
    return picture.transform(picture.size, Image.Transform.AFFINE, (back, 0, x, 0, back, y), Image.Resampling.BILINEAR)
