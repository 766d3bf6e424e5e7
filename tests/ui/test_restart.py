"""The server dies and comes back: the page heals by itself and nothing is lost. The server is a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Request, expect

from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.ui.driver import Visitor
from ui.shared.edition import edition_of

ROOT = Path(__file__).resolve().parents[2]


class Server:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}/"
        self._folder = folder
        self.start()

    def start(self, seconds_per_step: float = 0.5, *edition: str) -> None:
        """Start it and wait until it answers."""
        options = (str(self._folder), str(self.port), str(seconds_per_step), *edition)
        command = [sys.executable, "-m", "tests.ui.serve", *options]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                httpx.get(self.address).raise_for_status()
                return
            except httpx.HTTPError:
                assert time.monotonic() < deadline, "the server never answered"
                assert self._process.poll() is None, "the server ended by itself"
                time.sleep(0.1)

    def kill(self) -> None:
        """As a power cut would: no time to say goodbye."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Every test leaves it running: to start it takes as much work as all else that a test does."""
    server = Server(tmp_path_factory.mktemp("outputs"))
    yield server
    server.kill()


def test_after_a_crash_the_open_page_heals_and_every_job_yields_its_picture(chrome: Browser, server: Server):
    with Visitor.arrives(chrome, server.address) as visitor:
        visitor.make("a green ball")
        visitor.generate("a red ball")
        visitor.generate("a blue ball")
        expect(visitor.step).to_contain_text("Step")
        server.kill()
        expect(visitor.stage.locator(".banner")).to_contain_text("connection to Diorama is lost")
        visitor.page.locator("#generate").click()
        expect(visitor.stage.locator(".toast")).to_contain_text("connection to Diorama is lost")
        server.start(seconds_per_step=0.02)
        expect(visitor.pictures).to_have_count(3)
        expect(visitor.stage.locator(".banner")).to_be_hidden()
        expect(visitor.image).to_have_attribute("alt", "a blue ball")
        for colour in ("green", "red", "blue"):
            expect(visitor.pictures.get_by_role("button", name=f"a {colour} ball")).to_have_count(1)
        visitor.make("a yellow ball")
        lost = [trouble for trouble in visitor.troubles if "net::ERR_" not in trouble and "fetch" not in trouble]
        assert not lost, lost


def test_a_page_that_was_open_during_an_update_says_so_and_can_be_loaded_again(chrome: Browser, server: Server):
    with Visitor.arrives(chrome, server.address) as visitor:
        wait_for_answers(visitor)
        server.kill()
        expect(visitor.stage.locator(".banner")).to_contain_text("connection to Diorama is lost")
        server.start(0.02, "another")
        expect(visitor.stage.locator(".toast")).to_contain_text("Diorama was updated")
        with visitor.page.expect_navigation():
            visitor.page.get_by_role("button", name="Reload").click()
        visitor.reload()  # ready when this returns
        visitor.make("a red ball")
        visitor.troubles.clear()  # the browser notes what did not answer


def wait_for_answers(visitor: Visitor) -> None:
    """Load the page again until all that gradio asks then is answered: gradio reloads a page whose call was cut off."""
    asked: set[Request] = set()
    visitor.page.on("request", lambda one: asked.add(one) if "/gradio_api/run/" in one.url else None)
    visitor.page.on("requestfinished", lambda one: asked.discard(one))
    visitor.page.on("requestfailed", lambda one: asked.discard(one))
    visitor.reload()
    quiet = 0
    while quiet < 10:  # one call follows another
        visitor.page.wait_for_timeout(100)
        quiet = 0 if asked else quiet + 1


def test_another_file_of_the_page_is_another_edition(tmp_path: Path):
    (tmp_path / "stage.js").write_text("draw();")
    before = edition_of(tmp_path)
    assert edition_of(tmp_path) == before
    (tmp_path / "notes.txt").write_text("no part of the page")
    assert edition_of(tmp_path) == before
    (tmp_path / "stage.js").write_text("draw(1);")
    assert edition_of(tmp_path) != before
