"""A segmentation model that needs no weights: a click selects what touches it and has the same colour."""

from __future__ import annotations

import numpy as np

from studio import masks
from studio.contract import ModelSpec, Progress, Readiness, Task, Tell
from studio.recipe.selection import Point
from studio.segmentation.contract import GridMask, GridMaskRequest, MaskRequest, MaskResult

SIDE = 64


class ColourModel:
    """Of three masks the second is a little larger and the third is everything, with falling scores."""

    def __init__(self) -> None:
        self.requests: list[MaskRequest | GridMaskRequest] = []

    def run(self, request: MaskRequest | GridMaskRequest, tell: Tell) -> MaskResult | list[GridMask]:
        self.requests.append(request)
        tell(Progress(0, 1))
        pixels = np.asarray(request.picture().resize((SIDE, SIDE), 0)).astype(int)
        if isinstance(request, GridMaskRequest):
            line = (np.arange(8) + 0.5) / 8
            points = [Point(x * request.size.width, y * request.size.height) for y in line for x in line]
            return [GridMask(point, 0.9, self._logits(pixels, request, (point,))) for point in points]
        if request.box is not None:
            inside = np.zeros((SIDE, SIDE), bool)
            left, top, right, bottom = (
                round(side * SIDE / length)
                for side, length in zip(request.box, (*request.size, *request.size), strict=True)
            )
            inside[top:bottom, left:right] = True
            return MaskResult(np.where(inside, 8, -8)[None].astype(np.float32), (0.9,))
        logits = self._logits(pixels, request, request.points)
        if len(request.points) > 1 or request.start is not None:
            return MaskResult(logits[None], (0.95,))
        grown = masks.grown((logits > 0).astype(np.uint8) * 255, 3)
        three = np.stack([logits, np.where(grown > 0, 8, -8), np.full_like(logits, 8)]).astype(np.float32)
        return MaskResult(three, (0.9, 0.6, 0.3))

    def close(self) -> None:
        pass

    def _logits(
        self, pixels: np.ndarray, request: MaskRequest | GridMaskRequest, points: tuple[Point, ...]
    ) -> np.ndarray:
        wanted = np.zeros((SIDE, SIDE), bool)
        for point in points:
            x = min(SIDE - 1, int(point.x * SIDE / request.size.width))
            y = min(SIDE - 1, int(point.y * SIDE / request.size.height))
            parts = masks.parts_of(np.abs(pixels - pixels[y, x]).max(axis=2) < 30)
            wanted = np.where(parts == parts[y, x], point.add, wanted)
        return np.where(wanted, 8, -8).astype(np.float32)


def colour_spec(model: ColourModel | None = None) -> ModelSpec:
    found = model or ColourModel()
    return ModelSpec(
        id="colours",
        label="Colours",
        tasks=frozenset({Task.SEGMENT}),
        load=lambda _tell: found,
        readiness=lambda: Readiness(True, "ready"),
        revision="1",
    )
