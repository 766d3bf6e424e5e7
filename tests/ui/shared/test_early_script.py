"""The script that runs before gradio's own: where it lands, and what it leaves alone."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.types import Message, Receive, Scope, Send

from ui.shared.early_script import EarlyScript

PAGE = b"<!doctype html><html><head><title>x</title></head><body></body></html>"


def served(
    pieces: list[bytes], *, path: str = "/", method: str = "GET", kind: str = "text/html; charset=utf-8", **more: str
) -> tuple[dict[str, str], bytes]:
    """Headers and body as they arrive, for what an app below answers piece by piece."""
    headers = {"content-type": kind, "content-length": str(sum(map(len, pieces))), **more}
    came: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        for index, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": index + 1 < len(pieces)})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        came.append(dict(message))

    answering = EarlyScript(app)({"type": "http", "method": method, "path": path}, receive, send)
    with ThreadPoolExecutor(1) as thread:  # in this one, Playwright may have a loop that runs
        thread.submit(asyncio.run, answering).result()
    assert came[0]["type"] == "http.response.start"
    return (
        {name.decode(): value.decode() for name, value in came[0]["headers"]},
        b"".join(message["body"] for message in came[1:]),
    )


@pytest.mark.parametrize("cut", [len(PAGE), 40])
def test_the_script_is_the_first_thing_in_the_head(cut: int):
    headers, body = served([PAGE[:cut], PAGE[cut:]])
    assert body.startswith(b"<!doctype html><html><head>\n<style>")
    assert body.endswith(b"</script><title>x</title></head><body></body></html>")
    assert b"requestAnimationFrame" in body
    assert headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    "answer",
    [
        {"path": "/diorama/picture/7"},
        {"method": "HEAD"},
        {"kind": "application/json"},
        {"content-encoding": "br"},
    ],
    ids=str,
)
def test_whatever_else_is_served_passes_untouched(answer: dict[str, str]):
    headers, body = served([PAGE], **answer)
    assert body == PAGE
    assert headers["content-length"] == str(len(PAGE))


def test_a_page_without_a_head_passes_untouched():
    assert served([b"<p>broken</p>"]) == (
        {"content-type": "text/html; charset=utf-8", "content-length": "13"},
        b"<p>broken</p>",
    )
