"""Diorama's features as tools of the Model Context Protocol: one call each, with small previews in the answers.

Source: https://modelcontextprotocol.io/specification, the package `mcp` 2.3. Gradio's own server (`gradio[mcp]`)
requires mcp below 2 and pydantic up to 2.12, which conflict with the versions pinned here.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from functools import wraps
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ContentBlock, ImageContent, ResourceLink, TextContent
from PIL import Image

from studio.contract import Size, Task
from studio.errors import StudioError
from studio.library.assets import Asset
from studio.recipe import APP_VERSION
from studio.recipe.selection import Box, Point, SegmentRequest
from studio.scheduling.contract import JobView
from studio.service import Studio
from studio.solid import codec
from ui.programs.encoding import content_of
from ui.programs.failures import check
from ui.programs.fitting import Wanted, ready_for, tasks_of, to_generate, to_iterate
from ui.programs.following import views
from ui.routes.clouds import outcome
from ui.routes.files import picture_address
from ui.routes.visitors import Caller

PREVIEW_SIDE = 256
"""Longest side of previews for assistants, in pixels; the files themselves are linked."""
RESOURCE = "diorama://picture/"
_ABOUT = (
    "Diorama makes pictures from words, changes them, cuts objects out of them and turns those into 3D. Pictures have "
    "ids, which every tool takes and answers with; each answer shows a small preview and links the file."
)

Answer = list[ContentBlock]


class Tools:
    """One method per tool; assistants see names, arguments and docstrings."""

    def __init__(self, studio: Studio, caller_of: Callable[[Context], Caller]) -> None:
        """
        Args:
            caller_of: the caller of a call.
        """
        self._studio, self._caller_of = studio, caller_of

    async def generate(
        self,
        ctx: Context,
        prompt: str,
        model: str = "",
        width: int | None = None,
        height: int | None = None,
        count: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str = "",
    ) -> Answer:
        """Make pictures from words.

        Describe plainly what to show. Everything but the prompt is optional: the first model that is ready is
        used, at its own size. An unsupported value becomes the nearest one, and the answer's notes say so.
        """
        caller, notes = self._caller_of(ctx), list[str]()
        size = Size(width, height) if width and height else None
        wanted = Wanted(prompt, model, size, count, seed, steps, guidance, negative_prompt)

        def ask() -> JobView:
            return self._studio.generate(caller.owner, to_generate(self._studio, caller.owner, wanted, notes))

        return await self._job(ctx, caller, await asyncio.to_thread(ask), notes)

    async def add_picture(self, ctx: Context, content: str, name: str = "") -> Answer:
        """Add a picture: a PNG, JPEG or WebP file in base64. The answer has its id."""
        caller = self._caller_of(ctx)
        file = content_of("content", content)
        asset = await asyncio.to_thread(self._studio.take_in, caller.owner, file, name)
        return await asyncio.to_thread(self._told, caller, [asset], {})

    async def iterate(
        self,
        ctx: Context,
        picture: str,
        instruction: str,
        object: str = "",
        invert: bool = False,
        model: str = "",
        count: int = 1,
        seed: int | None = None,
    ) -> Answer:
        """Change a picture as an instruction says, such as "make the hat red"; the picture itself stays.

        With the id of an `object` of it (see segment) only that changes, or with `invert` all but that.
        """
        caller, notes = self._caller_of(ctx), list[str]()
        wanted = Wanted(instruction, model, count=count, seed=seed)

        def ask() -> JobView:
            request = to_iterate(self._studio, caller.owner, wanted, picture, (), notes)
            return self._studio.iterate(caller.owner, replace(request, object=object, invert=invert))

        return await self._job(ctx, caller, await asyncio.to_thread(ask), notes)

    async def segment(
        self,
        ctx: Context,
        picture: str,
        x: float | None = None,
        y: float | None = None,
        box: list[float] | None = None,
        name: str = "",
        model: str = "",
    ) -> Answer:
        """Cut an object out of a picture and keep it: click it at (x, y), or draw a box [left, top, right, bottom].

        Both are in pixels of the picture, from its top left corner. The answer has the object's id.
        """
        caller = self._caller_of(ctx)
        points = () if x is None or y is None else (Point(x, y, True),)
        corners = None if box is None or len(box) != 4 else Box(*box)
        request = SegmentRequest(picture, model, points, corners)
        asset = await asyncio.to_thread(self._studio.selections.keep, caller.owner, request, name)
        return await asyncio.to_thread(self._told, caller, [asset], {})

    async def views(self, ctx: Context, object: str, seed: int | None = None) -> Answer:
        """Imagine an object (see segment) from its four sides: four pictures."""
        return await self._solid(ctx, {"object": object, "seed": seed, "splat": False})

    async def splat(self, ctx: Context, object: str, seed: int | None = None) -> Answer:
        """Turn an object (see segment) into 3D: a Gaussian splat placed on its picture."""
        return await self._solid(ctx, {"object": object, "seed": seed, "splat": True})

    async def search(self, ctx: Context, query: str = "", limit: int = 8, after: str = "") -> Answer:
        """Find pictures in the gallery, newest first, by words of their prompt, title or description.

        `after` is the "next" of the answer before, for the next page.
        """
        caller = self._caller_of(ctx)
        most = max(1, min(limit, 24))
        page = await asyncio.to_thread(self._studio.gallery, caller.owner, query=query, limit=most, after=after)
        return await asyncio.to_thread(self._told, caller, page.assets, {"next": page.next})

    async def describe(self, ctx: Context, picture: str) -> Answer:
        """How a picture was made and what it shows. If undescribed, it is sent to the provider whose key is set."""
        caller = self._caller_of(ctx)
        asset = await asyncio.to_thread(self._studio.asset, caller.owner, picture)
        more: dict[str, Any] = {}
        if not asset.description and self._studio.clouds.reader(caller.owner):
            asked = await asyncio.to_thread(self._studio.describing.describe, caller.owner, picture)
            asset = await outcome(asked)
        recipe = asset.recipe
        more |= {"description": asset.description, "prompt": recipe.prompt, "steps": recipe.steps}
        more |= {"guidance": recipe.guidance, "parents": list(asset.parents), "notice": recipe.notice}
        return await asyncio.to_thread(self._told, caller, [asset], more)

    async def models(self, ctx: Context) -> Answer:
        """The available models: their ids, what they can do, and their sizes."""
        owner = self._caller_of(ctx).owner

        def listed() -> list[dict[str, Any]]:
            return [
                {"id": each.id, "about": each.about, "tasks": tasks_of(each), "sizes": [str(s) for s in each.sizes]}
                for each in ready_for(self._studio, owner, *Task)
            ]

        return [TextContent(text=json.dumps(await asyncio.to_thread(listed)))]

    async def file(self, ctx: Context, id: str) -> bytes:
        """The PNG of a picture."""
        owner = self._caller_of(ctx).owner
        return await asyncio.to_thread(lambda: self._studio.path(owner, id).read_bytes())

    async def _solid(self, ctx: Context, values: dict[str, Any]) -> Answer:
        caller = self._caller_of(ctx)
        job = await asyncio.to_thread(lambda: self._studio.solids.make(caller.owner, codec.from_json(values)))
        return await self._job(ctx, caller, job, [])

    async def _job(self, ctx: Context, caller: Caller, job: JobView, notes: list[str]) -> Answer:
        """Follow a job to its end; a cancelled call stops it."""
        async with aclosing(views(self._studio, job)) as seen:
            async for job in seen:
                if job.steps:
                    await ctx.report_progress(job.step, job.steps, job.note or None)
        check(job)
        assets = await asyncio.to_thread(lambda: [self._studio.asset(job.owner, id) for id in job.assets])
        return await asyncio.to_thread(self._told, caller, assets, {"model": job.model, "notes": notes})

    def _told(self, caller: Caller, assets: Any, more: dict[str, Any]) -> Answer:
        """Assets as JSON, then a preview of each picture and a link to it."""
        told = [
            {
                "id": asset.id,
                "kind": asset.kind,
                "title": asset.title[:200],
                "width": asset.width,
                "height": asset.height,
                "seed": asset.seed,
                "url": caller.link(picture_address(asset.id)),
            }
            for asset in assets
        ]
        answer: Answer = [TextContent(text=json.dumps({"pictures": told, **more}, ensure_ascii=False))]
        for asset in assets:
            if preview := self._preview(caller.owner, asset):
                answer.append(ImageContent(data=preview, mime_type="image/webp"))
            if asset.kind != "splat":
                name = asset.title[:80] or asset.id
                answer.append(ResourceLink(uri=f"{RESOURCE}{asset.id}", name=name, mime_type="image/png"))
        return answer

    def _preview(self, owner: str, asset: Asset) -> str:
        try:
            with Image.open(self._studio.thumbnail(owner, asset.id)) as image:
                image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
                buffer = io.BytesIO()
                image.save(buffer, "WEBP", quality=80)
        except (StudioError, OSError):  # without a preview, the link remains
            return ""
        return base64.b64encode(buffer.getvalue()).decode()


def _readable(tool: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a `StudioError` with its message; other errors reveal nothing to the assistant."""

    @wraps(tool)
    async def answer(*args: Any, **kwargs: Any) -> Any:
        try:
            return await tool(*args, **kwargs)
        except StudioError as error:
            raise ToolError(str(error)) from error

    return answer


def build(studio: Studio, caller_of: Callable[[Context], Caller]) -> MCPServer:
    """The server, to run over HTTP or stdio.

    Args:
        caller_of: the caller of a call.
    """
    server = MCPServer("diorama", title="Diorama", instructions=_ABOUT, version=APP_VERSION, log_level="WARNING")
    tools = Tools(studio, caller_of)
    for tool in (
        *(tools.generate, tools.add_picture, tools.iterate, tools.segment, tools.views),
        *(tools.splat, tools.search, tools.describe, tools.models),
    ):
        server.add_tool(_readable(tool), structured_output=False)
    server.resource(RESOURCE + "{id}", name="picture", mime_type="image/png")(tools.file)
    return server
