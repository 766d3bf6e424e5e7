"""The 3D tab in Chromium with software WebGL: an object, its views, its splat, and splats from files.

Only the models are fakes.
"""

from __future__ import annotations

import io
import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, Route, expect

from studio.library.assets import Asset
from studio.recipe.selection import Point, SegmentRequest
from studio.service import Studio
from studio.splats.any_format import read_splat
from studio.splats.formats.ply import write_ply
from tests.patience import wait_until
from tests.studio.fakes import finished
from tests.studio.selecting_fake import colour_spec
from tests.studio.turning_fake import FakeSplats, FakeViews, ball, disc_png, turning_specs
from tests.ui.conftest import OpenStudio
from tests.ui.driver import PHONE, Visitor
from tests.ui.late import late
from tests.ui.painter import Brush, catalog
from tests.ui.serve import one_person, served
from tests.ui.turntable import Turntable

OWNER = "local"
SPLATS = 500
NUMBERS = itertools.count()
CALM = {"viewport": {"width": 1000, "height": 720}, "reduced_motion": "reduce"}
"""Software draws every pixel."""
NOTE_OFFERS = """node => {
  window.offers = [];
  const note = () => {
    if (!node.disabled && node.textContent.startsWith("Make")) window.offers.push(node.textContent);
  };
  new MutationObserver(note).observe(node, { attributes: true, childList: true });
}"""
"""Every time the button could be pressed to make something is in `offers`."""


@contextmanager
def held(model: FakeViews | FakeSplats) -> Iterator[Callable[[], None]]:
    """
    The model waits at every step for its gate, also after a test that let everybody go. Gives what waits until it has
    begun: a job that is stopped before is over at once.
    """
    before = len(model.orders)
    while model.gate.acquire(blocking=False):
        pass
    model.gated = True
    try:
        yield lambda: wait_until(lambda: len(model.orders) > before)
    finally:
        model.let_go()


def scene(number: int) -> bytes:
    """A red disc on grey; another number is another file."""
    image = Image.new("RGB", (300, 200), (128, 128, 128))
    image.putpixel((0, 0), (number, 128, 128))
    ImageDraw.Draw(image).ellipse((60, 40, 159, 139), fill=(220, 40, 30))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def models() -> tuple[FakeViews, FakeSplats]:
    return FakeViews(), FakeSplats(SPLATS)


@pytest.fixture(scope="module")
def turning(open_studio: OpenStudio, models: tuple[FakeViews, FakeSplats]) -> Iterator[Studio]:
    yield open_studio(*catalog(Brush(0.005)), colour_spec(), *turning_specs(*models))
    for model in models:
        model.let_go()


@pytest.fixture(scope="module")
def site(turning: Studio) -> Iterator[str]:
    with served(turning, one_person) as address:
        yield address


@pytest.fixture
def object_id(turning: Studio) -> str:
    """One that no test has seen."""
    picture = turning.take_in(OWNER, scene(next(NUMBERS)), "a red ball.png")
    return turning.selections.keep(OWNER, SegmentRequest(picture.id, points=(Point(110, 90),)), "red ball").id


def splats_of(studio: Studio, object_id: str) -> list[Asset]:
    return [asset for asset in studio.gallery(OWNER, limit=200, kind="splat").assets if object_id in asset.parents]


@pytest.fixture(scope="module")
def resident(chrome: Browser, site: str) -> Iterator[Visitor]:
    """Somebody whose page stays open from test to test."""
    with Visitor.arrives(chrome, site, **CALM) as visitor:
        yield visitor


@pytest.fixture
def table(guest: Visitor, object_id: str) -> Turntable:
    """With the object on it."""
    table = Turntable(guest.page, SPLATS)
    table.open(object_id)
    table.canvas.evaluate("canvas => delete canvas.dataset.shows")  # of the test before
    return table


@pytest.fixture
def newcomer(chrome: Browser, site: str, object_id: str) -> Iterator[Visitor]:
    """Somebody who has just opened the page, and leaves it as nobody else could use it."""
    with Visitor.arrives(chrome, site, **CALM) as visitor:
        yield visitor
    visitor.assert_nothing_went_wrong()


@pytest.fixture
def new_table(newcomer: Visitor, object_id: str) -> Turntable:
    table = Turntable(newcomer.page, SPLATS)
    table.open(object_id)
    return table


def test_an_object_becomes_a_splat_that_turns_comes_back_to_the_pixel_and_is_saved_as_a_picture(
    table: Turntable, guest: Visitor, turning: Studio
):
    expect(table.find(".seen figcaption")).to_contain_text("models see this square")
    splat = table.make()
    assert turning.asset(OWNER, splat).kind == "splat"
    assert turning.splats.asset(OWNER, splat).recipe.splat.fit > 0.85  # type: ignore[operator]
    expect(table.find(".fit")).to_have_text(re.compile(r"Outline match: \d+ %"))
    first = table.pixels()
    table.drag(80, 30)
    table.expect_drawn(home=False)
    assert table.pixels() != first
    table.primary.click()
    expect(guest.toast).to_contain_text("Saved as a new picture")
    table.find(".reset").click()
    table.expect_drawn()
    assert table.pixels_again(first) == first
    made = turning.gallery(OWNER, kind="image").assets[0]
    assert splat in made.parents
    with Image.open(turning.path(OWNER, made.id)) as image:
        assert image.size == (1024, 683)  # its picture has 300 x 200: a splat is sharp at any size
        red, green, blue = image.convert("RGB").getpixel((375, 307))  # type: ignore[misc]
        assert red > max(green, blue) + 60
        assert image.convert("RGB").getpixel((990, 34)) == pytest.approx((128, 128, 128), abs=2)
    guest.open_gallery()
    guest.page.locator("#gallery select.kind").select_option("splat")
    expect(guest.page.locator("#gallery .tile")).to_have_count(len(turning.gallery(OWNER, kind="splat").assets))
    guest.page.locator("#gallery .tile").first.click()
    expect(guest.large).to_have_js_property("naturalWidth", 256)
    expect(guest.viewer.locator(".facts")).to_contain_text(f"{SPLATS}")
    guest.viewer.get_by_role("button", name="Open in 3D").click()
    table.expect_drawn()
    assert table.shown == splat


def test_views_are_made_first_one_anew_one_replaced_and_the_splat_is_made_of_these(
    table: Turntable, guest: Visitor, turning: Studio, object_id: str, tmp_path: Path
):
    table.find(".views-only").click()
    tiles = table.find(".four li img")
    expect(tiles.nth(3)).to_be_visible()
    before = turning.solids.views_of(OWNER, object_id)
    table.page.get_by_role("button", name="Make this view again: Back").click()
    expect(tiles.nth(2)).not_to_have_attribute("data-of", before[2])
    after = turning.solids.views_of(OWNER, object_id)
    assert (before[0], before[1], before[3]) == (after[0], after[1], after[3])
    table.page.get_by_role("button", name="Use a picture of your own: Left side").click()
    expect(table.find(".hint")).to_contain_text("Choose a picture")
    table.find(".leave").click()
    expect(table.find(".pictures")).to_be_hidden()
    table.page.get_by_role("button", name="Use a picture of your own: Left side").click()
    table.find(".pictures .tile").first.click()
    expect(tiles.nth(3)).not_to_have_attribute("data-of", after[3])
    file = tmp_path / "side.png"
    file.write_bytes(disc_png())
    guest.drop(file, on="#splat .four li:nth-child(2)")
    expect(tiles.nth(1)).not_to_have_attribute("data-of", after[1])
    made_of = turning.solids.views_of(OWNER, object_id)
    expect(table.primary).to_have_text("Make it 3D from these views")
    splat = table.make()
    assert turning.asset(OWNER, splat).parents[1:] == made_of


def test_stop_ends_a_job_and_a_reload_finds_a_running_one_again(
    table: Turntable, guest: Visitor, models: tuple[FakeViews, FakeSplats]
):
    views, _ = models
    views.gated = True
    try:
        table.primary.click()
        views.gate.release()
        expect(table.find(".below .step")).to_have_text("Views: step 1 of 3")
        table.find(".stop").click()
        expect(table.find(".below .step")).to_have_text("stopping")
        views.gate.release()
        expect(table.find(".below")).to_be_hidden()
        table.primary.click()
        views.gate.release()
        expect(table.find(".below .step")).to_have_text("Views: step 1 of 3")
        guest.reload()
        guest.page.get_by_role("tab", name="3D").click()
        expect(table.find(".below .step")).to_have_text("Views: step 1 of 3")
    finally:
        views.let_go()
    expect(table.find(".fit")).to_be_visible()
    table.expect_drawn()


def test_a_splat_from_a_file_is_shown_placed_on_a_picture_and_exported(
    table: Turntable, guest: Visitor, turning: Studio, tmp_path: Path
):
    file = tmp_path / "my ball.ply"
    file.write_bytes(write_ply(ball(300)))
    guest.drop(file)
    table.expect_drawn(300)
    expect(table.find(".subject .title")).to_contain_text("my ball")
    alone = table.shown
    table.find(".place").click()
    table.find(".pictures .tile").first.click()
    expect(table.find(".ground")).to_be_visible()
    table.expect_drawn(300)
    placed = table.shown
    assert alone in turning.asset(OWNER, placed).parents
    table.find(".exports summary").click()
    for format in ("SPZ", "Web page"):
        with guest.page.expect_download() as saving:
            table.find(".exports a").filter(has_text=format).click()
        saving.value.save_as(tmp_path / format)
    assert read_splat(tmp_path / "SPZ").splat.count == 300
    assert b"<canvas" in (tmp_path / "Web page").read_bytes()
    guest.reload()
    guest.page.get_by_role("tab", name="3D").click()
    table.expect_drawn(300)
    assert table.shown == placed


def test_parts_are_erased_taken_back_and_what_is_left_is_kept_anew(guest: Visitor, turning: Studio):
    whole = turning.splats.take_in(OWNER, write_ply(ball(400)), "whole.ply")
    table, page = Turntable(guest.page), guest.page
    table.open(whole.id)
    table.expect_drawn(400)
    table.find(".opacity").fill("40")
    table.find(".erase-parts").click()
    expect(table.primary).to_have_text("Keep as a new splat")
    expect(table.primary).to_be_disabled()
    page.keyboard.press("x")
    expect(table.find("[data-hand=box].tool")).to_have_attribute("aria-checked", "true")
    count, begun = table.find(".frame .count"), table.pixels()
    table.drag(170, 170)  # a box over a quarter of it
    expect(count).to_have_text(re.compile(r"^\d+ selected$"))
    selected = int(count.inner_text().split()[0])
    assert 40 < selected < 160
    page.keyboard.press("Delete")
    expect(count).to_have_text(f"{selected} erased")
    page.keyboard.press("Control+z")
    expect(count).to_have_text(f"{selected} selected")
    page.keyboard.press("Control+z")
    expect(count).to_be_empty()
    page.mouse.move(0, 0)
    assert table.pixels_again(begun) == begun
    table.find(".erasing .redo").click()
    table.find(".erasing .redo").click()
    page.keyboard.press("d")
    table.drag(-120, 10)
    expect(count).to_have_text(re.compile(rf"^\d+ selected, {selected} erased$"))
    table.find(".erasing .erase").click()
    expect(count).to_have_text(re.compile(r"^\d+ erased$"))
    left = 400 - int(count.inner_text().split()[0])
    table.primary.click()
    table.expect_drawn(left)
    kept = turning.asset(OWNER, table.shown)
    assert kept.parents == (whole.id,) and kept.recipe.splat.erased == 400 - left
    expect(table.find(".erasing")).to_be_hidden()
    expect(table.find(".opacity")).to_have_value("100")  # each has its own
    guest.toast.get_by_role("button", name="Open the original").click()
    table.expect_drawn(400)
    expect(table.find(".opacity")).to_have_value("40")
    table.find(".erase-parts").click()
    page.keyboard.press("Escape")
    expect(table.find(".erasing")).to_be_hidden()
    expect(table.primary).to_have_text("Save this view")


def test_what_is_not_drawn_yet_is_neither_saved_nor_erased(guest: Visitor, turning: Studio):
    table, whole = (
        Turntable(guest.page),
        [turning.splats.take_in(OWNER, write_ply(ball(n)), "a.ply").id for n in (300, 200)],
    )
    table.open(whole[0])
    table.expect_drawn(300)
    with late(guest.page, f"splat/{whole[1]}") as let_come:
        table.open(whole[1])
        expect(table.primary).to_have_text("Save this view")
        expect(table.primary).to_be_disabled()
        expect(table.find(".erase-parts")).to_be_disabled()
        let_come()
    table.expect_drawn(200)
    expect(table.primary).to_be_enabled()
    expect(table.find(".erase-parts")).to_be_enabled()


def test_keys_turn_it_and_what_they_do_is_spoken_and_a_lost_context_is_mended(new_table: Turntable):
    new_table.make()
    first = new_table.pixels()
    new_table.canvas.focus()
    for key, said in (("ArrowRight", "turned 5 degrees"), ("+", "zoom 110 percent"), ("0", "Back on its picture")):
        new_table.page.keyboard.press(key)
        expect(new_table.find(".spoken")).to_contain_text(said)
    new_table.expect_drawn()
    new_table.canvas.evaluate("canvas => canvas.blur()")
    assert new_table.pixels_again(first) == first
    new_table.find("[data-ground=filled]").focus()
    new_table.page.keyboard.press("ArrowRight")
    expect(new_table.find("[data-ground=plain]")).to_have_attribute("aria-checked", "true")
    expect(new_table.find(".ground")).to_be_hidden()
    new_table.canvas.evaluate("canvas => canvas.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()")
    expect(new_table.find(".banner")).to_contain_text("Reload the page")
    new_table.find(".splats .tile").first.click()
    expect(new_table.find(".banner")).to_be_hidden()
    new_table.expect_drawn()


def test_a_phone_has_everything_within_its_width(chrome: Browser, site: str, object_id: str):
    with Visitor.arrives(chrome, site, **PHONE) as visitor:
        table = Turntable(visitor.page, SPLATS)
        table.open(object_id)
        table.make()
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
        expect(table.primary).to_be_in_viewport()
        expect(table.canvas).to_be_in_viewport()
        for node in table.find(":is(button, a, select, summary):visible").all():
            box = node.bounding_box()
            assert box and box["height"] >= 32, node.evaluate("node => node.outerHTML")
    visitor.assert_nothing_went_wrong()


def test_a_browser_without_webgl_says_so_in_a_sentence(chrome: Browser, site: str, object_id: str, turning: Studio):
    splat = turning.splats.take_in(OWNER, write_ply(ball(50)), "ball.ply")
    with Visitor.arrives(chrome, site, **CALM) as visitor:
        visitor.page.evaluate("HTMLCanvasElement.prototype.getContext = () => null")
        Turntable(visitor.page, SPLATS).open(splat.id)
        expect(visitor.page.locator("#splat .banner")).to_contain_text("no WebGL 2")


def test_a_job_that_is_over_before_its_answer_comes_is_taken_up(table: Turntable, guest: Visitor):
    def late(route: Route) -> None:
        answer = route.fetch(max_retries=3)
        time.sleep(1.5)  # the page goes on and hears of the job meanwhile
        route.fulfill(response=answer)

    for path in ("views", "splat"):
        guest.page.route(f"**/diorama/{path}", late)
    table.make()


def test_what_was_begun_in_one_go_is_finished_while_something_else_is_open(table: Turntable, guest: Visitor):
    held: list[Route] = []
    guest.page.route("**/diorama/splat", lambda route: held.append(route))
    with guest.page.expect_request("**/diorama/splat"):
        table.primary.click()
    table.find(".change").click()
    held[0].continue_()
    expect(guest.toast).to_contain_text("In 3D: red ball")
    guest.toast.get_by_role("button", name="Show").click()
    table.expect_drawn()


@pytest.mark.parametrize("is_first_closed", [False, True])
def test_two_tabs_of_a_browser_make_one_splat(
    new_table: Turntable,
    newcomer: Visitor,
    models: tuple[FakeViews, FakeSplats],
    turning: Studio,
    object_id: str,
    is_first_closed: bool,
):
    views, splats = models
    before = len(splats.orders)
    with held(views):
        new_table.primary.click()
        expect(new_table.find(".below .step")).to_have_text("starting")
        second = Turntable(newcomer.open_tab(), SPLATS)
        second.open(object_id)
        expect(second.find(".below .step")).to_have_text("starting")
        if is_first_closed:
            newcomer.page.close()
    for tab in [second] if is_first_closed else [new_table, second]:
        expect(tab.find(".fit")).to_be_visible()
        expect(tab.find(".below")).to_be_hidden()
    assert all(job.is_over for job in turning.jobs(OWNER))
    assert len(splats.orders) == before + 1
    assert len(splats_of(turning, object_id)) == 1


def test_a_job_whose_answer_was_lost_is_watched_all_the_same(
    table: Turntable, guest: Visitor, models: tuple[FakeViews, FakeSplats], turning: Studio, object_id: str
):
    def lose_the_answer(route: Route) -> None:
        route.fetch(max_retries=3)  # the server took it
        route.abort()

    guest.page.route("**/diorama/splat", lose_the_answer)
    with held(models[1]):
        table.primary.click()
        expect(table.find(".hint")).to_have_text("Making the splat…")
        guest.reload()
        guest.page.get_by_role("tab", name="3D").click()
        expect(table.find(".hint")).to_have_text("Making the splat…")
    table.expect_drawn()
    expect(table.find(".below")).to_be_hidden()
    assert len(splats_of(turning, object_id)) == 1
    guest.troubles.clear()  # the console tells of the answer that was lost


def test_a_tab_that_is_closed_after_the_views_gets_its_splat(
    new_table: Turntable, newcomer: Visitor, models: tuple[FakeViews, FakeSplats], turning: Studio, object_id: str
):
    before = len(models[0].orders)
    with held(models[1]):
        new_table.primary.click()
        expect(new_table.find(".four li img").nth(3)).to_be_visible()
        newcomer.page.close()
    done = finished(turning, turning.jobs(OWNER)[0])
    (splat,) = splats_of(turning, object_id)
    assert splat.id == done.assets[-1] and len(models[0].orders) == before + 1
    assert splat.parents[1:] == turning.solids.views_of(OWNER, object_id)


def test_while_it_is_made_nothing_offers_to_make_it_once_more(table: Turntable):
    table.primary.click()
    table.primary.evaluate(NOTE_OFFERS)
    expect(table.find(".fit")).to_be_visible()
    table.expect_drawn()
    assert table.page.evaluate("offers") == []


def test_stop_while_the_splat_is_made_keeps_the_views(
    table: Turntable, models: tuple[FakeViews, FakeSplats], turning: Studio, object_id: str
):
    with held(models[1]) as expect_begun:
        table.primary.click()
        expect(table.find(".hint")).to_have_text("Making the splat…")
        expect(table.find(".four li img").nth(3)).to_be_visible()
        expect_begun()
        table.find(".stop").click()
        expect(table.find(".below .step")).to_have_text("stopping")
    expect(table.find(".hint")).to_have_text("Stopped. The four views are kept.")
    expect(table.find(".below")).to_be_hidden()
    expect(table.primary).to_have_text("Make it 3D from these views")
    expect(table.primary).to_be_enabled()
    assert splats_of(turning, object_id) == [] and len(turning.jobs(OWNER)[0].assets) == 4


def test_stop_during_the_views_says_so_and_what_is_not_there_is_quiet(
    table: Turntable, guest: Visitor, models: tuple[FakeViews, FakeSplats]
):
    with held(models[0]) as expect_begun:
        table.primary.click()
        expect_begun()
        table.find(".stop").click()
        expect(table.find(".below .step")).to_have_text("stopping")
    expect(table.find(".hint")).to_have_text("Stopped. Nothing was made.")
    expect(guest.toast).to_have_text("Stopped")
    expect(table.find(".four .view .quiet").first).to_have_text("Not made yet")
    for shade in ("dark", "light"):
        guest.page.evaluate("isDark => document.body.classList.toggle('dark', isDark)", shade == "dark")
        tile, stage = (brightness(guest.page, f"#splat {part}") for part in (".four .view >> nth=0", ".room"))
        assert abs(tile - stage) < 20, shade
    table.make()
    expect(table.find(".hint")).not_to_contain_text("Stopped")


HALF_A_FILM = """() => {
  const ask = window.fetch;
  window.fetch = async (address, ...more) => {
    if (!String(address).includes("format=mp4")) return ask(address, ...more);
    const body = new ReadableStream({ start(to) { to.enqueue(new Uint8Array(36)); } });
    return new Response(body, { headers: { "X-Diorama-Steps": "72" } });
  };
}"""


def brightness(page: Page, selector: str) -> float:
    """0 to 255, of most of the pixels of a part of the page."""
    with Image.open(io.BytesIO(page.locator(selector).screenshot())) as image:
        grey = image.convert("L").resize((64, 64))
    return sorted(grey.tobytes())[len(grey.tobytes()) // 2]


def test_a_film_says_at_once_that_it_is_made_and_is_made_once(table: Turntable, guest: Visitor, tmp_path: Path):
    asked: list[Route] = []
    table.make()
    guest.page.route("**/diorama/splat/*format=mp4*", lambda route: asked.append(route))
    table.find(".exports summary").click()
    film = table.find(".exports a").filter(has_text="Turntable video")
    for _ in range(3):
        film.dispatch_event("click")
        expect(film).to_contain_text("Exporting")
    expect(film).to_have_attribute("aria-disabled", "true")
    expect(table.find(".exports summary")).to_have_text("Making it…")
    table.find(".subject .title").click()
    expect(film).to_be_hidden()
    while not asked:
        guest.page.wait_for_timeout(10)
    with guest.page.expect_download() as saving:
        asked[0].continue_()
    assert saving.value.suggested_filename.endswith(".mp4") and "red-ball" in saving.value.suggested_filename
    saving.value.save_as(tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"
    table.find(".exports summary").click()
    expect(film).to_contain_text("One full turn on white")
    assert len(asked) == 1


def test_a_film_says_how_far_it_is(table: Turntable, guest: Visitor):
    """Half of it has come and the other half never does: what the page says then stays."""
    table.make()
    guest.page.evaluate(HALF_A_FILM)
    table.find(".exports summary").click()
    film = table.find(".exports a").filter(has_text="Turntable video")
    film.click()
    expect(film).to_contain_text("Exporting… 50 %")
    expect(table.find(".exports summary")).to_have_text("Making it… 50 %")
    guest.reload()


def test_a_file_that_cannot_be_made_says_why(table: Turntable, guest: Visitor):
    table.make()
    refusal = {"status": 400, "json": {"error": "The splat is too thin for a mesh."}}
    guest.page.route("**/diorama/splat/*format=glb*", lambda route: route.fulfill(**refusal))
    table.find(".exports summary").click()
    table.find(".exports a").filter(has_text="Mesh").click()
    expect(table.find(".banner")).to_contain_text("The splat is too thin for a mesh.")
    guest.forgive("400 (Bad Request)")


def test_what_lies_below_the_edge_of_the_column_fades_out_above_the_button(guest: Visitor):
    guest.page.get_by_role("tab", name="3D").click()
    ground = Turntable(guest.page).find(".keep").evaluate("node => getComputedStyle(node, '::before').backgroundImage")
    assert "linear-gradient" in ground
