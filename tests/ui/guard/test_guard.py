"""What may be sent to the page, and by whom: real HTTP against the real page, down to the bytes."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

import gradio as gr
import httpx
import pytest
from fastapi import APIRouter, Body

from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from ui import guard
from ui.guard.starting import WITHOUT_LOOKING

GENERATE = "/gradio_api/call/generate"
JOIN = "/gradio_api/queue/join"
CHUNK = b"x" * 65_536


class Served(NamedTuple):
    url: str
    cache: Path

    def left_files(self) -> list[Path]:
        return [path for path in self.cache.rglob("*") if path.is_file()]


def generate(prompt: str) -> str:
    return prompt


def pictures(received: Annotated[bytes, Body()]) -> int:
    return len(received)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page behind the guard that anyone may reach, with a place of its own for what gradio keeps."""
    cache = tmp_path_factory.mktemp("cache")
    routes = APIRouter()
    routes.add_api_route("/diorama/pictures", pictures, methods=["POST"])
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.api(generate)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRADIO_TEMP_DIR", str(cache))
        _, url, _ = demo.launch(
            prevent_thread_lock=True,
            quiet=True,
            server_name="127.0.0.1",
            server_port=free_port(),
            max_file_size=guard.MAX_BYTES,
            **WITHOUT_LOOKING,
            app_kwargs={
                "routes": routes.routes,
                "middleware": guard.middleware(local_only=False),
                "exception_handlers": {Exception: guard.broken},
            },
        )
        yield Served(url, cache)
        demo.close()


class Line:
    """A connection to the page on which every byte is ours."""

    def __init__(self, served: Served, path: str, headers: dict[str, str]) -> None:
        address = urlsplit(served.url)
        self._socket = socket.create_connection((address.hostname, address.port), timeout=PATIENCE_SECONDS)
        lines = [f"POST {path} HTTP/1.1", f"Host: {address.netloc}", *(f"{name}: {headers[name]}" for name in headers)]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, chunk: bytes) -> None:
        """One chunk of a body whose length is not announced."""
        self._socket.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")

    def answer(self) -> tuple[int, str]:
        """Status and text of the answer, which may come before the body has been sent."""
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        return response.status, response.read().decode()

    def send_until_answered(self, most: int) -> int:
        """Send chunks until the page says something. Returns the bytes it took."""
        sent = 0
        self._socket.setblocking(False)
        while sent < most:
            try:
                if self._socket.recv(1, socket.MSG_PEEK):
                    break
            except BlockingIOError:
                pass
            self._socket.setblocking(True)
            self.send(CHUNK)
            self._socket.setblocking(False)
            sent += len(CHUNK)
        self._socket.setblocking(True)
        return sent


def is_one_sentence(text: str) -> bool:
    return "Traceback" not in text and 'File "' not in text and len(text) < 300


@pytest.mark.parametrize("path", [GENERATE, JOIN, "/diorama/watch", "/login", "/nope"])
def test_a_body_that_says_it_is_too_large_is_refused_unread(served: Served, path: str):
    headers = {"Content-Type": "application/json", "Content-Length": str(guard.MAX_BODY + 1)}
    with Line(served, path, headers) as line:  # nothing of the body is sent
        status, text = line.answer()
    assert status == 413
    assert "1,000,000 bytes" in json.loads(text)["error"]
    assert is_one_sentence(text)


@pytest.mark.parametrize("path", [GENERATE, JOIN, "/gradio_api/run/generate"])
def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_large(served: Served, path: str):
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    with Line(served, path, headers) as line:
        sent = line.send_until_answered(50 * guard.MAX_BODY)
        status, text = line.answer()
    assert status == 413
    assert sent < 50 * guard.MAX_BODY
    assert "1,000,000 bytes" in json.loads(text)["error"]


@pytest.mark.parametrize("path", guard.UPLOADS)
def test_an_upload_may_be_as_large_as_a_picture_and_no_larger(served: Served, path: str):
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(guard.MAX_UPLOAD + 1)}
    with Line(served, path, headers) as line:
        status, text = line.answer()
    assert status == 413
    assert "100 MB" in json.loads(text)["detail"]


def test_a_form_that_never_ends_is_refused_and_leaves_no_file(served: Served):
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Transfer-Encoding": "chunked"}
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    with Line(served, guard.FORM_UPLOAD, headers) as line:
        line.send(part + CHUNK * 400 + b"\r\n")
        for _ in range(3):  # four parts, none of them too large by itself
            line.send(part + CHUNK * 400 + b"\r\n")
        line.send_until_answered(guard.MAX_UPLOAD)
        status, text = line.answer()
    assert status == 413
    assert "100 MB" in text
    until(lambda: served.left_files() == [])


def test_an_upload_that_breaks_off_leaves_no_file(served: Served):
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "5000000"}
    line = Line(served, guard.FORM_UPLOAD, headers)
    with line:
        line._socket.sendall(b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + CHUNK)
        until(lambda: served.left_files() != [])
    until(lambda: served.left_files() == [])
    assert httpx.get(served.url).status_code == 200


def until(true: Callable[[], bool]) -> None:
    """Wait for a state; only a test that fails waits long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)


def test_what_is_not_too_large_passes(served: Served):
    prompt = "x" * 900_000
    with httpx.Client(base_url=served.url, timeout=PATIENCE_SECONDS) as client:
        event = client.post(GENERATE, json={"data": [prompt]}).json()["event_id"]
        assert f'"{prompt}"' in client.get(f"{GENERATE}/{event}").text
        assert client.post("/diorama/pictures", json="x" * 3_000_000).text == "3000000"
        (path,) = client.post(guard.FORM_UPLOAD, files={"files": ("a.png", b"x" * 3_000_000)}).json()
    Path(path).unlink()


def test_a_form_of_ten_thousand_and_one_parts_is_refused_and_leaves_no_file(served: Served):
    parts = [("files", (f"{number}.png", b"x")) for number in range(10_001)]
    answer = httpx.post(served.url + guard.FORM_UPLOAD[1:], files=parts, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 400
    assert answer.text == "Too many files. Maximum number of files is 1000."
    until(lambda: served.left_files() == [])


def test_a_boundary_of_a_megabyte_is_refused(served: Served):
    headers = {"Content-Type": f"multipart/form-data; boundary={'x' * 1_000_000}", "Content-Length": "10"}
    assert_headers_are_refused(served, headers)


def test_ten_thousand_headers_are_refused(served: Served):
    assert_headers_are_refused(served, {f"X-{number}": "x" for number in range(10_000)})


def assert_headers_are_refused(served: Served, headers: dict[str, str]) -> None:
    """The server itself closes the line when it has read too much of them, perhaps while we are still sending."""
    try:
        with Line(served, GENERATE, headers) as line:
            status, text = line.answer()
        assert status in (400, 431)
        assert text == "Invalid HTTP request received." or "65,536 bytes" in text
    except (ConnectionError, http.client.BadStatusLine):
        pass
    assert httpx.get(served.url).status_code == 200


def test_a_compressed_body_is_not_unpacked(served: Served):
    bomb = gzip.compress(b'{"data": ["' + b"x" * 100_000_000 + b'"]}')
    assert len(bomb) < guard.MAX_BODY
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = httpx.post(served.url + GENERATE[1:], content=bomb, headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code in (400, 422)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", [GENERATE, "/gradio_api/call/v2/generate", JOIN, "/gradio_api/cancel"])
@pytest.mark.parametrize("opening", ["[", '{"data": ['], ids=["lists", "data"])
def test_a_body_a_hundred_thousand_levels_deep_is_refused(served: Served, path: str, opening: str):
    body = opening + "[" * 100_000 + "]" * 100_000
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(served.url + path[1:], content=body, headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code in (400, 422)
    assert "Traceback" not in answer.text
    assert len(answer.text) < 1_000


NO_FORMS = {
    "a word": b'name="files"',
    "a name in no letters": b"name=\"files\"; filename*=UTF-8''%ff%fe",
    "a name in letters that nobody knows": b"name=\"files\"; filename*=bogus''x",
    "a field where progress is watched": b'name="other"',
}


@pytest.mark.parametrize("part", NO_FORMS.values(), ids=list(NO_FORMS))
def test_a_form_without_right_files_is_refused(served: Served, part: bytes):
    body = b"--x\r\nContent-Disposition: form-data; %b\r\n\r\na\r\n--x--\r\n" % part
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    url = f"{served.url}{guard.FORM_UPLOAD[1:]}?upload_id=u"
    answer = httpx.post(url, content=body, headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 400
    assert is_one_sentence(answer.json()["error"])


@pytest.mark.parametrize(
    "body",
    [
        {"fn_index": 10**6, "session_hash": "s", "data": []},
        {"fn_index": -1, "session_hash": "s", "data": []},
        {"fn_index": "x", "session_hash": "s", "data": []},
        {"fn_index": 0, "session_hash": "s", "data": ["a", "b", "c"]},
        {"fn_index": 0, "session_hash": "s", "data": []},
        {"fn_index": 0, "data": ["a"]},
    ],
    ids=["unknown", "negative", "text", "too many", "too few", "no session"],
)
def test_a_wrong_place_in_the_queue_is_refused_and_the_next_call_answered(served: Served, body: dict):
    answer = httpx.post(served.url + JOIN[1:], json=body, timeout=PATIENCE_SECONDS)
    assert "Traceback" not in answer.text
    assert answer.status_code < 500 or "view_api()" in answer.json()["error"]
    with httpx.Client(base_url=served.url, timeout=PATIENCE_SECONDS) as client:
        event = client.post(GENERATE, json={"data": ["hello"]}).json()["event_id"]
        assert "hello" in client.get(f"{GENERATE}/{event}").text


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../../../../etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        "%252e%252e%252fetc%252fpasswd",
        "..\\..\\app.py",
        str(Path(__file__)),
        "http://127.0.0.1:1/secret",
        "http://169.254.169.254/latest",
        "http://2130706433:1/secret",
        "http://[::1]:1/secret",
    ],
)
def test_no_file_and_no_address_is_read_for_a_visitor(served: Served, path: str):
    answer = httpx.get(f"{served.url}gradio_api/file={path}", timeout=PATIENCE_SECONDS)
    assert answer.status_code in (403, 404)
    assert "root:" not in answer.text
