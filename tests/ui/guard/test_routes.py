"""Every way into the app, as the app itself lists them: its routes, gradio's among them, all endpoints by name and by
number, and all server functions. One that is new is tried here without a word in this file.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi.routing import iter_route_contexts

from studio.service import Studio
from tests.ports import free_port
from tests.ui.painter import Brush, catalog
from ui import page

FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
PUBLIC = {
    "GET /",
    "HEAD /",
    "POST /login",
    "POST /login/",
    "GET /svelte/{path:path}",
    "GET /static/{path:path}",
    "GET /assets/{path:path}",
    "GET /favicon.ico",
    "GET /manifest.json",
    "GET /robots.txt",
    "GET /theme.css",
    "GET /gradio_api/theme.css",
    "GET /gradio_api/startup-events",
    "GET /gradio_api/app_id",
    "GET /gradio_api/app_id/",
    "GET /diorama/edition",
    "GET /admin",
    "GET /quick",
    "GET /diorama/quick/manifest.json",
    "GET /diorama/quick/worker.js",
}
"""What is answered before anybody has signed in: what the page is made of, and nothing of anybody's."""
ADDRESSES = [
    "http://169.254.169.254/latest/meta-data",
    "https://example.com/cat.png",
    "HTTP://example.com/cat.png",
    " http://example.com/cat.png",
    "\thttps://example.com/cat.png",
    "//example.com/cat.png",
    "ftp://example.com/cat.png",
    "file:///etc/passwd",
    "data:image/png;base64,iVBORw0KGgo=",
    "/etc/passwd",
    "app.py",
    "../../../../etc/passwd",
    "\\\\example.com\\cat.png",
    "",
]
MARK = {"meta": {"_type": "gradio.FileData"}}


@dataclass
class Served:
    """The page behind a password, a visitor who has signed in, and what went to the log."""

    demo: gr.Blocks
    url: str
    guest: httpx.Client
    ada: httpx.Client
    traces: list[str] = field(default_factory=list)

    def ways(self) -> list[tuple[str, str]]:
        """Method and path of every route."""
        routes = iter_route_contexts(self.demo.app.routes)
        return [(method, route.path or "") for route in routes for method in sorted(route.methods or ())]

    def functions(self) -> list[Any]:
        """Every function that can be called, named or not."""
        return [function for function in self.demo.fns.values() if function.fn is not None]

    def call(self, endpoint: str, *values: Any) -> str:
        """The last event of the answer, whole."""
        event = self.ada.post(f"gradio_api/call/{endpoint}", json={"data": values}).json()["event_id"]
        return self.ada.get(f"gradio_api/call/{endpoint}/{event}").text.strip().rpartition("\n\n")[2]


class Traces(logging.Handler):
    def __init__(self, traces: list[str]) -> None:
        super().__init__()
        self._traces = traces

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or "Traceback" in record.getMessage():
            self._traces.append(f"{record.getMessage()} {record.exc_info}")


def user(request: gr.Request, token: str) -> str:
    return f"user-{request.username}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    studio = Studio(catalog(Brush()), tmp_path_factory.mktemp("outputs"))
    demo = page.build(studio, user)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("cache")))
        _, url, _ = demo.launch(
            server_name="127.0.0.1",
            server_port=free_port(),
            auth=[("ada", "lovelace"), ("grace", "hopper")],
            prevent_thread_lock=True,
            quiet=True,
            **page.launch_options(studio, user),
        )
        with httpx.Client(base_url=url) as guest, httpx.Client(base_url=url) as ada:
            assert ada.post("login", data={"username": "ada", "password": "lovelace"}).status_code == 200
            served = Served(demo, url, guest, ada)
            handler = Traces(served.traces)
            loggers = [logging.getLogger(name) for name in ("", "uvicorn.error")]
            for logger in loggers:
                logger.addHandler(handler)
            yield served
            for logger in loggers:
                logger.removeHandler(handler)
        demo.close()
    studio.close()


@pytest.fixture(autouse=True)
def quiet(served: Served, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever is sent here is the sender's fault: the log says nothing of it at length."""
    served.traces.clear()
    yield
    assert served.traces == []
    out, error = capfd.readouterr()
    assert "Traceback" not in out + error


def filled(path: str) -> str:
    """The path of a route with something in the place of its parameters."""
    return re.sub(r"{[^}]*}", "1", path).lstrip("/")


def assert_refused(answer: httpx.Response, *statuses: int) -> None:
    """With one sentence, which is all there is."""
    assert answer.status_code in statuses, (answer.request.url, answer.status_code, answer.text[:300])
    told = answer.json()["error"]
    assert_sentence(told["message"] if isinstance(told, dict) else told)  # an object is the shape of OpenAI's
    assert "Traceback" not in answer.text


def assert_sentence(text: Any) -> None:
    assert isinstance(text, str), text
    assert re.fullmatch(r"[A-Z_a-z0-9].{10,400}\.", text), text


def test_the_app_lists_its_routes(served: Served):
    assert {("GET", "/"), ("GET", "/config"), ("POST", "/diorama/pictures")} <= {*served.ways()}
    assert ("POST", "/gradio_api/queue/join") in served.ways()
    assert len(served.ways()) > 90
    assert len(served.functions()) > 25
    assert not [block for block in served.demo.blocks.values() if getattr(block, "server_fns", ())]


def test_a_foreign_page_is_refused_by_every_route(served: Served):
    for method, path in served.ways():
        assert_refused(served.ada.request(method, filled(path), headers=FOREIGN), 403) if method != "HEAD" else None
        answer = served.ada.request(
            "OPTIONS", filled(path), headers=FOREIGN | {"Access-Control-Request-Method": "POST"}
        )
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_without_signing_in_nothing_is_answered_but_what_the_page_is_made_of(served: Served):
    for method, path in served.ways():
        with served.guest.stream(method, filled(path), params={"owner": "user-ada", "ids": "1"}) as answer:
            if f"{method} {path}" not in PUBLIC:
                assert answer.status_code in (401, 403, 404), (method, path, answer.status_code)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"{", b"\xff\xfe", b'{"data": NaN}', b"a=b&c=d"], ids=repr
)
def test_no_route_breaks_over_a_body(served: Served, body: bytes):
    for method, path in served.ways():
        if path in ("/logout", "/gradio_api/upload_progress"):
            continue
        for kind in ("application/json", "multipart/form-data", "multipart/form-data; boundary=x", "text/plain", ""):
            if method == "GET" and kind:
                continue
            with served.ada.stream(method, filled(path), content=body, headers={"Content-Type": kind}) as answer:
                assert answer.status_code < 500, (method, path, kind, answer.read()[:300])


@pytest.mark.parametrize(
    "path",
    [
        "?page=nothing",
        "?deep_link=../../x",
        "?deep_link=x",
        "config?page=nothing&deep_link=x",
        "gradio_api/info?page=nothing",
        "assets/%00",
        "assets/" + "a" * 300,
        "assets/..%2f..%2fpackage.json",
        "static/%2e%2e/%2e%2e/x",
        "%00",
        "gradio_api/queue/data",
        "gradio_api/queue/data?session_hash=nobody",
        "gradio_api/call/generate/nothing",
        "gradio_api/call/v2/generate/nothing",
        "gradio_api/call/nothing/nothing",
        "gradio_api/file=http://169.254.169.254/latest",
        "gradio_api/proxy=https://example.com/",
        "gradio_api/stream/1/1/1/playlist.m3u8",
        "openapi.json",
        "monitoring",
        "diorama/picture/%00?owner=%00",
        "diorama/nothing",
    ],
)
def test_no_address_breaks_the_app(served: Served, path: str):
    for client in (served.ada, served.guest):
        answer = client.get(path)
        assert answer.status_code < 500, answer.text[:300]
        if answer.status_code >= 400 and "json" in answer.headers.get("content-type", ""):
            assert "error" in answer.json() or "detail" in answer.json()


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Gradio-Server", "X-Forwarded-Proto", "Host", "Cookie", "Range"]
)
@pytest.mark.parametrize("value", ["a b", "http://[", "//", "\\", "a:b:c", "bytes=9-1", "<script>"])
def test_no_header_breaks_the_app(served: Served, header: str, value: str):
    for path in ("", "config", "gradio_api/info"):
        assert served.ada.get(path, headers={header: value}).status_code < 500


def test_what_gradio_brings_and_nobody_needs_is_closed(served: Served):
    for path in ("file=/etc/passwd", "proxy=https://a.hf.space/", "deep_link?session_hash=1", "dev/reload", "runs"):
        assert_refused(served.ada.get(f"gradio_api/{path}"), 404)
    for path in ("stream/1", "stream/1/close", "process_recording", "vibe-edit", "undo-vibe-edit"):
        assert_refused(served.ada.post(f"gradio_api/{path}", json={}), 404)
    assert_refused(served.ada.get("gradio_api/queue/join"), 405)


def files(value: str) -> list[Any]:
    """The shapes in which gradio, or a component of it, would take a file."""
    return [{"path": value} | MARK, {"path": value, "url": value} | MARK, {"path": "a.png", "url": value} | MARK]


def nested(file: Any) -> list[Any]:
    return [file, [file], {"a": {"b": [0, file]}}, {"value": file, "path": "x"}]


def assert_refused_as_file(answer: httpx.Response) -> None:
    assert_refused(answer, 422)
    assert "upload" in answer.json()["error"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_endpoint_takes_an_address_for_a_file(served: Served, address: str):
    file = files(address)[ADDRESSES.index(address) % 3]
    for function in served.functions():
        blocks = function.inputs
        for place in range(len(blocks)):
            data = [file if place == index else None for index in range(len(blocks))]
            join = {"data": data, "fn_index": function._id, "session_hash": "s"}
            assert_refused_as_file(served.ada.post("gradio_api/queue/join", json=join))
        for way in ("run", "api", "call"):
            path = f"gradio_api/{way}/{function.api_name}"
            assert_refused_as_file(served.ada.post(path, json={"data": [file] * len(blocks)}))
    named = served.demo.get_api_info()["named_endpoints"]
    for name, endpoint in named.items():
        for parameter in endpoint["parameters"]:
            values = {parameter["parameter_name"]: file}
            assert_refused_as_file(served.ada.post(f"gradio_api/call/v2{name}", json=values))


@pytest.mark.parametrize("address", ADDRESSES)
def test_where_a_file_is_wanted_neither_a_text_nor_an_unmarked_object_is_taken(served: Served, address: str):
    for file in (address, {"path": address}, {"url": address}, {"path": address, "meta": []}, [address], 3, True):
        for function in served.functions():
            if function.api_name in ("add_picture", "add_splat"):
                body = {"data": [file, *[None] * (len(function.inputs) - 1)]}
                assert_refused_as_file(served.ada.post(f"gradio_api/call/{function.api_name}", json=body))
                path = f"gradio_api/call/v2/{function.api_name}"
                assert_refused_as_file(served.ada.post(path, json={"file": file}))


@pytest.mark.parametrize(
    "file", nested(files("https://example.com/cat.png")[0]), ids=["itself", "list", "object", "value"]
)
def test_a_file_is_found_wherever_it_lies(served: Served, file: Any):
    assert_refused_as_file(served.ada.post("gradio_api/call/v2/generate", json={"prompt": "a", "model": file}))
    join = {"data": [], "fn_index": served.functions()[0]._id, "session_hash": "s", "event_data": file}
    assert_refused_as_file(served.ada.post("gradio_api/queue/join", json=join))


def test_an_address_in_a_text_is_a_text(served: Served):
    told = served.call("gallery", "see https://example.com/cat.png and {path: /etc/passwd}", False, "", "", "", 24, "")
    assert told.startswith("event: complete"), told


GENERATE = [None] * 16
POSTS = ("queue/join", "run/generate", "call/generate", "call/v2/generate", "cancel")
FORMS = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
WRONG = {
    "unknown number": ("queue/join", {"fn_index": 10**6, "session_hash": "s", "data": []}, 404),
    "negative number": ("queue/join", {"fn_index": -1, "session_hash": "s", "data": []}, 404),
    "number as text": ("queue/join", {"fn_index": "0", "session_hash": "s", "data": GENERATE}, 404),
    "number is true": ("queue/join", {"fn_index": True, "session_hash": "s", "data": GENERATE}, 404),
    "huge number": ("queue/join", {"fn_index": 10**400, "session_hash": "s", "data": GENERATE}, 404),
    "no number": ("queue/join", {"session_hash": "s", "data": GENERATE}, 422),
    "no session": ("queue/join", {"fn_index": "generate", "data": GENERATE}, 422),
    "session is a list": ("queue/join", {"fn_index": "generate", "session_hash": [1], "data": GENERATE}, 422),
    "session with a line": ("queue/join", {"fn_index": "generate", "session_hash": "a\nb", "data": GENERATE}, 422),
    "too few": ("queue/join", {"fn_index": "generate", "session_hash": "s", "data": [1]}, 422),
    "too many": ("queue/join", {"fn_index": "generate", "session_hash": "s", "data": [*GENERATE, 1]}, 422),
    "data is an object": ("queue/join", {"fn_index": "generate", "session_hash": "s", "data": {}}, 422),
    "no data": ("queue/join", {"fn_index": "generate", "session_hash": "s"}, 422),
    "trigger is a text": ("run/x", {"fn_index": "generate", "data": GENERATE, "trigger_id": "x"}, 422),
    "event is a text": ("run/x", {"fn_index": "generate", "data": GENERATE, "event_data": "x"}, 422),
    "batched": ("run/generate", {"data": GENERATE, "batched": True}, 422),
    "unknown endpoint": ("call/nothing", {"data": []}, 404),
    "unknown endpoint v2": ("call/v2/nothing", {"prompt": "a"}, 404),
    "unknown endpoint run": ("run/nothing", {"data": []}, 404),
    "unknown endpoint api": ("api/nothing", {"data": []}, 404),
    "too few in call": ("call/generate", {"data": ["a"]}, 422),
    "too many in run": ("run/generate", {"data": GENERATE * 2}, 422),
    "unknown name": ("call/v2/generate", {"prompt": "a", "promt": "b"}, 422),
    "missing name": ("call/v2/generate", {}, 422),
    "cancel nothing": ("cancel", {}, 422),
    "cancel a list": ("cancel", {"session_hash": [], "fn_index": float("nan"), "event_id": 3}, 422),
    "reset nothing": ("reset", {}, 422),
}  # fmt: skip


@pytest.mark.parametrize(("path", "body", "status"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_is_one_sentence(served: Served, path: str, body: dict, status: int):
    numbers = {function.api_name: function._id for function in served.functions()}
    body = {key: numbers.get(value, value) if key == "fn_index" else value for key, value in body.items()}
    content = json.dumps(body)  # NaN crosses the wire as it is
    answer = served.ada.post(f"gradio_api/{path}", content=content, headers={"Content-Type": "application/json"})
    assert_refused(answer, status)


BODIES = {
    "cut": b'{"data": [',
    "twice": b'{"data": []}{"data": []}',
    "text behind": b'{"data": []} x',
    "empty": b"",
    "list": b"[]",
    "number": b"3",
    "not UTF-8": b'{"data": ["\xff"]}',
    "long number": b'{"data": [' + b"9" * 10_000 + b"]}",
    "deep": b'{"data": ' + b"[" * 500 + b"]" * 500 + b"}",
    "very deep": b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"data": ' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("path", ["queue/join", "run/generate", "call/generate", "call/v2/generate", "cancel"])
def test_what_is_no_call_is_one_sentence(served: Served, path: str, body: bytes):
    answer = served.ada.post(f"gradio_api/{path}", content=body, headers={"Content-Type": "application/json"})
    assert_refused(answer, 400, 422)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_what_does_not_say_that_it_is_json_is_refused(served: Served, kind: str):
    for path in POSTS:
        answer = served.ada.post(f"gradio_api/{path}", content=b'{"data": []}', headers={"Content-Type": kind})
        assert_refused(answer, 422)


def test_values_that_a_component_refuses_are_one_sentence(served: Served):
    for value in ("x" * 50, -1e999, 10**400, [[]], {"a": {}}, True, "\ud800"):
        for function in served.functions():
            if function.api_visibility != "private":
                continue
            body = json.dumps({"data": [value] * len(function.inputs), "fn_index": function._id, "event_data": {}})
            headers = {"Content-Type": "application/json"}
            answer = served.ada.post("gradio_api/run/predict", content=body, headers=headers)
            assert answer.status_code in (200, 400), (function.api_name, value, answer.text)
            if answer.status_code == 400:
                assert answer.json()["error"]
                assert "Something went wrong" not in answer.text, (function.api_name, value)


def test_the_answer_of_an_endpoint_that_refuses_is_a_sentence(served: Served):
    for function in served.functions():
        if function.api_visibility == "private":
            continue
        told = served.call(function.api_name, *[[["x"]]] * len(function.inputs)) if not _wants(function) else ""
        if told.startswith("event: error"):
            assert_sentence(json.loads(told.partition("data: ")[2])["error"])


def _wants(function: Any) -> bool:
    return any("gradio.FileData" in str(getattr(block, "_api_info", "")) for block in function.inputs)


def test_an_upload_is_taken_and_belongs_to_nobody_elses_machine(served: Served, tmp_path: Path):
    (path,) = served.ada.post("gradio_api/upload", files={"files": ("a.png", b"no picture")}).json()
    told = served.call("add_picture", {"path": path, "url": f"{served.url}gradio_api/file={path}"} | MARK, "", "")
    assert "event: error" in told
    assert "null" not in told.partition("data: ")[2][:20]


def sign_in(served: Served, password: str, name: str = "grace", address: str = "192.0.2.1") -> httpx.Response:
    """As through a proxy on this machine, which says where the request came from."""
    form = {"username": (None, name), "password": (None, password)}  # in parts, as the page sends it
    return httpx.post(f"{served.url}login", files=form, headers={"X-Forwarded-For": address})


def guessed_until_refused(served: Served, guesses: list[tuple[str, str]]) -> httpx.Response:
    """The first answer that says to wait: after five wrong guesses, or more where this machine is slow."""
    answers = []
    for address, name in guesses:
        answers.append(sign_in(served, "wrong", name, address) if address else sign_in(served, "wrong", name))
        if answers[-1].status_code == 429:
            break
        assert_refused(answers[-1], 400)
    assert_refused(answers[-1], 429)
    assert len(answers) > 5
    return answers[-1]


def test_guesses_are_slowed_down_for_their_address_and_the_right_password_is_taken_elsewhere(served: Served):
    refused = guessed_until_refused(served, [("", f"name-{number}") for number in range(20)])
    wait = refused.headers["retry-after"]
    assert f"Wait {wait} second" in refused.json()["error"] and 1 <= int(wait) <= 60
    assert sign_in(served, "hopper", address="192.0.2.2").status_code == 200


def test_guesses_of_one_name_are_slowed_down_wherever_they_come_from(served: Served):
    refused = guessed_until_refused(served, [(f"198.51.100.{number}", "Ada") for number in range(20)])
    assert "Too many wrong passwords" in refused.json()["error"]


def test_whoever_comes_by_a_link_is_asked_once_more_with_their_cookie(served: Served):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert 'http-equiv="refresh"' in served.guest.get("", headers=link).text
    assert "gradio_config" in served.guest.get("", headers=link | {"Sec-Fetch-Site": "same-origin"}).text
    assert "gradio_config" in served.ada.get("", headers=link).text


def test_who_says_no_name_or_no_password_has_not_guessed(served: Served):
    for number in range(24):
        name, password = (("", "wrong"), ("  ", "wrong"), ("grace", ""), ("", ""))[number % 4]
        answer = sign_in(served, password, name, "203.0.113.5")
        assert_refused(answer, 422)
        assert answer.json()["error"] == "Enter a name and a password."
    assert sign_in(served, "hopper", address="203.0.113.5").status_code == 200


def test_a_form_that_is_none_is_no_guess(served: Served):
    for _ in range(9):
        for content, kind in ((b"x", "multipart/form-data; boundary=x"), (b"{}", "application/json"), (b"", "")):
            answer = served.guest.post("login", content=content, headers={"Content-Type": kind})
            assert 400 <= answer.status_code < 500


def test_the_page_is_alone_and_does_not_carry_the_parts_of_the_endpoints(served: Served):
    page = served.ada.get("").text
    told, _ = json.JSONDecoder().raw_decode(page[page.index("gradio_config = ") + len("gradio_config = ") :])
    assert [path for path, *_ in told["pages"]] == [""]  # of two, gradio shows a bar above the page
    assert not [part for part in told["components"] if part["type"] == "api"]
    everything = served.ada.get("config").json()
    assert len([part for part in everything["components"] if part["type"] == "api"]) > 100
    assert {"generate", "iterate"} <= {call["api_name"] for call in everything["dependencies"]}
