"""3D over HTTP: jobs for views and splats, splat files both ways, and their backgrounds. Knows no layout.

With the browser's token in `X-Diorama-Token`: `POST /diorama/views` and `/diorama/splat` queue a job,
`/diorama/views/replace`, `/diorama/splat/match`, `/place`, `/turn`, `/erase` change their results, all with JSON;
`/diorama/splats?name=&up=` takes a file and `/diorama/splat/view?splat=&picture=&ground=&camera=` a PNG as the body.
`GET /diorama/splat/{id}`, `/diorama/crop/{id}` and `/diorama/filled/{id}` answer their owner, like every picture.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from studio.geometry import read_camera
from studio.intake.settings.foreign_values import parsed
from studio.library.assets import Asset
from studio.service import Studio
from studio.solid import codec
from studio.splats.erasing import read_erasures
from studio.splats.export import EXPORTS
from studio.splats.html_export import viewer_bytes
from studio.splats.splat import Splat
from studio.validation import text_in
from ui.routes.answers import Handler, json_router
from ui.routes.files import ASK_FIRST, made, saved_as, unchanged
from ui.routes.uploads import received
from ui.routes.visitors import Visitors
from ui.shared.edition import EDITION
from ui.shared.pictures import Answer, picture
from ui.shared.solid_facts import VIEWER, crop_address, filled_address, splat_address
from ui.shared.watch import job_told

_LONGEST_NAME = 200
_LONGEST_CAMERA = 4_000
_PLAIN = "application/octet-stream"


def router(studio: Studio, visitors: Visitors) -> APIRouter:
    """The routes, for `Blocks.launch(app_kwargs={"routes": ...})`."""
    handlers: dict[str, Handler] = {
        "views": lambda studio, owner, values: make(studio, owner, values | {"splat": False}),
        "views/replace": replace_view,
        "splat": lambda studio, owner, values: make(studio, owner, values | {"splat": True}),
        "splat/match": match,
        "splat/place": place,
        "splat/turn": turn,
        "splat/erase": erase,
    }
    routes = json_router(studio, visitors, handlers, '{"object": "..."}')

    @routes.post("/splats")
    async def upload(request: Request, name: str = "", up: str = "") -> Answer:
        owner = visitors.sender(request)
        async with received(request) as path:
            return await asyncio.to_thread(take_in, studio, owner, path, name[:_LONGEST_NAME], up)

    @routes.post("/splat/view")
    async def view(request: Request) -> Answer:
        owner = visitors.sender(request)
        async with received(request) as path:
            return await asyncio.to_thread(keep_view, studio, owner, request.query_params, path.read_bytes())

    @routes.get("/splat/{asset_id}")
    def splat_file(request: Request, asset_id: str, format: str = VIEWER, steps: bool = False) -> Response:
        owner = visitors.reader(request, splat_address(asset_id, format))
        if steps and format in EXPORTS and (begin := EXPORTS[format].in_steps):
            return _in_steps(request, studio, owner, asset_id, format, begin)
        return _splat(request, studio, owner, asset_id, format)

    @routes.get("/crop/{asset_id}")
    def crop(request: Request, asset_id: str) -> Response:
        owner = visitors.reader(request, crop_address(asset_id))
        return made(request, studio.solids.crop_png(owner, asset_id), "image/png")

    @routes.get("/filled/{asset_id}")
    def filled(request: Request, asset_id: str) -> Response:
        owner = visitors.reader(request, filled_address(asset_id))
        return made(request, studio.splats.filled_png(owner, asset_id), "image/png")

    return routes


def make(studio: Studio, owner: str, values: Answer) -> Answer:
    """Queue one job that makes views of an object, a splat, or both; `values` are fields of a `SolidRequest`."""
    return {"job": job_told(studio, studio.solids.make(owner, codec.from_json(values)))}


def replace_view(studio: Studio, owner: str, values: Answer) -> Answer:
    """Use the `picture` as view number `index` of the `object`."""
    kept = studio.solids.replace_view(
        owner,
        text_in(values, "object"),
        values.get("index", -1),
        text_in(values, "picture"),
        elevation_deg=values.get("elevation_deg", 0.0),
    )
    return {"picture": picture(studio, kept)}


def match(studio: Studio, owner: str, values: Answer) -> Answer:
    """Fit the size and place of `splat` to the mask of its object. Answers with the resulting splat."""
    fitting = studio.splats.match_size(owner, text_in(values, "splat"))
    return {"splat": picture(studio, fitting)}


def place(studio: Studio, owner: str, values: Answer) -> Answer:
    """Put `splat` onto the object or picture `on`."""
    placed = studio.splats.place(owner, text_in(values, "splat"), text_in(values, "on"))
    return {"splat": picture(studio, placed)}


def turn(studio: Studio, owner: str, values: Answer) -> Answer:
    """Rotate `splat` by the quarter `turns`. Answers with the splat that replaces it."""
    turned = studio.splats.turn(owner, text_in(values, "splat"), values.get("turns", ()))
    return {"splat": picture(studio, turned)}


def erase(studio: Studio, owner: str, values: Answer) -> Answer:
    """Erase the `erasures` from `splat`, see `erasing.read_erasures`. Answers with the new splat."""
    asset = studio.splats.asset(owner, text_in(values, "splat"))  # checks the owner first
    left = studio.splats.erase(owner, asset.id, read_erasures(values.get("erasures")))
    return {"splat": picture(studio, left)}


def take_in(studio: Studio, owner: str, path: Path, name: str, up: str = "") -> Answer:
    """Keep an uploaded splat; see `Splats.take_in`."""
    asset = studio.splats.take_in(owner, path, name, up)
    notes = asset.recipe.splat.notes
    return {"picture": picture(studio, asset), "notes": [notes] if notes else []}


def keep_view(studio: Studio, owner: str, values: Mapping[str, str], content: bytes) -> Answer:
    """Keep a picture rendered by the page.

    Args:
        values: ids of the `splat` and of the `picture` behind it, `ground`, and `camera` as JSON.
        content: a PNG.
    """
    asset = studio.splats.keep_view(
        owner,
        values.get("splat", ""),
        content,
        camera=read_camera(parsed(values.get("camera", "")[:_LONGEST_CAMERA])),
        ground=values.get("ground", ""),
        picture=values.get("picture", ""),
    )
    return {"picture": picture(studio, asset)}


def _in_steps(
    request: Request,
    studio: Studio,
    owner: str,
    asset_id: str,
    format: str,
    begin: Callable[[Splat], Iterator[bytes]],
) -> Response:
    """A file that takes long to make, after one byte for each step of it; `X-Diorama-Steps` says how many these are."""
    asset, export = studio.splats.asset(owner, asset_id), EXPORTS[format]
    etag = _etag(asset_id, f"{format} in steps")
    if answer := unchanged(request, etag):
        return answer
    parts = (part or b"." for part in begin(studio.splats.splat(owner, asset_id)))
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": ASK_FIRST, "ETag": etag}
    headers |= {"X-Diorama-Steps": str(export.steps)} | saved_as(_name(asset, format))
    first = next(parts)  # what is wrong with it is said with a status
    return _Steps(first, parts, media_type=export.media_type, headers=headers)


class _Steps(StreamingResponse):
    """Ends what makes the parts when the browser leaves: else its folder stays until memory is cleared up."""

    def __init__(self, first: bytes, parts: Generator[bytes, None, None], **options: Any) -> None:
        super().__init__(itertools.chain([first], parts), **options)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._parts.close()


def _name(asset: Asset, format: str) -> str:
    return f"{Path(asset.name).stem}.{format}"


def _etag(asset_id: str, format: str) -> str:
    """Of a splat's file. Assets never change."""
    return f'"{hashlib.sha256(f"{EDITION} {asset_id} {format}".encode()).hexdigest()[:32]}"'


def _splat(request: Request, studio: Studio, owner: str, asset_id: str, format: str) -> Response:
    """The file of a splat, for our viewer or exported."""
    asset, etag = studio.splats.asset(owner, asset_id), _etag(asset_id, format)
    if answer := unchanged(request, etag):
        return answer
    if format == VIEWER:
        content = viewer_bytes(studio.splats.splat(owner, asset_id))
        return made(request, content, _PLAIN, etag=etag)
    content = studio.splats.export(owner, asset_id, format)
    return made(request, content, EXPORTS[format].media_type, name=_name(asset, format), etag=etag)
