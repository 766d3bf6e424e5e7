"""Uploads: the one route that takes a picture. Knows how bytes arrive, not what is in them.

`POST /diorama/pictures?name=holiday.jpg` with the bytes as the body and the browser's token in `X-Diorama-Token`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, Request

from studio.intake.picture import check_length
from studio.library.files import storage_errors
from studio.service import Studio
from ui.routes.visitors import Visitors
from ui.shared.pictures import Answer, picture

TEMPORARY = "diorama-upload-"
"""Prefix of files being received, followed by the process id."""
_LONGEST_NAME = 200  # characters of a file's name


def router(studio: Studio, visitors: Visitors) -> APIRouter:
    """The route, for `Blocks.launch(app_kwargs={"routes": ...})`."""
    routes = APIRouter(prefix="/diorama")

    @routes.post("/pictures")
    async def take_in(request: Request, name: str = "") -> Answer:
        owner = visitors.sender(request)
        async with received(request) as path:
            return await asyncio.to_thread(_kept, studio, owner, path, name[:_LONGEST_NAME])

    return routes


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Path]:
    """The body as a temporary file, which is always removed afterwards.

    Raises:
        TooLarge: by its declared length, or while it arrives.
        StorageFailed: there is no room for it.
        ClientDisconnect: the browser disconnected.
    """
    told = request.headers.get("content-length", "")
    if told.isdecimal():
        check_length(int(told))
    folder = Path(tempfile.gettempdir())
    with storage_errors(folder), tempfile.NamedTemporaryFile(prefix=f"{TEMPORARY}{os.getpid()}-", dir=folder) as file:
        length = 0
        async for part in request.stream():
            length += len(part)
            if part:
                check_length(length)
                file.write(part)
        file.flush()
        yield Path(file.name)


def _kept(studio: Studio, owner: str, path: Path, name: str) -> Answer:
    asset = studio.take_in(owner, path, name)
    settings = studio.settings_of(owner, asset.id)
    return {"picture": picture(studio, asset), "notes": list(settings.notes), "notice": asset.recipe.notice}
