"""Settings under a name: each owner theirs, on the disk as a whole, and whatever the file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.errors import BadRequest, NotFound, StorageFailed
from studio.settings.presets import LONGEST_NAME, MOST, Presets

KEPT = {"model": "toy", "count": 2, "values": {"steps": 8}}


def test_what_an_owner_saves_is_theirs_and_is_there_after_a_restart(tmp_path: Path):
    presets = Presets(tmp_path)
    assert presets.save("ada", "  quick   and\nrough ", KEPT) == "quick and rough"
    presets.save("ada", "Best", KEPT | {"count": 1})
    presets.save("ada", "Best", KEPT | {"count": 8})
    again = Presets(tmp_path)
    assert [*again.of("ada")] == ["Best", "quick and rough"]
    assert again.get("ada", "Best")["count"] == 8
    assert again.of("bob") == {}
    with pytest.raises(NotFound):
        again.get("bob", "Best")
    with pytest.raises(NotFound):
        again.delete("bob", "Best")
    again.delete("ada", "Best")
    assert [*presets.of("ada")] == ["quick and rough"]
    assert (tmp_path / "presets.json").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["presets.json"]


@pytest.mark.parametrize("name", ["", " \n", "x" * (LONGEST_NAME + 1), None, 7, ["a"]])
def test_what_can_be_no_name_is_refused(tmp_path: Path, name: Any):
    with pytest.raises(BadRequest, match="Name the preset"):
        Presets(tmp_path).save("ada", name, KEPT)
    with pytest.raises(NotFound):
        Presets(tmp_path).delete("ada", name)


def test_there_is_an_end_to_how_much_is_kept(tmp_path: Path):
    presets = Presets(tmp_path)
    with pytest.raises(BadRequest, match="20000 bytes"):
        presets.save("ada", "long", {"values": "x" * 20_001})
    for number in range(MOST):
        presets.save("ada", f"{number}", {})
    presets.save("ada", "7", KEPT)
    with pytest.raises(BadRequest, match="Delete one"):
        presets.save("ada", "one more", KEPT)
    presets.save("bob", "his", KEPT)


@pytest.mark.parametrize("content", ["", "no JSON", "[]", '{"ada": []}', '{"ada": {"a": 1}}', "[" * 100_000, "\udcff"])
def test_a_file_that_somebody_spoiled_is_none_and_can_be_written_again(tmp_path: Path, content: str):
    (tmp_path / "presets.json").write_bytes(content.encode(errors="surrogateescape"))
    presets = Presets(tmp_path)
    assert presets.of("ada") == {}
    presets.save("ada", "a", KEPT)
    assert presets.get("ada", "a") == KEPT


def test_a_thousand_visitors_fill_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    presets = Presets(tmp_path)
    monkeypatch.setattr("studio.settings.presets.MOST_BYTES_OF_ALL", 300)
    presets.save("ada", "first", KEPT)
    with pytest.raises(BadRequest, match="no room"):
        for number in range(20):
            presets.save(f"visitor {number}", "another", KEPT)
    assert (tmp_path / "presets.json").stat().st_size <= 300
    presets.delete("ada", "first")
    presets.save("ada", "again", KEPT)
    assert [*presets.of("ada")] == ["again"]


def test_a_link_is_not_followed(tmp_path: Path):
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    (tmp_path / "elsewhere").write_text("{}")
    (outputs / "presets.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageFailed, match="is a link"):
        Presets(outputs).save("ada", "a", KEPT)
    assert (tmp_path / "elsewhere").read_text() == "{}"
