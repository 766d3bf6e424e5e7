"""`GET /v1/models`: the models that make or change pictures here, now."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from studio.contract import ModelSpec, Task
from studio.errors import UnknownModel
from studio.service import Studio
from ui.programs.fitting import ready_for, tasks_of
from ui.programs.openai.bodies import REFUSALS, ModelList, ModelObject


def add_routes(routes: APIRouter, studio: Studio) -> None:
    """Add the list and its lines to a router at /v1."""

    @routes.get("/models", response_model=ModelList, responses=REFUSALS, tags=["OpenAI"])
    async def models(request: Request) -> ModelList:
        """The available models."""
        return ModelList(data=await asyncio.to_thread(_ready, studio, request.state.caller.owner))

    @routes.get("/models/{model}", response_model=ModelObject, responses=REFUSALS, tags=["OpenAI"])
    async def one(request: Request, model: str) -> ModelObject:
        """One of them."""
        found = await asyncio.to_thread(_ready, studio, request.state.caller.owner)
        same = next((each for each in found if each.id == model), None)
        if same is None:
            raise UnknownModel(model, [each.id for each in found])
        return same


def _ready(studio: Studio, owner: str) -> list[ModelObject]:
    return [_told(spec) for spec in ready_for(studio, owner, Task.GENERATE, Task.ITERATE)]


def _told(spec: ModelSpec) -> ModelObject:
    return ModelObject(
        id=spec.id,
        owned_by=spec.provider or "diorama",
        label=spec.label,
        tasks=tasks_of(spec),
        sizes=[f"{size.width}x{size.height}" for size in spec.sizes],
        qualities=list(spec.qualities),
    )
