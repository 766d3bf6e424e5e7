"""Whose pictures a browser is given, seen in one: by the cookie that its page asks for."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, Route, expect

from tests.patience import settled
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
    assert settled(visitor.page, STATUS, source) == 200
    visitor.press("Delete")
    expect(visitor.pictures).to_have_count(0)
    assert settled(visitor.page, STATUS, source) == 404  # also where the browser has kept a copy


def test_two_tabs_that_come_at_once_are_one_visitors(chrome: Browser, address: str):
    arrived: list[Route] = []

    def together(visit: Route) -> None:
        arrived.append(visit)
        if len(arrived) == 2:
            for each in arrived:
                each.continue_()

    context = chrome.new_context()
    context.route("**/diorama/visit", together)
    tabs = [context.new_page() for _ in range(2)]
    for tab in tabs:
        tab.goto(address, wait_until="commit")
    for tab in tabs:
        expect(tab.locator("#stage .scene[data-told]")).to_be_attached()
    assert len({visit.request.headers["x-diorama-token"] for visit in arrived}) == 1
    tabs[0].locator("#prompt textarea").fill("red ball")
    tabs[0].locator("#generate").click()
    for tab in tabs:
        see_picture(tab)
    context.close()
