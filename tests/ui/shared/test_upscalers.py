"""What the viewer offers to enlarge a picture with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from studio.contract import Readiness
from studio.errors import UnknownModel
from studio.imaging.upscale import LANCZOS
from studio.service import Studio
from tests.studio.fakes import finished
from ui.shared import pictures


def named(id: str, *, ok: bool = True):
    return replace(LANCZOS, id=id, label=id.title(), readiness=lambda: Readiness(ok, "ready"))


@pytest.mark.parametrize(
    ("more", "offered"),
    [([], []), ([named("mine", ok=False)], []), ([named("mine")], ["SPAN", "Lanczos", "Mine"])],
    ids=["the included ones", "one that cannot run", "one that can"],
)
def test_there_is_a_choice_where_a_person_has_upscalers(tmp_path: Path, more: list, offered: list[str]):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    studio = Studio((replace(named("span"), label="SPAN"), LANCZOS, *more), tmp_path / "outputs")
    try:
        id = studio.take_in("me", tmp_path / "red.png", "red.png").id
        assert [each["label"] for each in pictures.look(studio, "me", {"id": id})["upscalers"]] == offered
        job = pictures.upscale(studio, "me", {"id": id, "model": "lanczos"})["job"]
        assert finished(studio, studio.job("me", job)).model == "lanczos"
        with pytest.raises(UnknownModel):
            pictures.upscale(studio, "me", {"id": id, "model": "gone"})
    finally:
        studio.close()
