"""What the shell may say: no web proxy keeps Diorama from itself, and no variable of gradio's opens it to others."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import urlopen

import httpx
import httpx2
import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from commands import environment
from tests.app_process import ROOT

DEAD = "http://127.0.0.1:9"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies, which is put back."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "all_proxy"):  # what is not there yet is taken away afterwards
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize(
    "said",
    [
        {"http_proxy": DEAD},
        {"HTTP_PROXY": DEAD, "HTTPS_PROXY": DEAD},
        {"all_proxy": DEAD, "no_proxy": ""},
        {"ALL_PROXY": "socks5://127.0.0.1:9"},
        {"all_proxy": "socks5h://127.0.0.1:9", "NO_PROXY": "example.org"},
        {"all_proxy": "socks://127.0.0.1:9/"},
        {"all_proxy": "socks4://127.0.0.1:9"},
        {"http_proxy": "127.0.0.1:9", "no_proxy": "localhost"},
        {"http_proxy": "http://proxy.invalid:port"},
        {"http_proxy": "http=a:80;https=b:80"},
        {"http_proxy": DEAD, "no_proxy": "[::1],ünï,::/0,exa mple:x"},
        {"http_proxy": DEAD, "no_proxy": "*"},
        {"http_proxy": DEAD, "no_proxy": "example.org", "NO_PROXY": "other.example"},
    ],
    ids=str,
)
def test_whatever_proxy_the_shell_names_this_machine_is_reached(
    shell: pytest.MonkeyPatch, port: int, said: dict[str, str]
):
    for name, value in said.items():
        shell.setenv(name, value)
    environment.prepare_environment()
    for host in ("127.0.0.1", "localhost"):
        for get in (httpx.get, httpx2.get):
            assert get(f"http://{host}:{port}/").text == "here"
        with urlopen(f"http://{host}:{port}/") as answer:
            assert answer.read() == b"here"


def test_what_the_shell_says_of_proxies_is_kept(shell: pytest.MonkeyPatch):
    shell.setenv("https_proxy", "http://proxy.example:3128")
    shell.setenv("no_proxy", "intern.example, 10.0.0.0/8")
    environment.prepare_environment("192.0.2.7")
    assert os.environ["https_proxy"] == "http://proxy.example:3128"
    expected = "intern.example,10.0.0.0/8,localhost,127.0.0.1,::1,192.0.2.7"
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == expected


def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    shell: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    shell.setenv("ALL_PROXY", "socks4://name:secret@127.0.0.1:9")
    environment.prepare_environment()
    told = capsys.readouterr().err
    assert "ALL_PROXY is not the address of a web proxy" in told
    assert "secret" not in told
    assert "ALL_PROXY" not in os.environ


def test_variables_of_gradio_open_nothing(shell: pytest.MonkeyPatch):
    names = ("SHARE", "SERVER_NAME", "ALLOWED_PATHS", "ROOT_PATH", "MCP_SERVER", "NUM_WORKERS", "DEBUG", "VIBE_MODE")
    for name in names:
        shell.setenv(f"GRADIO_{name}", "1")
    shell.setenv("GRADIO_TEMP_DIR", "/somewhere")
    environment.prepare_environment()
    assert [name for name in names if f"GRADIO_{name}" in os.environ] == []
    assert os.environ["GRADIO_TEMP_DIR"] == "/somewhere"


def test_a_library_does_not_ask_the_terminal_for_another_one():
    code = "from commands import environment; environment.prepare_environment(); import bitsandbytes"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pip install" not in told.stdout + told.stderr


def test_on_a_space_visitors_are_told_apart_by_what_its_proxy_says(shell: pytest.MonkeyPatch):
    shell.setenv("SPACE_ID", "someone/diorama")
    shell.setenv("FORWARDED_ALLOW_IPS", "")  # so that it is as before afterwards
    shell.delenv("FORWARDED_ALLOW_IPS")
    environment.prepare_environment()
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["client"][0])

    proxied = ProxyHeadersMiddleware(app, trusted_hosts=os.environ["FORWARDED_ALLOW_IPS"])
    said = [(b"x-forwarded-for", b"198.51.100.66, 203.0.113.9, 10.0.0.7")]  # the first by the visitor, who may lie
    for client in ("10.1.2.3", "198.51.100.1"):
        scope: Any = {"type": "http", "scheme": "http", "client": (client, 1), "headers": said}
        asyncio.run(proxied(scope, None, None))  # type: ignore[arg-type]
    assert seen == ["203.0.113.9", "198.51.100.1"]
