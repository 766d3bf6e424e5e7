"""Outputs of a Diorama before recipes were records, one asset of every kind: they open as they did, files and index.

So they do when they are written again, with recipes as they are written now.

`expected.json` is what the code of commit 643e3fc, which made them, read in each.
"""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.geometry import NOT_TURNED
from studio.library.kinds import read_recipe
from studio.recipe import FoundRecipe, Recipe, from_text, png_text, to_text
from studio.recipe.selection import to_json
from studio.service import Studio
from studio.splats.any_format import read_splat
from studio.splats.formats.ply import write_ply
from tests.studio.fakes import OWNER

BEFORE = Path(__file__).parent / "fixtures" / "outputs_643e3fc"
EXPECTED: dict[str, dict[str, Any]] = json.loads((BEFORE / "expected.json").read_text())
PARTS = ("selection", "edit", "views", "splat", "render", "course")
NEW = ("clip_skip", "control", "control_strength", "grid", "precision", "fast", "sampler")
"""What recipes have been able to say since."""


@pytest.mark.parametrize("form", ["with its index", "from the files alone", "written again"])
def test_every_kind_of_an_older_diorama_opens_as_before(tmp_path: Path, form: str):
    outputs = tmp_path / "outputs"
    shutil.copytree(BEFORE, outputs)
    if form == "with its index":
        (outputs / "diorama.sqlite").write_bytes(gzip.decompress((BEFORE / "diorama.sqlite.gz").read_bytes()))
    if form == "written again":
        for path in [*outputs.rglob("*.png"), *outputs.rglob("*.ply")]:
            write_again(path)
    studio = Studio((), outputs)
    for name, expected in EXPECTED.items():
        found = what_it_says(studio, expected["id"])
        assert json.loads(json.dumps(found)) == expected, name
        text = to_text(studio.asset(OWNER, expected["id"]).recipe)
        assert to_text(read(text)) == text, name
    studio.close()


def test_a_mask_of_an_older_diorama_opens_as_a_mask(tmp_path: Path):
    """Recipes could say so, though nothing of that version made one: here is an object whose recipe does."""
    outputs = tmp_path / "outputs"
    shutil.copytree(BEFORE, outputs)
    expected = EXPECTED["object"]
    path = next(path for path in outputs.rglob("*.png") if found_in(path).recipe.id == expected["id"])
    recipe = replace(found_in(path).recipe, kind="mask")
    with Image.open(path) as image:
        image.load()
        image.save(path, pnginfo=png_text(recipe))
    studio = Studio((), outputs)
    found = json.loads(json.dumps(what_it_says(studio, expected["id"])))
    assert found == expected | {"kind": "mask", "plain": expected["plain"] | {"kind": "mask"}}
    studio.close()


def write_again(path: Path) -> None:
    """The same file, with its recipe in the form of today: parts are objects, not texts."""
    if path.suffix == ".ply":
        path.write_bytes(write_ply(read_splat(path, path.name).splat))
    else:
        recipe = found_in(path).recipe
        with Image.open(path) as image:
            image.load()
            image.save(path, pnginfo=png_text(recipe))
    written = json.loads(found_in(path).text)
    assert "turning" not in written and all(isinstance(written[part], dict) for part in PARTS if part in written)


def found_in(path: Path) -> FoundRecipe:
    found = read_recipe(path)
    assert found is not None
    return found


def read(text: str) -> Recipe:
    recipe = from_text(text)
    assert recipe is not None
    return recipe


def what_it_says(studio: Studio, id: str) -> dict[str, Any]:
    asset = studio.asset(OWNER, id)
    change, selection = studio.request_of_version(OWNER, id), asset.recipe.selection
    return {
        "id": asset.id,
        "kind": asset.kind,
        "title": asset.title,
        "seed": asset.seed,
        "parents": asset.parents,
        "deleted": asset.deleted,
        "edit": without(asdict(change), *NEW) if change else None,
        "selection": said_then(to_json(selection.request)) if selection else None,
        "turning": turning(asset.recipe),
        "plain": without(asdict(asset.recipe), *PARTS, *NEW),
    }


def without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def said_then(selection: dict[str, Any]) -> dict[str, Any]:
    """Without what a selection has been able to say since."""
    assert not selection["snap"]
    return without(selection, "snap")


def turning(recipe: Recipe) -> dict[str, Any]:
    """What stood in the text of that name of views, splats and pictures of splats."""
    views, splat, render = recipe.views, recipe.splat, recipe.render
    if recipe.kind not in ("view", "splat") and render.camera is None:
        return {}
    said = {
        "azimuth_deg": views.azimuth_deg,
        "views": views.ids if any(views.ids) else None,
        "fit": splat.fit,
        "splats": splat.count,
        "camera": render.camera and asdict(render.camera),
        "ground": render.camera and render.ground,
        "notes": splat.notes,
        "turned": splat.turned if splat.turned != NOT_TURNED else None,
        "origin": splat.origin,
    }
    return {"elevation_deg": views.elevation_deg} | {
        name: value for name, value in said.items() if value not in (None, "") and (value or name != "splats")
    }
