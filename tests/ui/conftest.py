"""One server and one browser for all tests of the page; every test is a visitor of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from playwright.sync_api import Browser, expect

from studio.library.search import MAX_PAGE
from studio.service import Studio
from tests import browser as chromium
from tests.ui.driver import WAIT_MS, Visitor
from tests.ui.painter import Brush, catalog
from tests.ui.serve import everybody_by_token, served

OpenStudio = Callable[..., Studio]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "chrome" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="package")
def chrome() -> Iterator[Browser]:
    with chromium.opened() as browser:
        browser.on("context", lambda context: context.set_default_timeout(WAIT_MS))
        yield browser


@pytest.fixture(scope="package")
def brush() -> Brush:
    return Brush(seconds_per_step=0.005)


@pytest.fixture(scope="package")
def studio(brush: Brush, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(catalog(brush), tmp_path_factory.mktemp("outputs"))
    yield studio
    brush.go()
    studio.close()


@pytest.fixture(scope="module")
def open_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStudio]:
    """`open_studio(spec, ...)`: a studio with these models, until the end of the file."""
    with ExitStack() as opened:
        yield lambda *specs: opened.enter_context(closing(Studio(specs, tmp_path_factory.mktemp("outputs"))))


@pytest.fixture(scope="package")
def address(studio: Studio) -> Iterator[str]:
    with served(studio, everybody_by_token) as address:
        yield address


@pytest.fixture
def visitor(chrome: Browser, address: str, brush: Brush) -> Iterator[Visitor]:
    """Somebody who has just opened the page for the first time."""
    with Visitor.arrives(chrome, address) as visitor:
        yield visitor
        brush.go()
    visitor.assert_nothing_went_wrong()


@pytest.fixture(scope="module")
def resident(chrome: Browser, address: str, brush: Brush) -> Iterator[Visitor]:
    """Somebody whose page stays open from test to test of a file."""
    brush.go()
    with Visitor.arrives(chrome, address) as visitor:
        yield visitor


@pytest.fixture
def guest(resident: Visitor) -> Iterator[Visitor]:
    """The same person again."""
    yield resident
    resident.stay()


@pytest.fixture
def regular(guest: Visitor, brush: Brush) -> Iterator[Visitor]:
    """The same person again: what the tests before have made and set is there."""
    guest.page.keyboard.press("Escape")
    guest.page.evaluate("document.querySelectorAll('.toasts > .toast').forEach((toast) => toast.remove())")
    yield guest
    brush.go()


@pytest.fixture
def emptied(regular: Visitor, studio: Studio) -> Iterator[Visitor]:
    """The same person on the Generate tab, none of whose pictures is left; however many a test makes at a time."""
    expect(regular.jobs).to_have_count(0)
    ids = [asset.id for asset in studio.gallery(regular.token, limit=MAX_PAGE).assets]
    regular.expect_deleted(ids)
    studio.delete(regular.token, ids)
    regular.page.get_by_role("tab", name="Generate").click()
    expect(regular.pictures).to_have_count(0)
    yield regular
    regular.page.keyboard.press("Escape")
    regular.page.locator("#count label").first.click()
    expect(regular.page.locator("#count label.selected")).to_have_text("1")
