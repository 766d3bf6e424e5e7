"""The page's scripts over HTTP: ES modules under an address of their edition, which browsers keep for ever.

They say nothing of anybody, so whoever asks gets them; they are read once, so that a page never mixes two editions.
"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from studio.errors import NotFound
from ui.shared.edition import PARTS, ROOT
from ui.shared.scripts import SCRIPTS

_FOR_EVER = "public, max-age=31536000, immutable"


def router(edition: str) -> APIRouter:
    """GET /diorama/edition and /diorama/scripts/EDITION/PATH, for `Blocks.launch(app_kwargs={"routes": ...})`.

    Args:
        edition: what open pages are told that this one is.
    """
    files = [path for folder in PARTS for path in folder.rglob("*.js")]
    modules = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in files}
    routes = APIRouter()

    @routes.get("/diorama/edition")
    def tell() -> dict[str, str]:
        return {"edition": edition}

    @routes.get(f"/{SCRIPTS}/{{path:path}}")
    def script(path: str) -> Response:
        if path not in modules:
            raise NotFound("script", path)
        return Response(modules[path], media_type="text/javascript", headers={"Cache-Control": _FOR_EVER})

    return routes
