"""The tabs and the browser's own Back and Forward."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.ui.driver import PHONE, Visitor


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
    visitor.viewer.get_by_role("button", name="Edit", exact=True).click()
    assert_shown(visitor, "Iterate")
    visitor.page.go_back()
    assert_shown(visitor, "Gallery")
    expect(visitor.viewer).to_be_hidden()


def test_arrow_keys_go_from_tab_to_tab(visitor: Visitor):
    first = visitor.page.get_by_role("tab", name="Generate", exact=True)
    first.focus()
    for key, tab in (
        ("ArrowRight", "Iterate"),
        ("End", "Gallery"),
        ("ArrowRight", "Generate"),
        ("ArrowLeft", "Gallery"),
    ):
        visitor.page.keyboard.press(key)
        assert_shown(visitor, tab)
        expect(visitor.page.get_by_role("tab", name=tab, exact=True)).to_be_focused()
    visitor.page.keyboard.press("Home")
    assert_shown(visitor, "Generate")


DRAG = """([from, to, name]) => {
  const node = document.querySelector(from), place = document.querySelector(to);
  window.transfer = window.transfer || new DataTransfer();
  const options = { bubbles: true, cancelable: true, dataTransfer: window.transfer };
  return (name === "dragstart" ? node : place).dispatchEvent(new DragEvent(name, options));
}"""


def test_a_picture_is_dragged_out_as_its_file_and_over_a_tab_into_it(visitor: Visitor):
    visitor.make("a red: ball")
    page, tile, stage = visitor.page, "#stage .pictures .tile", "#iterate .scene"
    page.evaluate(DRAG, [tile, tile, "dragstart"])
    kind, name, file = page.evaluate("transfer.getData('DownloadURL')").split(":", 2)
    assert (kind, name) == ("image/png", "a red ball.png")
    assert page.request.get(file).body().startswith(b"\x89PNG")
    page.evaluate(DRAG, [tile, "#iterate-tab-button", "dragover"])
    assert_shown(visitor, "Iterate")
    expect(page.locator(stage)).to_be_visible()
    expect(page.locator("#iterate [inert]")).to_have_count(0)  # its scripts are there
    assert not page.evaluate(DRAG, [tile, stage, "dragover"])  # it is taken
    page.evaluate(DRAG, [tile, stage, "drop"])
    expect(page.locator("#iterate .subject .title")).to_have_text("a red: ball")
    page.evaluate(DRAG, [tile, stage, "drop"])  # nothing is dragged any more
    expect(page.locator("#iterate .version")).to_have_count(1)


def test_on_a_phone_the_prompt_is_in_reach_as_well_as_its_button(chrome: Browser, address: str):
    with Visitor.arrives(chrome, address, **PHONE) as phone:
        for top in (0, 10**6):
            phone.page.evaluate("top => scrollTo({ top, behavior: 'instant' })", top)
            expect(phone.page.locator("#prompt textarea")).to_be_in_viewport(ratio=1)
            expect(phone.page.locator("#generate")).to_be_in_viewport(ratio=1)
        prompt, button = (phone.page.locator(each).bounding_box() for each in ("#prompt textarea", "#generate"))
        assert prompt and button
        assert prompt["y"] + prompt["height"] <= button["y"]
    phone.assert_nothing_went_wrong()
