"""`POST /v1/images/generations` and `/v1/images/edits`: a request becomes a job, its pictures the response."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from PIL import Image

from studio.contract import MAX_PICTURES, MAX_SEED, GenerateRequest, IterateRequest, Size
from studio.errors import BadPicture, BadRequest, StudioError
from studio.intake.picture import read_picture
from studio.scheduling.contract import JobView
from studio.service import Studio
from ui.programs.encoding import Format, file_base64
from ui.programs.fitting import Wanted, to_generate, to_iterate
from ui.programs.following import finished, stop
from ui.programs.openai.bodies import REFUSALS, EditForm, GenerationBody, ImageOptions, ImagesResponse, Usage
from ui.programs.openai.stream import Kind, events
from ui.routes.files import picture_address
from ui.routes.visitors import Caller

MOST_IMAGES = 16
_Request = TypeVar("_Request", GenerateRequest, IterateRequest)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": ImagesResponse, "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    **REFUSALS,
}


@dataclass(frozen=True)
class Order:
    """The jobs of a request, and the format of its pictures."""

    jobs: list[JobView]  # one, or two if it asks for more pictures than one makes
    options: ImageOptions
    notes: tuple[str, ...]

    @property
    def format(self) -> Format:
        return self.options.output_format or "png"


def add_routes(routes: APIRouter, studio: Studio) -> None:
    """Add both to a router at /v1."""

    @routes.post("/images/generations", responses=_ANSWERS, response_class=JSONResponse, tags=["OpenAI"])
    async def generations(request: Request, body: GenerationBody) -> Response:
        """Make pictures from words."""
        caller: Caller = request.state.caller
        order = await asyncio.to_thread(_generation, studio, caller, body)
        return await _answer(studio, caller, order, request, "image_generation")

    @routes.post("/images/edits", responses=_ANSWERS, response_class=JSONResponse, tags=["OpenAI"])
    async def edits(request: Request, form: Annotated[EditForm, Form()]) -> Response:
        """Change a picture, as a whole or where its mask is transparent."""
        caller: Caller = request.state.caller
        files = [(await each.read(), each.filename or "") for each in (*form.image, *form.images)]
        mask = None if form.mask is None else await form.mask.read()
        order = await asyncio.to_thread(_edit, studio, caller, form, files, mask)
        return await _answer(studio, caller, order, request, "image_edit")


async def _answer(studio: Studio, caller: Caller, order: Order, request: Request, kind: Kind) -> Response:
    if order.options.stream:
        told = _streamed(studio, order, kind)
        return StreamingResponse(told, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
    over: list[JobView] = []
    try:
        for job in order.jobs:
            over.append(await finished(studio, job, request))
    finally:
        for job in order.jobs[len(over) + 1 :]:
            stop(studio, job)
    return JSONResponse(await asyncio.to_thread(_response, studio, caller, order, over))


async def _streamed(studio: Studio, order: Order, kind: Kind) -> AsyncGenerator[str]:
    waiting = [*order.jobs]
    try:
        while waiting:
            async with aclosing(events(studio, waiting.pop(0), kind, order.options, order.format)) as told:
                async for event in told:
                    yield event
    finally:
        for job in waiting:
            stop(studio, job)


def _begun(studio: Studio, begin: Callable[[str, _Request], JobView], owner: str, request: _Request) -> list[JobView]:
    """The jobs of a request, which may be for more pictures than one job makes: the second continues its seeds."""
    parts = [replace(request, count=min(request.count, MAX_PICTURES))]
    if request.count > MAX_PICTURES:
        seed = request.seed
        if seed is not None and seed >= 0:  # else each is random
            seed = (seed + MAX_PICTURES) % (MAX_SEED + 1)
        parts.append(replace(request, count=request.count - MAX_PICTURES, seed=seed))
    jobs: list[JobView] = []
    try:
        for part in parts:
            jobs.append(begin(owner, part))
    except StudioError:
        for job in jobs:
            studio.cancel(owner, job.id)
        raise
    return jobs


def _generation(studio: Studio, caller: Caller, body: GenerationBody) -> Order:
    notes = _checked(body)
    request = to_generate(studio, caller.owner, _wanted(body), notes)
    return Order(_begun(studio, studio.generate, caller.owner, request), body, tuple(notes))


def _edit(studio: Studio, caller: Caller, form: EditForm, images: list[tuple[bytes, str]], mask: bytes | None) -> Order:
    notes = _checked(form)
    if not 1 <= len(images) <= MOST_IMAGES:
        raise BadRequest(f"An edit takes 1 to {MOST_IMAGES} files in image, not {len(images)}.")
    selected = None if mask is None else _selected(mask)
    assets = [studio.take_in(caller.owner, content, name) for content, name in images]
    source, *others = assets
    wanted = replace(_wanted(form), size=None)
    request = to_iterate(studio, caller.owner, wanted, source.id, tuple(each.id for each in others), notes)
    if selected is not None:
        kept = studio.object_of_mask(caller.owner, source.id, selected, "mask")
        request = replace(request, object=kept.id)
    return Order(_begun(studio, studio.iterate, caller.owner, request), form, tuple(notes))


def _checked(options: ImageOptions) -> list[str]:
    """Notes about options without effect.

    Raises:
        BadRequest: some contradict each other.
    """
    if options.background == "transparent" and options.output_format == "jpeg":
        raise BadRequest("A JPEG has no transparent background: ask for output_format png or webp.")
    if _by_link(options) and (options.stream or options.output_format not in (None, "png")):
        raise BadRequest("A url leads to a PNG when it is finished: ask for response_format b64_json.")
    return options.unused()


def _by_link(options: ImageOptions) -> bool:
    """Whether to return links, the default of models named dall-e."""
    is_old = (options.model or "").startswith("dall-e") and not options.stream
    return (options.response_format or ("url" if is_old else "b64_json")) == "url"


def _wanted(options: ImageOptions) -> Wanted:
    width, _, height = (options.size or "").partition("x")
    return Wanted(
        options.prompt,
        model=options.model or "",
        size=Size(int(width), int(height)) if height else None,
        count=options.n or 1,
        seed=options.seed,
        steps=options.steps,
        guidance=options.guidance,
        negative_prompt=options.negative_prompt or "",
        style=options.style or "",
        quality="" if options.quality in (None, "auto") else options.quality,
        transparent=options.background == "transparent",
    )


def _selected(content: bytes) -> bytes | None:
    """OpenAI's mask as one of ours, a PNG that is white where the picture may change; None: everywhere.

    Raises:
        BadRequest, BadPicture: it is not a mask, or leaves nothing to change.
    """
    try:
        image = read_picture(content).image
    except BadPicture as error:
        raise BadPicture(f"The mask cannot be used. {error}") from error
    if image.mode != "RGBA":  # even if it had a fully opaque alpha channel
        raise BadRequest("Nothing in the mask is transparent. Make it transparent where the picture may change.")
    white = 255 - np.asarray(image.getchannel("A"))
    if white.all():
        return None
    buffer = io.BytesIO()
    Image.fromarray(white).save(buffer, "PNG")
    return buffer.getvalue()


def _response(studio: Studio, caller: Caller, order: Order, jobs: list[JobView]) -> dict[str, Any]:
    options, assets = order.options, [studio.asset(caller.owner, id) for job in jobs for id in job.assets]
    by_link = _by_link(options)
    data = []
    for asset in assets:
        if by_link:
            picture = {"url": caller.link(picture_address(asset.id))}
        else:
            path = studio.path(caller.owner, asset.id)
            picture = {"b64_json": file_base64(path, order.format, options.output_compression)}
        data.append(picture | {"id": asset.id, "seed": asset.seed})
    first = assets[0]
    size = Size(first.width, first.height)
    notes = [*order.notes, *filter(None, (first.recipe.notice, *(job.error for job in jobs)))]
    if isinstance(options, EditForm) and options.size not in (None, "auto", _told(size)):
        notes.append(f"It has {size} pixels: the size of a change goes by that of its source.")
    return {
        "created": int(time.time()),
        "data": data,
        "background": "transparent" if first.recipe.transparent else "opaque",
        "output_format": order.format,
        "quality": first.recipe.quality or None,
        "size": _told(size),
        "usage": Usage().model_dump(),
        "model": first.model,
        "notes": notes,
    }


def _told(size: Size) -> str:
    return f"{size.width}x{size.height}"
