"""Pictures as files over HTTP, one by one or as a zip, each to its owner only; see `visitors`.

Gradio's own file routes would copy every picture into a temporary folder and need its path; these take an id.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from pathlib import Path
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from studio.errors import BadRequest, NotFound
from studio.service import Studio
from ui.routes.visitors import Visitors

ASK_FIRST = "private, no-cache"
"""Browsers keep a copy but ask before showing it, so that deleted pictures disappear there too."""
_ZIP = "diorama/zip"
_MOST_IN_ADDRESS, _MOST_IN_FORM = 500, 20_000  # pictures in one zip
_MEDIA_TYPES = {".png": "image/png", ".webp": "image/webp", ".ply": "application/octet-stream"}


def picture_address(asset_id: str, *, trash: bool = False) -> str:
    """The picture's address, relative to the page. With `download=1` the browser saves it under its own name.

    Args:
        trash: even if it is deleted.
    """
    return f"diorama/picture/{asset_id}{_ALSO_DELETED if trash else ''}"


def thumb_address(asset_id: str, *, trash: bool = False) -> str:
    """The thumbnail's address, as for the picture."""
    return f"diorama/thumb/{asset_id}{_ALSO_DELETED if trash else ''}"


def film_address(asset_id: str) -> str:
    """The address of the film of how a picture formed, saved under the picture's name."""
    return f"diorama/film/{asset_id}"


_ALSO_DELETED = "?trash=1"


def router(studio: Studio, visitors: Visitors) -> APIRouter:
    """The routes, for `Blocks.launch(app_kwargs={"routes": router(...).routes})`."""
    routes = APIRouter(prefix="/diorama")

    @routes.get("/picture/{asset_id}")
    def picture(request: Request, asset_id: str, trash: bool = False, download: bool = False) -> Response:
        owner = _owner(request, visitors, studio, asset_id, picture_address(asset_id, trash=trash), trash=trash)
        path = studio.path(owner, asset_id)
        answer = _MovingFile(
            path,
            media_type=_MEDIA_TYPES[path.suffix],
            headers={"Cache-Control": ASK_FIRST, "X-Content-Type-Options": "nosniff"},
            filename=path.name if download else None,
            stat_result=path.stat(),
        )
        return unchanged(request, answer.headers["etag"]) or answer

    @routes.get("/thumb/{asset_id}")
    def thumb(request: Request, asset_id: str, trash: bool = False) -> Response:
        """Read at once, as it may be replaced by one of another length, made again, between two looks at it."""
        owner = _owner(request, visitors, studio, asset_id, thumb_address(asset_id, trash=trash), trash=trash)
        path = studio.thumbnail(owner, asset_id)
        return made(request, path.read_bytes(), _MEDIA_TYPES[path.suffix])

    @routes.get("/film/{asset_id}")
    def film(request: Request, asset_id: str) -> Response:
        owner = visitors.reader(request, film_address(asset_id))
        name, content = studio.film(owner, asset_id)
        return made(request, content, "video/mp4", name=name)

    @routes.get("/zip")
    async def zip_of_few(request: Request, ids: str) -> Response:
        return await asyncio.to_thread(_zip, request, visitors, studio, ids, _MOST_IN_ADDRESS)

    @routes.post("/zip")
    async def zip_of_many(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=8)
        return await asyncio.to_thread(_zip, request, visitors, studio, form.get("ids", [""])[0], _MOST_IN_FORM)

    return routes


def unchanged(request: Request, etag: str) -> Response | None:
    """The response to a browser that already has this version of a file; None: send it.

    Args:
        etag: of the current version, with quotes.
    """
    known = (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(","))
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": ASK_FIRST}) if etag in known else None


def made(request: Request, content: bytes, media_type: str, *, name: str = "", etag: str = "") -> Response:
    """The response with a file made for it.

    Args:
        name: under which the browser saves it; "": it is only shown.
        etag: of the file, with quotes; "": that of its content.
    """
    etag = etag or f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": ASK_FIRST, "ETag": etag}
    if name:
        headers |= saved_as(name)
    return unchanged(request, etag) or Response(content, media_type=media_type, headers=headers)


def saved_as(name: str) -> dict[str, str]:
    """The header with which a browser saves a file under this name."""
    plain = f"diorama{Path(name).suffix}"  # for clients that cannot read the other
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"}


def _owner(request: Request, visitors: Visitors, studio: Studio, asset_id: str, address: str, *, trash: bool) -> str:
    """Whose picture the address may show; raises NotFound if it is in the trash and not asked for there."""
    owner = visitors.reader(request, address)
    if studio.asset(owner, asset_id).deleted and not trash:
        raise NotFound("picture", asset_id)
    return owner


class _MovingFile(FileResponse):
    """A file that may move to the trash before it is opened; then it is not found, as if it had been there already."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: list[Message] = []

        async def begin_late(message: Message) -> None:
            """The status is sent with the first bytes: then the file is open."""
            if message["type"] == "http.response.start":
                begun.append(message)
                return
            while begun:
                await send(begun.pop())
            await send(message)

        try:
            await super().__call__(scope, receive, begin_late)
        except FileNotFoundError as error:
            raise NotFound("picture", Path(self.path).stem) from error


def _zip(request: Request, visitors: Visitors, studio: Studio, ids: str, most: int) -> Response:
    """The pictures `ids`, separated by commas, as one file made while it is sent."""
    wanted = [id for id in ids.split(",") if id]
    owner = visitors.reader(request, _ZIP)
    if not 1 <= len(wanted) <= most:
        raise BadRequest(f"A zip holds 1 to {most:,} pictures, not {len(wanted):,}. Select fewer of them.")
    for id in wanted:
        if studio.asset(owner, id).deleted:
            raise NotFound("picture", id)
    parts = iter(studio.bundle(owner, wanted))
    first = next(parts, b"")  # reports missing files before anything is sent
    name = time.strftime("diorama-%Y%m%d-%H%M.zip")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(itertools.chain([first], parts), media_type="application/zip", headers=headers)
