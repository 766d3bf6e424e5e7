"""The Iterate tab in Chromium: changes, the tree of versions, limits, comparing, keys. Only the model is a fake."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import APIResponse, Browser, Locator, Route, expect

from studio.contract import Size
from studio.recipe.selection import Point, SegmentRequest
from studio.service import Studio
from tests.studio.selecting_fake import colour_spec
from tests.ui.board import Board
from tests.ui.conftest import OpenStudio
from tests.ui.driver import PHONE, Visitor
from tests.ui.late import late
from tests.ui.painter import Brush, catalog
from tests.ui.retoucher import Retoucher, retouchers
from tests.ui.segment.test_segment import NUMBERS, TITLE, scene
from tests.ui.serve import one_person, served

OWNER = "local"
SIZE = Size(300, 200)


@pytest.fixture(scope="module")
def pace() -> Brush:
    return Brush(0.002)


@pytest.fixture(scope="module")
def model(pace: Brush) -> Retoucher:
    return Retoucher(pace)


@pytest.fixture(scope="module")
def changing(open_studio: OpenStudio, pace: Brush, model: Retoucher) -> Iterator[Studio]:
    yield open_studio(*catalog(pace), *retouchers(pace, model), colour_spec())
    pace.go()


@pytest.fixture(scope="module")
def address(changing: Studio) -> Iterator[str]:
    with served(changing, one_person) as address:
        yield address


@pytest.fixture
def picture(changing: Studio, pace: Brush) -> str:
    """One that no test has seen."""
    pace.go()
    return changing.take_in(OWNER, scene(SIZE, next(NUMBERS)), f"{TITLE}.png").id


TOUCHING = """words => words.map((word) => [word.textContent, word.getBoundingClientRect()])
  .filter(([, box], i, all) => i && box.top === all[i - 1][1].top && box.left < all[i - 1][1].right + 2)
  .map(([text]) => text)"""


class Bench(Board):
    """The Iterate tab of a page, with a picture on it."""

    tab, size = "iterate", SIZE

    def expect_open(self, picture: str) -> None:
        self.expect_drawn(picture)

    @property
    def versions(self) -> Locator:
        return self.find(".version:not(.job)")

    @property
    def current(self) -> Locator:
        return self.find(".version[aria-selected='true']")

    @property
    def words(self) -> Locator:
        return self.find(".instruction")

    @property
    def button(self) -> Locator:
        return self.find("form.column .primary")

    def version(self, words: str) -> Locator:
        """The version that an instruction made."""
        return self.versions.filter(has=self.page.locator(".said", has_text=words))

    def expect_drawn(self, picture: str) -> None:
        self.page.wait_for_function(
            "id => document.querySelector('#iterate .board')?.dataset.drawn === id", arg=picture
        )

    def change(self, words: str) -> str:
        """Say what to change, wait for the version, and tell its id."""
        before = self.versions.count()
        self.words.fill(words)
        self.button.click()
        expect(self.versions).to_have_count(before + 1)
        expect(self.find(".below .caption")).to_have_text(words)
        return self.shown()

    def shown(self) -> str:
        """The id of the version on the stage, once its pixels are there."""
        self.page.wait_for_function(
            "() => (({shown, drawn}) => shown === drawn)(document.querySelector('#iterate .board').dataset)"
        )
        return self.board.get_attribute("data-shown") or ""

    def paint(self, *places: tuple[float, float]) -> None:
        """A stroke of the brush from place to place."""
        self.page.mouse.move(*self.at(places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.at(place), steps=4)
        self.page.mouse.up()

    def expect_colour(self, place: tuple[float, float], colour: list[int]) -> None:
        """The picture that has this RGB there may still be on its way."""
        found = f"([at, colour]) => String(({self.colour})(at)) === String(colour)"
        self.page.wait_for_function(found, arg=[self.on_board(place), colour])


def pixels(studio: Studio, asset_id: str) -> np.ndarray:
    """HWC uint8."""
    with Image.open(studio.path(OWNER, asset_id)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def newcomer(picture: str, visitor: Visitor) -> Visitor:
    """Somebody who opens the page when the picture is there."""
    return visitor


@pytest.fixture
def bench(guest: Visitor, picture: str) -> Bench:
    bench = Bench(guest.page)
    bench.open(picture)
    return bench


@pytest.fixture
def new_bench(newcomer: Visitor, picture: str) -> Bench:
    """For a test that leaves the settings of the column as nobody else expects them."""
    bench = Bench(newcomer.page)
    bench.open(picture)
    return bench


def test_what_is_said_becomes_a_version_beside_the_old_one(bench: Bench, changing: Studio, picture: str):
    expect(bench.versions).to_have_count(1)
    made = bench.change("make it green")
    asset = changing.asset(OWNER, made)
    assert asset.parents == (picture,)
    assert asset.recipe.prompt == "make it green"
    expect(bench.current).to_have_attribute("aria-level", "2")
    expect(bench.words).to_have_value("")
    bench.versions.first.locator(".tile").click()
    expect(bench.find(".below .caption")).to_have_text(TITLE)
    expect(bench.words).to_have_value("make it green")  # there to be said a little differently


def test_any_version_can_be_branched(bench: Bench):
    bench.change("make it green")
    bench.change("make it blue")
    bench.version("make it green").locator(".tile").click()
    expect(bench.find(".below .caption")).to_have_text("make it green")
    bench.change("make it red")
    assert [node.get_attribute("aria-level") for node in bench.versions.all()] == ["1", "2", "3", "3"]
    expect(bench.current).to_have_attribute("aria-posinset", "2")
    expect(bench.find(".strip .summary")).to_have_text("4 versions")


def test_a_version_forms_in_place_and_can_be_stopped(bench: Bench, pace: Brush):
    pace.hold()
    bench.words.fill("make it purple")
    bench.words.press("Control+Enter")
    pace.let(2)
    expect(bench.find(".below .step")).to_have_text("Step 2 of 4")
    bench.page.wait_for_function("() => document.querySelector('#iterate .version.job .tile img').src")
    bench.find(".below .stop").click()
    expect(bench.find(".below .step")).to_have_text("Stopping")
    pace.let(1)
    expect(bench.find(".version.job")).to_have_count(0)
    expect(bench.versions).to_have_count(1)
    expect(bench.words).to_have_value("make it purple")


def test_a_reload_keeps_picture_words_and_running_job(bench: Bench, guest: Visitor, pace: Brush):
    pace.hold()
    bench.words.fill("make it green")
    bench.button.click()
    pace.let(1)
    expect(bench.find(".below .step")).to_have_text("Step 1 of 4")
    bench.words.fill("and then")
    guest.page.reload()
    expect(bench.find(".below .step")).to_have_text("Step 1 of 4")
    expect(bench.words).to_have_value("and then")
    pace.go()
    expect(bench.versions).to_have_count(2)
    expect(bench.find(".below .caption")).to_have_text("make it green")


def test_a_job_that_is_over_before_its_answer_comes_leaves_none_being_made(bench: Bench, pace: Brush):
    answered: list[tuple[Route, APIResponse]] = []
    trees: list[Route] = []
    pace.hold()
    bench.words.fill("make it green")
    bench.button.click()
    expect(bench.find(".version.job")).to_have_count(1)
    bench.page.route("**/diorama/iterate", lambda route: answered.append((route, route.fetch(max_retries=3))))
    bench.words.fill("make it blue")
    bench.button.click()
    while not answered:
        bench.page.wait_for_timeout(10)
    bench.page.route("**/diorama/tree", lambda route: trees.append(route))
    pace.go()
    expect(bench.page.locator("#stage .spoken")).to_have_text("Picture ready: make it blue")
    route, answer = answered[0]
    route.fulfill(response=answer)
    expect(bench.find(".below .caption")).not_to_have_text("make it green")
    for tree in trees:
        tree.continue_()
    bench.page.unroute("**/diorama/tree")
    expect(bench.find(".below .caption")).to_have_text("make it blue")
    expect(bench.find(".strip .summary")).to_have_text("3 versions")


def test_words_written_while_a_version_is_made_go_along_with_it(bench: Bench, pace: Brush):
    pace.hold()
    bench.words.fill("make it green")
    bench.button.click()
    pace.let(1)
    expect(bench.find(".below .step")).to_have_text("Step 1 of 4")
    bench.words.fill("put it ")
    pace.go()
    expect(bench.find(".below .caption")).to_have_text("make it green")
    bench.words.press_sequentially("on sand")
    expect(bench.words).to_have_value("put it on sand")


def test_words_that_were_sent_are_gone_however_they_were_typed(bench: Bench):
    for words, said in (("make it green ", "make it green"), (f"make it blue {'very ' * 60}", "make it blue very")):
        bench.words.fill(words)
        bench.button.click()
        expect(bench.find(".below .caption")).to_contain_text(said)
        expect(bench.words).to_have_value("")
    expect(bench.current).to_have_attribute("aria-label", re.compile("^make it blue (very ?)+$"))  # it was not renamed


def test_what_goes_wrong_is_said_and_the_words_stay(bench: Bench, guest: Visitor):
    bench.words.fill("do the impossible")
    bench.button.click()
    expect(bench.find(".banner")).to_contain_text("The retoucher cannot do 'impossible'")
    expect(bench.words).to_have_value("do the impossible")
    bench.words.fill("")
    bench.button.click()
    expect(bench.find("form.column .note")).to_contain_text("The instruction is empty")
    guest.forgive("400 (Bad Request)")


def test_outside_of_the_brush_every_pixel_stays(bench: Bench, changing: Studio, picture: str):
    bench.find("[data-where='brush']").click()
    bench.button.click()
    expect(bench.find("form.column .note")).to_contain_text("Paint where it may change")
    bench.paint((0.2, 0.3), (0.4, 0.3))
    expect(bench.board).to_have_attribute("data-limited", "true")
    made = bench.change("make it green")
    before, after = pixels(changing, picture), pixels(changing, made)
    differs = (before != after).any(axis=2)
    rows, columns = np.nonzero(differs)
    assert differs[60, 90]
    assert differs.mean() < 0.35
    assert columns.max() < 0.75 * SIZE.width
    assert rows.max() < 0.75 * SIZE.height
    with bench.page.expect_download() as saved:
        bench.find(".below .save").click()
    with Image.open(saved.value.path()) as file:
        assert (np.asarray(file.convert("RGB"))[~differs] == before[~differs]).all()


def test_outside_of_an_object_every_pixel_stays(bench: Bench, changing: Studio, picture: str):
    cut = changing.selections.keep(OWNER, SegmentRequest(picture, points=(Point(75, 80),)), "ball")
    mask = changing.selections.mask(OWNER, cut.id) > 0
    bench.open(picture)
    bench.find("[data-where='object']").click()
    expect(bench.find(".objects .tile[aria-checked='true']")).to_have_attribute("aria-label", "ball")
    made = bench.change("make it green")
    differs = (pixels(changing, picture) != pixels(changing, made)).any(axis=2)
    assert differs[80, 75]
    far = np.ones_like(mask)
    rows, columns = np.nonzero(mask)
    far[max(0, rows.min() - 12) : rows.max() + 12, max(0, columns.min() - 12) : columns.max() + 12] = False
    assert not differs[far].any()
    expect(bench.find("[data-where='object']")).to_have_attribute("aria-checked", "true")  # for the next step
    place = (75 / SIZE.width, 80 / SIZE.height)
    expect(bench.board).to_have_attribute("data-drawn", made)
    seen = bench.colour_at(place)
    assert seen == pytest.approx(pixels(changing, made)[80, 75].tolist(), abs=3)  # the result, without a veil
    bench.words.fill("make it blue")
    assert bench.colour_at(place) != pytest.approx(seen, abs=3)  # where that would count is shown again


def test_a_mask_that_comes_late_limits_nothing_any_more(bench: Bench, changing: Studio, picture: str):
    cut = changing.selections.keep(OWNER, SegmentRequest(picture, points=(Point(75, 80),)), "ball")
    bench.open(picture)
    with late(bench.page, f"mask/{cut.id}") as let_come:
        bench.find("[data-where='object']").click()
        expect(bench.find(".objects .tile[aria-checked='true']")).to_have_attribute("data-object", cut.id)
        bench.find("[data-where='whole']").click()
        expect(bench.board).to_have_attribute("data-limited", "false")
        let_come()
    expect(bench.board).to_have_attribute("data-limited", "false")


def test_an_object_that_was_just_kept_limits_a_change_and_old_strokes_do_not(
    bench: Bench, changing: Studio, picture: str
):
    bench.find("[data-where='brush']").click()
    bench.paint((0.5, 0.1), (0.7, 0.1))
    cut = changing.selections.keep(OWNER, SegmentRequest(picture, points=(Point(75, 80),)), "ball")
    bench.find("[data-where='object']").click()
    bench.find(f".objects .tile[data-object='{cut.id}']").click()
    differs = (pixels(changing, picture) != pixels(changing, bench.change("make it green"))).any(axis=2)
    assert differs[80, 75]
    assert not differs[:, SIZE.width // 2 :].any()  # where the stroke was


def test_an_object_that_is_wanted_before_the_objects_are_here_is_the_first(
    bench: Bench, changing: Studio, picture: str
):
    held: list[Route] = []
    bench.page.route("**/diorama/iterate/open", lambda route: held.append(route))
    cut = changing.selections.keep(OWNER, SegmentRequest(picture, points=(Point(75, 80),)), "ball")
    bench.find("[data-where='object']").click()
    expect(bench.find("[data-where='object']")).to_have_attribute("aria-checked", "true")
    while not held:
        bench.page.wait_for_timeout(10)
    expect(bench.find(f".objects .tile[data-object='{cut.id}']")).to_have_count(0)
    for route in held:
        route.continue_()
    bench.page.unroute("**/diorama/iterate/open")
    expect(bench.find(f".objects .tile[data-object='{cut.id}']")).to_have_attribute("aria-checked", "true")
    expect(bench.board).to_have_attribute("data-limited", "true")


def test_a_version_is_renamed_starred_and_deleted_with_what_came_of_it(bench: Bench, changing: Studio):
    first = bench.change("make it green")
    bench.change("make it blue")
    bench.current.focus()
    bench.page.keyboard.press("ArrowLeft")
    bench.page.keyboard.press("F2")
    name = bench.page.get_by_label("Name of this version")
    expect(name).to_have_value("make it green")
    name.fill("the green one")
    name.press("Enter")
    expect(bench.find(".below .caption")).to_have_text("the green one")
    assert changing.asset(OWNER, first).title == "the green one"
    bench.page.keyboard.press("s")
    expect(bench.current).to_have_class("version starred")
    bench.page.keyboard.press("Delete")
    expect(bench.versions).to_have_count(1)
    expect(bench.find(".below .caption")).to_have_text(TITLE)
    expect(bench.find(".toast")).to_contain_text("2 deleted")
    bench.find(".toast").get_by_role("button", name="Undo").click()
    expect(bench.versions).to_have_count(3)
    expect(bench.find(".below .caption")).to_have_text("the green one")


def test_the_tree_is_walked_by_keys(bench: Bench):
    bench.change("make it green")
    bench.change("make it blue")
    bench.versions.first.locator(".tile").click()
    bench.change("make it red")
    bench.current.focus()
    page = bench.page
    for key, said in (("ArrowUp", "make it green"), ("ArrowRight", "make it blue"), ("ArrowDown", "make it red")):
        page.keyboard.press(key)
        expect(page.locator("#iterate .version:focus")).to_have_attribute("aria-label", said)
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(bench.find(".below .caption")).to_have_text(TITLE)
    page.keyboard.press("End")
    page.keyboard.press("c")
    expect(bench.find(".divider")).to_be_visible()
    expect(bench.find(".version.marked")).to_have_attribute("aria-label", "make it red, compared")
    for ending in ("c", "Escape"):
        page.keyboard.press(ending)
        expect(bench.find(".divider")).to_be_hidden()
        page.keyboard.press("c")
        expect(bench.find(".divider")).to_be_visible()


def test_two_versions_are_compared_in_four_ways(bench: Bench):
    bench.change("make it green")
    place = (0.5, 0.2)
    after = bench.colour_at(place)
    bench.find(".tool.compare").click()
    divider = bench.page.get_by_role("slider", name="Line between the two versions")
    divider.focus()
    bench.page.keyboard.press("End")
    expect(divider).to_have_attribute("aria-valuenow", "100")
    before = [128, 128, 128]
    bench.expect_colour(place, before)
    assert before != after
    bench.page.keyboard.press("Home")
    bench.expect_colour(place, after)
    for _ in range(3):
        bench.page.keyboard.press("Shift+ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "30")
    bench.expect_colour((0.2, 0.1), before)
    bench.expect_colour((0.9, 0.1), after)
    bench.find("[data-kind='slider']").focus()
    bench.page.keyboard.press("ArrowRight")
    expect(bench.find("[data-kind='side']")).to_have_attribute("aria-checked", "true")
    bench.page.keyboard.press("ArrowRight")
    expect(bench.find(".tag.left")).to_be_visible()  # it blinks
    expect(bench.find(".tag.right")).to_be_visible()
    bench.page.keyboard.press("ArrowRight")
    expect(bench.find(".differs")).to_have_text("100 % differs")
    bench.find(".tool.compare").click()
    expect(bench.find(".kinds")).to_be_hidden()
    bench.expect_colour(place, after)


def test_the_version_that_was_chosen_last_is_compared_whichever_pixels_come_first(
    bench: Bench, guest: Visitor, changing: Studio
):
    green, blue, last = [bench.change(f"make it {colour}") for colour in ("green", "blue", "red")]
    place, colour = (0.2, 0.1), pixels(changing, blue)[20, 60].tolist()
    guest.reload()
    bench.expect_drawn(last)
    with late(bench.page, f"picture/{green}") as let_come:
        bench.version("make it green").focus()
        bench.page.keyboard.press("c")
        bench.version("make it blue").focus()
        bench.page.keyboard.press("c")
        bench.expect_colour(place, colour)
        let_come()
    assert bench.colour_at(place) == colour
    bench.find(".tool.compare").click()


def test_before_shows_what_it_was_made_from_while_it_is_held(bench: Bench):
    bench.change("make it green")
    place = (0.5, 0.2)
    after = bench.colour_at(place)
    bench.board.focus()
    bench.page.keyboard.down("b")
    expect(bench.board).to_have_attribute("data-before", "true")
    bench.expect_colour(place, [128, 128, 128])
    bench.page.keyboard.up("b")
    expect(bench.board).to_have_attribute("data-before", "false")
    bench.expect_colour(place, after)


def test_a_branch_is_replayed_on_another_picture(bench: Bench, changing: Studio):
    file = io.BytesIO()
    Image.new("RGB", SIZE, "orange").save(file, "PNG")
    other = changing.take_in(OWNER, file.getvalue(), "orange.png").id
    bench.change("make it green")
    bench.change("make it blue")
    bench.find(".below .replay").click()
    dialog = bench.page.get_by_role("dialog", name="Replay this branch")
    expect(dialog.locator(".steps li")).to_have_text(["make it green", "make it blue"])
    dialog.get_by_role("button", name="Another picture").click()
    bench.page.get_by_role("dialog", name="Choose a picture to replay on").get_by_role("button", name="orange").click()
    dialog.get_by_role("button", name="Replay 2 changes").click()
    expect(bench.find(".toast")).to_have_text("Replayed")
    expect(bench.find(".below .caption")).to_have_text("make it blue")
    titles = [node.asset.title for node in changing.tree(OWNER, other).nodes]
    assert titles == ["orange", "make it green", "make it blue"]


def test_the_column_shows_only_what_the_model_honours(new_bench: Bench, changing: Studio, picture: str):
    for hidden in (".references-field", ".strength-field", ".negative-field", ".precision-field", ".sampler-field"):
        expect(new_bench.find(hidden)).to_be_hidden()
    new_bench.find("select.model").select_option("glaze")
    expect(new_bench.find(".references-field")).to_be_visible()
    new_bench.find(".references .add").click()
    dialog = new_bench.page.get_by_role("dialog", name="Choose a reference picture")
    dialog.get_by_role("button", name=TITLE).first.click()  # the newest
    expect(new_bench.find(".references .tile")).to_have_count(0)  # the picture itself goes without saying
    new_bench.find("input.strength").fill("0.5")
    new_bench.find(".more > summary").click()
    new_bench.find("select.precision").select_option("4-bit (NF4)")
    new_bench.find("select.sampler").select_option("Euler a")
    new_bench.find("[data-count='2']").click()
    new_bench.words.fill("make it green")
    new_bench.button.click()
    expect(new_bench.versions).to_have_count(3)
    made = changing.tree(OWNER, picture).nodes[1].asset
    request = changing.request_of_version(OWNER, made.id)
    assert request and (request.model, request.strength, request.precision) == ("glaze", 0.5, "nf4")
    assert (request.sampler, made.recipe.sampler) == ("Euler a", "Euler a")


def test_a_quick_fix_extends_the_picture_with_one_click(bench: Bench, changing: Studio, picture: str):
    bench.page.get_by_role("button", name="Extend left").click()
    expect(bench.versions).to_have_count(2)
    made = changing.tree(OWNER, picture).nodes[1].asset
    assert (made.width, made.height) == (SIZE.width + 80, SIZE.height)
    before, after = pixels(changing, picture), pixels(changing, made.id)
    assert (after[:, 120:] == before[:, 40:]).all()


def test_handles_and_numbers_extend_the_picture_alike(bench: Bench, changing: Studio, picture: str):
    bench.find("[data-where=extend]").click()
    right, top = bench.find("input.extend-right"), bench.find("input.extend-top")
    bench.button.click()
    expect(bench.find("form.column .note")).to_contain_text("Drag an edge of the picture outwards")
    handle, frame = bench.find(".handle.right.bottom"), bench.find(".extent")
    box, before = handle.bounding_box(), frame.bounding_box()
    assert box and before
    scale = before["width"] / SIZE.width
    bench.page.mouse.move(box["x"] + 22, box["y"] + 22)
    bench.page.mouse.down()
    bench.page.mouse.move(box["x"] + 22 + 62 * scale, box["y"] - 200, steps=3)
    bench.page.mouse.up()
    expect(right).to_have_value("64")  # the nearest step; and it is made no smaller
    expect(bench.find("input.extend-bottom")).to_have_value("0")
    top.fill("40")
    top.press("Tab")
    expect(top).to_have_value("48")
    expect(bench.find(".extend-size")).to_have_text(f"{SIZE.width + 64} x {SIZE.height + 48}")
    after = frame.bounding_box()
    assert after and after["height"] == pytest.approx((SIZE.height + 48) * scale, abs=2)
    bench.change("more of the scene")
    made = changing.asset(OWNER, bench.shown())
    assert (made.width, made.height) == (SIZE.width + 64, SIZE.height + 48)
    old = pixels(changing, made.id)[48:, : SIZE.width]
    assert (old[40:, :-40] == pixels(changing, picture)[40:, :-40]).all()  # up to where it fades


def test_without_a_picture_one_is_chosen(newcomer: Visitor, picture: str):
    bench = Bench(newcomer.page)
    newcomer.page.get_by_role("tab", name="Iterate").click()
    expect(bench.button).to_be_disabled()
    bench.page.get_by_role("button", name="Choose a picture").click()
    dialog = newcomer.page.get_by_role("dialog", name="Choose a picture")
    dialog.get_by_role("searchbox").fill("nothing like it")
    expect(dialog.locator(".none")).to_be_visible()
    dialog.get_by_role("searchbox").fill("red")
    dialog.get_by_role("button", name=TITLE).first.click()  # the newest
    bench.expect_drawn(picture)
    newcomer.page.reload()
    bench.expect_drawn(picture)  # and the tab is open
    expect(bench.button).to_be_visible()


def test_a_file_that_comes_late_is_not_the_answer_to_another_question(newcomer: Visitor, tmp_path: Path):
    page, file = newcomer.page, tmp_path / "late.png"
    file.write_bytes(scene(SIZE, next(NUMBERS)))
    page.get_by_role("tab", name="Iterate").click()
    dialog = page.get_by_role("dialog", name="Choose a picture")
    held: list[Route] = []
    page.route("**/diorama/pictures?name=late.png", lambda route: held.append(route))
    page.get_by_role("button", name="Choose a picture").click()
    dialog.locator("input.file").set_input_files(file)
    while not held:
        page.wait_for_timeout(10)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Choose a picture").click()
    held[0].continue_()
    expect(newcomer.pictures.first.locator(".tile")).to_have_attribute("aria-label", "late")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")


def test_pictures_behind_a_page_without_any_are_found(newcomer: Visitor, picture: str):
    def answer(route: Route) -> None:
        if '"after":""' in (route.request.post_data or ""):
            route.fulfill(json={"pictures": [], "next": "1"})  # splats, say
        else:
            route.continue_(post_data=(route.request.post_data or "").replace('"after":"1"', '"after":""'))

    newcomer.page.route("**/diorama/pictures/find", answer)
    newcomer.page.get_by_role("tab", name="Iterate").click()
    newcomer.page.get_by_role("button", name="Choose a picture").click()
    expect(newcomer.page.get_by_role("dialog").get_by_role("button", name=TITLE).first).to_be_visible()
    newcomer.page.keyboard.press("Escape")


def test_it_works_on_a_phone(chrome: Browser, address: str, picture: str):
    with Visitor.arrives(chrome, address, **PHONE) as visitor:
        bench = Bench(visitor.page)
        bench.open(picture)
        expect(bench.button).to_be_in_viewport()
        bench.change("make it green")
        visitor.page.set_viewport_size({"width": 320, "height": 640})
        words = bench.find(".actions .plain > span").locator("visible=true")
        expect(words).to_have_count(7)
        assert words.evaluate_all(TOUCHING) == []
        visitor.page.set_viewport_size(PHONE["viewport"])
        bench.versions.first.locator(".tile").tap()
        expect(bench.find(".below .caption")).to_have_text(TITLE)
        assert visitor.page.evaluate("() => document.documentElement.scrollWidth") <= 390
        small = visitor.page.evaluate(
            "() => [...document.querySelectorAll('#iterate .below button, #iterate .tools button, #iterate .part,"
            " #iterate .chip, #iterate .version')].filter((node) => node.checkVisibility())"
            ".map((node) => [node.className, node.getBoundingClientRect()])"
            ".filter(([, box]) => box.width < 40 || box.height < 44).map(([name]) => name)"
        )
        assert small == []
    visitor.assert_nothing_went_wrong()


def test_the_settings_of_a_version_are_said_again_to_its_picture(new_bench: Bench, changing: Studio, picture: str):
    new_bench.find("select.model").select_option("glaze")
    new_bench.find("[data-where='brush']").click()
    new_bench.paint((0.2, 0.3), (0.4, 0.3))
    new_bench.find(".more > summary").click()
    new_bench.find("input.seed").fill("7")
    new_bench.find("input.fast").check()
    made = new_bench.change("make it green")
    new_bench.words.fill("something else")
    new_bench.find("input.seed").fill("")
    new_bench.find("input.fast").uncheck()
    new_bench.find(".below .look").click()
    viewer = new_bench.page.locator("#viewer")
    viewer.get_by_role("button", name="Use settings").click()
    new_bench.expect_drawn(picture)
    expect(new_bench.words).to_have_value("make it green")
    expect(new_bench.find("input.seed")).to_have_value("7")
    expect(new_bench.find("input.fast")).to_be_checked()
    expect(new_bench.find("[data-where='brush']")).to_have_attribute("aria-checked", "true")
    new_bench.button.click()
    expect(new_bench.versions).to_have_count(3)
    again = new_bench.shown()
    assert (pixels(changing, made) == pixels(changing, again)).all()
    new_bench.page.evaluate("id => document.dispatchEvent(new CustomEvent('diorama-look', {detail: {id}}))", again)
    viewer.get_by_role("button", name="Vary").click()
    new_bench.page.keyboard.press("Escape")
    expect(new_bench.versions).to_have_count(4)
    varied = changing.tree(OWNER, picture).nodes[-1].asset
    assert (varied.recipe.prompt, varied.parents) == ("make it green", (picture,))


def test_settings_that_come_late_are_not_said_to_another_picture(bench: Bench, changing: Studio, picture: str):
    made = bench.change("make it green")
    other = changing.take_in(OWNER, scene(SIZE, next(NUMBERS)), f"{TITLE}.png").id
    with late(bench.page, "iterate/settings") as let_come:
        bench.page.evaluate(
            "detail => document.dispatchEvent(new CustomEvent('diorama-iterate', {detail}))",
            {"picture": picture, "again": made},
        )
        bench.expect_drawn(picture)
        bench.open(other)
        let_come()
    expect(bench.words).to_have_value("")


def test_every_place_of_the_page_leads_here(newcomer: Visitor, changing: Studio, picture: str):
    bench = Bench(newcomer.page)
    newcomer.page.locator("#stage .actions .iterate").click()
    bench.expect_drawn(picture)
    newcomer.open_gallery()
    newcomer.cells.first.locator(".tile").click()
    newcomer.page.keyboard.press("e")
    expect(bench.board).to_be_visible()
    cut = changing.selections.keep(OWNER, SegmentRequest(picture, points=(Point(75, 80),)), "ball")
    bench.find(".below .segment").click()
    newcomer.page.locator("#segment .object .edit").click()
    expect(bench.find(".objects .tile[aria-checked='true']")).to_have_attribute("data-object", cut.id)
    expect(bench.board).to_have_attribute("data-limited", "true")


def test_what_costs_too_much_is_asked_before(bench: Bench, guest: Visitor):
    answer = {"error": "It would cost more than is left for today.", "confirm": True}
    bench.page.route(
        "**/diorama/iterate",
        lambda route: (
            route.fallback()
            if '"confirm_cost":true' in (route.request.post_data or "")
            else route.fulfill(status=402, json=answer)
        ),
    )
    bench.words.fill("make it green")
    bench.button.click()
    expect(bench.find("form.column .note")).to_contain_text("more than is left for today")
    bench.page.get_by_role("button", name="Change it anyway").click()
    expect(bench.versions).to_have_count(2)
    guest.forgive("402 (Payment Required)")


def test_two_hundred_versions_are_drawn_and_walked(bench: Bench, picture: str):
    """A tree of 50 generations with four each, as the server would tell it."""

    def many(route: Route) -> None:
        (root,) = route.fetch(max_retries=3).json()["nodes"]
        nodes = [root]
        for number in range(1, 201):
            parent = nodes[4 * ((number - 1) // 4) - 3] if number > 4 else root
            told = {"id": f"{number:032x}", "title": f"number {number}", "instruction": f"number {number}"}
            nodes.append(root | told | {"parent": parent["id"], "depth": parent["depth"] + 1})
        route.fulfill(json={"root": root["id"], "nodes": nodes})

    bench.page.route("**/diorama/tree", many)
    bench.open(picture)
    expect(bench.versions).to_have_count(201)
    expect(bench.find(".strip .summary")).to_have_text("201 versions")
    bench.current.focus()
    bench.page.keyboard.press("End")
    last = bench.page.locator("#iterate .version:focus")
    expect(last).to_be_in_viewport()
    expect(last).to_have_attribute("aria-label", re.compile("number"))
    bench.page.keyboard.press("Home")
    expect(bench.page.locator("#iterate .version:focus")).to_have_attribute("aria-label", TITLE)
    expect(bench.current).to_be_in_viewport()
