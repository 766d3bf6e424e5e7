"""The pictures as files over HTTP. An asset id is 128 random bits: who has the address may read it, like a share link.

Gradio's own file routes would copy every picture into a temporary folder and need its path; these take an id only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from studio.errors import NotFound
from studio.service import Studio

_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",  # what is under an id never changes
    "X-Content-Type-Options": "nosniff",
}


def picture_address(owner: str, asset_id: str) -> str:
    """Where the picture is, relative to the page. With `&download=1` the browser saves it under its own name."""
    return f"diorama/picture/{asset_id}?owner={quote(owner, safe='')}"


def thumb_address(owner: str, asset_id: str) -> str:
    """Where its thumbnail is, relative to the page."""
    return f"diorama/thumb/{asset_id}?owner={quote(owner, safe='')}"


def router(studio: Studio) -> APIRouter:
    """The routes, for `Blocks.launch(app_kwargs={"routes": router(studio).routes})`."""
    routes = APIRouter(prefix="/diorama")

    @routes.get("/picture/{asset_id}")
    def picture(asset_id: str, owner: str, download: bool = False) -> FileResponse:
        path = _found(studio.path, owner, asset_id)
        return FileResponse(path, media_type="image/png", headers=_HEADERS, filename=path.name if download else None)

    @routes.get("/thumb/{asset_id}")
    def thumb(asset_id: str, owner: str) -> FileResponse:
        return FileResponse(_found(studio.thumbnail, owner, asset_id), media_type="image/webp", headers=_HEADERS)

    return routes


def _found(look: Callable[[str, str], Path], owner: str, asset_id: str) -> Path:
    try:
        return look(owner, asset_id)
    except NotFound as error:
        raise HTTPException(404, str(error)) from error
