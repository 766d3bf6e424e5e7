"""NeuroLux's API for pictures: `POST /v1/generate-image`, `GET /v1/model-info`, `POST /v1/load-model`.

Source: NeuroLux, services/vision/service.py and IMAGE_GENERATION.md.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from studio.contract import GenerateRequest, Size, Task
from studio.scheduling.contract import JobView
from studio.service import Studio
from ui.programs.choices import Choices
from ui.programs.encoding import file_base64
from ui.programs.fitting import Wanted, ready_for, to_generate
from ui.programs.following import finished
from ui.programs.openai.bodies import REFUSALS, Seed


class ImageGenRequest(BaseModel):
    """What to draw. What is left out is the model's own."""

    model_config = ConfigDict(extra="allow")

    prompt: str
    negative_prompt: str | None = None
    width: int | None = Field(
        None, ge=1, le=16384, description="In pixels; rounded to the nearest size the model makes."
    )
    height: int | None = Field(None, ge=1, le=16384)
    num_inference_steps: int | None = Field(None, ge=1, le=1000)
    guidance_scale: float | None = Field(None, ge=0, le=1000, allow_inf_nan=False)
    seed: Seed | None = None
    model: str | None = Field(None, description="Such as flux-schnell; by default the one that is loaded.")


class ImageGenResponse(BaseModel):
    """A PNG with its recipe; `id` and `notes` are Diorama's own."""

    image_bytes_b64: str
    prompt: str
    model: str
    seed: int | None
    width: int
    height: int
    id: str
    notes: list[str]


class ModelInfo(BaseModel):
    current_model: str
    model_loaded: bool = Field(description="It is available; its weights are loaded on first use.")
    device: Literal["cuda", "cpu", "cloud"]
    available_models: list[str]


class LoadedModel(BaseModel):
    status: Literal["ok"] = "ok"
    model: str


def add_routes(routes: APIRouter, studio: Studio, choices: Choices) -> None:
    """Add the three to a router at /v1."""

    @routes.post(
        "/generate-image",
        responses={200: {"model": ImageGenResponse}, **REFUSALS},
        response_class=JSONResponse,
        tags=["NeuroLux"],
    )
    async def generate_image(request: Request, body: ImageGenRequest) -> Response:
        """Make one picture."""
        owner = request.state.caller.owner
        wanted, notes = await asyncio.to_thread(fitted, studio, choices, owner, body)
        job = await asyncio.to_thread(studio.generate, owner, wanted)
        job = await finished(studio, job, request)
        return JSONResponse(await asyncio.to_thread(answer_of, studio, job, notes))

    @routes.get("/model-info", response_model=ModelInfo, responses=REFUSALS, tags=["NeuroLux"])
    async def model_info(request: Request) -> ModelInfo:
        """The default model."""
        return await asyncio.to_thread(info_of, studio, choices, request.state.caller.owner)

    @routes.post("/load-model", response_model=LoadedModel, responses=REFUSALS, tags=["NeuroLux"])
    async def load_model(request: Request, model_name: str = Query(min_length=1, max_length=200)) -> LoadedModel:
        """Choose the model for later requests, and load it in the background."""
        spec = await asyncio.to_thread(choices.load, request.state.caller.owner, model_name, Task.GENERATE)
        return LoadedModel(model=spec.id)


def fitted(studio: Studio, choices: Choices, owner: str, body: ImageGenRequest) -> tuple[GenerateRequest, list[str]]:
    """The request for a model here, and a sentence for everything that differs from the original."""
    notes = [f"{name:.40} is not honoured here." for name in body.model_extra or {}]
    size = Size(body.width, body.height) if body.width and body.height else None
    if bool(body.width) != bool(body.height):
        notes.append("A size is a width and a height: the model's own is taken.")
    wanted = Wanted(
        body.prompt,
        model=choices.name_for(owner, body.model or "", Task.GENERATE),
        size=size,
        seed=body.seed,
        steps=body.num_inference_steps,
        guidance=body.guidance_scale,
        negative_prompt=body.negative_prompt or "",
    )
    return to_generate(studio, owner, wanted, notes), notes


def answer_of(studio: Studio, job: JobView, notes: list[str]) -> dict[str, Any]:
    """The fields of an `ImageGenResponse`."""
    asset = studio.asset(job.owner, job.assets[0])
    return {
        "image_bytes_b64": file_base64(studio.path(job.owner, asset.id)),
        "prompt": asset.recipe.prompt,
        "model": asset.model,
        "seed": asset.seed,
        "width": asset.width,
        "height": asset.height,
        "id": asset.id,
        "notes": [*notes, *([asset.recipe.notice] if asset.recipe.notice else [])],
    }


def info_of(studio: Studio, choices: Choices, owner: str) -> ModelInfo:
    spec = choices.current(owner)
    return ModelInfo(
        current_model=spec.id,
        model_loaded=spec.ready_for(owner).ok,
        device="cloud" if spec.provider else "cuda" if spec.gpu_gb else "cpu",
        available_models=[each.id for each in ready_for(studio, owner, Task.GENERATE)],
    )
