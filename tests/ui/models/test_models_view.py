"""The Models view in a real browser, with a Hub on the loopback address; and who may do what in it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines import catalog
from pipelines.hub.cache import HubCache
from pipelines.machine import Machine
from studio.model_files import Host, Meter
from studio.service import Studio
from tests.pipelines.conftest import DOWNLOAD
from tests.pipelines.hub.test_stored import RECORD
from tests.pipelines.loopback_hub import serving
from tests.pipelines.tiny import save_flux1
from tests.ui.accessibility import violations
from tests.ui.driver import Visitor
from tests.ui.serve import one_person, served

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def host(chrome: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Who runs Diorama, on a machine that has downloaded nothing yet."""
    folder = tmp_path_factory.mktemp("models")
    with serving(DOWNLOAD.repo, save_flux1(folder / "schnell", guided=False)) as hub:
        specs = catalog.models(Machine("Linux", 2, 8.0, ()), HubCache(folder / "cache", hub.url), records=[RECORD])
        meters = Host(meters=lambda: [Meter("Memory", 3.0, 8.0), Meter("Disk", 0.0, 50.0)])
        studio = Studio(specs, folder / "outputs", host=meters)
        with served(studio, one_person) as address, Visitor.arrives(chrome, address) as visitor:
            yield visitor
        studio.close()


def opened(page: Page) -> Page:
    page.get_by_role("button", name="Models", exact=True).click()
    expect(page.get_by_role("dialog", name="Models")).to_be_visible()
    return page


def test_the_host_downloads_and_deletes_a_model(host: Visitor):
    page = opened(host.page)
    dialog = page.get_by_role("dialog", name="Models")
    expect(dialog).to_contain_text("3.0 of 8 GB used")
    expect(dialog).to_contain_text("50 GB free")
    expect(dialog).to_contain_text("To begin with, for this machine")
    row = dialog.locator("li.model", has_text="Tiny")
    expect(row).to_contain_text("takes steps, pictures, masks, strength, styles, any size")
    expect(row.get_by_role("link", name="Apache-2.0")).to_be_visible()
    assert violations(page, ".models-view") == []
    row.get_by_role("button", name="Download Tiny").click()
    expect(row.locator(".state")).to_have_text("ready")
    expect(dialog.get_by_text("To begin with")).to_be_hidden()
    row.get_by_role("button", name="Delete Tiny").click()
    expect(row.locator(".state")).to_have_text("ready")  # it is asked once more
    row.get_by_text("Delete it?").click()
    expect(row.locator(".state")).to_contain_text("download")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_it_fills_a_phone_and_comes_from_what_runs_here(host: Visitor):
    page = host.page
    size = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 780})
    page.locator("#all-models").get_by_role("button", name="All models").click()
    page.keyboard.press("Escape")
    page.locator("#header .badge").click()
    page.get_by_role("button", name="All models: download").click()
    dialog = page.get_by_role("dialog", name="Models")
    expect(dialog).to_be_visible()
    assert dialog.evaluate("it => [it.clientWidth, it.scrollWidth]") == [390, 390]
    page.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    if size:
        page.set_viewport_size(size)


def test_a_visitor_sees_the_models_and_can_do_nothing_with_them(address: str):
    headers = {"X-Diorama-Token": TOKEN}
    seen = httpx.post(f"{address}diorama/models", json={}, headers=headers).json()
    assert seen["models"] and not seen["may"]
    assert all(model["actions"] == [] for model in seen["models"])
    assert seen["meters"] == []
    asked = {"id": seen["models"][0]["id"], "action": "load"}
    refused = httpx.post(f"{address}diorama/models/act", json=asked, headers=headers)
    assert refused.status_code == 400
    assert "Only who runs this Diorama" in refused.json()["error"]
