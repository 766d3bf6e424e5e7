"""Who asks too often is told how long to wait, and nobody else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from studio.errors import TooOften
from studio.service import Studio
from tests.ui.painter import Brush, catalog
from tests.ui.serve import everybody_by_token
from ui import page
from ui.guard import rates
from ui.guard.rates import AddressRates, Rate
from ui.routes import account
from ui.routes.answers import HANDLERS
from ui.routes.visitors import TOKEN_HEADER, Visitors


def test_much_at_once_then_a_steady_pace():
    now = 0.0
    rate = Rate(3, 0.5, lambda: now)
    assert [rate.take("ada") for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
    assert rate.take("grace") == 0.0
    now = 1.0
    assert rate.take("ada") == 1.0
    now = 2.0
    assert [rate.take("ada"), rate.take("ada")] == [0.0, 2.0]
    now = 1_000.0
    assert [rate.take("ada") for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
    with pytest.raises(TooOften, match=r"Wait 2 seconds, then try again\."):
        rate.demand("ada")


def test_askers_are_bounded():
    rate = Rate(1, 1.0, lambda: 0.0)
    for number in range(rates.MOST_KEYS + 10):
        rate.take(f"{number}")
    assert len(rate._buckets) == rates.MOST_KEYS


def sent(app: AddressRates, address: str, path: str = "/gradio_api/upload", method: str = "POST") -> int:
    statuses: list[int] = []

    async def answer(message: Any) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    async def nothing() -> Any:
        raise AssertionError("nobody reads the body")

    scope = {"type": "http", "method": method, "path": path, "client": (address, 1), "headers": []}
    coroutine = app(scope, nothing, answer)
    with pytest.raises(StopIteration):
        coroutine.send(None)  # it waits for nothing
    return statuses[0]


async def taken(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_an_address_that_uploads_without_end_is_stopped_and_others_are_not():
    now = 0.0
    app = AddressRates(taken, lambda: now)
    assert [sent(app, "192.0.2.1") for _ in range(61)] == [*[200] * 60, 429]
    assert sent(app, "192.0.2.1", "/diorama/pictures") == 429
    assert sent(app, "192.0.2.1", "/diorama/watch") == 200
    assert sent(app, "192.0.2.1", method="GET") == 200
    assert sent(app, "192.0.2.2") == 200
    assert [sent(app, f"2001:db8::{number:x}") for number in range(61)][-1] == 429  # one network
    assert {sent(app, "127.0.0.1") for _ in range(100)} == {200}
    now = 1.0
    assert [sent(app, "192.0.2.1") for _ in range(3)] == [200, 200, 429]


def test_one_person_who_asks_without_end_is_told_so_and_nobody_else_is():
    app = FastAPI(exception_handlers=HANDLERS)
    app.auth, app.tokens, app.cookie_id = None, {}, "x"  # type: ignore[attr-defined]
    visitors = Visitors(everybody_by_token, b"k" * 32, rate=Rate(2, 0.001, lambda: 0.0))
    app.include_router(account.router(visitors, None))
    with TestClient(app) as client:
        answers = [
            client.post("/diorama/account", headers={TOKEN_HEADER: who}) for who in ("ada", "ada", "ada", "grace")
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert answers[2].headers["retry-after"] == "1000"
    assert answers[2].json()["error"] == "Too many requests at once. Wait 1000 seconds, then try again."
    with pytest.raises(TooOften):
        for _ in range(3):
            visitors.caller(gr.Request(answers_request(app)), "joan")


def test_from_where_those_ask_who_have_not_signed_in_is_noted_and_this_machine_is_left_out():
    heard: list[tuple[str, str]] = []
    identify = rates.noting(lambda _request, token: token, lambda *said: heard.append(said))
    for address, user in (("192.0.2.7", None), ("2001:db8::7", None), ("127.0.0.1", None), ("192.0.2.8", "ada")):
        request = Request({"type": "http", "client": (address, 1), "headers": []})
        assert identify(gr.Request(request, username=user), "eve") == "eve"
    assert heard == [("eve", "192.0.2.7"), ("eve", "2001:db8::/64")]


def answers_request(app: FastAPI) -> Request:
    scope = {"type": "http", "method": "GET", "scheme": "http", "path": "/", "headers": [(b"host", b"localhost")]}
    return Request(scope | {"query_string": b"", "app": app})


def test_on_ones_own_machine_nothing_is_counted(tmp_path: Path):
    studio = Studio(catalog(Brush()), tmp_path)
    for is_shared in (False, True):
        options = page.launch_options(studio, everybody_by_token, is_shared=is_shared)
        layers = [each.cls for each in options["app_kwargs"]["middleware"]]
        assert (AddressRates in layers) == is_shared
        app = FastAPI(routes=options["app_kwargs"]["routes"])
        app.auth, app.root_path, app.cookie_id, app.tokens = None, "", "", {}  # type: ignore[attr-defined]  as gradio's
        with TestClient(app, client=("192.0.2.7", 1)) as client:
            assert client.post("/diorama/visit", headers={TOKEN_HEADER: "ada"}).status_code == 204
        assert studio._jobs.addresses.beside("ada") == ({"ada"} if is_shared else set())
    studio.close()
