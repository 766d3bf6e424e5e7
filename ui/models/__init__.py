"""The Models view: every model of this machine, its requirements and downloads. Only the admin may change anything."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from studio.contract import ModelSpec
from studio.errors import NotSupported
from studio.model_files import Meter, ModelState, size_of
from studio.service import Studio
from ui.routes.admin import Hosts
from ui.routes.answers import json_router
from ui.routes.files import thumb_address
from ui.routes.visitors import Visitors
from ui.shared.pictures import Answer, text
from ui.shared.scripts import SCRIPTS

_HONOURED = (
    # field of a card, its name for people
    ("steps", "steps"),
    ("guidance", "guidance"),
    ("negative_prompt", "negative prompt"),
    ("prompt_weights", "(word:1.2)"),
    ("clip_skip", "CLIP skip"),
    ("samplers", "samplers"),
    ("references", "pictures"),
    ("mask", "masks"),
    ("strength", "strength"),
    ("styles", "styles"),
    ("any_size", "any size"),
    ("scales", "2 or 4 times as large"),
)

EXAMPLES = {
    "toy-klein": "picture",
    "toy-vqgan": "steered",
    "toy-sam": "object",
    "toy-views": "splat",
    "toy-lgm": "splat",
}
"""Examples by bundled models, from the tiles of the empty stage; see `tests.demo_tiles`."""


def router(studio: Studio, visitors: Visitors, hosts: Hosts) -> APIRouter:
    """POST /diorama/models and /diorama/models/act, for `Blocks.launch(app_kwargs={"routes": ...})`."""

    async def look(_studio: Studio, owner: str, _question: Answer, request: Request) -> Answer:
        return await asyncio.to_thread(_look, studio, owner, may=hosts.is_host(request))

    async def act(_studio: Studio, owner: str, values: Answer, request: Request) -> Answer:
        if not hosts.is_host(request):
            raise NotSupported(
                "Only the admin of this Diorama can download, load and delete models: open Models from the admin "
                "page, or python cli.py download."
            )
        await asyncio.to_thread(studio.model_files.act, text(values, "id"), text(values, "action"))
        return await look(studio, owner, values, request)

    return json_router(studio, visitors, {"models": look, "models/act": act})


def _look(studio: Studio, owner: str, *, may: bool) -> Answer:
    """Every model of this machine as it is now, the meters, the workers, and suggestions for a start."""
    files = studio.model_files
    return {
        "models": [_line(state, may=may) | example(studio, owner, state.spec.id) for state in files.states()],
        "meters": [_meter(each) for each in files.meters()] if may else [],
        "token": files.token() if may else "",
        "suggested": files.suggested() if may else [],
        "workers": [each._asdict() for each in studio.workers.present()] if may else [],
        "may": may,
    }


def _line(state: ModelState, *, may: bool) -> Answer:
    spec, ready = state.spec, state.readiness
    return {
        "id": spec.id,
        "label": spec.label,
        "about": spec.about,
        "tasks": ", ".join(sorted(spec.tasks)),
        "ok": ready.ok,
        "state": "loaded" if state.is_loaded else ready.label,
        "hint": ready.hint,
        "licence": spec.licence,
        "licenceUrl": spec.licence_url,
        "page": spec.page_url if spec.gated and ready.label.startswith("gated") else "",
        "size": size_of(state),
        "memory": spec.layout,
        "pace": spec.pace,
        "honours": ", ".join(honoured(spec)),
        "fetch": {"state": state.fetch.state, "note": state.fetch.note} if state.fetch else None,
        "actions": list(state.actions) if may else [],
    }


def example(studio: Studio, owner: str, model: str) -> Answer:
    """The newest picture somebody made with a model, or else its bundled example; nothing is downloaded for it."""
    for asset in studio.gallery(owner, model=model, limit=1).assets:
        return {"example": thumb_address(asset.id), "exampleOf": asset.title}
    tile = EXAMPLES.get(model)
    return {"example": f"{SCRIPTS}/ui/shared/stage/{tile}.webp" if tile else "", "exampleOf": "what it makes"}


def honoured(spec: ModelSpec) -> list[str]:
    """The settings it supports, in words."""
    return [said for name, said in _HONOURED if getattr(spec, name)]


def _meter(meter: Meter) -> Answer:
    used, total = meter.used_gb, meter.total_gb
    said = f"{used:.1f} of {total:.0f} GB used" if used else f"{total:.0f} GB free"
    return {"label": meter.label, "said": said, "share": used / total if total else 0}
