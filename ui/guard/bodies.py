"""Reads a request body before the application does, then replays it."""

from __future__ import annotations

from starlette.types import Message, Receive


async def whole(receive: Receive) -> bytes | None:
    """The body, whose length was limited before; None if the client disconnected."""
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
    return None


def again(body: bytes, receive: Receive) -> Receive:
    """Receives the body in one piece, then whatever follows."""
    pieces = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive_again() -> Message:
        return next(pieces, None) or await receive()

    return receive_again
