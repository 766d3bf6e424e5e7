"""Whose requests are answered: those of the page itself and of programs, whatever page a visitor has open beside it."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui import guard

HERE = "https://diorama.example"
PROGRAM = {}
OWN = {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}
OLD_BROWSER = {"Origin": HERE}  # says no Sec-Fetch-Site, as to an address that is neither https nor this machine
TYPED = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FRAME = LINK | {"Sec-Fetch-Dest": "iframe"}
FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
FOREIGN_IMAGE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
NEIGHBOUR = {"Origin": HERE + ":8443", "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}
NEIGHBOURS_IMAGE = FOREIGN_IMAGE | {"Sec-Fetch-Site": "same-site"}
OLD_FOREIGN = {"Origin": "https://evil.example"}
OLD_NEIGHBOUR = {"Origin": HERE + ":8443"}
NOBODY = {"Origin": "null"}  # a page in a sandbox, or a file
LIKE_US = {"Origin": "https://diorama.example.evil.example"}
FALSE_USER = {"Origin": "https://diorama.example@evil.example"}


def app(*, local_only: bool = False, hosts: tuple[str, ...] = (), host: str = "diorama.example") -> TestClient:
    def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.headers.get("x-forwarded-host", ""))

    routes = [Route("/{path:path}", answer, methods=["GET", "POST"])]
    middleware = guard.middleware(local_only=local_only, hosts=hosts)
    return TestClient(Starlette(routes=routes, middleware=middleware), base_url=f"http://{host}")


@pytest.mark.parametrize("headers", [PROGRAM, OWN, OLD_BROWSER], ids=["program", "own page", "old browser"])
def test_the_page_and_programs_are_answered(headers: dict[str, str]):
    for method, path in (("GET", "/"), ("GET", "/config"), ("POST", "/gradio_api/upload"), ("POST", "/diorama/zip")):
        assert app().request(method, path, headers=headers).status_code == 200


FOREIGNERS = {
    "foreign page": FOREIGN,
    "foreign image": FOREIGN_IMAGE,
    "another port": NEIGHBOUR,
    "image of another port": NEIGHBOURS_IMAGE,
    "foreign page, old browser": OLD_FOREIGN,
    "another port, old browser": OLD_NEIGHBOUR,
    "sandbox": NOBODY,
    "name that begins like ours": LIKE_US,
    "our name as a user": FALSE_USER,
    "extension": {"Origin": "chrome-extension://abcdef"},
    "no origin": {"Origin": ""},
    "broken origin": {"Origin": "https://[diorama.example"},
    "navigation without a mode": {"Sec-Fetch-Site": "cross-site"},
    "unknown site": {"Sec-Fetch-Site": "elsewhere"},
}


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/queue/join", "/diorama/picture/1"])
@pytest.mark.parametrize("headers", FOREIGNERS.values(), ids=FOREIGNERS)
def test_a_foreign_page_is_refused_everywhere(method: str, path: str, headers: dict[str, str]):
    answer = app().request(method, path, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"].endswith(".")
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_link_from_elsewhere_opens_the_front_page_and_nothing_else():
    assert app().get("/", headers=LINK).status_code == 200
    assert app().get("/?view=api", headers=LINK).status_code == 200
    assert app().post("/", headers=LINK).status_code == 403
    for path in ("/logout", "/config", "/diorama/picture/1", "/gradio_api/info"):
        assert app().get(path, headers=LINK).status_code == 403
        assert app().get(path, headers=TYPED).status_code == 200


def test_only_a_space_is_shown_in_a_frame(monkeypatch: pytest.MonkeyPatch):
    assert app().get("/", headers=FRAME).status_code == 403
    monkeypatch.setenv("SPACE_ID", "someone/diorama")
    assert app().get("/", headers=FRAME).status_code == 200
    assert app().get("/config", headers=FRAME).status_code == 403
    assert app().post("/config", headers=FOREIGN).status_code == 403


def test_behind_a_proxy_the_page_is_known_by_the_proxys_name():
    inner = "127.0.0.1:7860"
    assert app(host=inner).post("/diorama/x", headers=OLD_BROWSER).status_code == 403
    assert (
        app(host=inner).post("/diorama/x", headers=OLD_BROWSER | {"X-Forwarded-Host": "diorama.example"}).status_code
        == 200
    )
    assert app(host=inner, hosts=("Diorama.Example",)).post("/diorama/x", headers=OLD_BROWSER).status_code == 200
    assert app(host=inner, hosts=("diorama.example",)).post("/diorama/x", headers=OLD_FOREIGN).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost", "LOCALHOST:1", "[::1]:7860", "diorama.example:8443"])
def test_locally_its_own_names_are_answered(host: str):
    assert app(local_only=True, hosts=("diorama.example",), host=host).get("/").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5:7860", "diorama.example"])
def test_locally_no_other_name_is_answered(host: str):
    """Else a foreign page could point its name at this machine and be the app's own page (DNS rebinding)."""
    answer = app(local_only=True, host=host).get("/")
    assert answer.status_code == 400
    assert "--allow-host" in answer.json()["error"]


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", "a:b", "[::1", "a\tb", "<b>"])
def test_what_is_no_name_is_refused_as_a_host_and_forgotten_of_a_proxy(host: str):
    assert app().get("/", headers={"Host": host}).status_code == 400
    assert app().get("/", headers={"X-Forwarded-Host": host}).text == ""


def test_what_a_proxy_says_is_handed_on():
    assert app().get("/", headers={"X-Forwarded-Host": "a.example, b.example:80"}).text == "a.example, b.example:80"
