"""The server starts however long that takes, and says at once if it cannot."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from gradio import http_server, networking

from studio.service import Studio
from tests.ports import free_port
from tests.ui.painter import Brush, catalog
from tests.ui.serve import one_person, served
from ui import page


def test_a_machine_that_is_too_busy_for_the_limits_of_gradio_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ten_seconds_later = itertools.count(step=10)
    monkeypatch.setattr(http_server, "time", SimpleNamespace(time=lambda: next(ten_seconds_later), sleep=time.sleep))
    monkeypatch.setattr(networking, "url_ok", lambda _url: False)  # as after three seconds without an answer
    studio = Studio(catalog(Brush()), tmp_path)
    with served(studio, one_person) as address:
        assert httpx.get(address).status_code == 200
    studio.close()


def test_a_server_that_ends_before_it_serves_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_server.Server, "run", lambda _server: None)
    studio = Studio(catalog(Brush()), tmp_path)
    demo = page.build(studio, one_person)
    with pytest.raises(OSError, match="port"):
        demo.launch(server_port=free_port(), prevent_thread_lock=True, quiet=True)
    studio.close()
