"""The page's scripts and images over HTTP, under an address per edition, which browsers cache for ever.

They are public, and read once, so that a page never mixes two editions.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from fastapi import APIRouter
from fastapi.responses import Response

from studio.errors import NotFound
from ui.guard.headers import FOR_EVER
from ui.shared.edition import PARTS, ROOT
from ui.shared.scripts import SCRIPTS

_TYPES = {".js": "text/javascript", ".webp": "image/webp", ".png": "image/png"}


def router(edition: str) -> APIRouter:
    """GET /diorama/edition and /diorama/scripts/EDITION/PATH, for `Blocks.launch(app_kwargs={"routes": ...})`.

    Args:
        edition: open pages compare theirs with it.
    """
    paths = [path for folder in PARTS for path in folder.rglob("*") if path.suffix in _TYPES]
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
    routes = APIRouter()

    @routes.get("/diorama/edition")
    def tell() -> dict[str, str]:
        return {"edition": edition}

    @routes.get(f"/{SCRIPTS}/{{path:path}}")
    def script(path: str) -> Response:
        if path not in files:
            raise NotFound("script", path)
        kind = _TYPES[PurePosixPath(path).suffix]
        return Response(files[path], media_type=kind, headers={"Cache-Control": FOR_EVER})

    return routes
