"""A segmentation model without weights: `outline` behind the interface that SAM has. Runs anywhere."""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from PIL import Image

from studio import masks
from studio.contract import ModelCard, Progress, Readiness, Size, Task, Tell
from studio.recipe.selection import Box, Point
from studio.segmentation.contract import GridMask, GridMaskRequest, MaskRequest, MaskResult
from studio.segmentation.outline import Hints, cut

SIDE = 1024
"""Longest side of its input and its masks."""
_KEPT = 4
"""Size of the picture cache."""
_REACHES = (1.0, 2.5, 0.4)
"""Of a click's three masks: the object, the object with its surroundings, and just the clicked part."""
_GRID_SIDE, _LEAST = 256, 0.004
"""To find everything: the working size, and the smallest region as a share of the picture."""
_SURE = 8.0


class OutlineModel:
    """Follows colours and edges. For one thread."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[str, np.ndarray] = OrderedDict()  # least recently used first

    def run(self, request: MaskRequest | GridMaskRequest, tell: Tell) -> MaskResult | list[GridMask]:
        """Soft masks for a request's clicks, strokes and box, or hard ones for all regions of even colour.

        A single click gives three masks; anything more gives one.
        """
        tell(Progress(0, 0))
        picture = self._picture(request)
        if isinstance(request, GridMaskRequest):
            return _regions(picture, request.size)
        hints = _hints(request, picture)
        is_one = len(request.points) == 1 and not (request.strokes or request.box) and request.start is None
        found = []
        for reach in _REACHES if is_one else _REACHES[:1]:
            tell(Progress(len(found), len(_REACHES)))
            found.append(cut(picture, hints, reach))
        logits = np.stack([one.mask for one in found]).astype(np.float32) / 127.5 - 1
        return MaskResult(logits, tuple(one.score * 0.9**place for place, one in enumerate(found)), is_soft=True)

    def close(self) -> None:
        self._pictures.clear()

    def _picture(self, request: MaskRequest | GridMaskRequest) -> np.ndarray:
        """HWC uint8 RGB, at working size."""
        picture = self._pictures.pop(request.key, None)
        if picture is None:
            image = request.picture()
            image.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2.0)
            picture = np.asarray(image)
        self._pictures[request.key] = picture
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        return picture


OUTLINE = ModelCard(
    id="outline",
    label="Outline by colour",
    about="Knows no objects, only colours and edges, of photos too. Draw a box; clicks and strokes refine it.",
    tasks=frozenset({Task.SEGMENT}),
    strokes=True,
    licence="Apache-2.0",
    licence_url="https://www.apache.org/licenses/LICENSE-2.0",
).spec(load=lambda _tell: OutlineModel(), readiness=lambda: Readiness(True, "no download"), revision="1")


def _hints(request: MaskRequest, picture: np.ndarray) -> Hints:
    """The request's hints in pixels of the picture at working size."""
    height, width = picture.shape[:2]
    across, down = width / request.size.width, height / request.size.height
    box = request.box
    return Hints(
        points=tuple(Point(point.x * across, point.y * down, point.add) for point in request.points),
        strokes=tuple(stroke.scaled(across) for stroke in request.strokes),
        box=box and Box(box.left * across, box.top * down, box.right * across, box.bottom * down),
        start=None if request.start is None else masks.resized(request.start, (width, height)),
    )


def _regions(picture: np.ndarray, size: Size) -> list[GridMask]:
    """Connected regions of even colour, each with its innermost point."""
    height, width = picture.shape[:2]
    scale = min(1.0, _GRID_SIDE / max(height, width))
    small = cv2.resize(
        picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    even = cv2.pyrMeanShiftFiltering(small, 8, 16)
    free = np.pad(np.zeros(even.shape[:2], np.uint8), 1)  # mask of cv2.floodFill: what is already taken
    found = []
    for y, x in np.ndindex(even.shape[:2]):
        if free[y + 1, x + 1]:
            continue
        before = free.copy()
        count, *_ = cv2.floodFill(even, free, (x, y), (0, 0, 0), (4, 4, 4), (4, 4, 4), 4 | cv2.FLOODFILL_MASK_ONLY)
        if count < _LEAST * free.size:
            continue
        region = (free != before)[1:-1, 1:-1]
        depth = np.pad(masks.distances(~np.pad(region, 1)), 0)[1:-1, 1:-1]
        deep_y, deep_x = np.unravel_index(int(depth.argmax()), depth.shape)
        place = Point((deep_x + 0.5) * size.width / even.shape[1], (deep_y + 0.5) * size.height / even.shape[0])
        found.append(GridMask(place, 0.7, np.where(region, _SURE, -_SURE).astype(np.float32)))
    return found
