"""`POST /sdapi/v1/txt2img` and `img2img`: a request becomes a job, and its pictures the response."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from studio.contract import MAX_PICTURES, Size, Task
from studio.errors import BadRequest
from studio.recipe import parameters
from studio.scheduling.contract import JobView
from studio.service import Studio
from ui.programs.a1111.bodies import REFUSALS, Drawing, Img2Img, Pictures, Txt2Img
from ui.programs.choices import Choices
from ui.programs.encoding import content_of, file_base64
from ui.programs.failures import JobFailed
from ui.programs.fitting import Wanted, to_generate, to_iterate
from ui.programs.following import finished
from ui.routes.answers import with_whole_letters

_ANSWERS: dict[int | str, dict[str, Any]] = {200: {"model": Pictures}, **REFUSALS}
_FILES = ("init_images", "mask")


def add_routes(routes: APIRouter, studio: Studio, choices: Choices) -> None:
    """Add both to a router at /sdapi/v1."""

    @routes.post("/txt2img", responses=_ANSWERS, response_class=JSONResponse, tags=["A1111"])
    async def txt2img(request: Request, body: Txt2Img) -> Response:
        """Make pictures from words."""
        owner, notes = request.state.caller.owner, body.unused()

        def ask() -> JobView:
            return studio.generate(
                owner, to_generate(studio, owner, _wanted(body, choices, owner, Task.GENERATE), notes)
            )

        return await _answer(studio, await asyncio.to_thread(ask), request, body, notes)

    @routes.post("/img2img", responses=_ANSWERS, response_class=JSONResponse, tags=["A1111"])
    async def img2img(request: Request, body: Img2Img) -> Response:
        """Change a picture, as a whole or where its mask is white."""
        owner, notes = request.state.caller.owner, body.unused()
        job = await asyncio.to_thread(_change, studio, choices, owner, body, notes)
        return await _answer(studio, job, request, body, notes)


def _change(studio: Studio, choices: Choices, owner: str, body: Img2Img, notes: list[str]) -> JobView:
    if not body.init_images:
        raise BadRequest("init_images is empty. Send the picture that is to be changed, in base64.")
    files = [content_of("init_images", each) for each in body.init_images]
    mask = content_of("mask", body.mask) if body.mask else None
    source, *others = [studio.take_in(owner, each, "img2img") for each in files]
    wanted = replace(_wanted(body, choices, owner, Task.ITERATE), size=None, strength=body.denoising_strength)
    request = to_iterate(studio, owner, wanted, source.id, tuple(each.id for each in others), notes)
    if mask is not None:
        kept = studio.object_of_mask(owner, source.id, mask, "mask")
        request = replace(
            request, object=kept.id, invert=bool(body.inpainting_mask_invert), feather=body.mask_blur or None
        )
    return studio.iterate(owner, request)


def _wanted(body: Drawing, choices: Choices, owner: str, task: Task) -> Wanted:
    checkpoint, layer = (body.settings.get(name) for name in ("sd_model_checkpoint", "CLIP_stop_at_last_layers"))
    count = (body.batch_size or 1) * (body.n_iter or 1)
    if count > MAX_PICTURES:
        raise BadRequest(f"batch_size x n_iter is {count}: at most {MAX_PICTURES} pictures are made at once.")
    if not isinstance(checkpoint, str | None) or not isinstance(layer, int | None):
        raise BadRequest("override_settings: sd_model_checkpoint is a text and CLIP_stop_at_last_layers a number.")
    return Wanted(
        body.prompt,
        model=choices.name_for(owner, checkpoint or "", task),
        size=Size(body.width, body.height) if body.width and body.height else None,
        count=count,
        seed=body.seed,
        steps=body.steps,
        guidance=body.cfg_scale,
        negative_prompt=body.negative_prompt or "",
        style=(body.styles or [""])[0],
        clip_skip=layer,
        sampler=body.sampler(),
    )


async def _answer(studio: Studio, job: JobView, request: Request, body: Drawing, notes: list[str]) -> Response:
    try:
        job = await finished(studio, job, request)
    except JobFailed:
        job = await asyncio.to_thread(studio.job, job.owner, job.id)
        if job.state != "stopped":
            raise
        notes.append("The job was interrupted before a picture was finished.")
    return JSONResponse(await asyncio.to_thread(_pictures, studio, job, body, notes))


def _pictures(studio: Studio, job: JobView, body: Drawing, notes: list[str]) -> dict[str, Any]:
    assets = [studio.asset(job.owner, id) for id in job.assets]
    given = body.model_dump(exclude=set(_FILES), exclude_unset=True)
    paths = [studio.path(job.owner, asset.id) for asset in assets] if body.send_images else []
    info: dict[str, Any] = {
        "prompt": job.title,
        "all_prompts": [asset.recipe.prompt for asset in assets],
        "all_seeds": [asset.seed for asset in assets],
        "sd_model_name": job.model,
        "infotexts": [parameters(asset.recipe) for asset in assets],
        "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.localtime(job.created)),
        "ids": [asset.id for asset in assets],
        "notes": [*notes, *dict.fromkeys(asset.recipe.notice for asset in assets if asset.recipe.notice)],
    }
    if assets:
        first = assets[0]
        info |= {"seed": first.seed, "width": first.width, "height": first.height}
        info |= {"steps": first.recipe.steps, "cfg_scale": first.recipe.guidance}
        info |= {"negative_prompt": first.recipe.negative_prompt, "sampler_name": first.recipe.sampler or "Automatic"}
    return {
        "images": [file_base64(path) for path in paths],
        "parameters": with_whole_letters(given),
        "info": json.dumps(info),
    }
