"""Which of gradio's routes are open: those that the page and gradio's clients need. All others, including those a later
gradio adds, are closed; our own routes, under /diorama and for other programs, check access themselves.
"""

from __future__ import annotations

import re

from fastapi import Request
from starlette._utils import get_route_path
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.guard.answers import ABSENT, PROGRAMS, SIGN_IN, WRONG_METHOD, refusal
from ui.shared.bridge import signed_in

OWN = ("/diorama/", *PROGRAMS)
_READ = ("GET", "HEAD")
_NAME = r"[^/]+"


def _any_of(*paths: str) -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(paths)})/?")


_ASSET = r"/(?:assets|static|svelte)(?:/[\w.@+-]{1,200}){1,8}"
_PUBLIC = _any_of("", "/admin", "/quick", _ASSET, "/favicon.ico", "/manifest.json", "/robots.txt")
"""The parts of the page needed before sign-in; nothing in them is private."""
_STATE = _any_of("/theme.css", "/gradio_api/theme.css", "/gradio_api/startup-events", "/gradio_api/app_id")
_READING = _any_of(
    "/config",
    "/logout",
    "/gradio_api/info",
    "/gradio_api/openapi.json",
    "/gradio_api/queue/data",
    "/gradio_api/queue/status",
    "/gradio_api/upload_progress",
    f"/gradio_api/heartbeat/{_NAME}",
    f"/gradio_api/call/(?:v2/)?{_NAME}/{_NAME}",
)
_LOGIN = _any_of("/login")
_CALLING = _any_of(
    "/gradio_api/queue/join",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/upload",
    f"/gradio_api/(?:run|api)/{_NAME}",
    f"/gradio_api/call/(?:v2/)?{_NAME}",
)
_OPEN = (
    # paths, methods, whether they are open without sign-in
    (_PUBLIC, _READ, True),
    (_STATE, _READ, True),
    (_LOGIN, ("POST",), True),
    (_READING, _READ, False),
    (_CALLING, ("POST",), False),
)


class Routes:
    """Passes open routes, to signed-in users only where sign-in is required."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and get_route_path(scope).startswith(OWN)):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            answer = self._refusal(scope)
            await (answer or self._app)(scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    def _refusal(self, scope: Scope) -> Response | None:
        path: str = get_route_path(scope)
        methods: set[str] = set()
        if QueryParams(scope["query_string"]).get("page"):  # there is one page, and gradio crashes on any other
            return refusal(404, ABSENT)
        for paths, allowed, is_public in _OPEN:
            if paths.fullmatch(path) is None:
                continue
            methods.update(allowed)
            if scope["method"] in allowed:
                return None if is_public or is_admitted(scope) else refusal(401, SIGN_IN)
        if methods:
            return refusal(405, WRONG_METHOD, {"Allow": ", ".join(sorted(methods))})
        return refusal(404, ABSENT)


def is_admitted(scope: Scope) -> bool:
    """Whether the app requires no sign-in, or the sender is signed in."""
    return getattr(scope["app"], "auth", None) is None or signed_in(Request(scope)) is not None
