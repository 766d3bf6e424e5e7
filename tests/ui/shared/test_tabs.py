"""The tabs and the browser's own Back and Forward."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.ui.driver import Visitor


def assert_shown(visitor: Visitor, tab: str) -> None:
    expect(visitor.page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
    said = "" if tab == "Generate" else tab.lower()
    visitor.page.wait_for_function(
        "said => (new URLSearchParams(location.hash.slice(1)).get('tab') || '') === said", arg=said
    )


def test_back_leads_to_the_tab_before_and_not_out_of_the_page(visitor: Visitor):
    for tab in ("Segment", "3D", "Gallery"):
        visitor.page.get_by_role("tab", name=tab, exact=True).click()
        assert_shown(visitor, tab)
    for tab in ("3D", "Segment", "Generate"):
        visitor.page.go_back()
        assert_shown(visitor, tab)
    visitor.page.go_forward()
    assert_shown(visitor, "Segment")


def test_a_reload_stays_on_its_tab_and_adds_no_step(visitor: Visitor):
    visitor.page.get_by_role("tab", name="Segment", exact=True).click()
    assert_shown(visitor, "Segment")
    visitor.reload()
    assert_shown(visitor, "Segment")
    visitor.page.go_back()
    assert_shown(visitor, "Generate")


def test_a_button_that_leads_to_another_tab_leads_back_too(visitor: Visitor):
    visitor.make("red ball")
    visitor.open_gallery()
    visitor.cells.nth(0).locator(".tile").click()
    visitor.viewer.get_by_role("button", name="Edit here").click()
    assert_shown(visitor, "Iterate")
    visitor.page.go_back()
    assert_shown(visitor, "Gallery")
    expect(visitor.viewer).to_be_hidden()
