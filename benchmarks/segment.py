"""A further click on a picture, compared with the naive way: encode per click, and send three full-size PNG overlays.

Run `python -m benchmarks.segment`. Both use the same model on the same 1024 x 1024 picture, in turn. `benchmarks.gpu`
compares SAM 2.1 large on a GPU with a plain `SAM2ImagePredictor` script.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.options import options_of
from benchmarks.table import Row, median_ms, print_table
from benchmarks.timing import in_turn
from pipelines import catalog
from pipelines.families import sam
from pipelines.hub.cache import HubCache
from pipelines.machine import inspect
from pipelines.records import segmentation
from studio.contract import ModelSpec
from studio.recipe.selection import Point, SegmentRequest
from studio.service import Studio
from toybox.sam.model import FOLDER, WEIGHTS_NAME
from ui.routes.segment import described

SIDE, ROUNDS, OWNER = 1024, 15, "benchmark"


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, rounds=ROUNDS, folder=FOLDER)
    if not (options.folder / WEIGHTS_NAME).exists():
        sys.exit(f"There is no model in {options.folder}: train one with python -m toybox.sam.train.")
    with tempfile.TemporaryDirectory() as folder:
        spec = catalog.spec_of(segmentation.TOY_SAM, inspect(), HubCache.here(), options.folder)
        rows = clicks(spec, Path(folder), options.rounds)
    print_table(f"Clicking on {SIDE} x {SIDE} with the toy SAM, p50", rows)


def clicks(spec: ModelSpec, folder: Path, rounds: int) -> list[Row]:
    """Our clicks as the page makes them, and the naive way."""
    path = folder / "picture.png"
    picture().save(path)
    studio, naive = Studio([spec], folder / "outputs"), sam.open_folder(Path(FOLDER))
    asset = studio.take_in(OWNER, path)
    rng = np.random.default_rng(1)

    def click() -> None:
        x, y = rng.uniform(0, SIDE, 2)
        point = Point(float(x), float(y))
        described(studio.selections.segment(OWNER, SegmentRequest(asset.id, points=(point,))))

    def naively() -> None:
        point = rng.uniform(0, SIDE, 2)
        naive_click(naive, Image.open(path).convert("RGB"), point)

    try:
        times = in_turn({"repeat click": click, "naive": naively}, rounds)
    finally:
        studio.close()
        naive.close()
    share = float(np.median(times["repeat click"]) / np.median(times["naive"]))
    return [
        median_ms("a further click, from request to JSON", times["repeat click"]),
        median_ms("the naive way", times["naive"]),
        Row("a further click takes of it", share, rounds, "<= 10 %"),
    ]


def naive_click(model: sam.Sam, image: Image.Image, point: np.ndarray) -> list[str]:
    """A click as in a demo page: embed, predict, and send three full-size overlays."""
    predictor = model._predictor
    predictor.set_image(image)
    masks, _, _ = predictor.predict(point[None], np.array([1]), multimask_output=True)
    answers = []
    for mask in masks:
        veil = Image.new("RGB", image.size, (228, 87, 46))
        overlay = Image.composite(Image.blend(image, veil, 0.45), image, Image.fromarray(mask > 0))
        file = io.BytesIO()
        overlay.save(file, "PNG")
        answers.append(base64.b64encode(file.getvalue()).decode())
    return answers


def picture() -> Image.Image:
    """Soft shapes with grain."""
    rng = np.random.default_rng(0)
    spots = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    small = spots.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return Image.fromarray(np.clip(np.asarray(small) + rng.normal(0, 6, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8))


if __name__ == "__main__":
    main(sys.argv[1:])
