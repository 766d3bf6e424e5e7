"""Disk space for uploads: limits the folder of temporary files, and refuses uploads when the disk is full.

Gradio would leave a partial upload there, so the disk would stay full.
"""

from __future__ import annotations

import asyncio
import errno
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.guard import UPLOADS
from ui.guard.answers import refusal

MOST_BYTES = 2_000_000_000
"""For all temporary files."""
LOCK = "lock.sqlite"
"""Marks the folder as in use; see `studio.library.database.FolderLock`."""
KEPT_SECONDS = 600
"""The least time an upload is kept for the call that uses it."""
SPARE_BYTES = 500_000
"""Disk space to leave free."""

_FULL = "There is no room for this file: the disk for temporary files is full. Free some space, then try again."
_BUSY = "There is no room for this file: many others have just arrived. Try again in ten minutes."
_CLOSE = {"Connection": "close"}  # as the rest of the request is not read


async def disk_full(request: Request, error: Exception) -> Response:
    """The response if a disk was full when gradio wrote to it; other errors go to the log."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return refusal(507, _FULL, _CLOSE)
    raise error


class Room:
    """Refuses uploads that there is no room for.

    Args:
        app: the next application.
        folder: of temporary files, for this app alone; if it is full, the oldest are removed. None: there is none.
    """

    def __init__(self, app: ASGIApp, folder: Path | None) -> None:
        self._app, self._folder = app, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"].rstrip("/") not in UPLOADS:
            await self._app(scope, receive, send)
            return
        is_refused = False

        async def receive_where_there_is_room() -> Message:
            nonlocal is_refused
            message = await receive()
            if shutil.disk_usage(tempfile.gettempdir()).free < len(message.get("body", b"")) + SPARE_BYTES:
                is_refused = True
                await refusal(507, _FULL, _CLOSE)(scope, receive, send)
                raise _NoRoom(_FULL)
            return message

        async def send_unless_refused(message: Message) -> None:
            if not is_refused:
                await send(message)

        if self._folder is not None and not await asyncio.to_thread(make_room, self._folder):
            await refusal(507, _BUSY, _CLOSE)(scope, receive, send)
            return
        with suppress(_NoRoom):  # it was answered
            await self._app(scope, receive_where_there_is_room, send_unless_refused)


class _NoRoom(MultiPartException):
    """Raised to whoever reads the body. A MultiPartException, so that gradio's form reader cleans up."""


def make_room(folder: Path, most_bytes: int = MOST_BYTES) -> bool:
    """Remove the oldest files of a folder down to this many bytes; whether that succeeded."""
    files = []
    for path in folder.rglob("*"):
        with suppress(OSError):  # removed meanwhile
            if path.is_file() and path.name != LOCK:
                about = path.stat()
                files.append((about.st_mtime, about.st_size, path))
    total = sum(size for _, size, _ in files)
    for changed, size, path in sorted(files):
        if total <= most_bytes or time.time() - changed < KEPT_SECONDS:
            break
        path.unlink(missing_ok=True)
        total -= size
    return total <= most_bytes
