"""The gallery in a real browser, with ten thousand pictures in it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from studio.contract import GenerateRequest
from studio.service import Studio
from tests.patience import settled
from tests.ui.driver import PHONE, Visitor
from tests.ui.late import late
from tests.ui.many import fill
from tests.ui.painter import Brush, catalog
from tests.ui.serve import one_person, served

MANY = 10_000
OWNER = "local"
WALK = """async (until) => {
  const scroller = document.querySelector("#gallery .scroller"), seen = [];
  let most = 0;
  const frame = () => new Promise(requestAnimationFrame);
  const isComing = () => document.querySelector("#gallery .place");
  for (;;) {
    while (isComing()) await frame();
    const cells = [...document.querySelectorAll("#gallery .cell")];
    most = Math.max(most, cells.length);
    for (const cell of cells) seen[cell.ariaPosInSet - 1] = cell.dataset.key;
    if (seen.length >= until || scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1) break;
    scroller.scrollTop += scroller.clientHeight;
    await frame();
    await frame();
  }
  return { seen, most };
}"""
"""Scroll down page by page until so many pictures were seen, as a person does; tell what was at which place."""
LEAP = """() => {
  const scroller = document.querySelector("#gallery .scroller");
  scroller.scrollTop = scroller.scrollHeight - 12 * scroller.clientHeight;
}"""

LEAPT = "() => [...document.querySelectorAll('#gallery .cell:not(.place)')].some((cell) => cell.ariaPosInSet > 5000)"
"""What lies there is drawn, and so what lay above is gone."""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, str, list[str]]]:
    """A studio with many pictures, its address, and the ids, newest first."""
    folder = tmp_path_factory.mktemp("many")
    ids = fill(folder, MANY, OWNER)
    studio = Studio(catalog(Brush(0)), folder)
    with served(studio, one_person) as address:
        yield studio, address, ids[::-1]
    studio.close()


@pytest.fixture(scope="module")
def resident(chrome: Browser, hall: tuple[Studio, str, list[str]]) -> Iterator[Visitor]:
    """Somebody whose page stays open from test to test."""
    with Visitor.arrives(chrome, hall[1]) as visitor:
        visitor.open_gallery()
        yield visitor


@pytest.fixture
def guest(resident: Visitor) -> Iterator[Visitor]:
    """Somebody at the top of the gallery of ten thousand pictures."""
    resident.page.keyboard.press("Escape")  # nothing stays selected
    resident.search("", "10,000 pictures")
    resident.page.evaluate("document.querySelector('#gallery .scroller').scrollTop = 0")
    expect(resident.cells.first).to_have_attribute("aria-posinset", "1")
    yield resident
    resident.stay()


def test_scrolling_sees_every_picture_once_while_new_ones_come(guest: Visitor, hall: tuple[Studio, str, list[str]]):
    studio, _, ids = hall
    expect(guest.count).to_have_text("10,000 pictures")
    upper = settled(guest.page, WALK, 500)
    new = [make(studio, "a purple ball, new") for _ in range(3)]
    newer = guest.page.locator("#gallery .newer")
    expect(newer).to_have_text("3 new pictures")
    middle = settled(guest.page, WALK, 1_000)
    guest.page.evaluate(LEAP)
    guest.page.wait_for_function(LEAPT)
    lower = settled(guest.page, WALK, MANY)
    last = next(i for i, id in enumerate(lower["seen"]) if id)
    walked = range(len(middle["seen"])), range(last, MANY)
    seen = {i: id for told in (upper, middle, lower) for i, id in enumerate(told["seen"]) if id}
    assert seen == {i: ids[i] for places in walked for i in places}
    assert len(walked[0]) >= 1_000
    assert len(walked[1]) >= 300
    assert max(told["most"] for told in (upper, middle, lower)) < 150
    newer.click()
    expect(newer).to_be_hidden()
    expect(guest.count).to_have_text("10,003 pictures")
    assert guest.cells.evaluate_all("cells => cells.slice(0, 4).map((cell) => cell.dataset.key)") == [
        *new[::-1],
        ids[0],
    ]
    guest.expect_deleted(new)
    studio.delete(OWNER, new)


def test_the_end_of_the_scrollbar_leads_to_the_oldest_picture_at_once(guest: Visitor):
    guest.page.evaluate("document.querySelector('#gallery .scroller').scrollTop = 1e9")
    expect(guest.page.get_by_role("button", name="a red ball 00000, starred", exact=True)).to_be_visible()


def test_the_place_is_found_again_after_a_reload(guest: Visitor):
    guest.page.evaluate("document.querySelector('#gallery .scroller').scrollTop = 40000")
    guest.page.wait_for_function("JSON.parse(sessionStorage['diorama-gallery-place']).index > 1000")
    expect(guest.page.locator("#gallery .place")).to_have_count(0)
    cell = guest.cells.nth(guest.cells.count() // 2)
    expect(cell).to_be_in_viewport()
    name = cell.locator(".tile").get_attribute("aria-label") or ""
    guest.page.reload()
    expect(guest.page.get_by_role("button", name=name, exact=True)).to_be_in_viewport()


def test_words_stars_and_models_find_and_the_address_keeps_them(guest: Visitor):
    guest.search("red 0001", "2 pictures")
    expect_titles(guest, "a red ball 00015, starred", "a red ball 00010")
    guest.page.get_by_role("button", name="Starred", exact=True).click()
    expect(guest.count).to_have_text("1 picture")
    guest.page.reload()
    expect(guest.count).to_have_text("1 picture")
    expect(guest.page.locator("#gallery .query")).to_have_value("red 0001")
    guest.page.get_by_role("button", name="Starred", exact=True).click()
    guest.page.get_by_label("Model", exact=True).last.select_option("Full painter")
    expect(guest.count).to_have_text("1 picture")
    expect_titles(guest, "a red ball 00015, starred")
    guest.page.locator("#gallery .query").fill("")
    expect(guest.count).to_have_text("5,000 pictures")
    guest.page.get_by_label("Kind").select_option("Uploaded")
    expect(guest.page.get_by_role("region", name="Gallery").get_by_text("Nothing found.")).to_be_visible()
    guest.page.get_by_role("button", name="Clear the search").click()
    expect(guest.count).to_have_text("10,000 pictures")


def test_the_newest_question_wins_however_late_an_older_answer_comes(guest: Visitor):
    held: list[Route] = []
    guest.page.route("**/diorama/pictures/find", lambda route: hold(route, held))
    guest.page.locator("#gallery .query").fill("slow")
    guest.page.wait_for_function("location.hash.includes('q=slow')")
    guest.search("red 0004", "2 pictures")
    with guest.page.expect_response(lambda response: "slow" in (response.request.post_data or "")):
        held.pop().continue_()
    settled(guest.page, "() => new Promise(requestAnimationFrame)")
    expect_titles(guest, "a red ball 00045, starred", "a red ball 00040")


def test_a_selection_is_downloaded_starred_deleted_and_brought_back(
    guest: Visitor, hall: tuple[Studio, str, list[str]]
):
    studio, _, _ = hall
    guest.search("0007", "10 pictures")
    guest.cells.nth(1).hover()
    guest.cells.nth(1).get_by_role("checkbox").click()
    guest.cells.nth(4).locator(".tile").click(modifiers=["Shift"])
    expect(guest.page.get_by_text("4 selected")).to_be_visible()
    chosen = guest.page.locator("#gallery .cell.chosen").evaluate_all("cells => cells.map((cell) => cell.dataset.key)")
    with guest.page.expect_download() as waiting:
        guest.page.get_by_role("button", name="Download zip").click()
    assert waiting.value.suggested_filename.startswith("diorama-")
    with zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert files == {(path := studio.path(OWNER, id)).name: path.read_bytes() for id in chosen}

    toolbar = guest.page.get_by_role("toolbar", name="Selected pictures")
    toolbar.get_by_role("button", name="Star", exact=True).click()
    expect(toolbar.get_by_role("button", name="Remove stars")).to_be_visible()
    assert all(studio.asset(OWNER, id).starred for id in chosen)
    toolbar.get_by_role("button", name="Delete").click()
    expect(guest.count).to_have_text("6 pictures")
    expect(toolbar).to_be_hidden()
    assert all(studio.asset(OWNER, id).deleted for id in chosen)
    guest.toast.get_by_role("button", name="Undo").click()
    expect(guest.count).to_have_text("10 pictures")
    assert not any(studio.asset(OWNER, id).deleted for id in chosen)
    assert [title[-5:] for title in bare(titles(guest))] == [f"0007{i}" for i in range(9, -1, -1)]


def test_a_selection_is_put_into_a_collection_and_tiles_grow_over_a_reload(
    guest: Visitor, hall: tuple[Studio, str, list[str]]
):
    studio, _, _ = hall
    page, collection = guest.page, guest.page.locator("#gallery select.collection")
    expect(collection).to_be_hidden()
    guest.search("0006", "10 pictures")
    for number in (1, 3):
        guest.cells.nth(number).locator(".tile").click(modifiers=["Control"])
    toolbar = page.get_by_role("toolbar", name="Selected pictures")
    toolbar.get_by_role("button", name="Collect").click()
    expect(page.locator("#gallery .collecting .name")).to_be_focused()
    page.keyboard.type("Holiday")
    page.keyboard.press("Enter")
    expect(guest.toast).to_have_text("Added 2 to “Holiday”")
    expect(collection).to_be_visible()
    assert studio.collections(OWNER) == (("Holiday", 2),)
    guest.search("", "10,000 pictures")
    bar, line = page.locator("#gallery .bar"), page.locator("#gallery .query").bounding_box()
    page.get_by_role("button", name="Select", exact=True).click()
    expect(toolbar).to_be_visible()
    box = bar.bounding_box()
    assert line and box and box["height"] < 2 * line["height"], "the bar has more than one line"
    page.keyboard.press("Escape")
    collection.select_option("Holiday")
    expect(guest.count).to_have_text("2 pictures")
    small = guest.cells.first.bounding_box()
    page.locator("#gallery .large-tiles").click()
    expect(guest.cells.first.locator(".date")).to_be_visible()
    guest.reload()
    expect(guest.count).to_have_text("2 pictures")  # the address says which
    large = guest.cells.first.bounding_box()
    assert small and large and large["width"] > 1.3 * small["width"]
    guest.cells.first.locator(".tile").click(modifiers=["Control"])
    toolbar.get_by_role("button", name="Remove", exact=True).click()
    expect(guest.count).to_have_text("1 picture")
    page.locator("#gallery .large-tiles").click()
    collection.select_option("")
    expect(guest.count).to_have_text("10,000 pictures")


def test_everything_that_is_found_can_be_selected_by_keys(guest: Visitor):
    guest.search("green", "2,000 pictures")
    guest.cells.first.locator(".tile").focus()
    guest.page.keyboard.press("Control+a")
    expect(guest.page.get_by_text("2,000 selected")).to_be_visible()
    guest.page.keyboard.press("Escape")
    expect(guest.page.get_by_role("toolbar", name="Selected pictures")).to_be_hidden()


def test_everything_is_selected_while_older_pages_still_come(guest: Visitor):
    guest.page.evaluate("document.querySelector('#gallery .tile').focus()")
    with late(guest.page, "pictures/find") as let_come:
        guest.page.keyboard.press("Control+a")
        guest.search("green", "2,000 pictures")
        guest.cells.first.locator(".tile").focus()
        guest.page.keyboard.press("Control+a")
        let_come()
    expect(guest.page.get_by_text("2,000 selected")).to_be_visible()


def test_keys_move_through_the_grid_and_keep_the_focus(guest: Visitor):
    first = guest.cells.first.locator(".tile")
    first.focus()
    columns = guest.page.evaluate(
        "[...document.querySelectorAll('#gallery .cell')].filter((cell) => cell.style.top === '0px').length"
    )
    guest.page.keyboard.press("ArrowDown")
    expect(guest.cells.nth(columns).locator(".tile")).to_be_focused()
    guest.page.keyboard.press("ArrowRight")
    expect(guest.cells.nth(columns + 1).locator(".tile")).to_be_focused()
    guest.page.keyboard.press(" ")
    expect(guest.page.get_by_text("1 selected")).to_be_visible()
    guest.page.keyboard.press("End")
    expect(guest.page.get_by_role("button", name="a red ball 00000, starred", exact=True)).to_be_focused()
    guest.page.keyboard.press("Home")
    expect(first).to_be_focused()


def test_deleting_by_key_gives_the_focus_to_the_neighbour(guest: Visitor):
    guest.search("0003", "10 pictures")
    second = guest.cells.nth(1)
    name = guest.cells.nth(2).locator(".tile").get_attribute("aria-label") or ""
    second.locator(".tile").focus()
    guest.page.keyboard.press("Delete")
    expect(guest.count).to_have_text("9 pictures")
    expect(guest.page.get_by_role("button", name=name, exact=True)).to_be_focused()
    guest.toast.get_by_role("button", name="Undo").click()
    expect(guest.count).to_have_text("10 pictures")


def test_what_is_deleted_twice_while_the_answer_is_late_comes_back_once(guest: Visitor):
    guest.cells.first.locator(".tile").focus()
    with late(guest.page, "pictures/delete") as let_come:
        guest.page.keyboard.press("Delete")
        guest.page.keyboard.press("Delete")
        expect(guest.count).to_have_text("9,999 pictures")
        let_come()
    expect(guest.toast.locator("span")).to_have_text("Deleted")
    guest.toast.get_by_role("button", name="Undo").click()
    expect(guest.count).to_have_text("10,000 pictures")


def test_a_phone_selects_by_a_long_press_and_nothing_sticks_out(chrome: Browser, hall: tuple[Studio, str, list[str]]):
    with Visitor.arrives(chrome, hall[1], **PHONE) as phone:
        phone.open_gallery()
        expect(phone.cells.first).to_be_visible()
        box = phone.cells.nth(1).bounding_box()
        assert box
        finger = phone.context.new_cdp_session(phone.page)
        point = {"x": box["x"] + 40, "y": box["y"] + 40}
        finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        expect(phone.page.get_by_text("1 selected")).to_be_visible()
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        phone.cells.nth(3).locator(".tile").tap()
        expect(phone.page.get_by_text("2 selected")).to_be_visible()
        assert phone.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        out = phone.page.evaluate(
            """[...document.querySelectorAll("#gallery :is(button, select, input)")]
            .filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 1)
            .map((node) => node.outerHTML.slice(0, 80))"""
        )
        assert not out, out
    phone.assert_nothing_went_wrong()


# --- a gallery of one's own -------------------------------------------------------------------------------------------


def test_an_empty_gallery_leads_to_the_first_picture_which_then_appears(visitor: Visitor):
    visitor.open_gallery()
    visitor.page.get_by_role("button", name="Make your first picture").click()
    expect(visitor.page.locator("#prompt textarea")).to_be_focused()
    visitor.make("a red ball")
    visitor.open_gallery()
    expect(visitor.cells).to_have_count(1)
    expect_titles(visitor, "a red ball")


def test_a_picture_that_is_made_meanwhile_appears_on_top_by_itself(visitor: Visitor):
    visitor.make("a red ball")
    visitor.open_gallery()
    expect(visitor.cells).to_have_count(1)
    other = visitor.open_tab()
    other.locator("#prompt textarea").fill("a blue ball")
    other.locator("#generate").click()
    visitor.page.bring_to_front()
    expect(visitor.cells).to_have_count(2)
    expect_titles(visitor, "a blue ball", "a red ball")


def test_a_picture_does_not_vanish_when_an_older_answer_comes_late(guest: Visitor, hall: tuple[Studio, str, list[str]]):
    with late(guest.page, "pictures/find") as let_come:
        guest.page.evaluate("document.dispatchEvent(new CustomEvent('diorama-news', {detail: {}}))")
        new = make(hall[0], "a blue ball, new")
        expect(guest.count).to_have_text("10,001 pictures")
        let_come()
    assert guest.cells.first.get_attribute("data-key") == new
    guest.expect_deleted([new])
    hall[0].delete(OWNER, [new])


def make(studio: Studio, prompt: str) -> str:
    job = studio.generate(OWNER, GenerateRequest(prompt, "toy", steps=4))
    for _ in studio.events(OWNER, job.id):
        pass
    (id,) = studio.job(OWNER, job.id).assets
    return id


def expect_titles(visitor: Visitor, *wanted: str) -> None:
    expect(visitor.cells).to_have_count(len(wanted))
    for cell, title in zip(visitor.cells.locator(".tile").all(), wanted, strict=True):
        expect(cell).to_have_attribute("aria-label", title)


def titles(visitor: Visitor) -> list[str]:
    return visitor.cells.locator(".tile").evaluate_all("tiles => tiles.map((tile) => tile.ariaLabel)")


def bare(labels: list[str]) -> list[str]:
    """Without "starred"."""
    return [label.removesuffix(", starred") for label in labels]


def hold(route: Route, held: list[Route]) -> None:
    """Keep the question for "slow" back; let everything else pass."""
    if '"slow"' in (route.request.post_data or ""):
        held.append(route)
    else:
        route.continue_()
