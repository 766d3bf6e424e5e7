"""Serves the page under a path, as behind a reverse proxy, whether the proxy strips the path or passes it on."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send


class SubPath:
    """Takes the path off that the page lies below; gradio puts it before the addresses that it tells.

    Args:
        app: what comes behind. Its paths are as they would be without a proxy.
        path: such as "/diorama"; "" for none.
        routes: what may begin with the same name. It is left as it is.
    """

    def __init__(self, app: ASGIApp, path: str, routes: Sequence[BaseRoute]) -> None:
        self._app, self._path, self._routes = app, path, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and self._path:
            if scope["path"] == self._path:  # addresses on the page are relative to the folder
                query = scope["query_string"].decode("latin-1")
                await RedirectResponse(f"{self._path}/{'?' if query else ''}{query}")(scope, receive, send)
                return
            scope = {**scope, "root_path": ""}  # FastAPI's, which would be taken off our own routes as well
            below = scope["path"].removeprefix(f"{self._path}/")
            if below != scope["path"] and not any(route.matches(scope)[0] is not Match.NONE for route in self._routes):
                scope["path"] = f"/{below}"
        await self._app(scope, receive, send)
