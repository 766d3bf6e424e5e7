"""Puts our scripts and styles before gradio's own in the front page; gradio's `head` comes too late."""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PLACE = b"<head>"


class EarlyScript:
    """Adds the scripts of `scripts/gradio` and `style/sign_in.css` to the front page."""

    def __init__(self, app: ASGIApp) -> None:
        folder = Path(__file__).parent
        script = b"\n".join((folder / "scripts/gradio" / name).read_bytes() for name in ("clocks.js", "sign_in.js"))
        style = (folder / "style" / "sign_in.css").read_bytes()
        self._app, self._addition = app, b"\n<style>\n%b</style>\n<script>\n%b</script>" % (style, script)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def send_with_script(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and "text/html" in Headers(raw=message["headers"]).get(
                "content-type", ""
            ):
                start = message  # its length depends on the first part of the body
                return
            if start is not None:
                message["body"] = self._added(start, message["body"])
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, send_with_script)

    def _added(self, start: Message, body: bytes) -> bytes:
        """The first part of the page's body with the script added; updates the content length."""
        before, place, after = body.partition(_PLACE)
        headers = MutableHeaders(raw=start["headers"])
        if not place or "content-encoding" in headers:
            return body
        if "content-length" in headers:
            headers["content-length"] = str(int(headers["content-length"]) + len(self._addition))
        return before + place + self._addition + after
