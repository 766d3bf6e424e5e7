"""What browsers are told with every answer."""

from __future__ import annotations

import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui import guard


def app(host: str = "http://diorama.example") -> TestClient:
    def answer(request: Request) -> Response:
        response = Response("x", media_type=request.query_params.get("type", "text/html"))
        response.set_cookie(
            "access", "1", samesite="none", secure=True
        )  # as gradio sets its two when somebody signs in
        response.set_cookie("plain", "2", httponly=True, max_age=9)
        return response

    return TestClient(Starlette(routes=[Route("/", answer)], middleware=guard.middleware(local_only=False)), host)


def cookies(client: TestClient, **headers: str) -> list[str]:
    return client.get("/", headers={name.replace("_", "-"): value for name, value in headers.items()}).headers.get_list(
        "set-cookie"
    )


def test_cookies_go_with_requests_of_the_own_page_only_and_no_script_reads_them():
    secure = ["access=1; Path=/; HttpOnly; SameSite=Strict; Secure"]
    plain = "plain=2; Max-Age=9; Path=/; HttpOnly; SameSite=Strict"
    assert cookies(app()) == [*secure, plain]
    assert cookies(app("https://diorama.example")) == [*secure, plain + "; Secure"]
    assert cookies(app(), X_Forwarded_Proto="https") == [*secure, plain + "; Secure"]


def test_on_a_space_they_come_to_the_frame(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPACE_ID", "someone/diorama")
    for cookie in cookies(app("https://someone-diorama.hf.space")):
        assert cookie.endswith("HttpOnly; SameSite=None; Secure; Partitioned")
        assert cookie.count("SameSite") == cookie.count("HttpOnly") == 1


def test_every_answer_says_what_browsers_may_do_with_it(monkeypatch: pytest.MonkeyPatch):
    for answer in (app().get("/"), app().get("/", headers={"Origin": "https://evil.example"}), app().get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"].split("; ")
    monkeypatch.setenv("SPACE_ID", "someone/diorama")
    answer = app().get("/")
    assert "x-frame-options" not in answer.headers
    assert "frame-ancestors 'self' https://huggingface.co" in answer.headers["content-security-policy"].split("; ")


def test_a_file_that_a_browser_opens_may_load_nothing_and_run_nothing():
    for kind in ("image/svg+xml", "application/json", "image/png", "text/plain"):
        policy = app().get("/", params={"type": kind}).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "script" not in policy
    page = app().get("/").headers["content-security-policy"].split("; ")
    assert {"object-src 'none'", "base-uri 'self'", "form-action 'self'", "default-src 'self'"} <= {*page}
    assert not any("http" in rule for rule in page)


def test_gradios_scripts_are_kept_and_nothing_else_is(address: str):
    page = httpx.get(address)
    scripts = re.findall(r"assets/[^\"'`]+\.(?:js|css)", page.text)
    assert len(scripts) > 1
    for script in scripts:
        assert httpx.get(address + script).headers["cache-control"] == "public, max-age=31536000, immutable"
    missing = "assets/index-00000000.js"
    for path in ("", missing, "config", "theme.css", "gradio_api/file=/assets/index-00000000.js"):
        assert "immutable" not in httpx.get(address + path).headers.get("cache-control", ""), path
