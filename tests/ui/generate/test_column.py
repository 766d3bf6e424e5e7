"""The column of the Generate tab in use: keys, folds, refusals, and words that come before the page does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.patience import settled
from tests.ui.accessibility import violations
from tests.ui.driver import PHONE, Visitor
from tests.ui.painter import Brush
from ui.shared.scripts import function

REFUSAL = "Big painter needs a GPU with 13 GB."
UNCOVERED = """(node) => {
  const { left, right, top, bottom } = node.getBoundingClientRect();
  return node.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
}"""
"""Whether a press on the middle of it would reach it."""


@pytest.fixture(scope="module", params=["screen", "phone"])
def either(request: pytest.FixtureRequest, chrome: Browser, address: str, brush: Brush) -> Iterator[Visitor]:
    options = PHONE if request.param == "phone" else {}
    with Visitor.arrives(chrome, address, **options) as visitor:
        yield visitor
        brush.go()
    visitor.assert_nothing_went_wrong()


def prompt(page: Page) -> Locator:
    return page.locator("#prompt textarea")


def card(visitor: Visitor) -> Locator:
    return visitor.page.locator("#preflight .preflight")


# --- the list of models -----------------------------------------------------------------------------------------------


def test_tab_leads_through_the_list_of_models_and_leaves_it_closed(visitor: Visitor):
    page, lists = visitor.page, visitor.page.get_by_role("listbox")
    for start, key in (("#examples button >> nth=2", "Tab"), ("#count input:checked", "Shift+Tab")):
        page.locator(start).focus()
        page.keyboard.press(key)
        expect(lists).to_have_count(1)
        page.keyboard.press(key)
        expect(page.locator("#model input")).not_to_be_focused()
        page.wait_for_timeout(300)  # it opened again after the focus had left
        expect(lists).to_have_count(0)
    page.locator("#model input").focus()
    expect(lists).to_have_count(1)
    page.keyboard.press("ArrowDown")  # the keys that do choose are left alone
    page.keyboard.press("Enter")
    expect(page.locator("#model input")).to_have_value("Full painter · ready")


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_model_that_cannot_run_says_why_on_one_card_and_another_is_a_press_away(either: Visitor):
    page, button = either.page, either.page.locator("#generate")
    expect(card(either)).to_be_hidden()
    either.choose_model("Big painter")
    expect(card(either)).to_contain_text("Big painter cannot run here")
    expect(card(either).locator(".missing + dd")).to_have_text("here: no GPU")
    expect(card(either).locator("dd")).to_have_count(2)
    expect(card(either).get_by_role("link")).to_have_count(0)  # an address that is none is no link
    expect(page.get_by_text(REFUSAL).filter(visible=True)).to_have_count(1)
    expect(button).to_have_text("Cannot run here")
    expect(button).to_be_disabled()
    expect(page.locator("#header .badge")).to_have_text("Big painter, CPU")
    assert not violations(page, "#preflight")
    page.get_by_role("tab", name="Gallery").click()
    expect(page.locator("#header .badge")).to_have_text("Toy painter, CPU")
    page.get_by_role("tab", name="Generate").click()
    model = page.locator("#model input")
    model.evaluate("node => node.scrollIntoView({ block: 'center' })")
    assert model.evaluate(UNCOVERED)
    card(either).get_by_role("button", name="Use Toy painter").click()
    expect(model).to_have_value("Toy painter · ready")
    expect(card(either)).to_be_hidden()
    expect(button).to_have_text("Generate")
    either.make("a red ball")


def test_an_empty_prompt_is_said_once_and_forgotten_with_the_next_picture(emptied: Visitor):
    emptied.write("")
    emptied.page.locator("#generate").click()
    expect(emptied.note).to_contain_text("The prompt is empty.")
    emptied.make("a red ball")
    expect(emptied.note).to_have_count(0)
    expect(emptied.toast).to_have_count(0)


def test_on_a_page_that_is_zoomed_far_in_a_refusal_comes_into_view(chrome: Browser, address: str):
    with Visitor.arrives(chrome, address, viewport={"width": 427, "height": 267}) as visitor:
        visitor.write("")
        prompt(visitor.page).press("Control+Enter")
        expect(visitor.note).to_be_in_viewport(ratio=1)
    visitor.assert_nothing_went_wrong()


# --- the fold ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["Toy painter", "Full painter"])
def test_the_arrow_of_the_fold_stays_inside_the_column(visitor: Visitor, model: str):
    visitor.choose_model(model)
    expect(visitor.more).to_contain_text("guidance" if model == "Full painter" else "steps")
    inside = """() => {
      const right = (selector) => document.querySelector(selector).getBoundingClientRect().right;
      return right("#more > button .icon") <= right("#generate");
    }"""
    visitor.page.wait_for_function(inside)
    visitor.open_more()
    visitor.page.wait_for_function(inside)  # once it has turned


def test_what_is_unfolded_comes_into_view(either: Visitor):
    either.open_more()
    seed = either.page.locator("#seed input")
    either.page.wait_for_function(f"node => ({UNCOVERED})(node)", arg=seed.element_handle())
    expect(seed).to_be_in_viewport(ratio=1)


def test_a_phone_can_be_scrolled_until_a_note_covers_nothing(chrome: Browser, address: str):
    with Visitor.arrives(chrome, address, **PHONE) as phone:
        phone.make("a red ball, a dragon")
        expect(phone.note).to_be_visible()
        phone.page.evaluate("scrollTo({ top: 1e6, behavior: 'instant' })")
        assert phone.page.locator("#more > button").evaluate(UNCOVERED)
    phone.assert_nothing_went_wrong()


# --- words that come before the page does -----------------------------------------------------------------------------


@contextmanager
def while_the_server_is_slow(page: Page) -> Iterator[None]:
    """Load the page again; what it asks the server is let through only afterwards."""
    held: list[Route] = []
    page.route("**/gradio_api/run/**", lambda route: held.append(route))
    with page.expect_request("**/gradio_api/run/**"):
        page.reload()
    yield
    for route in held:
        route.continue_()
    page.unroute("**/gradio_api/run/**")
    expect(page.locator("#stage .scene[data-told]")).to_be_attached()


@pytest.mark.parametrize("kept", ["", "a green ball"])
def test_what_is_written_before_the_page_is_ready_stays_and_is_made(visitor: Visitor, kept: str):
    if kept:
        with visitor.saving():
            visitor.write(kept)
    with while_the_server_is_slow(visitor.page):
        expect(prompt(visitor.page)).to_have_value(kept)
        visitor.write("a red ball")
        visitor.page.locator("#generate").click()
    expect(visitor.image).to_have_attribute("alt", "a red ball")
    expect(visitor.made).to_be_visible()
    expect(prompt(visitor.page)).to_have_value("a red ball")
    visitor.reload()
    expect(prompt(visitor.page)).to_have_value("a red ball")


def test_every_part_loads_where_the_text_fields_come_last(visitor: Visitor):
    scripts = (Path(gradio.__file__).parent / "templates/frontend/assets").glob("*.js")
    of_fields = [one.name for one in scripts if 'data-testid="textbox"' in one.read_text(encoding="utf-8")]
    page, held = visitor.page, list[Route]()
    for name in of_fields:
        page.route(f"**/{name}", lambda route: held.append(route))
    page.reload()
    expect(page.locator("#improve .read")).to_be_attached()
    expect(page.locator("#improve [inert]")).to_have_count(0)
    assert not page.locator("textarea").count()
    assert held
    for route in held:
        route.continue_()
    visitor.write("a red ball")
    expect(page.get_by_text("did not load")).to_have_count(0)


def test_a_note_that_stays_is_not_written_again_as_there_may_be_a_newer_one(visitor: Visitor):
    def told(name: str, *values: str) -> Any:
        call = function("generate/column.js", name)
        return settled(visitor.page, f"(values) => ({call})(...values)", [*values])

    stays, about_other_words = {"__type__": "update"}, '<p data-about="a blue ball">It goes.</p>'
    failed = told("say", '<p class="note" data-about="">It failed.</p>', 'a "red" ball')
    assert told("keepNote", 'a "red" ball', failed) == told("keepNote", "a red ball", "") == stays
    assert told("keepNote", "a red ball", about_other_words) == ""
