"""Finding what was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from studio.errors import BadRequest, NotFound
from studio.library import search as library_search
from studio.library.annotations import Note
from studio.library.assets import insert
from studio.library.database import Database
from studio.library.store import Store
from studio.recipe import FoundRecipe, to_text
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished
from tests.studio.pictures_in import corners, saved
from tests.studio.recipe.test_recipe import RECIPE


@pytest.fixture
def full(open_studio: OpenStudio) -> Studio:
    """Five pictures: two models, one star."""
    studio = open_studio(FakeModel(), FakeModel())
    for prompt, model in [
        ("a red ball", "fake"),
        ('the "blue" café', "fake"),
        ("a red cone on a blue ground", "fake-1"),
        ("rot-grüner Würfel", "fake"),
        ("50% AND (NOT) red* {x}: y", "fake-1"),
    ]:
        job = finished(studio, ask(studio, prompt, model=model))
    studio.star(OWNER, job.assets[0], True)
    return studio


def titles(studio: Studio, **values: Any) -> list[str]:
    return [asset.title for asset in studio.gallery(OWNER, **values).assets]


def test_the_newest_comes_first(full: Studio):
    assert titles(full)[0].startswith("50%") and titles(full)[-1] == "a red ball"


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_the_pages_together_are_all_pictures_once(full: Studio, limit: int):
    seen, after = [], ""
    while True:
        page = full.gallery(OWNER, after=after, limit=limit)
        seen += page.assets
        after = page.next
        if not after:
            break
        assert len(page.assets) == limit
    assert tuple(seen) == full.gallery(OWNER, limit=200).assets


def test_new_pictures_do_not_shift_the_pages(full: Studio):
    first = full.gallery(OWNER, limit=2)
    finished(full, ask(full, "newer"))
    second = full.gallery(OWNER, limit=2, after=first.next)
    assert [asset.title for asset in second.assets] == titles(full)[3:5]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("red", 3),
        ("RED ball", 1),
        ("re", 3),
        ("re ball", 0),  # only the last word may be a beginning
        ("cafe", 1),
        ('"blue"', 2),
        ('"blue ground"', 1),
        ('"ground blue"', 0),
        ("red -cone", 2),
        ("-red", 2),
        ('-"blue ground"', 4),
        ("- red", 3),
        ("red-cone", 1),  # a hyphen within a word leaves nothing out
        ("-no-such", 5),
        ("grun wurf", 0),
        ("gruner wurf", 1),
        ("50", 1),
        ("NOT", 1),
        ("dragon", 0),
        ("   ", 5),
        ("!?*", 0),
    ],
)
def test_a_search_finds_all_the_words(full: Studio, query: str, found: int):
    assert len(titles(full, query=query)) == found


@pytest.mark.parametrize(
    "query", ['"', "'", "red OR", "NEAR(", "a*b", "words:red", "^red", "-", "(", "\x00", "\ud800", "_"]
)
def test_no_query_is_a_syntax_error(full: Studio, query: str):
    titles(full, query=query)


def test_any_text_may_be_searched_for(full: Studio):
    @given(st.text(st.characters(codec=None), max_size=60))
    def search(query: str) -> None:
        titles(full, query=query)

    search()


def test_filters_go_together(full: Studio):
    assert len(titles(full, model="fake-1")) == 2
    assert len(titles(full, starred=True)) == 1
    assert titles(full, model="fake-1", query="cone") == ["a red cone on a blue ground"]
    assert titles(full, model="fake", starred=True) == []
    assert titles(full, model="\ud800") == []


@pytest.mark.parametrize("after", ["x", "\ud800", "é", "bmFuIGFh", "MS4wIHg=", "=", "AAAA" * 1000])
def test_a_made_up_page_is_refused(full: Studio, after: str):
    with pytest.raises(BadRequest, match="Reload the page"):
        full.gallery(OWNER, after=after)


@pytest.mark.parametrize("values", [{"limit": 0}, {"limit": 10**9}, {"limit": "2"}, {"limit": True}, {"limit": None}])
def test_a_page_has_a_bounded_length(full: Studio, values: dict[str, Any]):
    with pytest.raises(BadRequest, match="A page holds 1 to 200 pictures"):
        full.gallery(OWNER, **values)


@pytest.mark.parametrize("values", [{"query": None}, {"query": 5}, {"model": []}, {"after": {}}, {"kind": 1}])
def test_what_is_no_text_is_refused(full: Studio, values: dict[str, Any]):
    with pytest.raises(BadRequest, match="must be text"):
        full.gallery(OWNER, **values)


# --- kinds, counts, models --------------------------------------------------------------------------------------------


def test_uploads_and_what_was_made_here_are_told_apart(full: Studio):
    upload = full.take_in(OWNER, saved(corners(), "PNG"), "a red car.png")
    assert titles(full)[0] == "a red car"
    assert titles(full, kind="upload") == ["a red car"] == titles(full, kind="upload", query="red")
    assert len(titles(full, kind="image")) == 5 and len(titles(full, query="red", kind="image")) == 3
    full.delete(OWNER, [upload.id])
    assert titles(full, kind="upload") == titles(full, kind="splat") == titles(full, kind="\ud800") == []


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"query": "red"},
        {"starred": True},
        {"model": "fake-1"},
        {"kind": "image"},
        {"kind": "upload"},
        {"kind": "trash"},
        {"query": "red", "model": "fake-1", "kind": "image"},
        {"query": "re", "starred": True},
        {"query": "dragon"},
        {"query": "!?"},
        {"model": "x"},
    ],
)
def test_the_count_is_that_of_all_pages(full: Studio, values: dict[str, Any]):
    full.take_in(OWNER, saved(corners(), "PNG"), "a red car.png")
    full.delete(OWNER, [full.gallery(OWNER, query="gruner").assets[0].id])
    assert full.count(OWNER, **values) == len(titles(full, limit=200, **values))
    assert full.count("another", **values) == 0


@pytest.mark.parametrize("values", [{"query": None}, {"model": 5}, {"kind": []}])
def test_what_is_no_text_is_not_counted(full: Studio, values: dict[str, Any]):
    with pytest.raises(BadRequest, match="must be text"):
        full.count(OWNER, **values)


def test_the_models_are_those_of_what_is_there(full: Studio):
    full.take_in(OWNER, saved(corners(), "PNG"))  # no model made it
    assert full.models_used(OWNER) == ("fake", "fake-1")
    assert full.models_used("another") == ()
    full.delete(OWNER, [asset.id for asset in full.gallery(OWNER, model="fake-1").assets])
    assert full.models_used(OWNER) == ("fake",)


# --- relatives --------------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "test.sqlite")
    yield database
    database.close()


def test_parents_and_children_are_found_both_ways(tmp_path: Path, database: Database):
    store = Store(tmp_path, database)

    def save(id: str, parents: str, created: float, owner: str = OWNER) -> None:
        recipe = replace(RECIPE, job_id="", owner=owner, created=created, parents=tuple(one * 32 for one in parents))
        store.save(Image.new("RGB", (8, 6)), replace(recipe, id=id * 32))

    def family(id: str) -> tuple[str, str]:
        found = library_search.relatives(database, store.asset(OWNER, id * 32))
        return "".join(one.id[0] for one in found.parents), "".join(one.id[0] for one in found.children)

    save("a", "", 1)
    save("b", "a", 2)
    save("c", "bafb", 3)  # f never was here, b is named twice
    save("d", "a", 4, owner="another")
    save("e", "ed", 5)  # a circle, and a parent that is somebody else's
    for _ in range(2):
        assert [family(id) for id in "abce"] == [("", "cb"), ("a", "c"), ("ba", ""), ("e", "")]
        store.rebuild()
    store.delete(OWNER, ["b" * 32])
    assert [family(id) for id in "ac"] == [("", "c"), ("a", "")]
    (tmp_path / "images" / store.asset(OWNER, "c" * 32).name).unlink()
    store.reconcile()
    assert family("a") == ("", "")
    assert database.rows("SELECT * FROM lineage WHERE child = ?", ("c" * 32,)) == []


def test_another_owners_relatives_are_not_found(full: Studio):
    with pytest.raises(NotFound):
        full.relatives("another", full.gallery(OWNER).assets[0].id)


# --- many -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(database: Database) -> Database:
    """3,000 pictures of two owners."""
    with database.transaction() as connection:
        for number in range(3_000):
            prompt = "a red ball" if number % 2 else "a rare blue cone" if number == 500 else "a blue cone"
            recipe = replace(
                RECIPE,
                id=f"{number:032x}",
                owner=OWNER if number % 3 else "another",
                job_id="",
                prompt=prompt,
                title=prompt,
                model=f"model-{number % 4}",
                task="upload" if number % 10 == 0 else "generate",
                parents=(f"{number // 2:032x}",),
                created=float(number // 2),  # two in the same instant
            )
            found = FoundRecipe(recipe, to_text(recipe), 8, 6)
            insert(connection, f"{number}.png", found, Note(starred=number % 7 == 0), deleted=number % 11 == 0)
    return database


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"query": "red"},
        {"query": "rare"},
        {"query": "a"},
        {"query": "blue", "kind": "upload"},
        {"starred": True},
        {"starred": True, "query": "a"},
        {"model": "model-1"},
        {"kind": "upload"},
        {"model": "model-2", "starred": True, "query": "cone"},
        {"kind": "trash"},
        {"kind": "trash", "query": "rare"},
        {"kind": "trash", "starred": True},
    ],
)
def test_the_pages_of_many_pictures_are_what_a_slow_look_finds(crowded: Database, values: dict[str, Any]):
    def wanted(number: int) -> bool:
        prompt = "a red ball" if number % 2 else "a rare blue cone" if number == 500 else "a blue cone"
        return (
            number % 3 > 0
            and (number % 11 == 0) == (values.get("kind") == "trash")
            and any(word.startswith(values.get("query", "")) for word in prompt.split())
            and values.get("model") in (None, f"model-{number % 4}")
            and values.get("kind") in (None, "trash", "upload" if number % 10 == 0 else "image")
            and (number % 7 == 0 or not values.get("starred"))
        )

    expected = [number for number in reversed(range(3_000)) if wanted(number)]
    seen, after = [], ""
    while True:
        page = library_search.find(crowded, OWNER, after=after, limit=200, **values)
        seen += [int(asset.id, 16) for asset in page.assets]
        after = page.next
        if not after:
            break
    assert seen == expected
    assert library_search.count(crowded, OWNER, **values) == len(expected)
    assert library_search.models_used(crowded, OWNER) == ("model-0", "model-1", "model-2", "model-3")


class Watched(Database):
    """Remembers how SQLite answered."""

    def __init__(self, path: Path) -> None:
        self.plans: list[str] = []
        super().__init__(path)

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        self.plans += [row["detail"] for row in super().rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return super().rows(sql, parameters)


def test_no_question_reads_all_pictures(crowded: Database, tmp_path: Path):
    watched = Watched(tmp_path / "test.sqlite")
    asset = library_search.find(watched, OWNER, limit=1).assets[0]
    after = library_search.find(watched, OWNER, limit=2).next
    for values in (
        {},
        {"starred": True},
        {"model": "model-1"},
        {"kind": "upload"},
        {"kind": "trash"},
        {"query": "rare"},
        {"query": "a"},
    ):
        library_search.find(watched, OWNER, **values)
        library_search.find(watched, OWNER, after=after, **values)
        library_search.count(watched, OWNER, **values)
    library_search.relatives(watched, asset)
    library_search.models_used(watched, OWNER)
    watched.close()
    assert [plan for plan in watched.plans if "SCAN assets" in plan] == []
    sorts = [plan for plan in watched.plans if "TEMP B-TREE" in plan]
    assert len(sorts) <= 3  # the few of a rare word, and the children
