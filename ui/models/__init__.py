"""The Models view: every model of this machine, what it needs, and what is done about it. Only the host may do it."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from studio.contract import ModelSpec
from studio.errors import NotSupported
from studio.model_files import Meter, ModelState, size_of
from studio.service import Studio
from ui.shared.pictures import Answer, text
from ui.shared.scripts import component

_PACES = {"fast": "fast", "medium": "medium", "slow": "slow", "": ""}
_HONOURED = (
    # field of a card, what is said of it
    ("steps", "steps"),
    ("guidance", "guidance"),
    ("negative_prompt", "negative prompt"),
    ("prompt_weights", "(word:1.2)"),
    ("clip_skip", "CLIP skip"),
    ("references", "pictures"),
    ("mask", "masks"),
    ("strength", "strength"),
    ("styles", "styles"),
    ("any_size", "any size"),
    ("scales", "2 or 4 times as large"),
)


def build_models() -> gr.HTML:
    """Lay out the view, closed, inside the current Blocks. Its value is `{token}`."""
    return component(Path(__file__).parent, "models")


def look(studio: Studio, owner: str, _question: Answer) -> Answer:
    """Every model of this machine as it is now, the meters, and what somebody who has just begun might download."""
    files, may = studio.model_files, studio.model_files.host.is_host(owner)
    return {
        "models": [_line(state, may=may) for state in files.states()],
        "meters": [_meter(each) for each in files.host.meters()] if may else [],
        "suggested": files.suggested() if may else [],
        "may": may,
    }


def act(studio: Studio, owner: str, values: Answer) -> Answer:
    """Do `action` with the model `id`. Answers as `look` does.

    Raises:
        NotSupported: whoever asks is not the host, or it cannot be done now.
    """
    if not studio.model_files.host.is_host(owner):
        raise NotSupported("Only who runs this Diorama can download, load and delete models: python cli.py download.")
    studio.model_files.act(text(values, "id"), text(values, "action"))
    return look(studio, owner, values)


ROUTES = {"models": look, "models/act": act}
"""For `ui.routes.answers.json_router`."""


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
        "pace": _PACES[spec.pace],
        "honours": ", ".join(honoured(spec)),
        "fetch": {"state": state.fetch.state, "note": state.fetch.note} if state.fetch else None,
        "actions": list(state.actions) if may else [],
    }


def honoured(spec: ModelSpec) -> list[str]:
    """What a person can set with it, in words."""
    return [said for name, said in _HONOURED if getattr(spec, name)]


def _meter(meter: Meter) -> Answer:
    used, total = meter.used_gb, meter.total_gb
    said = f"{used:.1f} of {total:.0f} GB used" if used else f"{total:.0f} GB free"
    return {"label": meter.label, "said": said, "share": used / total if total else 0}
