"""The viewer in a real browser: the picture large, its recipe in words, its relatives, and the way there and back."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from studio.recipe import from_text, png_text
from studio.service import Studio
from tests.patience import settled
from tests.ui.driver import PHONE, Visitor
from tests.ui.many import paint
from tests.ui.painter import Brush

RED, BLUE, GREEN = "a red ball", "a blue ball", "a green ball"


def made_three(visitor: Visitor) -> Visitor:
    """Somebody in the gallery with three pictures: green, blue, red."""
    for prompt in (RED, BLUE, GREEN):
        visitor.make(prompt)
    visitor.open_gallery()
    expect(visitor.cells).to_have_count(3)
    return visitor


@pytest.fixture
def new_three(visitor: Visitor) -> Visitor:
    """For a test that does not leave just these three."""
    return made_three(visitor)


@pytest.fixture(scope="module")
def resident(chrome: Browser, address: str, brush: Brush) -> Iterator[Visitor]:
    brush.go()
    with Visitor.arrives(chrome, address) as visitor:
        yield made_three(visitor)


@pytest.fixture
def three(resident: Visitor) -> Iterator[Visitor]:
    """The same person again, on the same page."""
    resident.page.keyboard.press("Escape")
    expect(resident.viewer).to_be_hidden()
    resident.open_gallery()
    expect(resident.cells).to_have_count(3)
    yield resident
    resident.stay()


@pytest.fixture
def phone(chrome: Browser, address: str, brush: Brush) -> Iterator[Visitor]:
    with Visitor.arrives(chrome, address, **PHONE) as phone:
        yield phone
        brush.go()
    phone.assert_nothing_went_wrong()


def test_the_recipe_stands_beside_the_picture_in_words(visitor: Visitor):
    visitor.choose_model("Full painter")
    visitor.open_more()
    visitor.page.locator("#negative-prompt textarea").fill("people")  # there once the choice was answered, with a seed
    visitor.page.locator("#seed input").fill("358")
    visitor.make("a purple ball")
    visitor.stage.get_by_role("button", name="Enlarge: a purple ball").click()
    panel = visitor.viewer.get_by_role("complementary", name="About this picture")
    expect(panel.locator(".words")).to_have_text("a purple ball")
    expect(panel.locator("dd")).to_have_count(9)
    told = dict(zip(panel.locator("dt").all_inner_texts(), panel.locator("dd").all_inner_texts(), strict=True))
    made, took = told.pop("Made"), told.pop("Took")
    assert re.search(r"20\d\d", made) and re.search(r"\d s$", took)
    assert told == {
        "Leave out": "people",
        "Model": "Full painter, revision 1",
        "Size": "256 x 256",
        "Seed": "358",
        "Steps": "6",
        "Guidance": "4",
        "Sampler": "Euler",
    }


def test_prompt_and_seed_can_be_copied(three: Visitor):
    three.context.grant_permissions(["clipboard-read", "clipboard-write"])
    three.cells.first.locator(".tile").click()
    three.viewer.get_by_role("button", name="Copy", exact=True).click()
    expect(three.toast).to_have_text("Prompt copied")
    assert settled(three.page, "() => navigator.clipboard.readText()") == GREEN
    three.viewer.get_by_role("button", name="Copy the seed").click()
    expect(three.toast).to_have_text("Seed copied")
    seed = three.viewer.locator("dt", has_text="Seed").locator("+ dd").inner_text()
    assert settled(three.page, "() => navigator.clipboard.readText()") == seed


def test_where_the_browser_refuses_the_clipboard_the_text_is_selected(three: Visitor):
    three.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')); }")
    three.cells.first.locator(".tile").click()
    three.viewer.get_by_role("button", name="Copy", exact=True).click()
    three.page.wait_for_function("words => getSelection().toString().trim() === words", arg=GREEN)
    three.page.evaluate("() => { delete navigator.clipboard.writeText; }")


def test_keys_go_along_the_pictures_and_the_focus_returns_to_the_last_one(three: Visitor):
    keyboard = three.page.keyboard
    three.cells.first.locator(".tile").focus()
    keyboard.press("Enter")
    expect(three.large).to_have_attribute("alt", GREEN)
    expect(three.viewer.get_by_text("1 of 3")).to_be_visible()
    keyboard.press("ArrowLeft")
    keyboard.press("ArrowRight")
    expect(three.large).to_have_attribute("alt", BLUE)
    keyboard.press("End")
    expect(three.large).to_have_attribute("alt", RED)
    expect(three.viewer.get_by_role("button", name="Next picture")).to_be_hidden()
    keyboard.press("ArrowLeft")
    expect(three.large).to_have_attribute("alt", BLUE)
    keyboard.press("Escape")
    expect(three.viewer).to_be_hidden()
    expect(three.cells.nth(1).locator(".tile")).to_be_focused()


def test_the_focus_stays_in_the_viewer(three: Visitor):
    three.cells.first.locator(".tile").click()
    expect(three.viewer.locator(".facts dd").first).to_be_visible()
    outside = """() => {
      const { activeElement: node } = document;
      return node !== document.body && !node.closest("dialog");
    }"""
    for _ in range(30):
        three.page.keyboard.press("Tab")
        assert not three.page.evaluate(outside)


def test_arrows_load_further_pictures_at_the_end_of_a_page(visitor: Visitor, studio: Studio):
    paint(studio, visitor.token, RED, 32)
    visitor.reload()
    expect(visitor.pictures).to_have_count(24)
    visitor.stage.get_by_role("button", name=f"Enlarge: {RED}").click()
    visitor.page.keyboard.press("End")
    expect(visitor.viewer.locator(".place")).to_have_text(re.compile("^24 of"))
    visitor.page.keyboard.press("ArrowRight")
    expect(visitor.viewer.locator(".place")).to_have_text("25 of 32")


def test_the_address_leads_back_to_the_picture_and_back_leaves_it(three: Visitor):
    three.cells.nth(1).locator(".tile").click()
    expect(three.large).to_have_attribute("alt", BLUE)
    assert re.search("picture=[0-9a-f]{32}", three.page.url)
    three.page.reload()
    expect(three.large).to_have_attribute("alt", BLUE)
    expect(three.viewer.get_by_text("2 of 3")).to_be_visible()
    three.page.keyboard.press("ArrowRight")
    expect(three.large).to_have_attribute("alt", RED)
    three.page.go_back()
    expect(three.viewer).to_be_hidden()
    assert "picture=" not in three.page.url
    three.page.go_forward()
    expect(three.viewer).to_be_visible()


def test_closing_it_twice_does_not_leave_the_page_behind_it(three: Visitor):
    three.cells.first.locator(".tile").click()
    three.page.evaluate("for (let i = 0; i < 2; i += 1) document.querySelector('#viewer .shut').click()")
    expect(three.viewer).to_be_hidden()
    expect(three.page).to_have_url(re.compile("tab=gallery"))
    expect(three.page.locator("#gallery .gallery")).to_be_visible()


def test_a_link_to_a_picture_that_is_not_there_says_so(visitor: Visitor):
    visitor.page.goto("about:blank")
    visitor.page.goto(f"{visitor.address}#picture={'0' * 32}")
    expect(visitor.toast).to_contain_text("There is no picture")
    expect(visitor.viewer).to_be_hidden()
    visitor.page.wait_for_function("!location.hash.includes('picture')")
    visitor.forgive("404 (Not Found)")


def test_a_deleted_picture_gives_way_to_the_next_and_comes_back(three: Visitor):
    three.cells.nth(1).locator(".tile").click()
    three.viewer.get_by_role("button", name="Delete").click()
    expect(three.large).to_have_attribute("alt", RED)
    expect(three.viewer.get_by_text("2 of 2")).to_be_visible()
    three.viewer.get_by_role("button", name="Undo").click()
    expect(three.large).to_have_attribute("alt", BLUE)
    expect(three.viewer.get_by_text("2 of 3")).to_be_visible()
    three.page.keyboard.press("ArrowRight")  # the focus did not leave with the button
    expect(three.large).to_have_attribute("alt", RED)


def test_choosing_pictures_ends_with_the_last_of_them(three: Visitor):
    three.page.get_by_role("button", name="Select", exact=True).click()
    for index in range(3):
        three.cells.nth(index).locator(".tile").click()
    toolbar = three.page.get_by_role("toolbar", name="Selected pictures")
    toolbar.get_by_role("button", name="Delete").click()
    expect(three.cells).to_have_count(0)
    expect(toolbar).to_be_hidden()
    three.toast.get_by_role("button", name="Undo").click()
    expect(three.cells).to_have_count(3)
    expect(toolbar).to_be_hidden()


def test_what_was_deleted_long_ago_is_taken_back(new_three: Visitor):
    for index in (2, 0):
        new_three.cells.nth(index).locator(".tile").focus()
        new_three.page.keyboard.press("Delete")
        expect(new_three.cells).to_have_count(2 if index else 1)
    new_three.reload()
    new_three.page.get_by_label("Kind").select_option("Deleted")
    expect(new_three.cells).to_have_count(2)
    toolbar = new_three.page.get_by_role("toolbar", name="Selected pictures")
    expect(toolbar).to_contain_text("Choose what to restore")
    new_three.page.get_by_role("button", name=GREEN, exact=True).click()
    new_three.page.keyboard.press("Delete")  # it is deleted already
    toolbar.get_by_role("button", name="Restore").click()
    expect(new_three.toast).to_have_text("Restored")
    expect(new_three.cells).to_have_count(1)
    expect(new_three.page.get_by_role("button", name=RED, exact=True)).to_be_visible()
    new_three.page.get_by_label("Kind").select_option("All kinds")
    expect(new_three.cells).to_have_count(2)
    expect(toolbar).to_be_hidden()


def test_deleting_the_last_picture_closes_the_viewer_and_undo_is_still_there(visitor: Visitor):
    visitor.make(RED)
    visitor.open_gallery()
    visitor.cells.first.locator(".tile").click()
    visitor.viewer.get_by_role("button", name="Delete").click()
    expect(visitor.viewer).to_be_hidden()
    expect(visitor.page.get_by_text("Everything you make is kept here.")).to_be_visible()
    visitor.toast.get_by_role("button", name="Undo").click()
    expect(visitor.cells).to_have_count(1)


def test_a_star_and_a_name_are_seen_everywhere_at_once(new_three: Visitor):
    new_three.cells.nth(2).locator(".tile").click()
    new_three.viewer.get_by_role("button", name="Rename").click()
    new_three.page.keyboard.type("Opus e1")  # the keys of the viewer are letters here
    new_three.page.keyboard.press("Enter")
    expect(new_three.viewer.locator(".panel .title")).to_have_text("Opus e1")
    expect(new_three.viewer.get_by_role("button", name="Rename")).to_be_focused()
    new_three.page.keyboard.press("F2")
    new_three.page.keyboard.press("Escape")
    expect(new_three.viewer).to_be_visible()
    new_three.page.keyboard.press("Escape")
    expect(new_three.page.get_by_role("button", name="Opus e1", exact=True)).to_be_focused()
    new_three.cells.nth(1).locator(".tile").click()
    new_three.viewer.get_by_role("button", name="Star", exact=True).click()
    expect(new_three.viewer.get_by_role("button", name="Starred", exact=True)).to_have_attribute("aria-pressed", "true")
    new_three.page.keyboard.press("Escape")
    expect(new_three.page.get_by_role("button", name=f"{BLUE}, starred", exact=True)).to_be_focused()
    new_three.page.get_by_role("tab", name="Generate").click()
    expect(new_three.pictures.get_by_role("button", name=f"{BLUE}, starred", exact=True)).to_be_visible()


def test_its_settings_fill_the_column_of_the_generate_tab(new_three: Visitor):
    new_three.cells.nth(2).locator(".tile").click()
    seed = new_three.viewer.locator("dt", has_text="Seed").locator("+ dd").inner_text()
    new_three.viewer.get_by_role("button", name="Use settings").click()
    expect(new_three.viewer).to_be_hidden()
    expect(new_three.page.locator("#prompt textarea")).to_have_value(RED)
    expect(new_three.page.locator("#generate")).to_be_visible()
    expect(new_three.more).to_have_text(f"More · seed {seed}")


def test_vary_makes_another_one_while_one_goes_on_looking(new_three: Visitor):
    new_three.cells.nth(2).locator(".tile").click()
    new_three.viewer.get_by_role("button", name="Vary").click()
    expect(new_three.toast).to_have_text("Another one is being made")
    expect(new_three.viewer.locator(".place")).to_have_text("4 of 4")
    expect(new_three.large).to_have_attribute("alt", RED)


def test_parents_and_children_are_a_click_away(visitor: Visitor, studio: Studio):
    visitor.make(RED)
    with visitor.page.expect_request("**/diorama/visit") as visit:
        visitor.reload()
    owner = visit.value.headers["x-diorama-token"]
    (parent,) = studio.gallery(owner).assets
    child = take_in_child(studio, owner, parent.id)
    visitor.open_gallery()
    visitor.page.locator(f"#gallery [data-key='{child}'] .tile").click()
    visitor.viewer.locator(".parents .tile").click()
    expect(visitor.large).to_have_attribute("src", re.compile(parent.id))
    expect(visitor.viewer.locator(".parents")).to_be_hidden()
    visitor.viewer.locator(".children .tile").click()
    expect(visitor.large).to_have_attribute("src", re.compile(child))


def test_a_wheel_and_a_double_click_enlarge_and_dragging_moves(three: Visitor):
    three.cells.first.locator(".tile").click()
    expect(three.large).to_have_css("transform", "matrix(1, 0, 0, 1, 0, 0)")
    ground = three.viewer.locator(".ground")
    ground.dblclick()
    expect(three.large).to_have_css("transform", re.compile(r"matrix\(2\.5,"))
    box = ground.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    three.page.mouse.move(x, y)
    before = three.large.bounding_box()
    three.page.mouse.down()
    three.page.mouse.move(x + 50, y + 20)
    three.page.mouse.up()
    after = three.large.bounding_box()
    assert before and after
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((50, 20), abs=1)
    three.page.mouse.wheel(0, 2000)
    expect(three.large).to_have_css("transform", "matrix(1, 0, 0, 1, 0, 0)")


def test_on_a_phone_a_flick_goes_on_and_the_words_fold(phone: Visitor):
    for prompt in (RED, BLUE):
        phone.make(prompt)
    phone.stage.get_by_role("button", name=f"Enlarge: {BLUE}").tap()
    expect(phone.viewer.locator(".facts")).to_be_hidden()
    flick(phone, -150)
    expect(phone.large).to_have_attribute("alt", RED)
    flick(phone, 150)
    expect(phone.large).to_have_attribute("alt", BLUE)
    phone.viewer.get_by_role("button", name="About this picture").tap()
    expect(phone.viewer.locator(".facts")).to_be_visible()
    assert phone.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def flick(phone: Visitor, right: float) -> None:
    """Move one finger over the picture, fast or slow."""
    box = phone.viewer.locator(".ground").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = phone.context.new_cdp_session(phone.page)
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x + right / 2, "y": y}]),
        ("touchMove", [{"x": x + right, "y": y}]),
        ("touchEnd", []),
    ):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def take_in_child(studio: Studio, owner: str, parent: str) -> str:
    """A picture of this owner whose recipe says that it was made from `parent`."""
    path: Path = studio.path(owner, parent)
    with Image.open(path) as picture:
        recipe = from_text(picture.info["diorama"])
        assert recipe
        child = picture.rotate(180)
    data = io.BytesIO()
    child.save(data, "PNG", pnginfo=png_text(replace(recipe, id="c" * 32, parents=(parent,))))
    return studio.take_in(owner, data.getvalue(), "child.png").id
