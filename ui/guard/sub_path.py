"""Serves the page under a path, as behind a reverse proxy, whether the proxy strips the path or passes it on."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send


class SubPath:
    """Strips the path under which the page is served; gradio adds it to the addresses it generates.

    Args:
        app: the next application. Its paths are the same as without a proxy.
        path: such as "/diorama"; "" for none.
        routes: which may start with the same name, and are left alone.
    """

    def __init__(self, app: ASGIApp, path: str, routes: Sequence[BaseRoute]) -> None:
        self._app, self._path, self._routes = app, path, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and self._path:
            if scope["path"] == self._path:  # addresses on the page are relative to a folder
                query = scope["query_string"].decode("latin-1")
                await RedirectResponse(f"{self._path}/{'?' if query else ''}{query}")(scope, receive, send)
                return
            scope = {**scope, "root_path": ""}  # or FastAPI would strip it from our own routes too
            below = scope["path"].removeprefix(f"{self._path}/")
            if below != scope["path"] and not any(route.matches(scope)[0] is not Match.NONE for route in self._routes):
                scope["path"] = f"/{below}"
        await self._app(scope, receive, send)
