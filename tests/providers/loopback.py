"""A provider on this machine: answers over real HTTP what a test tells it to, and remembers what it was asked.

Each request takes the next answer of the script for its path; what is not scripted gets 418, so that a request nobody
expected is seen.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

from tests.patience import PATIENCE_SECONDS

"""Only a test that fails waits that long."""


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    method: str
    host: str  # the one the SDK meant
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> list[tuple[str, str, bytes]]:
        """The parts of a multipart body: name, file name or "", content."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        parts: list[Message] = message_from_bytes(head + self.body).get_payload()  # pyright: ignore
        named = [
            (part.get_param("name", "", "content-disposition"), part.get_filename("") or "", part) for part in parts
        ]
        return [(str(name), file, bytes(part.get_payload(decode=True) or b"")) for name, file, part in named]  # pyright: ignore


Answer = Callable[["Handler"], None]


class Provider:
    """The server's side of a test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Received] = []
        self.hold: threading.Event | None = None  # answers to paid requests wait for it
        self.hold_free: threading.Event | None = None  # the others
        self.was_paid = threading.Event()
        self.ended = threading.Event()  # set when the test is over: endless answers end
        self._script: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()

    def says(self, path: str, *answers: Answer) -> None:
        """Add answers for a path (its end counts); the last one is given again and again."""
        self._script.setdefault(path, []).extend(answers)

    def clear(self) -> None:
        """Forget the script."""
        with self._lock:
            self._script.clear()

    def paid(self) -> list[Received]:
        """The requests that may cost."""
        return [one for one in self.requests if one.method == "POST"]

    def wait_for_paid(self) -> None:
        """Until a request that may cost has come."""
        if not self.was_paid.wait(PATIENCE_SECONDS):
            raise TimeoutError("nothing was asked")

    def take(self, received: Received) -> Answer:
        with self._lock:
            self.requests.append(received)
            fits = [path for path in self._script if received.path.split("?")[0].endswith(path)]
            if not fits:
                return answer(418, {"error": {"message": f"nobody scripted {received.path}"}})
            script = self._script[max(fits, key=len)]
            return script.pop(0) if len(script) > 1 else script[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = headers.get("x-meant-for", headers.get("host", ""))
        one = self.provider.take(Received(self.command, host, self.path, headers, body))
        if self.command == "POST":
            self.provider.was_paid.set()
        try:
            hold = self.provider.hold if self.command == "POST" else self.provider.hold_free
            if hold is not None:
                hold.wait(PATIENCE_SECONDS)
            one(self)
        except OSError:  # whoever asked has left
            self.close_connection = True

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Provider]:
    handler = type("Bound", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.provider = provider = Provider(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.ended.set()
        if provider.hold is not None:
            provider.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Rerouted(httpx2.HTTPTransport):
    """The HTTP transport of a client that reaches one loopback provider whatever host it means."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = httpx2.URL(url)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["X-Meant-For"] = request.url.host
        request.url = request.url.copy_with(scheme="http", host=self._url.host, port=self._url.port)
        return super().handle_request(request)


# --- answers ----------------------------------------------------------------------------------------------------------


def answer(status: int, body: Any, headers: dict[str, str] | None = None, *, kind: str = "application/json") -> Answer:
    """A whole answer: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def send(handler: Handler) -> None:
        _head(handler, status, {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})})
        handler.wfile.write(content)

    return send


def events(*all_of_them: dict[str, Any]) -> Answer:
    """Server-sent events, then the end of the line."""
    return parts(
        *(b"event: %s\ndata: %s\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in all_of_them)
    )


def parts(*content: bytes, kind: str = "text/event-stream") -> Answer:
    """Parts of a body, then the end of the line."""

    def send(handler: Handler) -> None:
        _head(handler, 200, {"Content-Type": kind, "Connection": "close"})
        for part in content:
            handler.wfile.write(part)
            handler.wfile.flush()

    return send


def torn(content: bytes, *, kind: str = "application/json") -> Answer:
    """A body that promises more than comes."""

    def send(handler: Handler) -> None:
        _head(handler, 200, {"Content-Type": kind, "Content-Length": str(len(content) * 2)})
        handler.wfile.write(content)
        handler.wfile.flush()
        handler.connection.shutdown(2)
        handler.close_connection = True

    return send


def endless(part: bytes, *, kind: str, seconds: float = 0.01) -> Answer:
    """The same part again and again until the test is over or nobody listens."""

    def send(handler: Handler) -> None:
        _head(handler, 200, {"Content-Type": kind, "Connection": "close"})
        while not handler.provider.ended.wait(seconds):
            handler.wfile.write(part)
            handler.wfile.flush()

    return send


def redirect(status: int, to: str) -> Answer:
    return answer(status, b"", {"Location": to})


def _head(handler: Handler, status: int, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.close_connection = "Connection" in headers
