"""The Segment tab in Chromium: clicks, refinement, objects, keyboard, phone. Only the model is a fake."""

from __future__ import annotations

import io
import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Request, Route, expect

from studio.contract import Tell
from studio.segmentation.contract import GridMask, GridMaskRequest, MaskRequest, MaskResult
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS, settled
from tests.studio.selecting_fake import ColourModel, colour_spec
from tests.ui.board import NEXT_FRAME, Board
from tests.ui.conftest import OpenStudio
from tests.ui.driver import PHONE, Visitor
from tests.ui.late import late
from tests.ui.painter import Brush, catalog
from tests.ui.serve import one_person, served

OWNER = "local"
RED, BLUE = (0.25, 0.4), (0.75, 0.7)
RED_AREA = 3.14159 / 4 * 0.3 * 0.4
SIZE, LARGE = (600, 400), (1800, 1200)
TITLE = "a red ball and a blue cube"
NUMBERS = itertools.count()


def scene(size: tuple[int, int] = SIZE, number: int = 0) -> bytes:
    """A red disc and a blue square on grey; another number is another file."""
    image = Image.new("RGB", size, (128, 128, 128))
    draw = ImageDraw.Draw(image)
    image.putpixel((0, 0), (number // 256, number % 256, 128))
    width, height = size
    draw.ellipse((width * 0.1, height * 0.2, width * 0.4, height * 0.6), fill="red")
    draw.rectangle((width * 0.6, height * 0.5, width * 0.9, height * 0.9), fill="blue")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


class PatientModel(ColourModel):
    """Asked for everything, it answers when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def run(self, request: MaskRequest | GridMaskRequest, tell: Tell) -> MaskResult | list[GridMask]:
        if isinstance(request, GridMaskRequest):
            assert self.may_answer.wait(PATIENCE_SECONDS)
        return super().run(request, tell)


@pytest.fixture(scope="module")
def model() -> PatientModel:
    return PatientModel()


@pytest.fixture(scope="module")
def cutting(open_studio: OpenStudio, model: PatientModel) -> Studio:
    return open_studio(*catalog(Brush(0.005)), colour_spec(model))


@pytest.fixture(scope="module")
def address(cutting: Studio) -> Iterator[str]:
    with served(cutting, one_person) as address:
        yield address


@pytest.fixture
def picture(cutting: Studio) -> str:
    """One that no test has seen."""
    return cutting.take_in(OWNER, scene(number=next(NUMBERS)), f"{TITLE}.png").id


class Table(Board):
    """The Segment tab of a page, with a picture on it."""

    tab, size = "segment", SIZE

    def expect_open(self, picture: str) -> None:
        self.page.wait_for_function("id => document.querySelector('#segment')?.dataset.opened === id", arg=picture)
        expect(self.board).to_be_visible()

    def click(self, place: tuple[float, float], **options: object) -> None:
        self.page.mouse.click(*self.at(place), **options)  # type: ignore[arg-type]

    def expect_points(self, count: int) -> None:
        expect(self.board).to_have_attribute("data-points", str(count))

    def expect_area(self, share: float, of: tuple[int, int] = SIZE) -> None:
        """Wait until so much of the picture is selected, within a tenth."""
        wanted = share * of[0] * of[1]
        self.page.wait_for_function(
            "([low, high]) => { const {area, busy} = document.querySelector('#segment .board').dataset;"
            " return busy !== 'true' && area >= low && area <= high; }",
            arg=[0.9 * wanted, 1.1 * wanted],
        )


@pytest.fixture
def newcomer(picture: str, visitor: Visitor) -> Visitor:
    """Somebody who opens the page when the picture is there."""
    return visitor


@pytest.fixture
def table(guest: Visitor, picture: str) -> Table:
    table = Table(guest.page)
    table.open(picture)
    add = guest.page.get_by_role("radio", name="Add", exact=True)
    if add.get_attribute("aria-checked") != "true":  # the one before used another tool
        add.click()
    return table


def test_the_picture_that_was_asked_for_last_is_open_whichever_answer_comes_first(table: Table, cutting: Studio):
    first, second = (cutting.take_in(OWNER, scene(number=next(NUMBERS)), f"{TITLE}.png").id for _ in range(2))
    held: list[Route] = []
    table.page.route("**/diorama/segment/open", lambda route: route.fallback() if held else held.append(route))
    ask_for = "id => document.dispatchEvent(new CustomEvent('diorama-segment', {detail: {picture: id}}))"
    table.page.evaluate(ask_for, first)
    while not held:
        table.page.wait_for_timeout(10)
    table.open(second)
    with table.page.expect_response(lambda answer: answer.request == held[0].request) as late:
        held[0].continue_()
    late.value.finished()
    table.click(RED)  # which is answered after it
    table.expect_area(RED_AREA)
    expect(table.page.locator("#segment")).to_have_attribute("data-opened", second)


def test_a_click_that_hangs_gives_way_to_the_next(newcomer: Visitor, picture: str):
    page, held = newcomer.page, list[Route]()
    page.evaluate("() => { const real = setInterval; setInterval = (work, ms) => real(work, ms / 100); }")
    table = Table(page)
    table.open(picture)
    page.route("**/diorama/segment", lambda route: route.fallback() if held else held.append(route))
    table.click(RED)
    while not held:
        page.wait_for_timeout(10)
    table.click(BLUE)
    table.expect_area(RED_AREA + 0.12)


def test_the_model_is_loaded_before_there_is_a_picture(chrome: Browser, open_studio: OpenStudio):
    is_loaded = threading.Event()

    def load(_tell: Tell) -> ColourModel:
        is_loaded.set()
        return ColourModel()

    studio = open_studio(*catalog(Brush(0.005)), replace(colour_spec(), load=load))
    with served(studio, one_person) as address, Visitor.arrives(chrome, address) as visitor:
        assert not is_loaded.is_set()
        visitor.page.get_by_role("tab", name="Segment").click()
        assert is_loaded.wait(PATIENCE_SECONDS)
    visitor.assert_nothing_went_wrong()


def test_whoever_writes_while_the_pixels_come_keeps_the_focus(table: Table, cutting: Studio):
    other = cutting.take_in(OWNER, scene(number=next(NUMBERS)), f"{TITLE}.png").id
    with late(table.page, f"picture/{other}") as let_come:
        table.open(other)
        table.find(".name").focus()
        let_come()
    red = f"([x, y]) => ({table.colour})([x, y])[0] > 200"
    table.page.wait_for_function(red, arg=table.on_board(RED))
    expect(table.find(".name")).to_be_focused()


def test_a_click_shows_the_mask_on_the_object(table: Table):
    before = table.colour_at((0.2, 0.4))
    table.click(RED)
    table.expect_area(RED_AREA)
    table.page.wait_for_function("() => !document.querySelector('#segment .primary').disabled")
    after = table.colour_at((0.2, 0.4))
    assert before != after
    assert max(table.colour_at((0.5, 0.1))) < 100  # the rest lies in the shade


def test_a_shift_click_a_right_click_and_the_minus_mode_remove(table: Table):
    for remove in ({"button": "right"}, {}, {"mode": True}):
        table.click(RED)
        table.click(BLUE)
        table.expect_area(RED_AREA + 0.12)
        if "mode" in remove:
            table.page.get_by_role("radio", name="Remove").click()
            table.click((0.65, 0.6))
            table.page.get_by_role("radio", name="Add", exact=True).click()
        elif remove:
            table.click((0.65, 0.6), button="right")
        else:
            table.page.keyboard.down("Shift")
            table.click((0.65, 0.6))
            table.page.keyboard.up("Shift")
        table.expect_points(3)
        table.expect_area(RED_AREA)
        table.page.get_by_role("button", name="Clear").click()
        table.expect_points(0)


def test_a_point_moves_when_it_is_dragged_and_goes_when_it_is_clicked(table: Table):
    table.click(RED)
    table.expect_area(RED_AREA)
    table.page.mouse.move(*table.at(RED))
    table.page.mouse.down()
    table.page.mouse.move(*table.at(BLUE), steps=4)
    table.page.mouse.up()
    table.expect_area(0.12)
    table.expect_points(1)
    table.click(BLUE)
    table.expect_points(0)
    table.page.locator("#segment .undo").click()
    table.expect_area(0.12)
    table.page.locator("#segment .undo").click()
    table.expect_area(RED_AREA)
    table.page.get_by_role("button", name="Redo").click()
    table.expect_area(0.12)


def test_a_double_click_is_one_click(table: Table):
    for _ in range(3):
        table.page.mouse.dblclick(*table.at(RED))
        table.expect_points(1)
        table.expect_area(RED_AREA)
        table.page.get_by_role("button", name="Clear").click()
        table.expect_points(0)
        table.page.wait_for_function("() => document.querySelector('#segment .board').dataset.busy === 'false'")
        expect(table.board).not_to_have_attribute("data-area", re.compile(""))
        assert table.colour_at(RED) == [255, 0, 0]
        expect(table.page.locator("#segment .spoken")).to_have_text("Nothing is selected")


def test_a_drag_is_a_box(table: Table):
    table.page.mouse.move(*table.at((0.5, 0.1)))
    table.page.mouse.down()
    table.page.mouse.move(*table.at((0.95, 0.45)), steps=4)
    table.page.mouse.up()
    table.expect_area(0.45 * 0.35)
    table.expect_points(0)


def test_the_brush_adds_and_the_eraser_takes_away(table: Table):
    table.click(RED)
    table.expect_area(RED_AREA)
    table.page.get_by_role("radio", name="Brush").click()
    table.page.mouse.move(*table.at((0.5, 0.1)))
    table.page.mouse.down()
    table.page.mouse.move(*table.at((0.9, 0.1)), steps=6)
    table.page.mouse.up()
    table.page.wait_for_function(
        "low => Number(document.querySelector('#segment .board').dataset.area) > low", arg=1.08 * RED_AREA * 240_000
    )
    table.page.locator("#segment .undo").click()
    table.expect_area(RED_AREA)
    table.page.get_by_role("radio", name="Eraser").click()
    before = int(table.board.get_attribute("data-area") or 0)
    table.page.mouse.move(*table.at((0.15, 0.4)))
    table.page.mouse.down()
    table.page.mouse.move(*table.at((0.35, 0.4)), steps=6)
    table.page.mouse.up()
    table.page.wait_for_function(
        "high => Number(document.querySelector('#segment .board').dataset.area) < high", arg=0.98 * before
    )


def test_one_of_three_masks_is_chosen(table: Table):
    table.click(RED)
    masks = table.page.get_by_role("radio", name="percent")
    expect(masks).to_have_count(3)
    expect(masks.nth(0)).to_have_attribute("aria-checked", "true")
    masks.nth(2).click()
    table.expect_area(1.0)
    expect(masks.nth(2)).to_have_attribute("aria-checked", "true")
    masks.nth(2).press("ArrowRight")
    table.expect_area(RED_AREA)


def test_what_is_kept_is_an_object_everywhere(table: Table, cutting: Studio, picture: str):
    page = table.page
    table.click(RED)
    table.expect_area(RED_AREA)
    expect(page.get_by_label("Name")).to_have_value("red ball")
    page.get_by_role("button", name="Keep as object").click()
    expect(page.locator("#segment .object b")).to_have_text("red ball")
    expect(page.locator("#segment .hint")).to_contain_text("Kept.")
    (kept,) = cutting.selections.objects_of(OWNER, picture)
    with page.expect_download() as saved:
        page.locator("#segment .object .cutout").click()
    with Image.open(saved.value.path()) as cut:
        assert cut.mode == "RGBA"
        assert abs(cut.width - 180) < 16
    page.get_by_role("tab", name="Gallery").click()
    page.locator("#gallery select.kind").select_option("object")
    expect(page.locator("#gallery .tile")).to_have_count(len(cutting.gallery(OWNER, kind="object").assets))
    page.locator("#gallery .tile").first.click()
    expect(page.locator("#viewer .facts")).to_contain_text("1 click")
    page.locator("#viewer .actions .segment").click()
    expect(page.locator("#segment .subject .title")).to_have_text("a red ball and a blue cube")
    table.expect_points(1)
    page.locator("#segment .object .delete").click()
    expect(page.locator("#segment .object")).to_have_count(0)
    assert cutting.asset(OWNER, kept.id).deleted


def test_an_object_is_looked_at_without_losing_the_clicks_one_had(table: Table):
    table.click(RED)
    table.expect_area(RED_AREA)
    table.page.get_by_role("button", name="Keep as object").click()
    expect(table.page.locator("#segment .object")).to_have_count(1)
    table.page.get_by_role("button", name="Clear").click()
    table.click(BLUE)
    table.expect_area(0.12)
    table.page.locator("#segment .object .tile").click()
    table.expect_area(RED_AREA)
    table.page.locator("#segment .undo").click()
    table.expect_area(0.12)


def test_the_name_is_that_of_what_is_selected(table: Table, cutting: Studio, picture: str):
    page, name = table.page, table.page.get_by_label("Name")
    table.click(BLUE)
    expect(name).to_have_value("blue cube")
    page.locator("#segment .undo").click()
    expect(name).to_have_value("red ball")  # the first of the picture, while nothing is selected
    table.click((0.5, 0.1))
    expect(name).to_have_value("object")
    page.locator("#segment .undo").click()
    table.click(BLUE)
    table.expect_area(0.12)
    for kept in ("blue cube", "blue cube 2"):
        expect(name).to_have_value(kept)
        page.get_by_role("button", name="Keep as object").click()
        expect(page.locator("#segment .object b").get_by_text(kept, exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Make it 3D")).to_be_enabled()
        page.get_by_role("button", name="Clear").click()
        table.click(BLUE)
        table.expect_area(0.12)
    assert {kept.title for kept in cutting.selections.objects_of(OWNER, picture)} == {"blue cube", "blue cube 2"}


def test_what_is_kept_leads_on_to_3d_and_under_another_name_it_is_kept_once_more(table: Table):
    page, name = table.page, table.page.get_by_label("Name")
    table.click(BLUE)
    table.expect_area(0.12)
    page.get_by_role("button", name="Keep as object").click()
    onward = page.get_by_role("button", name="Make it 3D")
    expect(onward).to_be_enabled()
    name.fill("die")
    expect(onward).to_have_count(0)
    page.get_by_role("button", name="Keep as object").click()
    expect(page.locator("#segment .object")).to_have_count(2)
    onward.click()
    expect(page.get_by_role("tab", name="3D")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#splat .subject .title, #splat .title").first).to_have_text("die")


def test_a_name_that_a_person_typed_is_left_alone(table: Table, cutting: Studio, picture: str):
    page, name = table.page, table.page.get_by_label("Name")
    name.fill("red ball")
    table.click(BLUE)
    table.expect_area(0.12)
    expect(name).to_have_value("red ball")
    name.fill("")
    name.blur()
    expect(name).to_have_value("blue cube")
    name.fill("die")
    page.get_by_role("button", name="Open another").click()
    table.open(picture)
    table.expect_area(0.12)
    expect(name).to_have_value("die")
    page.get_by_role("button", name="Keep as object").click()
    expect(page.locator("#segment .object b")).to_have_text("die")
    page.get_by_role("button", name="Clear").click()
    expect(name).to_have_value("red ball")
    assert [kept.title for kept in cutting.selections.objects_of(OWNER, picture)] == ["die"]


def test_a_suggested_name_goes_with_its_picture(table: Table, cutting: Studio):
    name = table.page.get_by_label("Name")
    table.click(BLUE)
    expect(name).to_have_value("blue cube")
    table.page.get_by_role("button", name="Open another").click()
    expect(table.page.locator("#segment .empty")).to_be_visible()
    expect(name).to_have_value("")


def test_a_deleted_picture_is_not_cut_up(table: Table, guest: Visitor, cutting: Studio, picture: str):
    guest.expect_deleted([picture])
    cutting.delete(OWNER, [picture])
    table.click(RED)
    expect(table.page.locator("#segment .banner")).to_contain_text("It may have been deleted")
    guest.forgive("404 (Not Found)")


def test_a_picture_that_comes_back_is_no_object(table: Table, guest: Visitor):
    table.page.get_by_role("button", name="Open another").click()
    table.page.get_by_role("tab", name="Generate").click()
    before = guest.pictures.count()
    guest.press("Delete")
    expect(guest.pictures).to_have_count(before - 1)
    guest.toast.get_by_role("button", name="Undo").click()
    expect(guest.pictures).to_have_count(before)
    table.page.get_by_role("tab", name="Segment").click()
    expect(table.page.locator("#segment .pictures li").first).to_be_visible()
    expect(table.page.locator("#segment .objects")).to_be_hidden()


def test_a_reload_keeps_picture_and_points(table: Table):
    table.click(RED)
    table.click(BLUE)
    table.expect_area(RED_AREA + 0.12)
    table.page.reload()
    expect(table.board).to_be_visible()  # in the tab it was in
    table.expect_points(2)
    table.expect_area(RED_AREA + 0.12)


def test_a_file_that_is_chosen_here_is_opened_here(newcomer: Visitor, tmp_path: Path):
    page, table = newcomer.page, Table(newcomer.page)
    (tmp_path / "kite.png").write_bytes(scene((300, 200)))
    page.get_by_role("tab", name="Segment").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open a file").click()
    chooser.value.set_files(tmp_path / "kite.png")
    expect(page.locator("#segment .subject .title")).to_have_text("kite")
    page.mouse.click(*table.at(RED, (300, 200)))
    table.expect_area(RED_AREA, (300, 200))


def test_everything_can_be_picked_from(table: Table):
    table.page.get_by_role("button", name="Show everything").click()
    expect(table.page.locator("#segment .hint")).to_have_text("Click a coloured region to select it.")
    table.click(BLUE)
    table.expect_area(0.12)
    table.expect_points(1)


def test_a_click_while_everything_is_looked_for_keeps_its_selection(table: Table, model: PatientModel):
    button, hint = table.page.locator("#segment .everything"), table.page.locator("#segment .hint")
    model.may_answer.clear()
    try:
        button.click()
        expect(button).to_have_text("Detecting objects…")
        table.click(RED)
        table.expect_points(1)
        table.page.mouse.move(*table.at((0.5, 0.1)))
        expect(hint).to_have_text("Looking…")
        expect(button).to_have_text("Detecting objects…")
        expect(button).to_be_disabled()
    finally:
        model.may_answer.set()
    expect(button).to_have_text("Show everything")
    expect(button).to_be_enabled()
    table.expect_area(RED_AREA)
    expect(hint).to_contain_text("Missing a part?")
    expect(table.page.get_by_role("button", name="Keep as object")).to_be_enabled()
    asked = len(model.requests)
    button.click()
    expect(hint).to_have_text("Click a coloured region to select it.")
    table.click(BLUE)
    table.expect_area(0.12)
    assert [type(request) for request in model.requests[asked:]] == [MaskRequest]  # nothing was looked for again


def test_invert_does_nothing_while_nothing_is_selected(table: Table):
    page = table.page
    table.board.focus()
    page.keyboard.press("i")
    for place in (".spoken", ".hint"):
        expect(page.locator(f"#segment {place}")).to_contain_text("Nothing is selected yet")
    expect(page.locator("#segment .undo")).to_be_disabled()
    table.click(RED)
    table.expect_area(RED_AREA)


def test_a_first_click_that_removes_says_what_to_do(table: Table, guest: Visitor):
    table.page.get_by_role("radio", name="Remove").click()
    table.click(RED)
    expect(table.page.locator("#segment .banner")).to_be_visible()
    expect(table.page.locator("#segment .hint")).to_have_text("Choose Add and click the object first.")
    table.page.get_by_role("radio", name="Add", exact=True).click()
    table.click(BLUE)
    table.expect_area(0.12)
    expect(table.page.locator("#segment .banner")).to_be_hidden()
    guest.forgive("400 (Bad Request)")


def test_it_works_by_keyboard_alone(table: Table):
    table.board.focus()
    page = table.page
    for key in ("ArrowLeft", *["Shift+ArrowLeft"] * 3, "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    table.expect_points(1)
    table.expect_area(RED_AREA)
    page.keyboard.press("i")
    table.expect_area(1 - RED_AREA)
    page.keyboard.press("Control+z")
    table.expect_area(RED_AREA)
    page.keyboard.press("Delete")
    table.expect_points(0)
    page.keyboard.press("x")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("x")
    page.wait_for_function("() => Number(document.querySelector('#segment .board').dataset.area) > 500")


def test_the_same_place_is_hit_after_zooming(table: Table):
    x, y = table.at(RED)
    table.page.mouse.move(x, y)
    for _ in range(6):
        table.page.mouse.wheel(0, -240)
    table.page.mouse.click(x, y)
    table.expect_area(RED_AREA)
    point = table.page.evaluate("() => JSON.parse(localStorage['diorama-segment'])[0].request.points[0]")
    assert abs(point[0] - RED[0] * SIZE[0]) < 1.5
    assert abs(point[1] - RED[1] * SIZE[1]) < 1.5


def zoom_in_on(table: Table, place: tuple[float, float]) -> None:
    table.page.mouse.move(*table.at(place))
    table.page.mouse.wheel(0, -720)


def is_click(request: Request) -> bool:
    return request.url.endswith("/diorama/segment")


@pytest.fixture
def large(table: Table, cutting: Studio) -> Table:
    """A picture of more pixels than the screen shows, all of them there, with a choice of masks."""
    table.open(cutting.take_in(OWNER, scene(LARGE, next(NUMBERS)), f"{TITLE}.png").id)
    table.page.wait_for_function(f"at => ({table.colour})(at)[0] > 200", arg=table.on_board(RED))
    table.click(RED)
    table.page.get_by_role("radio", name="Mask 2").click()
    table.page.wait_for_function("() => document.querySelector('#segment .board').dataset.busy === 'false'")
    return table


def test_a_mask_becomes_sharper_once_a_zoom_has_settled(large: Table):
    page, asked = large.page, list[Request]()

    def note(request: Request) -> None:
        if is_click(request):
            asked.append(request)

    page.on("request", note)
    said, spoken = large.board.get_attribute("data-area"), large.find(".spoken").inner_text()
    with late(page, "segment") as let_come:
        with page.expect_request(is_click) as repeated:
            zoom_in_on(large, (0.1, 0.4))
        question = repeated.value.post_data_json or {}
        assert [question["most"], question["choice"], len(question["points"])] == [1024, 1, 1]
        drawn = "() => document.querySelector('#segment .board').toDataURL()"
        before = settled(page, f"async () => {{ {NEXT_FRAME}; return ({drawn})(); }}")
        let_come()
    page.wait_for_function(f"before => ({drawn})() !== before", arg=before)
    expect(page.get_by_role("radio", name="Mask 2")).to_have_attribute("aria-checked", "true")
    expect(large.board).to_have_attribute("data-area", said or "")
    expect(large.find(".spoken")).to_have_text(spoken)
    page.get_by_role("button", name="Fit", exact=True).click()
    large.click(BLUE)
    large.expect_points(2)
    page.wait_for_function("() => document.querySelector('#segment .board').dataset.busy === 'false'")
    page.remove_listener("request", note)
    assert len(asked) == 2
    for _ in range(3):
        large.find(".undo").click()
    expect(large.find(".undo")).to_be_disabled()


def test_a_click_ends_the_question_for_a_sharper_mask(large: Table):
    page, held = large.page, list[Route]()
    page.route("**/diorama/segment", lambda route: route.fallback() if held else held.append(route))
    with page.expect_request(is_click):
        zoom_in_on(large, (0.1, 0.4))
    while not held:
        page.wait_for_timeout(10)
    with page.expect_event("requestfailed", lambda request: request == held[0].request):
        large.click((0.02, 0.4))
    large.expect_area(0.88, LARGE)
    large.expect_points(2)
    expect(large.find(".banner")).to_be_hidden()


def test_while_the_server_is_away_clicks_are_kept(table: Table, guest: Visitor):
    guest.context.set_offline(True)
    table.click(RED)
    expect(table.page.locator("#segment .banner")).to_contain_text("is not responding")
    table.expect_points(1)
    guest.context.set_offline(False)
    table.click((0.2, 0.4))
    table.expect_area(RED_AREA)
    expect(table.page.locator("#segment .banner")).to_be_hidden()
    guest.forgive("ERR_INTERNET_DISCONNECTED")


@pytest.mark.parametrize("size", [(1, 1000), (7300, 5400)], ids=["1 x 1000", "40 megapixels"])
def test_pictures_of_any_size_can_be_clicked(table: Table, cutting: Studio, size: tuple[int, int]):
    other = cutting.take_in(OWNER, scene(size), "a red ball and a blue cube").id
    table.open(other)
    table.page.wait_for_function("id => location.hash.includes(id)", arg=other)
    table.page.mouse.click(*table.at((0.5, 0.75) if size[0] < 10 else BLUE, size))
    table.expect_points(1)
    table.page.wait_for_function("() => Number(document.querySelector('#segment .board').dataset.area) > 50")


def test_it_works_on_a_phone(chrome: Browser, address: str, picture: str):
    with Visitor.arrives(chrome, address, **PHONE) as visitor:
        table = Table(visitor.page)
        table.open(picture)
        table.board.scroll_into_view_if_needed()
        visitor.page.touchscreen.tap(*table.at(RED))
        table.expect_area(RED_AREA)
        keep = visitor.page.get_by_role("button", name="Keep as object")
        expect(keep).to_be_in_viewport()
        wide = visitor.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= 390
        keep.tap()
        expect(visitor.page.locator("#segment .object")).to_have_count(1)
    visitor.assert_nothing_went_wrong()


def test_the_picture_on_the_stage_goes_to_the_table(newcomer: Visitor, cutting: Studio):
    newcomer.page.locator("#stage .actions .segment").click()
    expect(newcomer.page.locator("#segment .subject .title")).to_have_text("a red ball and a blue cube")
