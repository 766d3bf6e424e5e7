"""How the page looks: on a phone, in the dark, and that nothing moves when things load.

Whether all of it can be read is asked in test_first_visit.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.ui.driver import PHONE, Visitor
from tests.ui.painter import Brush


@pytest.fixture(scope="module")
def phone(chrome: Browser, address: str, brush: Brush) -> Iterator[Visitor]:
    """Each test goes on where the one before ended."""
    with Visitor.arrives(chrome, address, **PHONE) as visitor:
        yield visitor
        brush.go()
    visitor.assert_nothing_went_wrong()


def test_light_or_dark_can_be_chosen_and_is_kept(visitor: Visitor):
    dark = "document.body.classList.contains('dark')"
    assert visitor.page.evaluate(dark) is False
    visitor.page.get_by_role("button", name="Light or dark").click()
    assert visitor.page.evaluate(dark) is True
    visitor.reload()
    assert visitor.page.evaluate(dark) is True


def test_every_list_that_opens_has_an_arrow(regular: Visitor):
    ground = "lists => lists.map((list) => getComputedStyle(list).backgroundImage)"
    regular.page.get_by_role("tab", name="3D").click()
    expect(regular.page.locator("#splat select.views-model")).to_be_attached()
    assert all("gradient" in each for each in regular.page.locator("select").evaluate_all(ground))


def test_on_a_phone_the_button_stays_in_reach_and_the_picture_comes_into_view(phone: Visitor):
    button = phone.page.locator("#generate")
    for target in ("#more > button", "#stage .frame, #stage .empty >> nth=0"):
        phone.page.locator(target).first.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport(ratio=1)
    phone.page.locator("#more > button").scroll_into_view_if_needed()
    phone.make("a red ball")
    expect(phone.image).to_be_in_viewport(ratio=0.9)


def test_a_phone_shows_everything_without_scrolling_sideways(phone: Visitor, brush: Brush):
    assert_nothing_sticks_out(phone)
    phone.open_more()
    brush.hold()
    phone.generate("a red ball")
    phone.see_step(brush, 1, "Step 1 of 8")
    assert_nothing_sticks_out(phone)
    brush.go()
    expect(phone.made).to_be_visible()
    assert_nothing_sticks_out(phone)


def test_on_a_phone_a_toast_leaves_what_is_below_it_free(phone: Visitor):
    phone.make("a red ball")
    before = phone.pictures.count()
    phone.press("Delete")
    expect(phone.toast).to_be_in_viewport(ratio=1)
    words, undo = phone.toast.locator("span"), phone.toast.get_by_role("button")
    box = phone.toast.bounding_box()
    assert box is not None and box["y"] + box["height"] < 844 / 4
    hit = """node => {
      const {x, y} = node.getBoundingClientRect();
      return node.contains(document.elementFromPoint(x + 9, y + 9));
    }"""
    assert words.evaluate(hit) is False
    assert undo.evaluate(hit) is True
    undo.tap()
    expect(phone.pictures).to_have_count(before)


def test_a_phone_on_its_side_shows_words_button_and_picture_beside_each_other(chrome: Browser, address: str):
    size = {"width": 844, "height": 390}
    with Visitor.arrives(chrome, address, **{**PHONE, "viewport": size}) as phone:
        phone.make("a red ball")
        for part in (phone.page.locator("#prompt"), phone.page.locator("#generate"), phone.image):
            expect(part).to_be_in_viewport(ratio=1)
        phone.page.locator("#more > button").scroll_into_view_if_needed()
        expect(phone.page.locator("#generate")).to_be_in_viewport(ratio=1)
        phone.pictures.first.scroll_into_view_if_needed()
        expect(phone.pictures.first).to_be_in_viewport(ratio=1)
        assert_nothing_sticks_out(phone)
    phone.assert_nothing_went_wrong()


def test_on_a_page_that_is_zoomed_far_in_the_button_leaves_the_room_to_what_is_read(chrome: Browser, address: str):
    with Visitor.arrives(chrome, address, viewport={"width": 427, "height": 267}) as phone:
        phone.make("a red ball")
        tile, button = phone.pictures.first, phone.page.locator("#generate")
        tile.scroll_into_view_if_needed()
        expect(tile).to_be_in_viewport(ratio=1)
        expect(button).not_to_be_in_viewport()
        button.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport(ratio=1)
        assert_nothing_sticks_out(phone)
    phone.assert_nothing_went_wrong()


def test_places_keep_their_size_while_a_picture_is_made(emptied: Visitor, brush: Brush):
    places = ("#stage .room", "#stage .below", "#stage .strip", "#column")
    empty = [emptied.page.locator(place).bounding_box() for place in places]
    brush.hold()
    emptied.generate("a red ball")
    emptied.see_step(brush, 1, "Step 1 of 8")
    forming = [emptied.page.locator(place).bounding_box() for place in places]
    frame = emptied.page.locator("#stage .frame").bounding_box()
    brush.go()
    expect(emptied.made).to_be_visible()
    assert empty == forming == [emptied.page.locator(place).bounding_box() for place in places]
    assert emptied.page.locator("#stage .frame").bounding_box() == frame


def assert_nothing_sticks_out(visitor: Visitor) -> None:
    wide = visitor.page.evaluate(
        """[...document.querySelectorAll("button, a, input, textarea, img, p, h2")]
        .filter((node) => node.checkVisibility() && !node.closest(".tiles, .spoken"))
        .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
        .map((node) => node.outerHTML.slice(0, 80))"""
    )
    assert not wide, wide
    assert visitor.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
