"""Cuts an object out of a picture by colours and edges alone: GrabCut between hints, and a soft edge. No weights.

Source: Rother et al., "GrabCut" (2004), as OpenCV has it; Bai and Sapiro, "Geodesic matting" (2009), for the meaning
of clicks. Pictures are HWC uint8 RGB, masks HW uint8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from studio import masks
from studio.contract import Stroke
from studio.recipe.selection import Box, Point
from studio.segmentation.edges import soft_edge, steepness, ways

_SIDE = 208
"""Longer side for GrabCut, in pixels: more is slower and, with textures, no better (measured)."""
_AROUND = 0.25
"""Of the longer side of a box: the margin around it that serves as a sample of the background."""
_NEAR = 0.01
"""Of the picture's longer side: a box this close to an edge is extended to it."""
_ROUNDS = 2
_SEED = 3.0
"""Radius of a click, in pixels at that size."""
_CORE = 0.5
"""Of a stroke's radius: only its core counts as exact."""
_SPECK = 0.1
"""Of the largest part: smaller ones are dropped."""


@dataclass(frozen=True)
class Hints:
    """A person's hints about an object, in pixels of the picture."""

    points: tuple[Point, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    box: Box | None = None
    start: np.ndarray | None = None  # a mask of the picture's size to start from


class Cut(NamedTuple):
    """A soft mask of the whole picture, and how clear its outline is, 0 to 1."""

    mask: np.ndarray
    score: float


class _Window(NamedTuple):
    """A part of the picture, and the scale at which it is processed."""

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    @property
    def part(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        sides = (self.right - self.left, self.bottom - self.top)
        return max(1, round(sides[0] * self.scale)), max(1, round(sides[1] * self.scale))


def cut(picture: np.ndarray, hints: Hints, reach: float = 1.0) -> Cut:
    """The object that the hints are about.

    Args:
        reach: above 1, clicks without a box select more of their surroundings; below 1, less.
    """
    shape = (picture.shape[0], picture.shape[1])
    hints = replace(hints, box=hints.box and _to_edges(hints.box, shape))
    frame = _frame(hints.box, shape)
    labels = _labels(picture, frame, hints, _prior(hints, frame), reach)
    found = masks.box_of(_placed(labels, frame, shape))
    if hints.box is None and found:  # look closer at a small object in a large picture
        near = _frame(Box(*found), shape)
        if near.scale > 1.5 * frame.scale:
            prior = cv2.resize(_placed(labels, frame, shape)[near.part], near.size, interpolation=cv2.INTER_LINEAR)
            frame, labels = near, _labels(picture, near, hints, prior, reach)
    mask = _placed(labels, frame, shape)
    return Cut(_exact(soft_edge(picture, mask, 2 / frame.scale), hints), _clearness(picture, labels, frame))


def snapped(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mask with its edge moved to the nearest edge of the picture, and as soft as that.

    Args:
        picture, mask: of one size.
    """
    found = masks.box_of(mask)
    if found is None or (mask >= masks.HALF).all():
        return mask
    frame = _frame(Box(*found), mask.shape)
    inside = cv2.resize(mask[frame.part], frame.size, interpolation=cv2.INTER_AREA) >= masks.HALF
    width = max(2.0, 0.03 * max(frame.size))
    deep = _far(~inside) > min(width, 0.5 * float(_far(~inside).max()))
    away = _far(inside) > width
    labels = np.where(inside, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[deep], labels[away] = cv2.GC_FGD, cv2.GC_BGD
    labels = _separated(_small(picture, frame), labels)
    return soft_edge(picture, _placed(labels, frame, mask.shape), 2 / frame.scale)


# --- labels -----------------------------------------------------------------------------------------------------------


def _labels(picture: np.ndarray, frame: _Window, hints: Hints, prior: np.ndarray | None, reach: float) -> np.ndarray:
    """HW uint8 of the frame's size, 255 = the object.

    Args:
        prior: a likely mask of the frame's size; None: not known yet.
    """
    small = _small(picture, frame)
    wanted, unwanted = _seeds(hints, frame, add=True), _seeds(hints, frame, add=False)
    inside = _inside(hints.box, frame)
    has_seeds = bool(wanted.any() or unwanted.any())
    if prior is not None:
        likely = prior >= masks.HALF
    else:
        likely = _ellipse(hints.box, frame) if hints.box else np.ones(wanted.shape, bool)
    if has_seeds:
        likely = _nearer(small, wanted, unwanted, likely, prior is not None or hints.box is not None, reach)
    labels = np.where(likely & inside, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[~inside] = cv2.GC_BGD
    labels[unwanted], labels[wanted] = cv2.GC_BGD, cv2.GC_FGD
    return _pieces(_separated(small, labels), wanted if prior is None else wanted | likely & (prior >= masks.HALF))


def _nearer(
    small: np.ndarray, wanted: np.ndarray, unwanted: np.ndarray, likely: np.ndarray, is_known: bool, reach: float
) -> np.ndarray:
    """HW bool: closer to wanted than to unwanted seeds, along paths that avoid edges.

    Args:
        likely: HW bool, where the object should be.
        is_known: that comes from the person; else the picture's border counts as background.
    """
    steps = steepness(small) + 0.5
    frame = np.zeros_like(likely)
    if is_known:
        wanted = wanted | (_far(~likely) > 0.12 * max(likely.shape))
        frame = ~likely
    else:
        frame[[0, -1]], frame[:, [0, -1]] = True, True
    frame &= ~wanted
    to_wanted = ways(steps, wanted) if wanted.any() else np.full(likely.shape, np.inf, np.float32)
    to_frame = ways(steps, frame) if frame.any() else np.full(likely.shape, np.inf, np.float32)
    to_unwanted = ways(steps, unwanted) if unwanted.any() else np.full(likely.shape, np.inf, np.float32)
    if not wanted.any():
        return likely & (to_unwanted > 0.12 * steps.mean() * max(likely.shape))
    return to_wanted < np.minimum(reach * to_frame, to_unwanted)


def _separated(small: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """GrabCut on these labels: HW uint8, 255 = the object. Deterministic."""
    is_thing = (labels & 1).astype(bool)
    if is_thing.any() and not is_thing.all():
        cv2.setRNGSeed(0)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(np.ascontiguousarray(small), labels, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    return (labels & 1) * np.uint8(255)


def _pieces(labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Without specks, and without parts that touch nothing wanted; small holes are filled."""
    parts = masks.parts_of(labels >= masks.HALF)
    counts = np.bincount(parts.ravel())
    counts[0] = 0
    if not counts.any():
        return labels
    kept = counts >= _SPECK * counts.max()
    touched = np.bincount(parts[wanted], minlength=len(counts)) > 0
    touched[0] = False
    kept = touched if touched.any() else kept
    thing = kept[parts]
    gaps = masks.parts_of(~thing)
    sizes = np.bincount(gaps.ravel())
    edge = np.unique(np.concatenate([gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]]))
    is_gap = sizes < 0.01 * thing.sum()
    is_gap[edge] = False
    is_gap[0] = False
    return np.where(thing | is_gap[gaps], 255, 0).astype(np.uint8)


# --- hints in a frame -------------------------------------------------------------------------------------------------


def _frame(box: Box | None, shape: Sequence[int]) -> _Window:
    height, width = shape[:2]
    left, top, right, bottom = 0, 0, width, height
    if box is not None:
        around = _AROUND * max(box.right - box.left, box.bottom - box.top)
        left, top = max(0, int(box.left - around)), max(0, int(box.top - around))
        right, bottom = min(width, int(box.right + around) + 1), min(height, int(box.bottom + around) + 1)
    return _Window(left, top, right, bottom, min(1.0, _SIDE / max(right - left, bottom - top)))


def _to_edges(box: Box, shape: tuple[int, int]) -> Box:
    """The box, extended to the picture's edge where it nearly reaches it: people rarely draw that exactly."""
    height, width = shape
    near = _NEAR * max(height, width)
    return Box(
        0 if box.left < near else box.left,
        0 if box.top < near else box.top,
        width if box.right > width - near else box.right,
        height if box.bottom > height - near else box.bottom,
    )


def _small(picture: np.ndarray, frame: _Window) -> np.ndarray:
    return cv2.resize(picture[frame.part], frame.size, interpolation=cv2.INTER_AREA)


def _placed(labels: np.ndarray, frame: _Window, shape: Sequence[int]) -> np.ndarray:
    """The labels of a frame as a mask of the whole picture."""
    result = np.zeros((shape[0], shape[1]), np.uint8)
    size = (frame.right - frame.left, frame.bottom - frame.top)
    result[frame.part] = cv2.resize(labels, size, interpolation=cv2.INTER_LINEAR)
    return result


def _prior(hints: Hints, frame: _Window) -> np.ndarray | None:
    if hints.start is None:
        return None
    return cv2.resize(hints.start[frame.part], frame.size, interpolation=cv2.INTER_AREA)


def _seeds(hints: Hints, frame: _Window, *, add: bool) -> np.ndarray:
    """HW bool of the frame's size: where the hints are; later hints override earlier ones."""
    canvas = np.zeros((frame.size[1], frame.size[0]), np.uint8)
    for stroke in hints.strokes:
        radius = max(1.0, _CORE * stroke.radius * frame.scale)
        canvas = masks.draw_stroke(canvas, _within(stroke.points, frame), radius, add=stroke.add == add)
    for point in hints.points:
        canvas = masks.draw_stroke(canvas, _within([point[:2]], frame), _SEED, add=point.add == add)
    return canvas >= masks.HALF


def _within(places: Sequence[tuple[float, float]], frame: _Window) -> list[tuple[float, float]]:
    return [((x - frame.left) * frame.scale, (y - frame.top) * frame.scale) for x, y in places]


def _inside(box: Box | None, frame: _Window) -> np.ndarray:
    """HW bool: the box, or everything."""
    width, height = frame.size
    inside = np.ones((height, width), bool)
    if box is not None:
        (left, top), (right, bottom) = _within([(box.left, box.top), (box.right, box.bottom)], frame)
        inside[: max(0, round(top))], inside[round(bottom) :] = False, False
        inside[:, : max(0, round(left))], inside[:, round(right) :] = False, False
    return inside


def _ellipse(box: Box, frame: _Window) -> np.ndarray:
    """HW bool: the largest ellipse in a box, since objects rarely fill its corners."""
    width, height = frame.size
    (left, top), (right, bottom) = _within([(box.left, box.top), (box.right, box.bottom)], frame)
    across = (np.arange(width) + 0.5 - (left + right) / 2) / max(0.5, (right - left) / 2)
    down = (np.arange(height) + 0.5 - (top + bottom) / 2) / max(0.5, (bottom - top) / 2)
    return across[None] ** 2 + down[:, None] ** 2 <= 1


def _exact(mask: np.ndarray, hints: Hints) -> np.ndarray:
    """The mask with every click respected, however thin the object."""
    for point in hints.points:
        mask = masks.draw_stroke(mask, [point[:2]], 1.0, add=point.add)
    return mask


def _far(selected: np.ndarray) -> np.ndarray:
    """Distance to the nearest selected pixel; huge if there is none."""
    return masks.distances(selected) if selected.any() else np.full(selected.shape, np.float32(1e9))


def _clearness(picture: np.ndarray, labels: np.ndarray, frame: _Window) -> float:
    """How much of the outline lies on an edge of the picture: 0 to 1."""
    thing = (labels >= masks.HALF).astype(np.uint8)
    outline = (cv2.dilate(thing, np.ones((3, 3), np.uint8)) - cv2.erode(thing, np.ones((3, 3), np.uint8))).astype(bool)
    outline[[0, -1]], outline[:, [0, -1]] = False, False
    if not outline.any():
        return 0.5
    return float(np.clip(steepness(_small(picture, frame))[outline] / 12, 0, 1).mean()) * 0.55 + 0.4
