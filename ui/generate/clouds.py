"""The Generate tab and the providers: prices, keys, the daily cap, better prompts, and alternative models.

Knows the column's components by name and lays out none of them.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.contract import MAX_PICTURES, ModelSpec, Task
from studio.errors import StudioError
from studio.service import Studio
from ui.generate.controls import Column, model_choices
from ui.generate.follow import followed_of
from ui.generate.model_column import offered_values, show, updates
from ui.generate.sentences import terms
from ui.generate.settings import request_from
from ui.shared.bridge import LATEST, RAW, Bridge
from ui.shared.clouds import improve_of, price_of
from ui.shared.model_texts import known_of, preflight
from ui.shared.preflight import card_of
from ui.shared.scripts import function

_TAKE_WORDS = function("generate/column.js", "takeWords")


def connect(bridge: Bridge, column: Column) -> None:
    """Connect price and improve."""
    who, controls, named = bridge.visitor, column.controls, column.by_name()
    price, improve, preflight, saved = column.price, column.improve, column.preflight, column.saved
    values = {**controls.by_name(), "offered": column.offered}
    changes = [controls.count.change, controls.size.change, controls.width.change, controls.height.change]
    changes += [controls.quality.change, controls.steps.change]
    tell = bridge.listener(on_price, named)
    latest: dict[str, Any] = LATEST | {"inputs_kwargs": values}
    gr.on(changes, tell, [who], [price], **latest)
    price.news(tell, [who], [price], **latest)
    changed = [price, improve, controls.model, preflight, column.make, column.terms]
    price.keys(bridge.listener(on_keys, named), [who], changed, **latest)
    preflight.use(bridge.event_listener(on_use, named, "id"), [who, saved], [*named.values()], **RAW)
    improve.words(None, [improve, saved], [saved, controls.prompt, column.note], js=_TAKE_WORDS, **RAW)


def shown(studio: Studio, owner: str, spec: ModelSpec, saved: Any) -> dict[str, Any]:
    """The column for this model, with the list of models and the price."""
    answer = show(spec, saved, owner)
    answer["model"]["choices"] = model_choices(studio.models(Task.GENERATE), owner, spec)
    values = {**offered_values(spec, saved), "count": count_of(saved)}
    words = {"price": told_price(studio, owner, spec, values), "improve": improve_of(studio, owner, spec)}
    words["follow"] = followed_of(studio, owner, spec, values["control"])
    return answer | words | told_readiness(studio, owner, spec, values)


def count_of(saved: Any) -> int:
    """How many pictures the browser remembers, from untrusted values."""
    count = saved.get("count") if isinstance(saved, dict) else None
    return count if isinstance(count, int) and 1 <= count <= MAX_PICTURES else 1


def on_price(studio: Studio, owner: str, *, offered: str, **values: Any) -> dict[str, Any]:
    """Something that affects the price changed: show the new one, if all controls already belong to this model."""
    spec = studio.model(values["model"])
    is_told = (spec.provider or spec.seconds) and spec.id == offered
    return {"price": told_price(studio, owner, spec, values) if is_told else gr.skip()}


def on_keys(studio: Studio, owner: str, *, offered: str, **values: Any) -> dict[str, Any]:
    """A key was pasted or forgotten: list the models available now, and what the key makes possible."""
    spec = studio.model(values["model"])
    choices = model_choices(studio.models(Task.GENERATE), owner, spec)
    return {
        **told_readiness(studio, owner, spec, values),
        **updates({"model": {"choices": choices, "info": known_of(spec, owner)}}),
        "price": told_price(studio, owner, spec, values),
        "improve": improve_of(studio, owner, spec),
    }


def on_use(studio: Studio, owner: str, event: gr.EventData, saved: Any) -> dict[str, Any]:
    """Choose the model `event.id` instead of one that cannot run here; nothing is sent yet."""
    spec = studio.model(event.id)
    saved = {**(saved if isinstance(saved, dict) else {}), "model": spec.id}
    return shown(studio, owner, spec, saved) | {"saved": saved, "note": ""}


def told_readiness(studio: Studio, owner: str, spec: ModelSpec, values: dict[str, Any]) -> dict[str, Any]:
    """The card about the model's requirements and licence, and the main button, disabled if it cannot run.

    The card names the licence, too.
    """
    try:
        card = card_of(studio, owner, spec, request_from(spec, values))
    except StudioError:
        card = preflight(spec, owner)
    can, stuck = card.get("ok", True), "Needs a key" if spec.provider else "Cannot run here"
    is_told = any(need["name"] == "Licence" for need in card.get("needs", ()))
    make = {"value": "Generate" if can else stuck, "interactive": can}
    look = updates({"make": make, "terms": {"value": terms(spec), "visible": bool(spec.licence) and not is_told}})
    return look | {"preflight": card | {"label": spec.label, "isCloud": bool(spec.provider)}}


def told_price(studio: Studio, owner: str, spec: ModelSpec, values: dict[str, Any]) -> dict[str, Any]:
    """The line above the main button; empty while the values are not a valid request."""
    try:
        return price_of(studio, owner, spec, request_from(spec, values))
    except StudioError:
        return {}
