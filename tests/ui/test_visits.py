"""Whose pictures a browser is given, seen in one: by the cookie that its page asks for."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.ui.driver import Visitor

STATUS = "source => fetch(source).then((answer) => answer.status)"


def see_picture(page: Page) -> None:
    expect(page.locator("#stage .pictures img").first).to_have_js_property("naturalWidth", 128)


def test_pictures_are_seen_after_a_reload_without_cookies_and_in_a_second_tab_until_they_are_deleted(visitor: Visitor):
    visitor.make("red ball")
    expect(visitor.image).to_have_js_property("naturalWidth", 128)
    see_picture(visitor.page)
    source = visitor.source()
    visitor.context.clear_cookies()
    visitor.reload()
    see_picture(visitor.page)
    see_picture(visitor.open_tab())
    assert visitor.page.evaluate(STATUS, source) == 200
    visitor.press("Delete")
    expect(visitor.pictures).to_have_count(0)
    assert visitor.page.evaluate(STATUS, source) == 404  # also where the browser has kept a copy
    visitor.troubles = [one for one in visitor.troubles if "404" not in one]
