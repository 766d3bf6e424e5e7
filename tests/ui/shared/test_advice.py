"""What the tabs are told of a picture that the bundled models do not know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studio.contract import Size, Task
from studio.segmentation.outline_model import OUTLINE
from studio.service import Studio
from tests.studio.selecting_fake import colour_spec
from ui import iterate, segment

PHOTO = Path(__file__).parents[2] / "studio/segmentation/photos/flower.jpg"


def test_the_tabs_are_told_with_the_picture_what_its_models_do_not_know(tmp_path: Path):
    toys = replace(colour_spec(), id="toys", label="Toys", toys_only=True)
    klein = replace(toys, id="klein", tasks=frozenset({Task.ITERATE}), sizes=(Size(128, 128),), references=1)
    studio = Studio([toys, OUTLINE, klein], tmp_path / "outputs")
    try:
        photo = {"id": studio.take_in("local", PHOTO, "flower.jpg").id}
        told = segment.open_picture(studio, "local", photo)["advice"]
        assert told.keys() == {"toys"}
        assert [each["id"] for each in told["toys"]["instead"]] == ["outline"]
        (said,) = iterate.open_picture(studio, "local", photo)["advice"].values()
        assert "Limit it to an object." in said["text"]
    finally:
        studio.close()
