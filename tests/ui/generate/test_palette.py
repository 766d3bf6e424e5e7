"""The words that a model of a small world knows: what a press makes of the prompt, and how they are offered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines.records.toy_world import PALETTE
from tests.patience import settled
from tests.ui.accessibility import violations
from tests.ui.conftest import OpenStudio
from tests.ui.driver import Visitor
from tests.ui.painter import Brush, catalog
from tests.ui.serve import everybody_by_token, served
from toybox.words import BACKGROUND_RGB, BACKGROUNDS, COLOUR_RGB, COLOURS, KINDS
from ui.generate.palette import palette_of

PRESSES = (  # the prompt before, group and word that are pressed, the prompt after
    ("", "Object", "snowman", "a red snowman on a grey background"),
    ("", "Colour", "orange", "an orange ball on a grey background"),
    ("a red ball on a blue background", "Colour", "blue", "a blue ball on a blue background"),
    ("a red ball on a blue background", "Background", "sand", "a red ball on a sand background"),
    ("a red ball and a green tree", "Object", "house", "a red ball and a green house"),
    ("a red ball and a green tree", "Colour", "orange", "a red ball and an orange tree"),
    ("a ball", "Colour", "orange", "an orange ball"),
    ("an orange ball", "Colour", "red", "a red ball"),
    ("a dragon", "Object", "cube", "a dragon and a cube"),
    ("A Red Ball", "Colour", "green", "A green Ball"),
    ("a redwood table", "Background", "pink", "a redwood table on a pink background"),
)
MAKE = """([prompt, palette, name, word]) => import(palette.module).then(({ withWord }) =>
  withWord(prompt, palette, palette.groups.find((group) => group.name === name), word))"""


def test_the_record_says_what_the_toy_world_has():
    colour, thing, background = PALETTE.groups
    assert {*colour.words} == {*COLOURS}
    assert thing.words == KINDS
    assert {*background.words} == {*BACKGROUNDS}
    pairs: Any = ((colour, COLOUR_RGB), (background, BACKGROUND_RGB))
    for group, rgb in pairs:
        for word, swatch in zip(group.words, group.swatches, strict=True):
            assert [byte / 255 for byte in bytes.fromhex(swatch[1:])] == pytest.approx(rgb[word], abs=1 / 255)


@pytest.fixture(scope="module")
def site(open_studio: OpenStudio):
    toy, *others = catalog(Brush(0.005))
    full = next(spec for spec in others if spec.label == "Full painter")
    takes = replace(full, loras=lambda: ("ink", "pixel-art"))
    others = [takes if spec is full else spec for spec in others]
    with served(open_studio(replace(toy, palette=PALETTE), *others), everybody_by_token) as address:
        yield address


def chips(page: Page):
    return page.locator("#palette")


def test_a_press_on_a_word_makes_a_prompt_of_it_and_a_picture(chrome: Browser, site: str):
    with Visitor.arrives(chrome, site) as visitor:
        page, prompt = visitor.page, visitor.page.locator("#prompt textarea")
        expect(prompt).to_have_attribute("placeholder", "Describe a picture: a green ball on a grey background")
        chips(page).get_by_role("button", name="snowman").click()
        expect(prompt).to_have_value("a red snowman on a grey background")
        expect(chips(page).locator("[aria-pressed='true']")).to_have_count(3)
        chips(page).get_by_role("button", name="Background: blue").click()
        expect(prompt).to_have_value("a red snowman on a blue background")
        visitor.write("a blue ball")  # what is written is marked, too
        expect(chips(page).get_by_role("button", name="Colour: blue")).to_have_attribute("aria-pressed", "true")
        expect(chips(page).locator("[aria-pressed='true']")).to_have_count(2)
        assert not violations(page, "#palette")
        module = page.evaluate(
            "performance.getEntriesByType('resource').find((e) => e.name.endsWith('/words.js')).name"
        )
        told = palette_of(replace(catalog(Brush())[0], palette=PALETTE))["palette"] | {"module": module}
        for before, group, word, after in PRESSES:
            assert settled(page, MAKE, [before, told, group, word]) == after
        visitor.choose_model("Full painter")
        expect(chips(page).locator(".palette")).to_be_hidden()
        expect(prompt).to_have_attribute("placeholder", "Describe a picture: a yellow ball")
        visitor.write("a castle <lora:pixel-art:0.5>")
        ink, pixels = (chips(page).get_by_role("button", name=name, exact=True) for name in ("ink", "pixel-art"))
        expect(pixels).to_have_attribute("aria-pressed", "true")
        ink.click()
        expect(prompt).to_have_value("a castle <lora:pixel-art:0.5> <lora:ink:0.8>")
        expect(ink).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#improve .read")).to_be_hidden()  # the model reads no tags
        pixels.click()
        expect(prompt).to_have_value("a castle <lora:ink:0.8>")
        assert not violations(page, "#palette")
    visitor.assert_nothing_went_wrong()
