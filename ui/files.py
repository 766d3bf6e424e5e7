"""The pictures as files over HTTP. An asset id is 128 random bits: who has the address may read it, like a share link.
Where the app asks for a password, only who has signed in may.

Gradio's own file routes would copy every picture into a temporary folder and need its path; these take an id only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse

from studio.errors import NotFound, StorageFailed
from studio.service import Studio
from ui.events import signed_in

_FOR_EVER = "private, max-age=31536000, immutable"  # what is under an id never changes
_MEDIA_TYPES = {".png": "image/png", ".webp": "image/webp"}


def picture_address(owner: str, asset_id: str) -> str:
    """Where the picture is, relative to the page. With `&download=1` the browser saves it under its own name."""
    return f"diorama/picture/{asset_id}?owner={quote(owner, safe='')}"


def thumb_address(owner: str, asset_id: str) -> str:
    """Where its thumbnail is, relative to the page."""
    return f"diorama/thumb/{asset_id}?owner={quote(owner, safe='')}"


def router(studio: Studio) -> APIRouter:
    """The routes, for `Blocks.launch(app_kwargs={"routes": router(studio).routes})`."""
    routes = APIRouter(prefix="/diorama", dependencies=[Depends(_admit)])

    @routes.get("/picture/{asset_id}")
    def picture(asset_id: str, owner: str, download: bool = False) -> FileResponse:
        path = _found(studio.path, owner, asset_id)
        return _answer(path, _FOR_EVER, filename=path.name if download else None)

    @routes.get("/thumb/{asset_id}")
    def thumb(asset_id: str, owner: str) -> FileResponse:
        path = _found(studio.thumbnail, owner, asset_id)
        is_thumbnail = path.suffix == ".webp"  # else the picture itself, until a thumbnail can be made
        return _answer(path, _FOR_EVER if is_thumbnail else "no-cache")

    return routes


def _admit(request: Request) -> None:
    if request.app.auth is not None and signed_in(request) is None:
        raise HTTPException(401, "Sign in to see this picture.")


def _answer(path: Path, cache: str, filename: str | None = None) -> FileResponse:
    headers = {"Cache-Control": cache, "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], headers=headers, filename=filename)


def _found(look: Callable[[str, str], Path], owner: str, asset_id: str) -> Path:
    try:
        return look(owner, asset_id)
    except NotFound as error:
        raise HTTPException(404, str(error)) from error
    except StorageFailed as error:
        raise HTTPException(503, str(error)) from error
