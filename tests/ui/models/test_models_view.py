"""The Models view in a real browser, with a Hub on the loopback address; and who may do what in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

import ui
from pipelines import catalog
from pipelines.hub.cache import HubCache
from pipelines.machine import Machine
from studio.model_files import Meter
from studio.scheduling.contract import NoWorkers, WorkerFacts
from studio.service import Studio
from tests.pipelines.conftest import DOWNLOAD
from tests.pipelines.hub.test_stored import RECORD
from tests.pipelines.loopback_hub import serving
from tests.pipelines.tiny import save_flux1
from tests.studio.fakes import FakeModel, ask, finished, spec_of
from tests.ui.accessibility import violations
from tests.ui.driver import Visitor
from tests.ui.serve import everybody_by_token, served
from ui import models
from ui.routes.files import thumb_address

TOKEN = "0123456789abcdef0123456789abcdef"
KEY = "a-key-that-the-terminal-printed"
TOKEN_SAID = "HF_TOKEN: token of 'ada', may read gated models."


class OneWorker(NoWorkers):
    """A machine that has nothing to do."""

    def present(self) -> list[WorkerFacts]:
        return [WorkerFacts("gpu-box", "NVIDIA H200", ("painter", "other"))]


@pytest.fixture(scope="module")
def host(chrome: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Who lets others in, on a machine that has downloaded nothing yet."""
    folder = tmp_path_factory.mktemp("models")
    with serving(DOWNLOAD.repo, save_flux1(folder / "schnell", guided=False)) as hub:
        specs = catalog.models(Machine("Linux", 2, 8.0, ()), HubCache(folder / "cache", hub.url), records=[RECORD])
        meters = (Meter("Memory", 3.0, 8.0), Meter("Disk", 0.0, 50.0))
        said = {"meters": lambda: meters, "token": lambda: TOKEN_SAID}
        studio = Studio(specs, folder / "outputs", workers=OneWorker(), **said)
        with (
            served(studio, everybody_by_token, host_key=KEY) as address,
            Visitor.arrives(chrome, address) as visitor,
        ):
            visitor.page.goto(f"{address}admin#{KEY}")  # the link that the terminal prints
            visitor.page.get_by_role("link", name="Back to Diorama").click()
            visitor._wait_until_ready(visitor.page)
            yield visitor
        studio.close()


def test_the_host_sees_which_machines_work_for_this_one(host: Visitor):
    workers = opened(host.page).get_by_role("region", name="Workers")
    expect(workers.get_by_role("listitem")).to_have_text(["gpu-box NVIDIA H200: painter, other"])
    host.page.get_by_role("button", name="Close", exact=True).click()


def opened(page: Page) -> Page:
    page.get_by_role("button", name="Models", exact=True).click()
    expect(page.get_by_role("dialog", name="Models")).to_be_visible()
    return page


def test_the_host_downloads_and_deletes_a_model(host: Visitor):
    page = opened(host.page)
    dialog = page.get_by_role("dialog", name="Models")
    expect(dialog).to_contain_text("3.0 of 8 GB used")
    expect(dialog).to_contain_text("50 GB free")
    expect(dialog).to_contain_text(TOKEN_SAID)
    expect(dialog).to_contain_text("Suggested for this machine")
    row = dialog.locator("li.model", has_text="Tiny")
    expect(row).to_contain_text("supports steps, pictures, masks, strength, styles, any size")
    expect(row.get_by_role("link", name="Apache-2.0")).to_be_visible()
    assert violations(page, ".models-view") == []
    row.get_by_role("button", name="Download Tiny").click()
    expect(row.locator(".state")).to_have_text("ready")
    expect(dialog.get_by_text("Suggested")).to_be_hidden()
    row.get_by_role("button", name="Delete Tiny").dblclick()
    expect(row.get_by_text("Delete it?")).to_be_visible()  # it is asked once more
    expect(row.locator(".state")).to_have_text("ready")
    row.get_by_text("Delete it?").click()
    expect(row.locator(".state")).to_contain_text("download")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_it_goes_on_looking_after_the_server_was_away(host: Visitor):
    page = opened(host.page)
    trouble = page.get_by_role("dialog", name="Models").locator(".trouble")
    page.route("**/diorama/models", lambda route: route.abort())
    expect(trouble).to_contain_text("not responding")
    page.unroute("**/diorama/models")
    expect(trouble).to_have_text("")
    page.keyboard.press("Escape")


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


def test_a_model_shows_what_it_made_last_for_whoever_looks_or_what_came_with_it(tmp_path: Path):
    studio = Studio([spec_of(FakeModel(), id) for id in ("used", "toy-klein", "unused")], tmp_path)
    for id in ("used", "used", "toy-klein"):
        job = finished(studio, ask(studio, "a red ball", owner="ada", model=id))
        assert models.example(studio, "ada", id) == {"example": thumb_address(job.assets[0]), "exampleOf": "a red ball"}
    assert models.example(studio, "ada", "unused")["example"] == ""
    assert models.example(studio, "bob", "used")["example"] == ""
    assert models.example(studio, "bob", "toy-klein")["example"].endswith("/ui/shared/stage/picture.webp")
    studio.close()
    assert models.EXAMPLES.keys() <= {spec.id for spec in catalog.models(Machine("Linux", 2, 8.0, ()))}
    assert all(
        (Path(ui.__file__).parent / "shared/stage" / f"{tile}.webp").is_file() for tile in models.EXAMPLES.values()
    )


def test_a_visitor_sees_the_models_and_can_do_nothing_with_them(address: str):
    headers = {"X-Diorama-Token": TOKEN}
    seen = httpx.post(f"{address}diorama/models", json={}, headers=headers).json()
    assert seen["models"] and not seen["may"]
    assert all(model["actions"] == [] for model in seen["models"])
    assert seen["meters"] == []
    asked = {"id": seen["models"][0]["id"], "action": "load"}
    refused = httpx.post(f"{address}diorama/models/act", json=asked, headers=headers)
    assert refused.status_code == 400
    assert "Only the admin of this Diorama" in refused.json()["error"]
