"""Comparisons: what can be compared, the labelled sheet, and the one picture that is kept of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.contract import GenerateRequest, Size, Task
from studio.errors import NotSupported, StudioError
from studio.grids import grid
from studio.grids.grid import Axis, GridRequest, axis
from studio.recipe import from_text, to_text
from studio.recipe.grid import GridRecipe, read_grid
from studio.service import Studio
from tests.ui.painter import Brush, catalog
from ui.shared.recipe_facts import facts_of

AXES: tuple[tuple[str, Any, tuple[Any, ...]], ...] = (
    ("steps", "4, 8,20", (4, 8, 20)),
    ("seed", "1 2;3", (1, 2, 3)),
    ("guidance", "1, 2.5", (1, 2.5)),
    ("prompt", "a red ball, small; a blue ball\n a cube ;", ("a red ball, small", "a blue ball", "a cube")),
    ("size", "256 x 384, 192×192", (Size(256, 384), Size(192, 192))),
    ("size", [[64, 64]], (Size(64, 64),)),
    ("style", ["photo", ""], ("photo", "")),
)


@pytest.mark.parametrize(("field", "values", "read"), AXES)
def test_values_are_read_as_people_write_them(field: str, values: Any, read: tuple[Any, ...]):
    assert axis(field, values) == Axis(field, read)


BASE = GenerateRequest("a red ball", "full", steps=4)
REFUSED: tuple[tuple[Any, Any, Any, Any, str], ...] = (
    ("owner", "1", "", "", "Compare one of"),
    (None, "1", "", "", "Compare one of"),
    (["x"], "1", "", "", "Compare one of"),
    ("steps", "", "", "", "1 to 12 values"),
    ("steps", "1 " * 13, "", "", "1 to 12 values"),
    ("steps", 8, "", "", "1 to 12 values"),
    ("steps", "four", "", "", "number of steps"),
    ("steps", [1e400], "", "", "number of steps"),
    ("steps", "1, 51", "", "", "51"),
    ("seed", "-2", "", "", "seed"),
    ("prompt", ["a ball", ""], "", "", "prompt is empty"),
    ("prompt", ["__nothing__"], "", "", "nothing"),
    ("size", "large", "", "", "two numbers"),
    ("size", [["a", "b"]], "", "", "width"),
    ("style", "photo; cubism", "", "", "cubism"),
    ("clip_skip", "1, 2", "", "", "clip skip"),
    ("steps", "1, 2", "steps", "3, 4", "Both sides compare"),
    ("steps", "1 2 3 4 5 6 7", "seed", "1 2 3 4 5 6", "at most 36"),
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory):
    studio = Studio(catalog(Brush(0.0001)), tmp_path_factory.mktemp("outputs"))
    yield studio
    studio.close()


@pytest.mark.parametrize(("x", "across", "y", "down", "said"), REFUSED)
def test_what_cannot_be_compared_is_refused_in_a_sentence(studio: Studio, x, across, y, down, said: str):
    with pytest.raises(StudioError, match=said):
        studio.compare("ada", GridRequest(BASE, axis(x, across), axis(y, down) if y else None))
    assert studio.jobs("ada") == []


def test_a_cloud_is_not_asked_for_a_sheet(studio: Studio):
    spec = replace(studio.model("full"), provider="Somebody")
    with pytest.raises(NotSupported, match="on this machine"):
        grid.complete(GridRequest(BASE, axis("steps", "1, 2")), spec, Path())


def test_a_comparison_is_one_picture_with_its_recipe_and_can_be_made_again(studio: Studio):
    wanted = GridRequest(replace(BASE, seed=7), axis("steps", "2, 4, 6"), axis("size", "192x192; 256 x 384"))
    job = studio.compare("eve", wanted)
    notes = {getattr(event, "note", "") for event in studio.events("eve", job.id)}
    assert notes <= {f"picture {i} of 6" for i in range(1, 7)} | {"", "loading Full painter"}
    (asset_id,) = studio.job("eve", job.id).assets
    asset = studio.asset("eve", asset_id)
    recipe = asset.recipe
    assert recipe.grid == GridRecipe("steps", ("2", "4", "6"), "size", ("192 x 192", "256 x 384"), 192, 192)
    assert (recipe.prompt, recipe.steps, recipe.seed) == ("a red ball", 2, 7)
    assert asset.title == "Steps and size: a red ball"
    assert from_text(to_text(recipe)) == recipe
    with Image.open(studio.path("eve", asset_id)) as sheet:
        assert sheet.size == (asset.width, asset.height)
        assert asset.width > 3 * 256
        assert asset.height > 2 * 384
    facts = {fact.label: fact.value for fact in facts_of(asset, studio.model("full"))}
    assert facts["Steps, across"] == "2; 4; 6"
    assert facts["Size, down"] == "192 x 192; 256 x 384"
    again = studio.settings_of("eve", asset_id).request
    assert again is not None
    assert (again.size, again.steps, again.seed) == (Size(192, 192), 2, 7)
    assert recipe.task == Task.GENERATE


def test_every_picture_of_a_sheet_is_the_one_that_its_request_makes(studio: Studio):
    base = replace(BASE, seed=3, size=Size(192, 192))
    studio.compare("kim", GridRequest(base, axis("prompt", "a red ball; a blue ball")))
    alone = studio.generate("kim", replace(base, prompt="a blue ball"))
    list(studio.events("kim", alone.id))
    (sheet_job,) = [job for job in studio.jobs("kim") if job.id != alone.id]
    sheet = Image.open(studio.path("kim", sheet_job.assets[0])).convert("RGB")
    picture = Image.open(studio.path("kim", studio.job("kim", alone.id).assets[0])).convert("RGB")
    at = (sheet.width - 8 - 192, sheet.height - 8 - 192)
    assert sheet.crop((*at, at[0] + 192, at[1] + 192)).tobytes() == picture.tobytes()


def test_labels_say_what_changes(studio: Studio):
    spec = studio.model("full")
    assert grid.labels(Axis("guidance", (1.0, 2.5)), spec) == ("Guidance 1", "Guidance 2.5")
    assert grid.labels(Axis("style", ("ink", "")), spec) == ("Style Ink drawing", "Style none")
    assert grid.labels(Axis("prompt", ("a ball", "x" * 100)), spec) == ("a ball", "x" * 79 + "…")


def test_a_sheet_is_never_larger_than_can_be_handled():
    large = Image.new("RGB", (1536, 1024))
    sheet = grid.sheet([[large] * 6] * 6, ["a very long label " * 9] * 6, ["x" * 80] * 6)
    assert max(sheet.size) <= grid.LONGEST_SIDE + 200
    assert grid.sheet([[None]], ["x"], ()).size < (200, 200)


@pytest.mark.parametrize("said", [{}, {"x": 1}, {"x": "a", "y": "", "x_values": [1], "y_values": []}, {"x": "\ud800"}])
def test_a_recipe_with_nonsense_in_it_says_nothing(said: dict[str, Any]):
    assert read_grid(said) == GridRecipe()


def test_a_comparison_that_is_stopped_leaves_nothing(tmp_path: Path):
    brush = Brush()
    brush.hold()
    studio = Studio(catalog(brush), tmp_path)
    job = studio.compare("ada", GridRequest(BASE, axis("seed", "1, 2")))
    brush.let(5)
    for event in studio.events("ada", job.id):
        if getattr(event, "step", 0) >= 5:
            studio.cancel("ada", job.id)
            brush.go()
    assert studio.job("ada", job.id).state == "stopped"
    assert studio.count("ada") == 0
    studio.close()
