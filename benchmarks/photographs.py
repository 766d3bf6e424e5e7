""" "Outline by colour" with a box around the object of a photograph: quality and time of the mask.

Run `python -m benchmarks.photographs`. Photographs from other packages and hand-drawn outlines are from
`tests/studio/segmentation/photos`, enlarged to one megapixel. Times are CPU times of a single core.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from benchmarks.options import options_of
from benchmarks.table import Row, median_ms, print_table
from studio import masks
from studio.contract import Size
from studio.recipe.selection import Box, Point
from studio.segmentation.contract import MaskRequest
from studio.segmentation.outline_model import OutlineModel

PHOTOS = Path(__file__).resolve().parents[1] / "tests/studio/segmentation/photos"
PIXELS, ROUNDS = 1_000_000, 3


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    rounds = options_of(__doc__, arguments, rounds=ROUNDS).rounds
    cv2.setNumThreads(1)  # as in the app
    rows: list[Row] = []
    for name, drawn in json.loads((PHOTOS / "outlines.json").read_text()).items():
        rows += measured(name, drawn["box"], drawn["outline"], rounds)
    print_table("Cutting a photograph of 1 megapixel out by its colours", rows)


def measured(name: str, box: Sequence[float], outline: Sequence[Sequence[float]], rounds: int) -> list[Row]:
    """
    Args:
        box, outline: in pixels of the photograph as stored.
    """
    photo = Image.open(PHOTOS / f"{name}.jpg").convert("RGB")
    scale = (PIXELS / (photo.width * photo.height)) ** 0.5
    size = Size(round(photo.width * scale), round(photo.height * scale))
    photo = photo.resize(size, Image.Resampling.BICUBIC)
    wanted = Image.new("L", size)
    ImageDraw.Draw(wanted).polygon([(x * scale, y * scale) for x, y in outline], fill=255)
    left, top, right, bottom = (side * scale for side in box)
    middle = Point((left + right) / 2, (top + bottom) / 2)
    model, times, clicked, found = OutlineModel(), list[float](), list[float](), None
    for number in range(rounds):
        began = time.thread_time()
        request = MaskRequest(photo.copy, f"{number}", size, box=Box(left, top, right, bottom))
        found = model.run(request, lambda _progress: None)
        times.append(time.thread_time() - began)
        began = time.thread_time()
        model.run(MaskRequest(photo.copy, f"{number}", size, points=(middle,)), lambda _progress: None)
        clicked.append(time.thread_time() - began)
    mask = masks.enlarged(found.logits[0], size) > 0  # type: ignore[union-attr]
    likeness = masks.overlap(mask, np.asarray(wanted) >= masks.HALF)
    return [
        Row(f"{name}: IoU with the outline drawn by hand", likeness, 1, ">= 85 %"),
        median_ms(f"{name}: a box, p50 of one core", times, "<= 1000 ms"),
        median_ms(f"{name}: a click, three masks, p50 of one core", clicked),
    ]


if __name__ == "__main__":
    main()
