"""From a request to a mask: asks the model, then edits its mask as requested. Runs on the click thread.

Knows no SAM and no web.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from studio import masks
from studio.contract import Model, ModelSpec, Progress, Size, Tell
from studio.intake.picture import read_picture
from studio.library.assets import Asset
from studio.recipe.selection import Box, Point, SegmentRequest
from studio.residents import Residents
from studio.segmentation import outline
from studio.segmentation.contract import (
    MAX_SIDE,
    Candidate,
    Everything,
    GridMask,
    GridMaskRequest,
    MaskRequest,
    MaskResult,
    Segmentation,
)
from studio.segmentation.objects import flat

MIN_STABILITY, MIN_SCORE, MAX_OVERLAP, MIN_SHARE = 0.88, 0.6, 0.7, 0.0006
"""What counts as a region when clicking on a grid.

Source: Kirillov et al., "Segment Anything" (2023), appendix B; the thresholds are lower than there, for small models.
"""
MISSED_SCORE = 0.3
"""The highest score of a mask that contradicts a click."""
_STABLE_WITHIN = 1.0
_GRID_SIDE = 512


class Segmenting:
    """Answers requests about the pictures of one studio."""

    def __init__(self, residents: Residents, path_of: Callable[[str, str], Path]) -> None:
        """
        Args:
            path_of: (owner, asset id) -> file.
        """
        self._residents, self._path_of = residents, path_of

    def mask(
        self,
        asset: Asset,
        spec: ModelSpec | None,
        request: SegmentRequest,
        start: np.ndarray | None,
        most: int,
        tell: Tell,
    ) -> Segmentation:
        """
        Args:
            asset: the picture, or another asset to segment.
            spec: of the model; None if none is needed.
            request: checked.
            start: HW uint8, the mask to start from.
            most: longest side of the returned masks, in pixels.
        """
        began = time.monotonic()
        size = Size(asset.width, asset.height)
        working = working_size(size, most)
        candidates: tuple[Candidate, ...] = ()
        if spec is not None:
            wanted = MaskRequest(
                partial(self._picture, asset),
                asset.id,
                size,
                points=request.points,
                box=request.box,
                start=start,
                choice=request.choice,
                strokes=request.strokes if spec.strokes else (),
            )
            result: MaskResult = self._ask(spec, wanted, tell)
            candidates = tuple(
                _candidate(_drawn(logits, working, is_soft=result.is_soft), score, size, request.points)
                for logits, score in zip(result.logits, result.scores, strict=True)
            )
        choice = min(request.choice or 0, max(0, len(candidates) - 1))
        mask = candidates[choice].mask if candidates else _beginning(start, working)
        if spec is not None and spec.strokes:
            request = replace(request, strokes=())  # the model has used them
        mask = worked(mask, request, working.width / size.width, partial(self._pixels, asset))
        box = masks.box_of(mask)
        return Segmentation(
            candidates=candidates,
            choice=choice,
            mask=mask,
            size=size,
            box=_in_picture(box, size, working) if box else None,
            area=_area(mask, size),
            seconds=time.monotonic() - began,
            missed=_missed(255 - mask if request.invert else mask, request.points, size),
        )

    def everything(self, asset: Asset, spec: ModelSpec, most: int, tell: Tell) -> Everything:
        """All regions of a picture, found by a grid of clicks."""
        size = Size(asset.width, asset.height)
        found: list[GridMask] = self._ask(spec, GridMaskRequest(partial(self._picture, asset), asset.id, size), tell)
        kept = _distinct(found, working_size(size, _GRID_SIDE), tell)
        working = working_size(size, most)
        drawn = [(one, _drawn(one.logits, working, is_soft=False)) for one in kept]
        regions = [_candidate(mask, one.score, size, point=one.point) for one, mask in drawn]
        regions.sort(key=lambda region: -region.area)
        labels = np.zeros((working.height, working.width), np.uint16)
        for number, region in enumerate(regions, start=1):
            labels[region.mask >= masks.HALF] = number
        return Everything(tuple(regions), labels, size)

    def _ask(self, spec: ModelSpec, request: MaskRequest | GridMaskRequest, tell: Tell) -> Any:
        with self._residents.use(spec, tell) as model:
            return _run(model, request, tell)

    def _picture(self, asset: Asset) -> Image.Image:
        """What the model sees: RGB, on white."""
        return flat(read_picture(self._path_of(asset.owner, asset.id)).image)

    def _pixels(self, asset: Asset, size: tuple[int, int]) -> np.ndarray:
        """The same at a size (width, height): HWC uint8."""
        return np.asarray(self._picture(asset).resize(size, Image.Resampling.BOX, reducing_gap=2.0))


def _run(model: Model, request: MaskRequest | GridMaskRequest, tell: Tell) -> Any:
    tell(Progress(0, 0))
    return model.run(request, tell)


def working_size(size: Size, most: int) -> Size:
    """The size at which masks of a picture are computed: never larger than the picture."""
    scale = min(1.0, min(most, MAX_SIDE) / max(size))
    return Size(*(max(1, round(side * scale)) for side in size))


def worked(
    mask: np.ndarray, request: SegmentRequest, scale: float, pixels: Callable[[tuple[int, int]], np.ndarray]
) -> np.ndarray:
    """The mask after strokes, snapping, holes, parts, growing, softening and inverting, in that order.

    Args:
        mask: HW uint8 at the working size.
        request: lengths and places in pixels of the full picture.
        scale: pixels of the mask per pixel of the picture.
        pixels: the picture at a size (width, height), HWC uint8; called only to snap.
    """
    for stroke in request.strokes:
        small = stroke.scaled(scale)
        mask = masks.draw_stroke(mask, small.points, small.radius, add=small.add)
    if request.snap:
        mask = outline.snapped(pixels((mask.shape[1], mask.shape[0])), mask)
    if request.fill_holes:
        mask = masks.without_holes(mask)
    if request.largest_part:
        mask = masks.largest_part(mask)
    mask = masks.grown(mask, request.grow * scale)
    mask = masks.softened(mask, request.feather * scale)
    return 255 - mask if request.invert else mask


def _beginning(start: np.ndarray | None, working: Size) -> np.ndarray:
    return np.zeros((working.height, working.width), np.uint8) if start is None else masks.resized(start, working)


def _drawn(logits: np.ndarray, working: Size, *, is_soft: bool) -> np.ndarray:
    """HW uint8 of the working size."""
    enlarged = masks.enlarged(logits, working)
    if is_soft:
        return (np.clip(enlarged + 1, 0, 2) * 127.5 + 0.5).astype(np.uint8)
    return (enlarged > 0).view(np.uint8) * 255


def _missed(mask: np.ndarray, points: Sequence[Point], size: Size) -> tuple[Point, ...]:
    """Clicks that contradict the mask."""
    height, width = mask.shape
    missed = []
    for point in points:
        x = min(width - 1, int(point.x * width / size.width))
        y = min(height - 1, int(point.y * height / size.height))
        if (mask[y, x] >= masks.HALF) != point.add:
            missed.append(point)
    return tuple(missed)


def _candidate(
    mask: np.ndarray, score: float, size: Size, points: Sequence[Point] = (), point: Point | None = None
) -> Candidate:
    """A mask and its facts. If it contradicts a click, its score is capped."""
    box, working = masks.box_of(mask), Size(mask.shape[1], mask.shape[0])
    return Candidate(
        score=min(float(score), MISSED_SCORE) if _missed(mask, points, size) else float(score),
        box=_in_picture(box, size, working) if box else Box(0, 0, 0, 0),
        area=_area(mask, size),
        mask=mask,
        point=point,
    )


def _in_picture(box: tuple[int, int, int, int], size: Size, working: Size) -> Box:
    across, down = size.width / working.width, size.height / working.height
    return Box(*(round(side * scale, 2) for side, scale in zip(box, (across, down, across, down), strict=True)))


def _area(mask: np.ndarray, size: Size) -> int:
    return round(np.count_nonzero(mask >= masks.HALF) / mask.size * size.width * size.height)


def _distinct(found: Sequence[GridMask], small: Size, tell: Tell) -> list[GridMask]:
    """Confident, stable regions that differ from better ones, best first."""
    kept: list[GridMask] = []
    drawn: list[tuple[np.ndarray, int]] = []
    for one in sorted(found, key=lambda one: -one.score):
        if one.score < MIN_SCORE:
            break
        tell(Progress(0, 0))
        inner, outer = ((one.logits > level).sum() for level in (_STABLE_WITHIN, -_STABLE_WITHIN))
        if outer == 0 or inner / outer < MIN_STABILITY:
            continue
        mask = masks.enlarged(one.logits, small) > 0
        area = int(mask.sum())
        if area < MIN_SHARE * mask.size:
            continue
        twins = (other for other, size in drawn if MAX_OVERLAP < area / size < 1 / MAX_OVERLAP)
        if not any(masks.overlap(mask, other) > MAX_OVERLAP for other in twins):
            kept.append(one)
            drawn.append((mask, area))
    return kept
