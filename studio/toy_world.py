"""Does a picture show the toy world that the bundled models know? Judged by its look, never by a name.

The toy world has plain backgrounds in six colours, smooth objects in ten, and no texture. A logistic regression over
a few such features; `toybox/familiar.py` trains and evaluates it.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

_SIDE = 96
"""Longest side of the analysed picture: small enough to remove noise and JPEG blocks."""
_OPAQUE = 250
BACKGROUNDS = ((140, 191, 242), (153, 204, 140), (178, 178, 184), (232, 209, 153), (245, 196, 209), (184, 166, 227))
"""sRGB. Source of both: toybox/words.py."""
COLOURS = (
    *((219, 26, 23), (26, 158, 46), (26, 71, 224), (250, 214, 20), (255, 128, 13)),
    *((120, 36, 179), (250, 115, 178), (242, 242, 242), (18, 18, 20), (107, 59, 26)),
)
WEIGHTS = {
    "whole": (1.69, -21.44, -4.17, 7.38, 0.77, 13.59, -6.81, -7.35),
    "cut": (-5.01, -25.64, 11.06, 1.29, -2.53, 9.45),
}
"""One per feature, then the bias, for whole pictures and for cut-outs. Above 0: the toy world."""


def is_toy(image: Image.Image) -> bool:
    """Whether a picture looks like the toy world; transparent parts do not count."""
    kind, values = measures(image)
    return float(np.dot(WEIGHTS[kind], (*values, 1.0))) > 0


def measures(image: Image.Image) -> tuple[str, tuple[float, ...]]:
    """The kind of picture, "whole" or "cut", and its features, each about 0 to 1."""
    image, seen = _looked_at(image)
    lab = cv2.cvtColor(np.asarray(image.convert("RGB"), np.float32) / 255, cv2.COLOR_RGB2Lab)
    texture = np.abs(lab - cv2.medianBlur(lab, 3)).sum(axis=2)
    steps = np.zeros(seen.shape, np.float32)
    steps[:, 1:] += np.abs(np.diff(lab, axis=1)).sum(axis=2)
    steps[1:] += np.abs(np.diff(lab, axis=0)).sum(axis=2)
    inside = _eroded(seen)
    values = [
        float((steps[inside] < 4).mean()),
        float(np.minimum(texture[inside], 20).mean()) / 5,
        float((steps[inside] > 25).mean()) * 3,
        _variety(lab[inside]) / 3,
        float(np.minimum(_away(lab[inside], BACKGROUNDS + COLOURS), 30).mean()) / 15,
    ]
    if not seen.all():
        return "cut", tuple(values)
    ring = np.ones(seen.shape, bool)
    ring[3:-3, 3:-3] = False
    return "whole", (*values, _background(lab[ring]), float(np.minimum(steps[ring], 20).mean()) / 10)


def _looked_at(image: Image.Image) -> tuple[Image.Image, np.ndarray]:
    """The picture at a small size, and its opaque pixels as HW bool."""
    has_alpha = image.mode == "RGBA"
    if has_alpha:
        image = image.crop(image.getchannel("A").getbbox())
    image = image.copy()
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    if not has_alpha:
        return image, np.ones((image.height, image.width), bool)
    return image, np.asarray(image.getchannel("A")) >= _OPAQUE


def _eroded(seen: np.ndarray) -> np.ndarray:
    """Without the rim, whose colours are mixed, unless little else is left."""
    inner = cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1).astype(bool)
    found = inner if inner.sum() >= 16 else seen
    return found if found.any() else np.ones_like(seen)


def _variety(lab: np.ndarray) -> float:
    """Entropy of the chroma of (N, 3) Lab colours, in nats."""
    bins = ((lab[:, 1:] + 128) / 8).astype(int)
    shares = np.unique(bins[:, 0] * 64 + bins[:, 1], return_counts=True)[1] / len(bins)
    return float(-(shares * np.log(shares)).sum())


def _away(lab: np.ndarray, colours: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Chroma distance of each Lab colour (N, 3) to the nearest of these: (N,)."""
    known = _lab(colours)
    return np.hypot(lab[:, None, 1] - known[:, 1], lab[:, None, 2] - known[:, 2]).min(axis=1)


def _background(lab: np.ndarray) -> float:
    """The share of the margin (N, 3) that could be one of the backgrounds, lit or in shadow."""
    known = _lab(BACKGROUNDS)
    near = np.hypot(lab[:, None, 1] - known[:, 1], lab[:, None, 2] - known[:, 2]) < 10
    lit = (lab[:, None, 0] < known[:, 0] + 12) & (lab[:, None, 0] > known[:, 0] - 35)
    return float((near & lit).mean(axis=0).max())


def _lab(colours: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    return cv2.cvtColor(np.array([colours], np.float32) / 255, cv2.COLOR_RGB2Lab)[0]
