"""The server ends although a page is open and waits for news."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import httpx

from studio.service import Studio
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.ports import free_port
from tests.ui.painter import Brush, catalog
from tests.ui.serve import one_person
from ui import page


def test_a_page_that_waits_for_news_does_not_hold_the_server(tmp_path: Path):
    studio = Studio(catalog(Brush(0.0)), tmp_path)
    demo = page.build(studio, one_person)
    _, address, _ = demo.launch(
        server_port=free_port(), prevent_thread_lock=True, quiet=True, **page.launch_options(studio, one_person)
    )
    http = httpx.Client(base_url=address, timeout=PATIENCE_SECONDS, headers={"X-Diorama-Token": "a" * 32})
    pulse = http.post("diorama/watch", json={}).raise_for_status().json()["pulse"]

    def watch() -> None:
        with suppress(httpx.HTTPError):  # it is cut off
            http.post("diorama/watch", json={"since": pulse, "wait": 10})

    visitor = threading.Thread(target=watch)
    visitor.start()
    wait_until(lambda: demo.server.server_state.tasks)  # of requests that are being answered
    page.close(demo)
    demo.server.thread.join(PATIENCE_SECONDS)
    assert not demo.server.thread.is_alive()
    visitor.join(PATIENCE_SECONDS)
    http.close()
    studio.close()
