"""Who in a cloud could do what a model of this machine cannot: only offered, and with what would be lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio.clouds.alternatives import elsewhere, stand_in
from studio.contract import GenerateRequest, ModelSpec, Range, Readiness, Size, Style, Task
from tests.studio.fakes import FakeModel, spec_of

BARE: dict[str, Any] = {"seed": False, "steps": None, "guidance": None, "negative_prompt": False, "styles": ()}
LOCAL = spec_of(FakeModel(), "flux1-dev", readiness=lambda: Readiness(False, "needs a GPU with 24 GB"))
REQUEST = GenerateRequest("a fox", model="flux1-dev", size=Size(64, 64), steps=3, guidance=4)


def cloud(id: str, *owners: str, **changes: Any) -> ModelSpec:
    """A model of a provider that these owners have a key for."""

    def ready(owner: str) -> Readiness:
        return Readiness(owner in owners, "about")

    same: dict[str, Any] = {"provider": "Skies", "lane": "cloud", "readiness_of": ready, "price_usd": lambda _: 0.5}
    return spec_of(FakeModel(), id, **(same | changes))


def test_no_model_of_this_machine_and_none_that_was_retired_stands_in():
    gone = cloud("gone", "ada", retired_on="2026-01-01")
    other = cloud("other", "ada", tasks=frozenset({Task.ITERATE}))
    assert stand_in(REQUEST, LOCAL, [LOCAL, spec_of(FakeModel(), "toy"), gone, other], "ada") is None


def test_who_has_a_key_comes_first_then_who_honours_most_then_the_same_model():
    poor, rich, same = (
        cloud("poor", "ada", **BARE),
        cloud("rich", "ada"),
        cloud("same", "ada", label="FLUX.1 dev (Skies)"),
    )
    wish = replace(REQUEST, seed=7)
    assert stand_in(wish, LOCAL, [poor, rich, same], "ada") == (same, 0.5, ())
    assert stand_in(wish, LOCAL, [poor, rich], "ada") == (rich, 0.5, ())
    assert stand_in(wish, LOCAL, [poor, cloud("locked")], "ada") == (poor, 0.5, ("seed",))
    found = stand_in(wish, LOCAL, [poor, rich], "grace")
    assert found is not None
    assert found.spec is rich


@pytest.mark.parametrize(
    ("wish", "lost"),
    [
        ({}, ()),  # the defaults of a model are nobody's choice
        ({"seed": 7}, ("seed",)),
        ({"steps": 9, "guidance": 2.0}, ("steps", "guidance")),
        ({"negative_prompt": "people", "style": "sketch"}, ("negative prompt", "such style")),
        ({"size": Size(96, 72)}, ("such size",)),
    ],
)
def test_what_would_be_lost_is_what_somebody_chose(wish: dict[str, Any], lost: tuple[str, ...]):
    found = stand_in(replace(REQUEST, **wish), LOCAL, [cloud("poor", "ada", **BARE)], "ada")
    assert found is not None
    assert found.lost == lost


def test_a_value_that_the_other_takes_is_not_lost():
    able = cloud("able", "ada", steps=Range(1, 20, 4), styles=(Style("sketch", "Sketch", "{prompt}"),))
    found = stand_in(replace(REQUEST, steps=9, style="sketch"), LOCAL, [able], "ada")
    assert found is not None
    assert found.lost == ()
    found = stand_in(replace(REQUEST, steps=30), LOCAL, [able], "ada")
    assert found is not None
    assert found.lost == ("steps",)


def test_the_price_is_for_one_picture_of_the_size_that_will_be_made():
    def by_size(request: Any) -> float:
        return request.size.width / 64

    able = cloud("able", "ada", price_usd=by_size)
    found = stand_in(replace(REQUEST, size=Size(96, 64), count=4), LOCAL, [able], "ada")
    assert found is not None
    assert found.price_usd == 1.5
    unable = stand_in(replace(REQUEST, size=Size(999, 999)), LOCAL, [able], "ada")
    assert unable is not None
    assert (unable.price_usd, unable.lost) == (1.0, ("such size",))


def test_it_is_said_in_a_sentence_only_for_a_model_of_this_machine():
    able = cloud("able", "ada", label="Able (Skies)")
    said = elsewhere(REQUEST, [LOCAL, able], "ada")
    assert said == " Able (Skies) can make it in the cloud for about $0.50 a picture: choose the model able."
    assert elsewhere(REQUEST, [LOCAL], "ada") == ""
    assert elsewhere(replace(REQUEST, model="able"), [LOCAL, able], "ada") == ""
    assert elsewhere(replace(REQUEST, model=""), [LOCAL, able], "ada") == ""
