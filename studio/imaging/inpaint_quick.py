"""Paints an object out of a photo: fills the hole with the colours around it and the texture beside it.

Quick and plain, for the background of a splat; invents nothing. Knows no models.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from studio import masks

_REACH = 0.02
"""Of the longer side: how far beyond the mask to paint, to remove the object's edge and glow."""
_FINE = 5
"""Halvings after which only colour is left of a picture; the rest is texture."""
_RING = 6
"""Width in pixels of the rim compared between places."""
_TRIES = 32
"""Places to try, across and down; then as many around the best."""
_POINTS = 300
_MISSING_COSTS = 60.0
"""Penalty, in levels of colour difference, for uncovered pixels."""
_WORKING_SIDE = 1024
"""Larger pictures are filled at this size, and the fill is enlarged."""


def fill_behind(image: Image.Image, mask: np.ndarray) -> Image.Image:
    """
    Args:
        image: RGB.
        mask: HW uint8 of its size.

    Returns:
        RGB, unchanged outside the mask and its surroundings.
    """
    scale = min(1.0, _WORKING_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    wide = masks.grown(np.where(mask > 0, 255, 0).astype(np.uint8), round(_REACH * max(image.size)))
    hole = masks.resized(wide, size) > 0
    if not hole.any():
        return image
    pixels = np.asarray(image.resize(size, reducing_gap=2.0), np.float32)
    coarse = _spread(pixels, ~hole, fine=_FINE)
    guess = coarse + _texture(np.where(hole[..., None], 0, pixels - coarse), pixels, hole)
    filled = np.clip(guess + _spread(pixels - guess, ~hole), 0, 255)  # so that it joins its surroundings
    patch = Image.fromarray(np.where(hole[..., None], filled, pixels).astype(np.uint8)).resize(image.size)
    seam = Image.fromarray(masks.softened(wide, _REACH * max(image.size)))
    result = image.copy()
    result.paste(patch, mask=Image.fromarray(np.maximum(np.asarray(seam), wide)))
    return result


def _spread(pixels: np.ndarray, known: np.ndarray, fine: int = 0) -> np.ndarray:
    """Extrapolate colours smoothly from where they are known, by averaging down a pyramid and back up (push-pull).

    Args:
        pixels: (H, W, 3) float32.
        known: (H, W) bool.
        fine: finest levels to leave out, for a picture that is smooth everywhere.

    Returns:
        (H, W, 3) float32.

    Source: Gortler et al., "The Lumigraph" (1996), section 3.4.
    """
    levels = [(pixels * known[..., None], known.astype(np.float32))]
    while max(levels[-1][1].shape) > 1:
        levels.append(_halved(*levels[-1]))
    sums, weights = levels[-1]
    result = sums / np.maximum(weights, 1e-6)[..., None]
    for number in range(len(levels) - 2, -1, -1):
        sums, weights = levels[number]
        result = _doubled(result, weights.shape)
        if number >= fine:
            share = np.minimum(weights, 1)[..., None]
            result = share * (sums / np.maximum(weights, 1e-6)[..., None]) + (1 - share) * result
    return result


def _halved(sums: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the size; weights are clamped to 1, so that half-known pixels soon count as known."""
    both = np.concatenate([sums, weights[..., None]], axis=-1)
    both = np.pad(both, ((0, both.shape[0] % 2), (0, both.shape[1] % 2), (0, 0)))
    both = both[::2, ::2] + both[1::2, ::2] + both[::2, 1::2] + both[1::2, 1::2]
    total = both[..., 3]
    kept = np.minimum(total, 1)
    return both[..., :3] * (kept / np.maximum(total, 1e-6))[..., None], kept


def _doubled(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(h, w, 3) at twice the size, bilinear, cut to `shape`."""
    height, width = values.shape[0] * 2, values.shape[1] * 2
    channels = [
        np.asarray(Image.fromarray(values[..., index]).resize((width, height), Image.Resampling.BILINEAR))
        for index in range(3)
    ]
    return np.stack(channels, axis=-1)[: shape[0], : shape[1]]


def _texture(texture: np.ndarray, pixels: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The texture for the hole and its rim, copied from the nearby place whose surroundings match best; 0 without one.

    Args:
        texture: (H, W, 3), 0 in the hole.
        pixels: (H, W, 3), the picture.
    """
    box = masks.box_of(hole.astype(np.uint8) * 255)
    if box is None:
        return np.zeros_like(texture)
    ring = (masks.grown(hole.astype(np.uint8) * 255, _RING) > 0) & ~hole
    inside, around = _some(hole), _some(ring)
    if not len(around):
        return np.zeros_like(texture)
    reach = np.array([1.5 * (box[2] - box[0]), 1.5 * (box[3] - box[1])])
    step = np.ceil(2 * reach / _TRIES).astype(int)
    best = _most_alike(pixels, hole, inside, around, _grid(np.zeros(2, int), reach.astype(int), step))
    if best is None:
        return np.zeros_like(texture)
    best = _most_alike(pixels, hole, inside, around, _grid(best, step, np.ones(2, int)))
    if best is None:
        return np.zeros_like(texture)
    right, down = (int(one) for one in best)
    known = _shifted((~hole).astype(np.float32)[..., None], right, down) > 0.5
    return np.where(known, _shifted(texture, right, down), 0)


def _some(where: np.ndarray) -> np.ndarray:
    """(N, 2) int: x and y of at most _POINTS pixels, evenly spaced."""
    places = np.argwhere(where)[:, ::-1]
    return places[:: 1 + len(places) // _POINTS]


def _grid(middle: np.ndarray, reach: np.ndarray, step: np.ndarray) -> np.ndarray:
    """(N, 2) int: offsets around a centre."""
    across, down = (np.arange(-one, one + 1, by) for one, by in zip(reach, step, strict=True))
    return middle + np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)


def _most_alike(
    pixels: np.ndarray, hole: np.ndarray, inside: np.ndarray, around: np.ndarray, ways: np.ndarray
) -> np.ndarray | None:
    """The offset (right, down) that covers the hole and whose surroundings match those of the hole best."""
    covered = _known(hole, ways[:, None] + inside).mean(axis=1)
    ways, covered = ways[covered > 0.5], covered[covered > 0.5]
    if not len(ways):
        return None
    places = ways[:, None] + around
    known = _known(hole, places)
    there = pixels[np.clip(places[..., 1], 0, len(hole) - 1), np.clip(places[..., 0], 0, hole.shape[1] - 1)]
    unlike = np.abs(there - pixels[around[:, 1], around[:, 0]]).mean(axis=-1)
    cost = (unlike * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    cost += _MISSING_COSTS * (2 - covered - known.mean(axis=1))
    return ways[cost.argmin()]


def _known(hole: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Which places (..., 2) are inside the picture and outside the hole."""
    height, width = hole.shape
    x, y = places[..., 0], places[..., 1]
    within = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return within & ~hole[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]


def _shifted(values: np.ndarray, right: int, down: int) -> np.ndarray:
    """(H, W, C) shifted left and up by this much; 0 outside."""
    height, width = values.shape[:2]
    result = np.zeros_like(values)
    rows = slice(max(0, -down), min(height, height - down))
    columns = slice(max(0, -right), min(width, width - right))
    if rows.start < rows.stop and columns.start < columns.stop:
        source = values[rows.start + down : rows.stop + down, columns.start + right : columns.stop + right]
        result[rows, columns] = source
    return result
