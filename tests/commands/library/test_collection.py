"""The terminal verb `collection`: what is put into one is listed, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cli
from commands.sharing.identity import LOCAL_OWNER
from studio.service import Studio
from tests.studio.pictures_in import saved
from tests.studio.words.test_local import noise


def test_pictures_are_put_into_a_collection_listed_and_taken_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    studio = Studio((), tmp_path)
    one, two = (studio.take_in(LOCAL_OWNER, saved(noise(), "PNG"), "noise.png").id for _ in range(2))
    path = str(studio.path(LOCAL_OWNER, two))
    studio.close()
    outputs = ["--outputs", str(tmp_path)]

    def told(*arguments: str) -> str:
        assert cli.main(["collection", *arguments, *outputs]) == 0
        return capsys.readouterr().out

    assert told() == ""
    assert told("Toys", "--add", one, two).count("\n") == 2
    assert told() == "Toys (2)\n"
    assert json.loads(told("Toys", "--remove", one, "--json")) == {"id": two, "path": path}
    assert json.loads(told("--json")) == {"name": "Toys", "pictures": 1}
    assert cli.main(["collection", "--add", one, *outputs]) == 2
    assert "needs a name" in capsys.readouterr().err
