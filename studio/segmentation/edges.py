"""Edges in pictures: gradients, shortest paths that avoid edges, and masks snapped to edges.

Pictures are HWC uint8 RGB, masks HW uint8.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio import masks

_SMOOTH = 1e-4
"""Contrast an edge needs, for colours within [0, 1]. Source: He et al. (2010), epsilon for matting."""


def soft_edge(picture: np.ndarray, mask: np.ndarray, radius: float) -> np.ndarray:
    """The mask with its edge moved to that of the picture, as soft as it is there.

    Args:
        mask: of the picture's size.
        radius: how far from the mask's edge to look, in pixels.
    """
    found = masks.box_of(mask)
    if found is None:
        return mask
    reach = max(1, round(radius))
    left, top, right, bottom = found
    part = slice(max(0, top - 3 * reach), bottom + 3 * reach), slice(max(0, left - 3 * reach), right + 3 * reach)
    guided = _guided(picture[part].astype(np.float32) / 255, mask[part].astype(np.float32) / 255, reach)
    result = np.zeros_like(mask)
    result[part] = np.clip((guided - 0.5) * 2 + 0.5, 0, 1) * 255 + 0.5  # halves the filter's blur
    return result


def steepness(small: np.ndarray) -> np.ndarray:
    """HW float32: the CIELAB colour gradient per pixel."""
    lab = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), 1.0).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    across, down = cv2.Scharr(lab, cv2.CV_32F, 1, 0, scale=1 / 32), cv2.Scharr(lab, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.sqrt((across**2 + down**2).sum(axis=2))


def ways(steps: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Distance from each pixel to the nearest seed, with the cost per pixel in `steps`: HW float32.

    Two sweeps down and two up: exact except for paths that wind more often.
    """
    far = np.where(seeds, 0, np.float32(1e9)).astype(np.float32)
    along = np.cumsum(steps, axis=1)
    for sweep in range(4):
        order = range(len(far)) if sweep % 2 == 0 else range(len(far) - 1, -1, -1)
        before: np.ndarray | None = None
        for row in order:
            now = far[row]
            if before is not None:
                around = np.minimum(before, np.minimum(_moved(before, 1), _moved(before, -1)))
                now = np.minimum(now, around + steps[row])
            right = np.minimum.accumulate(now - along[row]) + along[row]
            back = along[row, -1] - along[row] + steps[row]
            left = (np.minimum.accumulate((now - back)[::-1]) + back[::-1])[::-1]
            far[row] = before = np.minimum(right, left)
    return far


def _moved(row: np.ndarray, by: int) -> np.ndarray:
    """A row shifted by one pixel; diagonal steps cost more."""
    moved = np.roll(row, by) + np.float32(0.4)
    moved[0 if by > 0 else -1] = 1e9
    return moved


def _guided(guide: np.ndarray, mask: np.ndarray, radius: int) -> np.ndarray:
    """The guided filter for colours. Source: He et al., "Guided image filtering" (2010), equations 14 to 16.

    Args:
        guide: HWC float32, [0, 1].
        mask: HW float32, [0, 1].
    """

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    middle, level = mean(guide), mean(mask)
    with_mask = mean(guide * mask[..., None]) - middle * level[..., None]  # HWC
    pairs = [(i, j) for i in range(3) for j in range(i, 3)]
    spread = {(i, j): mean(guide[..., i] * guide[..., j]) - middle[..., i] * middle[..., j] for i, j in pairs}
    for each in range(3):
        spread[each, each] = spread[each, each] + _SMOOTH
    rr, rg, rb, gg, gb, bb = (spread[pair] for pair in pairs)
    # The inverse of a symmetric 3 x 3 matrix by cofactors, ten times as fast as numpy's.
    rows = np.stack(
        [
            gg * bb - gb * gb,
            gb * rb - rg * bb,
            rg * gb - gg * rb,
            rr * bb - rb * rb,
            rb * rg - rr * gb,
            rr * gg - rg * rg,
        ]
    )
    determinant = rr * rows[0] + rg * rows[1] + rb * rows[2]
    r, g, b = (with_mask[..., each] for each in range(3))
    slope = (
        np.stack(
            [
                rows[0] * r + rows[1] * g + rows[2] * b,
                rows[1] * r + rows[3] * g + rows[4] * b,
                rows[2] * r + rows[4] * g + rows[5] * b,
            ],
            axis=-1,
        )
        / determinant[..., None]
    )
    offset = level - (slope * middle).sum(axis=2)
    return (mean(slope) * guide).sum(axis=2) + mean(offset)
