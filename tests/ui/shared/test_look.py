"""How the page looks: on a phone, in the dark, and that nothing moves when things load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.ui.driver import PHONE, Visitor
from tests.ui.painter import Brush

TEXTS = (
    "#generate",
    "#stage .caption",
    "#stage .seed",
    "#stage .strip h2",
    "#header .badge",
    "#examples button >> nth=0",
    "#model input",
    "#more > button",
    "#note .note",
)


GALLERY_TEXTS = (
    "#gallery .count",
    "#gallery .chip.starred span",
    "#gallery select.kind",
    "#gallery .bar .open span",
    "#gallery .selection .selected",
    "#gallery .selection .zip span",
)
VIEWER_TEXTS = (
    "#viewer .place",
    "#viewer .words",
    "#viewer .facts dt >> nth=0",
    "#viewer .facts dd >> nth=0",
    "#viewer .actions .reuse span",
    "#viewer .actions .delete span",
    "#viewer .copy-prompt span",
)


@pytest.fixture(scope="module", params=["light", "dark"])
def shaded(request: pytest.FixtureRequest, chrome: Browser, address: str) -> Iterator[Visitor]:
    """Of the tests of a shade each goes on where the one before ended."""
    with Visitor.arrives(chrome, address, color_scheme=request.param) as visitor:
        yield visitor
    visitor.assert_nothing_went_wrong()


@pytest.fixture(scope="module")
def phone(chrome: Browser, address: str, brush: Brush) -> Iterator[Visitor]:
    """Each test goes on where the one before ended."""
    with Visitor.arrives(chrome, address, **PHONE) as visitor:
        yield visitor
        brush.go()
    visitor.assert_nothing_went_wrong()


def test_text_can_be_read_in_the_light_and_in_the_dark(shaded: Visitor):
    shaded.make("a red ball, a dragon")
    for place in TEXTS:
        ratio = contrast(shaded.page.locator(place))
        assert ratio >= 4.5, f"{place} has a contrast of {ratio:.1f} : 1"


def test_text_in_gallery_and_viewer_can_be_read_in_the_light_and_in_the_dark(shaded: Visitor):
    shaded.make("a red ball")
    shaded.open_gallery()
    shaded.cells.first.locator(".tile").focus()
    shaded.page.keyboard.press(" ")
    expect(shaded.page.get_by_text("1 selected")).to_be_visible()
    too_low = [
        f"{place}: {ratio:.1f}" for place in GALLERY_TEXTS if (ratio := contrast(shaded.page.locator(place))) < 4.5
    ]
    shaded.page.keyboard.press("Escape")
    shaded.page.keyboard.press("Enter")
    expect(shaded.viewer.locator(".facts dd").first).to_be_visible()
    too_low += [
        f"{place}: {ratio:.1f}" for place in VIEWER_TEXTS if (ratio := contrast(shaded.page.locator(place))) < 4.5
    ]
    assert not too_low, too_low


def test_light_or_dark_can_be_chosen_and_is_kept(visitor: Visitor):
    dark = "document.body.classList.contains('dark')"
    assert visitor.page.evaluate(dark) is False
    visitor.page.get_by_role("button", name="Light or dark").click()
    assert visitor.page.evaluate(dark) is True
    visitor.reload()
    assert visitor.page.evaluate(dark) is True


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


def test_places_keep_their_size_while_a_picture_is_made(visitor: Visitor, brush: Brush):
    places = ("#stage .room", "#stage .below", "#stage .strip", "#column")
    empty = [visitor.page.locator(place).bounding_box() for place in places]
    brush.hold()
    visitor.generate("a red ball")
    visitor.see_step(brush, 1, "Step 1 of 8")
    forming = [visitor.page.locator(place).bounding_box() for place in places]
    frame = visitor.page.locator("#stage .frame").bounding_box()
    brush.go()
    expect(visitor.made).to_be_visible()
    assert empty == forming == [visitor.page.locator(place).bounding_box() for place in places]
    assert visitor.page.locator("#stage .frame").bounding_box() == frame


def assert_nothing_sticks_out(visitor: Visitor) -> None:
    wide = visitor.page.evaluate(
        """[...document.querySelectorAll("button, a, input, textarea, img, p, h2")]
        .filter((node) => node.checkVisibility() && !node.closest(".film, .spoken"))
        .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
        .map((node) => node.outerHTML.slice(0, 80))"""
    )
    assert not wide, wide
    assert visitor.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def contrast(place: Locator) -> float:
    """Contrast of the text to what is painted behind it. Source: WCAG 2.2, definition of contrast ratio."""
    return place.evaluate(
        """(node) => {
          const numbers = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
          const isClear = (style) => (numbers(style.backgroundColor)[3] ?? 1) === 0;
          let behind = node;
          while (isClear(getComputedStyle(behind)) && behind !== document.body) behind = behind.parentElement;
          const light = (colour) => numbers(colour).slice(0, 3)
            .map((value) => value / 255)
            .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
            .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
          const pair = [getComputedStyle(node).color, getComputedStyle(behind).backgroundColor].map(light);
          return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        }"""
    )
