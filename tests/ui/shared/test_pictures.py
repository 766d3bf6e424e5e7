"""What can be done with a picture once it is there, by pointer and by keyboard."""

from __future__ import annotations

import io
import json

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.ui.driver import PHONE, Visitor
from tests.ui.painter import Brush

RED, BLUE = "a red ball", "a blue ball"


def test_a_star_stays_over_a_reload_and_can_be_taken_away(emptied: Visitor):
    emptied.make(RED)
    emptied.press("Star")
    expect(emptied.stage.get_by_role("button", name="Starred", exact=True)).to_have_attribute("aria-pressed", "true")
    emptied.reload()
    emptied.press("Starred")
    expect(emptied.stage.get_by_role("button", name="Star", exact=True)).to_have_attribute("aria-pressed", "false")


def test_delete_can_be_undone(emptied: Visitor):
    emptied.make(RED)
    emptied.make(BLUE)
    emptied.press("Delete")
    expect(emptied.pictures).to_have_count(1)
    expect(emptied.image).to_have_attribute("alt", RED)
    emptied.press("Undo")
    expect(emptied.pictures).to_have_count(2)
    expect(emptied.image).to_have_attribute("alt", BLUE)


def test_what_was_deleted_soon_after_each_other_comes_back_at_once(emptied: Visitor):
    for prompt in (RED, "a green ball", BLUE):
        emptied.make(prompt)
    order = keys(emptied)
    for left in (2, 1, 0):
        emptied.press("Delete")
        expect(emptied.pictures).to_have_count(left)
    expect(emptied.toast).to_contain_text("3 deleted")
    emptied.press("Undo")
    expect(emptied.pictures).to_have_count(3)
    assert keys(emptied) == order
    emptied.press("Delete")
    expect(emptied.toast).to_contain_text("Deleted")


def test_an_older_picture_that_was_deleted_comes_back_to_its_place(emptied: Visitor):
    emptied.page.locator("#count label").nth(7).click()
    for made in (8, 16, 24, 32):
        emptied.write(RED)
        emptied.page.locator("#generate").click()
        expect(emptied.pictures).to_have_count(made)
    emptied.pictures.nth(29).get_by_role("button").click()
    order = keys(emptied)
    emptied.press("Delete")
    expect(emptied.pictures).to_have_count(31)
    emptied.press("Undo")
    expect(emptied.pictures).to_have_count(32)
    assert keys(emptied) == order
    expect(emptied.pictures.nth(29).get_by_role("button")).to_have_attribute("aria-current", "true")


def test_after_a_delete_in_the_strip_the_neighbour_has_the_focus(emptied: Visitor):
    for prompt in (RED, "a green ball", BLUE):
        emptied.make(prompt)
    emptied.pictures.nth(1).get_by_role("button").focus()
    emptied.page.keyboard.press("Delete")
    expect(emptied.pictures).to_have_count(2)
    expect(emptied.pictures.get_by_role("button", name=RED)).to_be_focused()
    emptied.page.keyboard.press("Delete")
    expect(emptied.pictures).to_have_count(1)
    expect(emptied.pictures.get_by_role("button", name=BLUE)).to_be_focused()


def test_what_was_deleted_stays_away_after_a_reload(emptied: Visitor):
    emptied.make(RED)
    emptied.press("Delete")
    expect(emptied.pictures).to_have_count(0)
    emptied.reload()
    expect(emptied.stage.get_by_text("Your picture appears here.")).to_be_visible()


def test_vary_makes_another_one_with_another_seed(emptied: Visitor):
    emptied.make(RED)
    seed = emptied.stage.locator(".seed").inner_text()
    emptied.press("Vary")
    expect(emptied.pictures).to_have_count(2)
    expect(emptied.image).to_have_attribute("alt", RED)
    expect(emptied.stage.locator(".seed")).not_to_have_text(seed)


def test_use_settings_brings_back_the_model_the_words_and_the_numbers(visitor: Visitor):
    visitor.choose_model("Full painter")
    visitor.page.locator("#shape label", has_text="3:2").click()
    visitor.open_more()
    visitor.page.locator("#negative-prompt textarea").fill("people")
    visitor.make("a purple ball")
    seed = visitor.stage.locator(".seed").inner_text().removeprefix("Seed ").strip()
    visitor.page.locator("#negative-prompt textarea").fill("")
    visitor.page.locator("#count label").nth(2).click()
    visitor.choose_model("Toy painter")
    expect(visitor.page.locator("#negative-prompt")).to_be_hidden()
    visitor.write("something else")
    visitor.press("Use settings")
    expect(visitor.stage.locator(".toast", has_text="Settings copied, seed included")).to_be_visible()
    expect(visitor.page.locator("#prompt textarea")).to_have_value("a purple ball")
    expect(visitor.page.locator("#model input")).to_have_value("Full painter · ready")
    expect(visitor.page.locator("#shape label.selected")).to_contain_text("3:2")
    expect(visitor.page.locator("#negative-prompt textarea")).to_have_value("people")
    expect(visitor.page.locator("#seed input")).to_have_value(seed)
    expect(visitor.more).to_have_text(f"More · seed {seed}")
    expect(visitor.page.locator("#count label.selected")).to_have_text("1")
    visitor.reload()
    expect(visitor.more).to_have_text(f"More · seed {seed}")
    expect(visitor.page.locator("#count label.selected")).to_have_text("1")


def test_the_same_seed_makes_the_same_picture(visitor: Visitor):
    visitor.make(RED)
    first = visitor.page.request.get(visitor.source()).body()
    visitor.open_more()
    seed = visitor.stage.locator(".seed").inner_text().removeprefix("Seed ").strip()
    visitor.page.locator("#last-seed").click()
    expect(visitor.page.locator("#seed input")).to_have_value(seed)
    visitor.make(RED)
    expect(visitor.stage.locator(".seed")).to_contain_text(seed)
    second = visitor.page.request.get(visitor.source()).body()
    assert pixels(first) == pixels(second)


def test_the_download_has_a_speaking_name_and_the_recipe_inside(emptied: Visitor):
    emptied.make(RED)
    with emptied.page.expect_download() as waiting:
        emptied.stage.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename.endswith(".png")
    assert "a-red-ball" in waiting.value.suggested_filename
    with Image.open(waiting.value.path()) as picture:
        recipe = json.loads(picture.info["diorama"])
    assert recipe["prompt"] == RED
    expect(emptied.stage.locator(".seed")).to_contain_text(str(recipe["seed"]))


def test_a_picture_can_be_enlarged_and_left_by_keys(emptied: Visitor):
    emptied.make(RED)
    emptied.make(BLUE)
    emptied.stage.get_by_role("button", name=f"Enlarge: {BLUE}").click()
    dialog = emptied.page.get_by_role("dialog")
    picture = dialog.locator(".large")
    expect(picture).to_have_attribute("alt", BLUE)
    emptied.page.keyboard.press("+")
    expect(picture).to_have_css("transform", "matrix(1.5, 0, 0, 1.5, 0, 0)")
    emptied.page.keyboard.press("0")
    expect(picture).to_have_css("transform", "matrix(1, 0, 0, 1, 0, 0)")
    emptied.page.keyboard.press("ArrowRight")
    expect(picture).to_have_attribute("alt", RED)
    emptied.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(emptied.image).to_have_attribute("alt", RED)


def test_two_fingers_enlarge_a_picture(chrome: Browser, address: str):
    with Visitor.arrives(chrome, address, **PHONE) as phone:
        phone.make(RED)
        phone.stage.get_by_role("button", name=f"Enlarge: {RED}").tap()
        picture = phone.page.locator("#viewer .large")
        expect(picture).to_have_css("transform", "matrix(1, 0, 0, 1, 0, 0)")
        box = phone.page.locator("#viewer .ground").bounding_box()
        assert box
        y = box["y"] + box["height"] / 2
        screen = phone.context.new_cdp_session(phone.page)
        for kind, apart in (("touchStart", 40), ("touchMove", 80), ("touchMove", 120)):
            points = [{"x": 195 - apart / 2, "y": y, "id": 0}, {"x": 195 + apart / 2, "y": y, "id": 1}]
            screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        screen.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(picture).to_have_css("transform", "matrix(3, 0, 0, 3, 0, 0)")
    phone.assert_nothing_went_wrong()


def test_everything_works_without_a_pointer(visitor: Visitor, brush: Brush):
    keyboard, page = visitor.page.keyboard, visitor.page
    expect(page.locator("#prompt textarea")).to_be_focused()
    keyboard.type(RED)
    keyboard.press("Control+Enter")
    expect(visitor.pictures).to_have_count(1)
    expect(visitor.jobs).to_have_count(0)
    keyboard.press("Control+A")
    keyboard.type(BLUE)
    brush.hold()
    keyboard.press("Meta+Enter")
    expect(visitor.jobs).to_have_count(1)
    tab_to(visitor, "Stop")
    keyboard.press("Enter")
    expect(visitor.step).to_have_text("Stopping")
    brush.go()
    expect(visitor.jobs).to_have_count(0)
    page.locator("#prompt textarea").focus()
    keyboard.press("Control+Enter")
    expect(visitor.pictures).to_have_count(2)
    tab_to(visitor, BLUE)
    keyboard.press("ArrowRight")
    expect(visitor.pictures.get_by_role("button", name=RED)).to_be_focused()
    keyboard.press("Enter")
    expect(visitor.image).to_have_attribute("alt", RED)
    keyboard.press("Delete")
    expect(visitor.pictures).to_have_count(1)


def tab_to(visitor: Visitor, name: str) -> None:
    """Press Tab until the button with this name has the focus."""
    button = visitor.stage.get_by_role("button", name=name, exact=True)
    for _ in range(40):
        visitor.page.keyboard.press("Tab")
        if button.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"Tab never came to '{name}'")


def keys(visitor: Visitor) -> list[str]:
    """Ids of the pictures in the strip, in order."""
    return visitor.pictures.evaluate_all("tiles => tiles.map((tile) => tile.dataset.key)")


def pixels(png: bytes) -> bytes:
    with Image.open(io.BytesIO(png)) as picture:
        return picture.tobytes()
