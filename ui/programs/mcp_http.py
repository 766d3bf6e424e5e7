"""The MCP tools over HTTP, at /mcp of the page, with the same keys, owners and limits as all other routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import Request
from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from studio.service import Studio
from ui.guard.limits import MAX_UPLOAD
from ui.programs import mcp_tools
from ui.programs.access import Access, failed
from ui.routes.visitors import Caller, NotAdmitted

PATH = "/mcp"
_CALLER = "diorama.caller"


class Endpoint:
    """The MCP application behind a key."""

    def __init__(self, access: Access, app: Any) -> None:
        self._access, self._app = access, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            caller = self._access.caller(Request(scope))
        except NotAdmitted as error:
            await failed(error)(scope, receive, send)
            return
        await self._app({**scope, "state": {**scope.get("state", {}), _CALLER: caller}}, receive, send)


class McpOverHttp:
    """The route of the tools, and their background task."""

    def __init__(self, studio: Studio, access: Access) -> None:
        self._server = mcp_tools.build(studio, _caller_of)
        guarded_before = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # as `guard.origins` does it
        app = self._server.streamable_http_app(
            streamable_http_path=PATH,
            stateless_http=True,
            max_request_body_size=MAX_UPLOAD,
            transport_security=guarded_before,
        )
        inner = next(route for route in app.routes if isinstance(route, Route) and route.path == PATH)
        self.routes: list[BaseRoute] = [Route(PATH, Endpoint(access, inner.app), methods=["GET", "POST", "DELETE"])]

    def lifespan(self, app: Any) -> AbstractAsyncContextManager[None]:
        """For `app_kwargs`, together with others."""
        return self._running()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        async with self._server.session_manager.run():
            yield


def _caller_of(context: Context) -> Caller:
    request: Any = context.request_context.request
    return request.scope["state"][_CALLER]
