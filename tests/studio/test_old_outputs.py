"""Outputs of a Diorama before recipes were records, one asset of every kind: they open as they did, files and index.

`expected.json` is what the code of commit 643e3fc, which made them, read in each.
"""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from studio.segmentation import codec
from studio.service import Studio
from tests.studio.fakes import OWNER

BEFORE = Path(__file__).parent / "fixtures" / "outputs_643e3fc"
EXPECTED: dict[str, dict[str, Any]] = json.loads((BEFORE / "expected.json").read_text())
TEXTS = ("selection", "edit", "turning")


@pytest.mark.parametrize("with_index", [True, False], ids=["with its index", "from the files alone"])
def test_every_kind_of_an_older_diorama_opens_as_before(tmp_path: Path, with_index: bool):
    outputs = tmp_path / "outputs"
    shutil.copytree(BEFORE, outputs)
    if with_index:
        (outputs / "diorama.sqlite").write_bytes(gzip.decompress((BEFORE / "diorama.sqlite.gz").read_bytes()))
    studio = Studio((), outputs)
    for name, expected in EXPECTED.items():
        found = what_it_says(studio, expected["id"])
        assert json.loads(json.dumps(found)) == expected, name
    studio.close()


def what_it_says(studio: Studio, id: str) -> dict[str, Any]:
    asset = studio.asset(OWNER, id)
    change, selection = studio.request_of_version(OWNER, id), codec.from_text(asset.recipe.selection)
    return {
        "id": asset.id,
        "kind": asset.kind,
        "title": asset.title,
        "seed": asset.seed,
        "parents": asset.parents,
        "deleted": asset.deleted,
        "edit": asdict(change) if change else None,
        "selection": codec.to_json(selection) if selection else None,
        "turning": json.loads(asset.recipe.turning or "{}"),
        "plain": {name: value for name, value in asdict(asset.recipe).items() if name not in TEXTS},
    }
