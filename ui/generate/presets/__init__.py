"""Named presets of the Generate column: stored by the studio, not the browser."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from studio.service import Studio
from ui.generate import clouds
from ui.generate.controls import Column
from ui.generate.offers import PER_MODEL
from ui.shared.bridge import RAW, Bridge
from ui.shared.pictures import Answer, text


def connect(bridge: Bridge, column: Column) -> None:
    """Connect the list to the column."""
    who, presets, named = bridge.visitor, column.presets, column.by_name()
    presets.use(bridge.event_listener(on_use, named, "id"), [who, column.saved], [*named.values()], **RAW)
    values = [named[name] for name in ("model", "count", *PER_MODEL)]
    presets.save(bridge.event_listener(on_save, named, "id"), [who, who, *values], [presets], **RAW)


def on_use(studio: Studio, owner: str, event: gr.EventData, saved: Any) -> dict[str, Any]:
    """Apply the preset `event.id`: its model and settings. The prompt stays."""
    kept = studio.presets.get(owner, event.id)
    spec, values = studio.model(kept.get("model", "")), kept.get("values")
    saved = saved if isinstance(saved, dict) else {}
    models = saved.get("models") if isinstance(saved.get("models"), dict) else {}
    own = values if isinstance(values, dict) else {}
    saved = {**saved, "model": spec.id, "count": kept.get("count"), "models": {**models, spec.id: own}}
    answer = clouds.shown(studio, owner, spec, saved)
    answer["count"]["value"] = clouds.count_of(saved)
    return answer | {"saved": saved, "note": ""}


def on_save(
    studio: Studio, owner: str, event: gr.EventData, token: str, model: str, count: Any, *values: Any
) -> dict[str, Any]:
    """Save what the column shows as `event.id`."""
    shown = dict(zip(PER_MODEL, values, strict=True))
    kept = {"model": studio.model(model).id, "count": count, "values": shown}
    name = studio.presets.save(owner, event.id, kept)
    return {"presets": {"token": token, "saved": {"name": name, "at": time.time()}}}


def names(studio: Studio, owner: str, _question: Answer) -> Answer:
    """The names of this owner's presets."""
    return {"names": [*studio.presets.of(owner)]}


def delete(studio: Studio, owner: str, question: Answer) -> Answer:
    """Delete the preset `name`."""
    studio.presets.delete(owner, text(question, "name"))
    return {}


ROUTES = {"presets/list": names, "presets/delete": delete}
