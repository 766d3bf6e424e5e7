"""A recipe in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio.library.assets import Asset
from studio.recipe.course import CourseRecipe
from tests.studio.recipe.test_recipe import RECIPE
from tests.ui.painter import Brush, catalog
from ui.shared.recipe_facts import Fact, duration, facts_of

_, FULL, *_ = catalog(Brush())


def asset(**changes: Any) -> Asset:
    recipe = replace(
        RECIPE, revision="1", prompt="a ball", style="ink", negative_prompt="", steps=6, guidance=4.5, seconds=12.4
    )
    made = Asset(
        id="a" * 32,
        kind="image",
        owner="ada",
        name="ball.png",
        width=256,
        height=192,
        title="a ball",
        model="full",
        seed=0,
        created=1_700_000_000.5,
        starred=False,
        deleted=False,
        parents=(),
        job_id="",
        index=0,
        recipe=replace(recipe, **changes),
    )
    return replace(made, title=changes["title"]) if "title" in changes else made


def test_only_what_applies_to_a_picture_is_said():
    assert facts_of(asset(), FULL) == [
        Fact("Model", "Full painter, revision 1"),
        Fact("Size", "256 x 192"),
        Fact("Seed", "0", "copy"),
        Fact("Steps", "6"),
        Fact("Guidance", "4.5"),
        Fact("Style", "Ink drawing"),
        Fact("Made", "1700000000.5", "time"),
        Fact("Took", "12 s"),
    ]


def test_a_model_that_is_gone_keeps_its_id_and_a_commit_is_cut():
    told = dict(fact[:2] for fact in facts_of(asset(revision="4f2a91c0" * 5), None))
    assert (told["Model"], told["Style"]) == ("full, revision 4f2a91c", "ink")


@pytest.mark.parametrize(("source", "said"), [("", "a file"), ("file", "a file"), ("A1111", "a file made with A1111")])
def test_an_upload_says_where_it_comes_from(source: str, said: str):
    told = dict(fact[:2] for fact in facts_of(asset(task="upload", source=source, prompt="", title="holiday"), None))
    assert (told["From"], told["Name"], "Added" in told) == (said, "holiday", True)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, ""), (0.01, "less than 0.1 s"), (0.84, "0.8 s"), (59.6, "60 s"), (125, "2 min 5 s")]
)
def test_a_duration_is_as_exact_as_one_wants_to_know(seconds: float, said: str):
    assert duration(seconds) == said


def test_how_a_picture_came_about_is_a_curve_and_a_film():
    course = CourseRecipe((0.125, 0.25, -1.0), 3)
    told = {fact.label: fact[1:] for fact in facts_of(asset(course=course), FULL)}
    assert told["Match"] == ("0.125 0.25 -1", "curve")
    assert told["Film"] == (f"diorama/film/{'a' * 32}", "file")
    assert "Film" not in {fact.label for fact in facts_of(replace(asset(course=course), deleted=True), FULL)}


def test_what_a_cloud_made_says_what_it_cost_and_who_made_it():
    made = {"quality": "xhigh", "transparent": True, "price_usd": 0.0336, "notice": "Flare made this."}
    told = {fact.label: fact.value for fact in facts_of(asset(**made), FULL)}
    assert told["Quality"] == "Higher"
    assert told["Background"] == "transparent"
    assert told["Cost"] == "$0.034"
    assert told["Note"] == "Flare made this."
    assert Fact("Quality", "fine") in facts_of(asset(quality="fine"), None)
