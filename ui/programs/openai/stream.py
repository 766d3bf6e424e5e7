"""Streaming previews: server-sent events, as openai-python reads them.

Source: ImageGenPartialImageEvent, ImageGenCompletedEvent and their like for edits, openai-python 3.52.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

from studio.errors import StudioError
from studio.scheduling.contract import JobView
from studio.service import Studio
from ui.programs.encoding import Format, file_base64, preview_base64
from ui.programs.failures import check, status_of
from ui.programs.following import views
from ui.programs.openai.bodies import ImageOptions, Usage

Kind = Literal["image_generation", "image_edit"]
_ALIVE = ": waiting\n\n"
"""A comment, ignored by clients, that keeps proxies from closing an idle connection."""


async def events(
    studio: Studio, job: JobView, kind: Kind, options: ImageOptions, format: Format
) -> AsyncGenerator[str]:
    """The events of a job, until it is over. Disconnecting stops the job.

    Args:
        format: of the pictures.
    """
    told, sent, partials = 0, 0, options.partial_images or 0
    try:
        async with aclosing(views(studio, job)) as seen:
            async for job in seen:
                yield _ALIVE
                for id in job.assets[told:]:
                    yield await asyncio.to_thread(_completed, studio, job, id, kind, options, format)
                    told, sent = told + 1, 0
                due = job.steps and job.step * (partials + 1) >= job.steps * (sent + 1)
                if job.preview and sent < partials and due and not job.is_over:
                    picture = await asyncio.to_thread(preview_base64, job.preview, format)
                    said = _common(options, format, options.size or "auto") | {"partial_image_index": sent}
                    yield _event(f"{kind}.partial_image", {"b64_json": picture, **said})
                    sent += 1
        check(job)
    except StudioError as error:
        server = status_of(error) >= 500
        kind_of_error = "server_error" if server else "invalid_request_error"
        told_error = {"message": str(error), "type": kind_of_error, "param": None, "code": None}
        yield _event("error", {"error": told_error})


def _completed(studio: Studio, job: JobView, id: str, kind: Kind, options: ImageOptions, format: Format) -> str:
    asset = studio.asset(job.owner, id)
    picture = file_base64(studio.path(job.owner, id), format, options.output_compression)
    more = {"usage": Usage().model_dump(), "id": id, "seed": asset.seed}
    said = _common(options, format, f"{asset.width}x{asset.height}") | more
    return _event(f"{kind}.completed", {"b64_json": picture, **said})


def _common(options: ImageOptions, format: Format, size: str) -> dict[str, Any]:
    return {
        "background": options.background or "auto",
        "created_at": int(time.time()),
        "output_format": format,
        "quality": options.quality or "auto",
        "size": size,
    }


def _event(type: str, values: dict[str, Any]) -> str:
    return f"event: {type}\ndata: {json.dumps({'type': type, **values})}\n\n"
