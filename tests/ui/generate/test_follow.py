"""A picture to follow in Generate: only models that follow one show it; it is chosen, kept and taken away again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gradio_client import Client
from playwright.sync_api import Browser, expect

from studio.contract import Range, Size
from studio.imaging.control import CANNY
from studio.service import Studio
from tests.studio.changing import picture
from tests.studio.pictures_in import saved
from tests.ui.accessibility import violations
from tests.ui.driver import Visitor
from tests.ui.painter import Brush, catalog
from tests.ui.serve import one_person, served


def test_a_likeness_is_offered_and_optional(chrome: Browser, tmp_path: Path):
    toy, full, *_ = catalog(Brush(0.001))
    shown = replace(full, id="shown", label="Shown", likeness=True, control_strength=Range(0, 1, 0.6))
    studio = Studio([toy, shown], tmp_path)
    hill = studio.take_in("local", saved(picture(Size(96, 96)), "PNG"), "hill.png")
    with served(studio, one_person) as address, Visitor.arrives(chrome, address) as visitor:
        page, follow = visitor.page, visitor.page.locator("#follow")
        expect(visitor.pictures).to_have_count(1)
        visitor.choose_model("Shown")
        expect(follow).to_contain_text("Follow the likeness of")
        expect(follow).to_contain_text("Optional: the words alone will do.")
        visitor.make("a red ball")
        newest = studio.asset("local", visitor.pictures.first.get_attribute("data-key") or "")
        assert (newest.recipe.model, newest.recipe.control, newest.parents) == ("shown", "", ())
        follow.get_by_role("button", name="Choose a picture").click()
        page.get_by_role("dialog").get_by_role("button", name="hill").click()
        expect(follow.get_by_role("button")).to_have_count(1)  # only its tile: nothing of it is drawn first
        visitor.make("a blue ball")
        newest = studio.asset("local", visitor.pictures.first.get_attribute("data-key") or "")
        assert (newest.recipe.control, newest.recipe.control_strength, newest.parents) == (hill.id, 0.6, (hill.id,))
    visitor.assert_nothing_went_wrong()
    studio.close()


def test_a_picture_is_chosen_and_followed(chrome: Browser, tmp_path: Path):
    toy, full, *_ = catalog(Brush(0.001))
    follower = replace(full, id="follower", label="Follower", control=CANNY.id, control_strength=Range(0, 2, 1))
    depth = replace(CANNY, id="depth", label="Depth", makes="depth")
    deep = replace(follower, id="deep", label="Deep one", control="depth")
    studio = Studio([toy, follower, deep, CANNY, depth], tmp_path)
    hill = studio.take_in("local", saved(picture(Size(96, 96)), "PNG"), "hill.png")
    with served(studio, one_person) as address, Visitor.arrives(chrome, address) as visitor:
        page, follow = visitor.page, visitor.page.locator("#follow")
        expect(follow).to_be_hidden()
        visitor.choose_model("Follower")
        expect(follow).to_contain_text("Follow the outlines of")
        visitor.write("a red ball")
        page.locator("#generate").click()
        expect(visitor.note).to_contain_text("Follower follows a picture.")
        follow.get_by_role("button", name="Choose a picture").click()
        assert not violations(page, "#follow") and not violations(page, "#picker")
        page.get_by_role("dialog").get_by_role("button", name="hill").click()
        expect(visitor.note).to_have_count(0)
        visitor.choose_model("Deep one")
        follow.get_by_role("button", name="Choose a picture").click()
        page.get_by_role("dialog").get_by_role("button", name="hill").click()
        expect(follow.get_by_role("button", name="Show depth")).to_be_visible()
        visitor.choose_model("Follower")
        follow.get_by_role("button", name="Show outlines").click()
        expect(visitor.stage.locator(".caption")).to_have_text("Outlines: hill")
        visitor.make("a red ball")
        made = studio.asset("local", visitor.pictures.first.get_attribute("data-key") or "")
        assert (made.recipe.control, made.recipe.control_strength, made.parents) == (hill.id, 1.0, (hill.id,))

        visitor.choose_model("Toy painter")
        expect(follow).to_be_hidden()
        visitor.choose_model("Follower")
        follow.get_by_role("button", name="Remove: hill").click()
        expect(follow.get_by_role("button", name="Choose a picture")).to_be_visible()
        visitor.press("Use settings")
        expect(follow.get_by_role("button", name="Remove: hill")).to_be_visible()
    visitor.assert_nothing_went_wrong()
    with served(studio, one_person) as address:
        said = {"model": "follower", "control": hill.id, "control_strength": 0.5}
        job = Client(address, verbose=False).predict(prompt="a blue ball", **said, api_name="/generate")
        assert studio.asset("local", job["pictures"][0]["id"]).recipe.control_strength == 0.5
    studio.close()
