"""Makes the pictures on the tiles of the empty stage, through the app's own models: `make screenshots` runs it.

python -m tests.demo_tiles
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from pipelines.catalog import models
from studio.contract import GenerateRequest, IterateRequest
from studio.recipe.selection import Point, SegmentRequest
from studio.scheduling.contract import JobView
from studio.service import Studio
from studio.solid.contract import SolidRequest
from studio.splats.turntable import turntable
from ui.generate.demo import demo_model

FOLDER = Path(__file__).parents[1] / "ui/shared/stage"
OWNER = "local"
SIDE = 192
FRAMES, FRAME_MS, TURNS = 30, 100, 3
"""Of the splat: it turns some times around, then it stands still."""


def main() -> None:
    with tempfile.TemporaryDirectory() as outputs:
        studio = Studio(models(), Path(outputs))
        try:
            make(studio)
        finally:
            studio.close()


def make(studio: Studio) -> None:
    spec = demo_model(studio, OWNER)
    assert spec and spec.demo
    demo = spec.demo
    first = made(studio, studio.generate(OWNER, GenerateRequest(demo.prompt, spec.id, seed=demo.seed)))
    changed = made(studio, studio.iterate(OWNER, IterateRequest(first, demo.change, spec.id, seed=demo.seed)))
    save("picture", [picture(studio, first)])
    steered = studio.model("toy-vqgan")  # for the Models view only
    slow = made(studio, studio.generate(OWNER, GenerateRequest(steered.examples[0], steered.id, seed=demo.seed)))
    save("steered", [picture(studio, slow)])
    save("change", [picture(studio, changed)])
    size = studio.asset(OWNER, first)
    x, y = demo.place
    request = SegmentRequest(first, points=(Point(x * size.width, y * size.height),))
    thing = studio.selections.keep(OWNER, request, "demo")
    save("object", [Image.open(studio.path(OWNER, thing.id)).convert("RGBA")])  # on whatever the page is painted with
    splat = made(studio, studio.solids.make(OWNER, SolidRequest(thing.id)))
    start = studio.splats.splat(OWNER, splat).pose.camera
    assert start
    around = [studio.splats.rendered_png(OWNER, splat, camera, "filled") for camera in turntable(start, FRAMES)]
    save("splat", [Image.open(io.BytesIO(png)).convert("RGB") for png in around])


def made(studio: Studio, job: JobView) -> str:
    """Id of what a job made last."""
    for _ in studio.events(OWNER, job.id):
        pass
    return studio.job(OWNER, job.id).assets[-1]


def picture(studio: Studio, asset_id: str) -> Image.Image:
    with Image.open(studio.path(OWNER, asset_id)) as image:
        return image.convert("RGB")


def save(name: str, frames: Sequence[Image.Image]) -> None:
    first, *others = [frame.resize((SIDE, SIDE), Image.Resampling.LANCZOS) for frame in frames]
    more = {"save_all": True, "append_images": others, "duration": FRAME_MS, "loop": TURNS} if others else {}
    first.save(FOLDER / f"{name}.webp", quality=80, method=6, **more)


if __name__ == "__main__":
    main()
