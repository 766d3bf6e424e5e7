"""The first minutes of new users: the real app, the real toy models, a real browser. Everybody begins with nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Route, expect

from studio.splats.any_format import read_splat
from tests.app_process import AppProcess
from tests.ui.accessibility import violations
from tests.ui.driver import Visitor
from tests.ui.turntable import Turntable
from tests.ui.walk import STEPS, Walk

PROMPT = "a red ball on a grey background"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def app(outputs: Path) -> Iterator[AppProcess]:
    app = AppProcess(outputs, "--open")
    yield app
    app.stop()


def images(outputs: Path) -> set[Path]:
    return {*(outputs / "images").glob("*")}


def test_a_new_user_has_a_picture_and_finds_it_again(chrome: Browser, app: AppProcess, outputs: Path):
    before = images(outputs)
    with Visitor.arrives(chrome, app.url) as visitor:
        expect(visitor.page.get_by_text("Your picture appears here")).to_be_visible()
        visitor.make(PROMPT)
        expect(visitor.image).to_have_attribute("alt", PROMPT)
        expect(visitor.image).to_have_js_property("naturalWidth", 256)
        shown = visitor.source()
        visitor.reload()
        expect(visitor.pictures).to_have_count(1)
        assert visitor.source() == shown
    visitor.assert_nothing_went_wrong()
    assert [path.suffix for path in images(outputs) - before] == [".png"]


def test_a_new_user_makes_the_ball_blue(chrome: Browser, app: AppProcess, outputs: Path):
    before = images(outputs)
    with Visitor.arrives(chrome, app.url) as visitor:
        visitor.make(PROMPT)
        visitor.press("Edit")
        column = visitor.page.get_by_role("form", name="What to change")
        expect(column.get_by_role("button", name="Change it")).to_be_enabled()  # what is written belongs to a picture
        column.get_by_label("What should change?").fill("make it blue")
        column.get_by_role("button", name="Change it").click()
        versions = visitor.page.get_by_role("tree", name="Versions of this picture").get_by_role("treeitem")
        expect(versions).to_have_count(2)
        expect(versions.last).to_have_attribute("aria-selected", "true")
        expect(versions.last).to_have_attribute("aria-label", "make it blue")
        column.get_by_role("button", name="A house").click()
        expect(versions).to_have_count(3)
        expect(versions.last).to_have_attribute("aria-label", "turn it into a house")  # and no longer "being made"
        column.get_by_label("What should change?").fill("give it wings")
        column.get_by_role("button", name="Change it").click()
        expect(column.locator(".note")).to_contain_text("does not know: wings")
        expect(versions).to_have_count(4)
        expect(versions.last).to_have_attribute("aria-label", "give it wings")
    visitor.assert_nothing_went_wrong()
    assert len(images(outputs) - before) == 4


@pytest.mark.parametrize("tile", ["change", "object", "splat"])
def test_one_press_on_the_empty_stage_goes_the_way(chrome: Browser, app: AppProcess, tile: str):
    with Visitor.arrives(chrome, app.url) as visitor:
        page = visitor.page
        expect(page.locator("#stage [data-demo] img").last).to_have_js_property("complete", True)
        page.locator(f"#stage [data-demo='{tile}']").click()
        if tile == "change":
            expect(page.locator("#iterate .version:not(.job)")).to_have_count(2)
            expect(page.locator("#iterate .below .caption")).to_have_text("make it red")
        elif tile == "object":
            expect(page.locator("#segment .object")).to_have_count(1)
            expect(page.get_by_role("button", name="Make it 3D")).to_be_enabled()
        else:
            Turntable(page).expect_drawn()
            expect(page.locator("#splat .fit")).to_contain_text("9")
    visitor.assert_nothing_went_wrong()


def test_a_change_that_is_made_before_its_tab_is_open_is_shown(chrome: Browser, app: AppProcess):
    with Visitor.arrives(chrome, app.url) as visitor:
        held: list[Route] = []
        visitor.page.route("**/iterate/open", lambda route: held.append(route))
        visitor.page.locator("#stage [data-demo='change']").click()
        expect(visitor.pictures).to_have_count(2)
        for route in held:
            route.continue_()
        visitor.page.unroute("**/iterate/open")
        expect(visitor.page.locator("#iterate .version:not(.job)")).to_have_count(2)
        expect(visitor.page.locator("#iterate .below .caption")).to_have_text("make it red")
    visitor.assert_nothing_went_wrong()


@pytest.fixture(scope="module")
def walked(
    chrome: Browser, app: AppProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Visitor, Walk]]:
    """A visitor who went the whole way with the bundled models: the promise of the first two minutes."""
    with Visitor.arrives(chrome, app.url, reduced_motion="reduce") as visitor:
        walk = Walk(visitor, tmp_path_factory.mktemp("walk"))
        assert list(walk.steps()) == list(STEPS)
        yield visitor, walk
    visitor.assert_nothing_went_wrong()


def test_words_become_a_picture_an_object_a_splat_that_turns_and_comes_back_and_a_file(walked: tuple[Visitor, Walk]):
    _, walk = walked
    assert walk.fit >= 85
    assert walk.turned != walk.before
    assert walk.after == walk.before
    exported = read_splat(walk.file)
    assert exported.splat.count > 1000


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_every_tab_is_accessible(walked: tuple[Visitor, Walk], width: int, scheme: Literal["light", "dark"]):
    page = walked[0].page
    page.set_viewport_size({"width": width, "height": 844})
    page.evaluate("isDark => document.body.classList.toggle('dark', isDark)", scheme == "dark")
    for tab in ("Generate", "Iterate", "Segment", "3D", "Gallery"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        assert not violations(page), tab
    expect(page.get_by_role("button", name="yellow house, 3D", exact=True)).to_be_visible()
    page.locator("#gallery .tile").first.focus()
    page.keyboard.press(" ")
    expect(page.get_by_text("1 selected")).to_be_visible()
    assert not violations(page), "selecting"
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator("#viewer .facts dd").first).to_be_visible()
    assert not violations(page, "#viewer"), "viewer"
    page.keyboard.press("Escape")
    for card in ("What runs here", "Keyboard shortcuts"):
        page.locator(f"[popovertarget][title='{card}']").click()
        assert not violations(page), card
        page.keyboard.press("Escape")
