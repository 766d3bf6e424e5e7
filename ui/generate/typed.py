"""Preserves what a person types while a response is on its way, which only knows the earlier values.

`typed.js` remembers what was shown when the request was sent, and what was typed since.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from gradio.events import Dependency

from studio.contract import ModelSpec
from ui.generate.controls import Column, Controls
from ui.generate.offers import PER_MODEL, offer
from ui.shared.bridge import QUIET
from ui.shared.scripts import function

_js = partial(function, "generate/typed.js")
ONCE = _js("once")


def shown(controls: Controls) -> list[Any]:
    """The components of `PER_MODEL`."""
    return [controls.by_name()[name] for name in PER_MODEL]


def keep(answer: Dependency, column: Column, specs: Iterable[ModelSpec]) -> Dependency:
    """Restore what was typed while a response was on its way, as far as the model supports it.

    The returned event fails if the column shows another model than the chosen one, and no answer is due.

    Args:
        answer: the event that fills the column.
        specs: all models.
    """
    limits, values, saved = {spec.id: _limits(spec) for spec in specs}, shown(column.controls), column.saved
    answer.failure(None, js=_js("forgetQuestion"), **QUIET)
    bring = _js("keepTyped", PER_MODEL, limits)
    return answer.then(
        None, [saved, column.controls.model, column.offered, *values], [saved, *values], js=bring, **QUIET
    )


def _limits(spec: ModelSpec) -> dict[str, dict[str, Any]]:
    """The model's limits of each control except sizes, which depend on the aspect ratio."""
    limits = {}
    for name, props in offer(spec, {}).items():
        if name in PER_MODEL and name not in ("shape", "size") and props.get("visible", True):
            choices = {"choices": [value for _, value in props["choices"]]} if "choices" in props else {}
            limits[name] = choices | {end: props[end] for end in ("minimum", "maximum") if end in props}
    return limits
