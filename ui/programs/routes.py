"""All routes for other programs, and the OpenAPI document that describes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from studio.client_keys import ClientKeys
from studio.recipe import APP_VERSION
from studio.service import Studio
from ui.programs import neurolux
from ui.programs.a1111 import pictures, status
from ui.programs.access import Access, program_route
from ui.programs.choices import Choices
from ui.programs.openai import images, models
from ui.routes.visitors import Visitors

_ABOUT = "Make and change pictures through APIs that other programs already use."


def routes_of(studio: Studio, visitors: Visitors, keys: ClientKeys | None) -> list[BaseRoute]:
    """For `Blocks.launch(app_kwargs={"routes": ...})`.

    Args:
        keys: API keys of programs; None: only programs that need none.
    """
    kind, choices = program_route(Access(visitors, keys)), Choices(studio)
    ours, a1111s = APIRouter(prefix="/v1", route_class=kind), APIRouter(prefix="/sdapi/v1", route_class=kind)
    images.add_routes(ours, studio)
    models.add_routes(ours, studio)
    neurolux.add_routes(ours, studio, choices)
    pictures.add_routes(a1111s, studio, choices)
    status.add_routes(a1111s, studio, choices)
    routes = [*ours.routes, *a1111s.routes]

    @ours.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(described(routes))

    return [*routes, ours.routes[-1]]


def described(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    document = get_openapi(title="Diorama", version=APP_VERSION, summary=_ABOUT, routes=routes, openapi_version="3.1.0")
    for route in routes:
        if isinstance(route, APIRoute) and route.path in document["paths"]:
            for operation in document["paths"][route.path].values():
                operation["responses"].pop("422", None)  # returned as 400, as an `ErrorBody`
    schemas = document.get("components", {}).get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"key": []}, {}]
    return document
