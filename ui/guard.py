"""What stands before the page when it is meant for this machine alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_READING = ("GET", "HEAD", "OPTIONS")


def local_only() -> list[Middleware]:
    """Answer only requests that were addressed to this machine by name, from pages that were served by it.

    Without the first a foreign web page could point its own host name at 127.0.0.1 (DNS rebinding) and read the
    answers; without the second it could send forms here and fill the disk with uploads.
    """
    return [Middleware(TrustedHostMiddleware, allowed_hosts=list(LOCAL_HOSTS)), Middleware(LocalOrigin)]


class LocalOrigin:
    """Refuses whatever a page of another host sends. Programs send no Origin and are let through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _READING:
            origin = Headers(scope=scope).get("origin")
            if origin is not None and urlsplit(origin).hostname not in ("127.0.0.1", "localhost", "::1"):
                refusal = PlainTextResponse("Diorama takes requests of its own page only.", status_code=403)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
