"""Settings under a name and words written before: the studio keeps them, so that another browser has them, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from studio.contract import GenerateRequest, Task
from studio.service import Studio
from tests.ui.accessibility import violations
from tests.ui.conftest import OpenStudio
from tests.ui.driver import Visitor
from tests.ui.late import late
from tests.ui.painter import Brush, catalog
from tests.ui.serve import one_person, served


@pytest.fixture(scope="module")
def studio(open_studio: OpenStudio) -> Studio:
    return open_studio(*catalog(Brush(0.001)))


def test_words_are_told_to_who_wrote_them_newest_first_and_once(tmp_path: Path):
    studio = Studio(catalog(Brush(0.001)), tmp_path)
    for owner, words in (("ada", "a red ball"), ("ada", "a {red|blue} ball"), ("bob", "a cube"), ("ada", "a red ball")):
        list(studio.events(owner, studio.generate(owner, GenerateRequest(words, steps=4)).id))
    assert studio.past_words("ada", Task.GENERATE) == ["a red ball", "a {red|blue} ball"]
    assert studio.past_words("ada", Task.GENERATE, most=1) == ["a red ball"]
    assert studio.past_words("ada", Task.ITERATE) == []
    studio.close()


def test_arrow_up_brings_words_back_and_settings_are_kept_under_a_name(chrome: Browser, studio: Studio):
    for words in ("a blue ball", "a green cube"):
        list(studio.events("local", studio.generate("local", GenerateRequest(words, steps=4)).id))
    with served(studio, one_person) as address, Visitor.arrives(chrome, address) as visitor:
        page, prompt = visitor.page, visitor.page.locator("#prompt textarea")
        prompt.fill("a red")
        prompt.press("Home")
        for key, words in (
            *(("ArrowUp", "a green cube"), ("ArrowUp", "a blue ball"), ("ArrowUp", "a blue ball")),
            *(("ArrowDown", "a green cube"), ("ArrowDown", "a red"), ("ArrowDown", "a red")),
        ):
            prompt.press(key)
            expect(prompt).to_have_value(words)
        with late(page, "words/past") as let_come:
            prompt.press("Home")
            prompt.press("ArrowUp")
            prompt.fill("a red ball")
            let_come()
        expect(prompt).to_have_value("a red ball")  # what was written meanwhile stays
        prompt.fill("a red")

        visitor.choose_model("Full painter")
        visitor.open_more()
        page.locator("#guidance input[type=number]").fill("7")
        page.locator("#guidance input[type=number]").press("Tab")
        presets = page.locator("#presets")
        presets.get_by_role("button", name="Save as").click()
        presets.get_by_label("Name of the preset").fill("strict")
        assert not violations(page, "#presets")
        presets.get_by_role("button", name="Save", exact=True).click()
        expect(visitor.toast.filter(has_text="Saved: strict")).to_be_visible()
        expect(presets.locator(".names")).to_have_value("strict")
        assert studio.presets.get("local", "strict")["values"]["guidance"] == 7
        compare = page.locator("#compare")
        compare.locator("summary").click()
        compare.locator(".x").select_option("steps")
        compare.locator(".x-values").fill("1, 51")
        compare.get_by_role("button", name="Make the comparison").click()
        expect(visitor.note).to_contain_text("51")
        compare.locator(".x-values").fill("2, 3")
        compare.locator(".y").select_option("guidance")
        compare.get_by_role("button", name="Make the comparison").click()
        expect(visitor.stage.locator(".caption")).to_have_text("Steps and guidance: a red")
        expect(visitor.note).to_have_count(0)
        assert not violations(page, "#compare")

        visitor.choose_model("Toy painter")
        with Visitor.arrives(chrome, address) as other:  # another browser of the same person
            other.open_more()
            other.page.locator("#presets .names").select_option("strict")
            expect(other.page.locator("#model input")).to_have_value("Full painter · ready")
            expect(other.page.locator("#guidance input[type=number]")).to_have_value("7")
            other.page.locator("#presets").get_by_role("button", name="Delete").click()
            expect(other.page.locator("#presets .names")).to_be_disabled()
            assert studio.presets.of("local") == {}
    visitor.assert_nothing_went_wrong()
    other.assert_nothing_went_wrong()
