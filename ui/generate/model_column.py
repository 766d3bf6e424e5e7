"""The contents of the Generate column for a model, with the values stored by the browser."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.contract import ModelSpec
from ui.generate.compare import fields_of
from ui.generate.controls import chip_props, placeholder
from ui.generate.offers import PER_MODEL, offer, offer_more
from ui.generate.palette import palette_of
from ui.shared.shapes import shapes


def show(spec: ModelSpec, saved: Any, owner: str) -> dict[str, Any]:
    """The column for this model and its example prompts, as updates by name."""
    chips = {f"chip_{i}": props for i, props in enumerate(chip_props(spec.examples))}
    words = {"prompt": {"placeholder": placeholder(spec)}}
    shown = updates({**offer(spec, remembered(saved, spec), owner), **chips, **words})
    return shown | {
        "offered": spec.id,
        "local": local_of(spec),
        "palette": palette_of(spec),
        "compare": fields_of(spec),
    }


def local_of(spec: ModelSpec) -> dict[str, Any]:
    """What the page changes by itself while this model is shown: an answer could come after another model's."""
    sizes = {shape: [str(size) for size in each] for shape, each in shapes(spec).items()}
    return {"sizes": sizes, "more": offer_more(spec, None)["label"]}


def offered_values(spec: ModelSpec, saved: Any) -> dict[str, Any]:
    """The values the per-model controls will have once this model is shown."""
    offers = offer(spec, remembered(saved, spec))
    return {name: offers[name].get("value") for name in PER_MODEL}


def updates(props: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: gr.update(**values) for name, values in props.items()}


def remembered(saved: Any, spec: ModelSpec) -> dict[str, Any]:
    """The values that the browser stored for this model: untrusted."""
    models = saved.get("models") if isinstance(saved, dict) else None
    own = models.get(spec.id) if isinstance(models, dict) else None
    return own if isinstance(own, dict) else {}


def first_ready(specs: list[ModelSpec]) -> ModelSpec:
    """The default model for someone who has not chosen one: never a cloud model."""
    local = ((spec, spec.readiness()) for spec in specs if not spec.provider)
    return next((spec for spec, ready in local if ready.ok or ready.is_damaged), specs[0])
