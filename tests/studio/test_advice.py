"""Which pictures the bundled models do not know, and what is said before they meet one."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.contract import IterateRequest, Readiness, Size, Stroke, Task
from studio.segmentation.contract import Box, SegmentRequest
from studio.segmentation.outline_model import OUTLINE
from studio.service import Studio
from studio.solid.contract import SolidRequest
from studio.toy_world import is_toy
from tests.studio.selecting_fake import colour_spec
from toybox.world import render, sample_scene

OWNER = "local"
ROOT = Path(__file__).resolve().parents[2]
PHOTOS = sorted((ROOT / "tests/studio/segmentation/photos").glob("*.jpg"))
SCREENSHOTS = [ROOT / "docs/generate.png", ROOT / "docs/gallery.png", ROOT / "docs/phone.png"]
TOYS = replace(colour_spec(), id="toys", label="Toys", toys_only=True, sizes=(Size(128, 128),), references=1)


def drawing() -> Image.Image:
    """A child's drawing: lines on white paper."""
    image = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 30, 140, 130), outline="black", width=4)
    draw.line([(200, 250), (260, 120), (320, 250), (200, 250)], fill="blue", width=5)
    draw.rectangle((40, 180, 150, 270), outline="red", width=4)
    return image


def as_jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=60)
    return Image.open(file)


def test_photographs_screenshots_and_drawings_are_no_toys():
    for path in (*PHOTOS, *SCREENSHOTS):
        image = Image.open(path).convert("RGB")
        assert not is_toy(image), path.name
        assert not is_toy(image.resize((image.width // 4, image.height // 4))), path.name
    assert not is_toy(drawing())
    assert not is_toy(Image.new("RGB", (300, 200), "white"))


def test_rendered_scenes_and_cut_outs_of_them_are_toys():
    rng, wrong = random.Random(2026), []
    for number in range(24):
        scene = render(sample_scene(rng), size=128)
        whole = Image.fromarray(scene.image)
        cut = Image.fromarray(np.dstack([scene.image, ((scene.mask > 0) * 255).astype(np.uint8)]))
        for name, each in {
            "whole": whole,
            "as a JPEG": as_jpeg(whole),
            "enlarged": whole.resize((512, 512), Image.Resampling.LANCZOS),
            "cut out": cut,
        }.items():
            if not is_toy(each):
                wrong.append((number, name))
    assert not wrong


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    tiny = replace(OUTLINE, id="tiny", label="Tiny", download_gb=0.16, readiness=lambda: coming(0.16))
    large = replace(OUTLINE, id="large", label="Large", download_gb=0.9, readiness=lambda: coming(0.9))
    lost = replace(OUTLINE, id="lost", readiness=lambda: Readiness(False, "needs a GPU"))
    klein = replace(TOYS, id="klein", label="Toy klein", tasks=frozenset({Task.ITERATE}))
    views = replace(TOYS, id="views", label="Toy views", tasks=frozenset({Task.VIEWS}))
    opened = Studio([TOYS, lost, large, tiny, OUTLINE, klein, views], tmp_path / "outputs")
    yield opened
    opened.close()


def coming(gb: float) -> Readiness:
    return Readiness(True, f"{gb} GB download", download_gb=gb)


def test_what_is_said_of_a_photo_names_what_knows_it(studio: Studio):
    photo = studio.take_in(OWNER, PHOTOS[0], "a red ball on a grey background.jpg").id
    toy = studio.take_in(
        OWNER, png(Image.fromarray(render(sample_scene(random.Random(4)), size=128).image)), "IMG_1.png"
    )
    assert studio.adviser.about(OWNER, toy.id, Task.SEGMENT) == {}
    (advice,) = studio.adviser.about(OWNER, photo, Task.SEGMENT).values()
    assert advice.text == "This model does not know photos. Tiny (0.2 GB) does."
    assert [each.id for each in advice.instead] == ["tiny", "outline"]
    assert studio.adviser.of_selection(OWNER, photo, "") == advice.text
    assert studio.adviser.of_selection(OWNER, photo, "outline") == ""
    coffee = studio.take_in(OWNER, PHOTOS[2], "cup.jpg")  # as red and smooth as a toy, when cut out
    kept = studio.selections.keep(OWNER, SegmentRequest(coffee.id, "outline", box=Box(72, 14, 484, 392)))
    assert "Toy views knows only toys" in studio.adviser.of_solid(OWNER, SolidRequest(kept.id, splat=False))


def test_a_limited_change_leaves_the_photo_alone(studio: Studio):
    photo = studio.take_in(OWNER, PHOTOS[0], "x.jpg").id
    change = IterateRequest(photo, "make it blue")
    said = studio.adviser.of_change(OWNER, change, "klein")
    assert said == "Toy klein repaints the whole photo at 128 px. Limit it to an object."
    within = replace(change, strokes=(Stroke(((50.0, 50.0),), 20),))
    assert studio.adviser.of_change(OWNER, within, "klein") == ""


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
