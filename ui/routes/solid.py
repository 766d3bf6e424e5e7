"""3D over HTTP: jobs for views and splats, files of splats both ways, and what lies behind them. Knows no layout.

With the browser's token in `X-Diorama-Token`: `POST /diorama/views` and `/diorama/splat` queue jobs,
`/diorama/views/replace`, `/diorama/splat/match`, `/place` and `/turn` change what came of them, all with JSON;
`/diorama/splats?name=&up=` takes a file and `/diorama/splat/view?splat=&picture=&ground=&camera=` a PNG as the body.
`GET /diorama/splat/{id}`, `/diorama/crop/{id}` and `/diorama/filled/{id}` answer their owner, like every picture.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from studio.contract import JobView
from studio.errors import NotFound, StudioError
from studio.intake.settings.foreign_values import parsed
from studio.service import Studio
from studio.solid.contract import NO_VIEWS, SplatRequest, ViewsRequest
from studio.splats.export import EXPORTS
from studio.splats.html_export import viewer_bytes
from studio.splats.metadata import read_camera
from ui.routes.bodies import text_in, values_in
from ui.routes.files import ASK_FIRST, unchanged
from ui.routes.uploads import received, status_of
from ui.routes.visitors import Visitors
from ui.shared.edition import EDITION
from ui.shared.pictures import Answer, picture
from ui.shared.solid_facts import VIEWER, crop_address, filled_address, splat_address, turning_of

_LONGEST_NAME = 200
_LONGEST_CAMERA = 4_000
_PLAIN = "application/octet-stream"

_EXAMPLE = '{"object": "..."}'


def router(studio: Studio, visitors: Visitors) -> APIRouter:
    """The routes, for `Blocks.launch(app_kwargs={"routes": ...})`."""
    routes = APIRouter(prefix="/diorama")

    async def answered(work: Awaitable[Answer]) -> Response:
        try:
            return JSONResponse(await work)
        except StudioError as error:
            return JSONResponse({"error": str(error)}, status_of(error))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it

    def post(path: str, work: Callable[[Studio, str, Answer], Answer]) -> None:
        async def asked(request: Request) -> Answer:
            owner = visitors.sender(request)
            return await asyncio.to_thread(work, studio, owner, values_in(await request.body(), _EXAMPLE))

        async def answer(request: Request) -> Response:
            return await answered(asked(request))

        routes.add_api_route(path, answer, methods=["POST"], response_model=None)

    post("/views", views)
    post("/views/replace", replace_view)
    post("/splat", splat)
    post("/splat/match", match)
    post("/splat/place", place)
    post("/splat/turn", turn)

    @routes.post("/splats")
    async def upload(request: Request, name: str = "", up: str = "") -> Response:
        async def taken() -> Answer:
            owner = visitors.sender(request)
            async with received(request) as path:
                return await asyncio.to_thread(take_in, studio, owner, path, name[:_LONGEST_NAME], up)

        return await answered(taken())

    @routes.post("/splat/view")
    async def view(request: Request) -> Response:
        async def kept() -> Answer:
            owner = visitors.sender(request)
            async with received(request) as path:
                content = path.read_bytes()
            return await asyncio.to_thread(keep_view, studio, owner, request.query_params, content)

        return await answered(kept())

    async def file(request: Request, address: str, make: Callable[[str], Response]) -> Response:
        try:
            return await asyncio.to_thread(make, visitors.reader(request, address))
        except StudioError as error:
            return JSONResponse({"error": str(error)}, status_of(error))

    @routes.get("/splat/{asset_id}")
    async def splat_file(request: Request, asset_id: str, format: str = VIEWER) -> Response:
        address = splat_address(asset_id, format)
        return await file(request, address, lambda owner: _splat(request, studio, owner, asset_id, format))

    @routes.get("/crop/{asset_id}")
    async def crop(request: Request, asset_id: str) -> Response:
        return await file(
            request, crop_address(asset_id), lambda owner: _png(request, studio.turnings.crop_png(owner, asset_id))
        )

    @routes.get("/filled/{asset_id}")
    async def filled(request: Request, asset_id: str) -> Response:
        return await file(
            request, filled_address(asset_id), lambda owner: _png(request, studio.splats.filled_png(owner, asset_id))
        )

    return routes


def views(studio: Studio, owner: str, values: Answer) -> Answer:
    """Queue a job that makes four views of an object, or only some of them; `values` as the fields of a request."""
    request = ViewsRequest(
        object=text_in(values, "object"),
        model=text_in(values, "model"),
        elevation_deg=values.get("elevation_deg"),
        seed=values.get("seed"),
        steps=values.get("steps"),
        guidance=values.get("guidance"),
        only=values.get("only") or (),
        keep=values.get("keep") or (),
    )
    return {"job": _job(studio.turnings.views(owner, request))}


def replace_view(studio: Studio, owner: str, values: Answer) -> Answer:
    """Take the `picture` for the view number `index` of the `object`."""
    kept = studio.turnings.replace_view(
        owner,
        text_in(values, "object"),
        values.get("index", -1),
        text_in(values, "picture"),
        elevation_deg=values.get("elevation_deg", 0.0),
    )
    return {"picture": picture(studio, kept)}


def splat(studio: Studio, owner: str, values: Answer) -> Answer:
    """Queue a job that makes a splat of four views; `after` is the job that it follows by itself."""
    request = SplatRequest(
        object=text_in(values, "object"),
        views=values.get("views") or NO_VIEWS,
        model=text_in(values, "model"),
        elevation_deg=values.get("elevation_deg"),
        after=text_in(values, "after"),
    )
    return {"job": _job(studio.turnings.splat(owner, request))}


def match(studio: Studio, owner: str, values: Answer) -> Answer:
    """Fit the size and place of `splat` to the mask of its object. Answers with the splat that fits."""
    fitting = studio.splats.match_size(owner, text_in(values, "splat"))
    return {"splat": picture(studio, fitting)}


def place(studio: Studio, owner: str, values: Answer) -> Answer:
    """Put `splat` onto the object or picture `on`."""
    placed = studio.splats.place(owner, text_in(values, "splat"), text_in(values, "on"))
    return {"splat": picture(studio, placed)}


def turn(studio: Studio, owner: str, values: Answer) -> Answer:
    """Stand `splat` up by the quarter `turns`. Answers with the splat that takes its place."""
    turned = studio.splats.turn(owner, text_in(values, "splat"), values.get("turns", ()))
    return {"splat": picture(studio, turned)}


def take_in(studio: Studio, owner: str, path: Path, name: str, up: str = "") -> Answer:
    """Keep an uploaded splat; see `Splats.take_in`."""
    asset = studio.splats.take_in(owner, path, name, up)
    notes = turning_of(asset).notes
    return {"picture": picture(studio, asset), "notes": [notes] if notes else []}


def keep_view(studio: Studio, owner: str, values: Mapping[str, str], content: bytes) -> Answer:
    """Keep what the page has drawn as a picture.

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


def _splat(request: Request, studio: Studio, owner: str, asset_id: str, format: str) -> Response:
    """The file of a splat: as our viewer draws it, or exported. What is under an id never changes."""
    asset = studio.asset(owner, asset_id)
    if asset.kind != "splat" or asset.deleted:
        raise NotFound("splat", asset_id)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": ASK_FIRST, "ETag": _etag(asset_id, format)}
    if answer := unchanged(request, headers["ETag"]):
        return answer
    if format == VIEWER:
        content = viewer_bytes(studio.splats.splat(owner, asset_id))
        return Response(content, media_type=_PLAIN, headers=headers)
    content = studio.splats.export(owner, asset_id, format)
    name = f"{Path(asset.name).stem}.{format}"
    headers["Content-Disposition"] = f"attachment; filename=\"splat.{format}\"; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=EXPORTS[format].media_type, headers=headers)


def _png(request: Request, content: bytes) -> Response:
    etag = _etag(hashlib.sha256(content).hexdigest())
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": ASK_FIRST, "ETag": etag}
    return unchanged(request, etag) or Response(content, media_type="image/png", headers=headers)


def _etag(*parts: str) -> str:
    return f'"{hashlib.sha256(" ".join((EDITION, *parts)).encode()).hexdigest()[:32]}"'


def _job(job: JobView) -> Answer:
    """A job that was just taken, as the page draws it until the server tells of it."""
    return {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "task": job.task,
        "created": job.created,
        "position": job.position,
        "step": 0,
        "steps": 0,
        "note": "",
        "error": job.error,
        "assets": job.assets,
    }
