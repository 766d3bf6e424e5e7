"""A1111's other routes: progress of a job, stopping it, listing models, and choosing one."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from studio.contract import Task
from studio.intake.settings.samplers import SAMPLERS
from studio.scheduling.contract import JobView
from studio.service import Studio
from ui.programs.a1111.bodies import REFUSALS, Options, ProgressNow, SdModel, State
from ui.programs.choices import Choices
from ui.programs.fitting import ready_for

_NOTHING: dict[str, Any] = {
    "cmd-flags": {},
    "embeddings": {"loaded": {}, "skipped": {}},
    "hypernetworks": [],
    "face-restorers": [],
    "prompt-styles": [],
    "realesrgan-models": [],
    "sd-vae": [],
    "upscalers": [],
    "samplers": [{"name": name, "aliases": [name.lower()], "options": {}} for name in ("Automatic", *SAMPLERS)],
    "schedulers": [{"name": "automatic", "label": "Automatic", "aliases": None, "default_rho": -1.0}],
}
"""Constant responses to clients' start-up requests; models without samplers use their own."""


def add_routes(routes: APIRouter, studio: Studio, choices: Choices) -> None:
    """Add them to a router at /sdapi/v1."""

    @routes.get("/progress", response_model=ProgressNow, responses=REFUSALS, tags=["A1111"])
    async def progress(request: Request, skip_current_image: bool = False) -> ProgressNow:
        """The progress of the caller's running job."""
        job = await asyncio.to_thread(_running, studio, request.state.caller.owner)
        return _progress(job, with_image=not skip_current_image)

    @routes.post("/interrupt", responses=REFUSALS, tags=["A1111"])
    async def interrupt(request: Request) -> dict[str, str]:
        """Stop the caller's running job."""
        return await asyncio.to_thread(_each, studio, request.state.caller.owner, studio.cancel)

    @routes.post("/skip", responses=REFUSALS, tags=["A1111"])
    async def skip(request: Request) -> dict[str, str]:
        """Skip the picture that is being made."""
        return await asyncio.to_thread(_each, studio, request.state.caller.owner, studio.skip)

    @routes.get("/sd-models", response_model=list[SdModel], responses=REFUSALS, tags=["A1111"])
    async def sd_models(request: Request) -> list[SdModel]:
        """The available models."""
        return await asyncio.to_thread(_models, studio, request.state.caller.owner)

    @routes.get("/options", responses=REFUSALS, tags=["A1111"])
    async def options(request: Request) -> dict[str, Any]:
        """The supported options."""
        spec = await asyncio.to_thread(choices.current, request.state.caller.owner)
        return {"sd_model_checkpoint": spec.id, "CLIP_stop_at_last_layers": 1, "samples_format": "png"}

    @routes.post("/options", responses=REFUSALS, tags=["A1111"])
    async def choose(request: Request, body: Options) -> dict[str, list[str]]:
        """Choose the model for later requests."""
        if body.sd_model_checkpoint:
            await asyncio.to_thread(choices.load, request.state.caller.owner, body.sd_model_checkpoint)
        return {"notes": [f"{name:.40} is not honoured here." for name in body.model_extra or {}]}

    for name, value in _NOTHING.items():
        _add_constant(routes, name, value)


def _add_constant(routes: APIRouter, name: str, value: Any) -> None:
    async def constant() -> Response:
        return JSONResponse(value)

    routes.add_api_route(f"/{name}", constant, methods=["GET"], responses=REFUSALS, tags=["A1111"], name=name)


def _running(studio: Studio, owner: str) -> JobView | None:
    """The running job, or else the next waiting one."""
    jobs = [job for job in studio.jobs(owner) if not job.is_over]
    return next((job for job in reversed(jobs) if job.state == "running"), jobs[-1] if jobs else None)


def _each(studio: Studio, owner: str, act: Any) -> dict[str, str]:
    job = _running(studio, owner)
    if job is not None:
        act(owner, job.id)
    return {}


def _progress(job: JobView | None, *, with_image: bool) -> ProgressNow:
    if job is None:
        state = State(
            interrupted=False, job="", job_count=0, job_no=0, job_timestamp="0", sampling_step=0, sampling_steps=0
        )
        return ProgressNow(progress=0.0, eta_relative=0.0, state=state, current_image=None, textinfo=None)
    done = (job.picture + (job.step / job.steps if job.steps else 0.0)) / max(job.pictures, 1)
    state = State(
        interrupted=job.stopping,
        job=job.id,
        job_count=job.pictures,
        job_no=job.picture,
        job_timestamp=time.strftime("%Y%m%d%H%M%S", time.localtime(job.created)),
        sampling_step=job.step,
        sampling_steps=job.steps,
    )
    image = base64.b64encode(job.preview).decode() if job.preview and with_image else None
    return ProgressNow(
        progress=min(done, 1.0),
        eta_relative=job.seconds_left or 0.0,
        state=state,
        current_image=image,
        textinfo=job.note or None,
    )


def _models(studio: Studio, owner: str) -> list[SdModel]:
    ready = ready_for(studio, owner, Task.GENERATE, Task.ITERATE)
    return [SdModel(title=spec.id, model_name=spec.id, filename=spec.id) for spec in ready]
