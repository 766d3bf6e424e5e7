"""Finding what was made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import BadRequest
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, ask, finished


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


@pytest.mark.parametrize("values", [{"query": None}, {"query": 5}, {"model": []}, {"after": {}}])
def test_what_is_no_text_is_refused(full: Studio, values: dict[str, Any]):
    with pytest.raises(BadRequest, match="must be text"):
        full.gallery(OWNER, **values)
