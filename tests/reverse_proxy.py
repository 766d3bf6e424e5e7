"""A small reverse proxy that does what a `location` of nginx says, if that has the directives of README and no more."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

KNOWN = ("proxy_pass", "proxy_http_version", "proxy_buffering", "proxy_read_timeout", "client_max_body_size")


class Location(NamedTuple):
    """What is asked for below a prefix, and where it goes."""

    prefix: str
    headers: dict[str, str]
    most_bytes: int
    upstream: str  # "127.0.0.1:7860"
    replaced: str | None  # what takes the place of the prefix; None: the path stays as it is

    def path(self, asked: str) -> str:
        return asked if self.replaced is None else self.replaced + asked.removeprefix(self.prefix)


def location(config: str) -> Location:
    """The one location of a configuration.

    Source: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass
    """
    found = re.search(r"location (\S+) \{(.*?)\}", config, re.DOTALL)
    assert found, "there is no location"
    directives = [line.split(None, 1) for line in found.group(2).replace("\n", " ").split(";") if line.strip()]
    headers = dict(value.split() for name, value in directives if name == "proxy_set_header")
    plain = {name: value for name, value in directives if name != "proxy_set_header"}
    assert plain.keys() == set(KNOWN), "the proxy of the tests does what these say; teach it the others"
    target = urlsplit(plain["proxy_pass"])
    most = int(plain["client_max_body_size"].removesuffix("m")) * 2**20
    return Location(found.group(1), headers, most, target.netloc, target.path or None)


@contextmanager
def proxying(place: Location) -> Iterator[int]:
    """The port at which the proxy serves."""

    class Handler(_Handler):
        location = place

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    location: Location
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        place, length = self.location, int(self.headers.get("Content-Length", 0))
        self.close_connection = True
        if f"{self.path.partition('?')[0]}/" == place.prefix:
            self._head(301, [("Location", place.prefix), ("Content-Length", "0")])
        elif not self.path.startswith(place.prefix) or length > place.most_bytes:
            self._head(404 if length <= place.most_bytes else 413, [("Content-Length", "0")])
        else:
            self._pass_on(self.rfile.read(length))

    do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = do_GET

    def _pass_on(self, body: bytes) -> None:
        said = {"$http_host": self.headers["Host"], "$scheme": "http", "$remote_addr": self.client_address[0]}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        headers |= {name: said.get(value, value) for name, value in self.location.headers.items()}
        upstream = http.client.HTTPConnection(self.location.upstream)
        try:
            upstream.request(self.command, self.location.path(self.path), body, headers | {"Connection": "close"})
            answer = upstream.getresponse()
            kept = [each for each in answer.getheaders() if each[0].lower() not in ("transfer-encoding", "connection")]
            self._head(answer.status, kept)
            while part := answer.read1(65_536):
                self.wfile.write(part)
                self.wfile.flush()
        except OSError:  # one of the two has left
            pass
        finally:
            upstream.close()

    def _head(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in [*headers, ("Connection", "close")]:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
