"""What the Generate column shows for a model, with what the browser kept for it. Pure but for gradio's updates."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.contract import ModelSpec
from ui.generate.compare import fields_of
from ui.generate.controls import PER_MODEL, chip_props, offer, placeholder
from ui.generate.palette import palette_of


def show(spec: ModelSpec, saved: Any, owner: str) -> dict[str, Any]:
    """The column as this model honours it, and its example prompts, as updates by name."""
    chips = {f"chip_{i}": props for i, props in enumerate(chip_props(spec.examples))}
    words = {"prompt": {"placeholder": placeholder(spec)}}
    shown = updates({**offer(spec, remembered(saved, spec), owner), **chips, **words})
    return shown | {"offered": spec.id, "palette": palette_of(spec), "compare": fields_of(spec)}


def offered_values(spec: ModelSpec, saved: Any) -> dict[str, Any]:
    """What the controls that are each model's own will stand at once this model is shown."""
    offers = offer(spec, remembered(saved, spec))
    return {name: offers[name].get("value") for name in PER_MODEL}


def updates(props: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: gr.update(**values) for name, values in props.items()}


def remembered(saved: Any, spec: ModelSpec) -> dict[str, Any]:
    """What the browser kept for this model: anything may be in there."""
    models = saved.get("models") if isinstance(saved, dict) else None
    own = models.get(spec.id) if isinstance(models, dict) else None
    return own if isinstance(own, dict) else {}


def first_ready(specs: list[ModelSpec]) -> ModelSpec:
    """What is chosen for who has chosen nothing: never a model in a cloud."""
    local = ((spec, spec.readiness()) for spec in specs if not spec.provider)
    return next((spec for spec, ready in local if ready.ok or ready.is_damaged), specs[0])
