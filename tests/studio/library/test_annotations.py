"""What is said of a picture later, its title and its description: found by a search, and never lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from studio.errors import NotFound
from studio.library import search
from studio.library.database import Database
from studio.library.store import Store
from tests.studio.library.test_store import index
from tests.studio.recipe.test_recipe import RECIPE

OWNER = RECIPE.owner
OpenStore = Callable[[], Store]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[OpenStore]:
    opened: list[Database] = []

    def open_one() -> Store:
        while opened:
            opened.pop().close()
        opened.append(Database(tmp_path / "diorama.sqlite"))
        store = Store(tmp_path, opened[0])
        store.reconcile()
        return store

    yield open_one
    opened.pop().close()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    store = open_store()
    store.save(Image.new("RGB", (RECIPE.width, RECIPE.height)), RECIPE)
    return store


def found(folder: Path, query: str) -> list[str]:
    database = Database(folder / "diorama.sqlite")
    try:
        return [asset.id for asset in search.find(database, OWNER, query=query).assets]
    finally:
        database.close()


def test_a_description_is_kept_and_found(store: Store, tmp_path: Path):
    asset = store.describe(OWNER, RECIPE.id, "A violin on a velvet sofa.")
    assert asset.description == "A violin on a velvet sofa."
    assert asset.title == RECIPE.title
    assert found(tmp_path, "velvet vio") == [RECIPE.id]
    assert found(tmp_path, RECIPE.prompt) == [RECIPE.id]
    store.describe(OWNER, RECIPE.id, "")
    assert found(tmp_path, "velvet") == []


def test_a_title_of_its_own_can_be_taken_back_and_the_old_words_are_found_all_the_same(store: Store, tmp_path: Path):
    store.describe(OWNER, RECIPE.id, "A violin.")
    assert store.rename(OWNER, RECIPE.id, "Opus 1").title == "Opus 1"
    assert found(tmp_path, "opus") == found(tmp_path, "violin") == found(tmp_path, RECIPE.prompt) == [RECIPE.id]
    assert store.describe(OWNER, RECIPE.id, "A cello.").title == "Opus 1"
    assert store.rename(OWNER, RECIPE.id, "").title == RECIPE.title
    assert found(tmp_path, "opus") == []
    assert found(tmp_path, "cello") == [RECIPE.id]


def test_the_file_itself_is_not_touched(store: Store):
    path = store.path(OWNER, RECIPE.id)
    before = path.read_bytes()
    store.describe(OWNER, RECIPE.id, "A violin.")
    assert path.read_bytes() == before


def test_all_of_it_survives_a_rebuild_and_a_lost_index(store: Store, open_store: OpenStore, tmp_path: Path):
    store.rename(OWNER, RECIPE.id, "Opus 1")
    store.describe(OWNER, RECIPE.id, "A violin.")
    store.star(OWNER, RECIPE.id, True)
    before = index(tmp_path)
    store.rebuild()
    assert index(tmp_path) == before
    for file in tmp_path.glob("diorama.sqlite*"):
        file.unlink()
    open_store()
    assert index(tmp_path) == before


@pytest.mark.parametrize("written", [{"description": "A flute."}, {"title": "Opus 2"}, {"title": ""}])
def test_what_reached_only_the_journal_counts(written: dict, store: Store, open_store: OpenStore, tmp_path: Path):
    store.rename(OWNER, RECIPE.id, "Opus 1")
    with (tmp_path / "notes.jsonl").open("a") as notes:
        notes.write(json.dumps({"asset": RECIPE.id, "mood": "new"} | written) + "\n")
    asset = open_store().asset(OWNER, RECIPE.id)
    assert asset.description == written.get("description", "")
    assert asset.title == (written.get("title", "Opus 1") or RECIPE.title)
    assert found(tmp_path, "flute") == ([RECIPE.id] if "description" in written else [])


@pytest.mark.parametrize("wrong", [None, 5, ["a"], "\ud800"])
def test_a_line_with_something_else_in_it_is_passed_over(
    wrong: object, store: Store, open_store: OpenStore, tmp_path: Path
):
    store.describe(OWNER, RECIPE.id, "A violin.")
    with (tmp_path / "notes.jsonl").open("a") as notes:
        notes.write(json.dumps({"asset": RECIPE.id, "description": wrong}) + "\n")
    assert open_store().asset(OWNER, RECIPE.id).description == "A violin."


def test_nobody_describes_or_names_what_is_anothers(store: Store):
    with pytest.raises(NotFound):
        store.describe("somebody", RECIPE.id, "Mine.")
    with pytest.raises(NotFound):
        store.rename("somebody", RECIPE.id, "Mine.")
    assert store.asset(OWNER, RECIPE.id).description == ""
