"""The pictures as files over HTTP, one by one or as a zip. An asset id is 128 random bits: who has the address may read
it, like a share link. Where the app asks for a password, only who has signed in may.

Gradio's own file routes would copy every picture into a temporary folder and need its path; these take an id only.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from studio.errors import BadRequest, NotFound, StorageFailed, StudioError
from studio.service import Studio
from ui.events import signed_in

_FOR_EVER = "private, max-age=31536000, immutable"  # what is under an id never changes
_MOST_IN_ADDRESS, _MOST_IN_FORM = 500, 20_000  # pictures in one zip
_MEDIA_TYPES = {".png": "image/png", ".webp": "image/webp", ".ply": "application/octet-stream"}


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

    @routes.get("/zip")
    async def zip_of_few(owner: str, ids: str) -> Response:
        return await asyncio.to_thread(_zip, studio, owner, ids, _MOST_IN_ADDRESS)

    @routes.post("/zip")
    async def zip_of_many(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=8)
        owner, ids = (form.get(name, [""])[0] for name in ("owner", "ids"))
        return await asyncio.to_thread(_zip, studio, owner, ids, _MOST_IN_FORM)

    return routes


def _admit(request: Request) -> None:
    if request.app.auth is not None and signed_in(request) is None:
        raise HTTPException(401, "Sign in to see this picture.")


def _answer(path: Path, cache: str, filename: str | None = None) -> FileResponse:
    headers = {"Cache-Control": cache, "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], headers=headers, filename=filename)


def _zip(studio: Studio, owner: str, ids: str, most: int) -> Response:
    """The pictures `ids`, divided by commas, as one file that is made while it is sent."""
    wanted = [id for id in ids.split(",") if id]
    try:
        if not 1 <= len(wanted) <= most:
            raise BadRequest(f"A zip holds 1 to {most:,} pictures, not {len(wanted):,}. Select fewer of them.")
        parts = iter(studio.bundle(owner, wanted))
        first = next(parts, b"")  # what is not there is found before anything is sent
    except StudioError as error:
        status = 404 if isinstance(error, NotFound) else 503 if isinstance(error, StorageFailed) else 400
        return JSONResponse({"error": str(error)}, status)
    name = time.strftime("diorama-%Y%m%d-%H%M.zip")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(itertools.chain([first], parts), media_type="application/zip", headers=headers)


def _found(look: Callable[[str, str], Path], owner: str, asset_id: str) -> Path:
    try:
        return look(owner, asset_id)
    except NotFound as error:
        raise HTTPException(404, str(error)) from error
    except StorageFailed as error:
        raise HTTPException(503, str(error)) from error
