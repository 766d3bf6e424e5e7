"""What a person types while an answer is under way: the answer, which knows only what stood there before, leaves it.

The column's element remembers what it showed when the answer was asked for, and what was typed since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import gradio as gr
from gradio.events import Dependency

from studio.contract import ModelSpec
from ui.generate.controls import PER_MODEL, Controls, offer
from ui.shared.bridge import QUIET

ASK = "Object.assign(document.querySelector('#column'), {asked: shown, typed: {}})"
"""JavaScript: an answer is asked for; `shown` are the values of `PER_MODEL`."""
NOTE = f"""{json.dumps(PER_MODEL)}.forEach((name, i) => {{
  const column = document.querySelector("#column");
  if (column.asked && shown[i] !== column.asked[i]) column.typed[name] = shown[i];
}})"""
"""JavaScript: something was typed."""
TYPED = "(document.querySelector('#column').asked ? document.querySelector('#column').typed : null)"
"""JavaScript: what was typed since the answer was asked for, by name; null where no answer is due."""
ONCE = """(who, model, saved, offered) => {
  const column = document.querySelector("#column"), isDue = column.due === model;
  column.due = model;
  return [who, model, saved, isDue ? model : offered];
}"""
"""JavaScript: of two questions for the same model the second is told that it is shown already."""
_KEEP = """(saved, model, offered, ...shown) => {
  const column = document.querySelector("#column"), typed = column.typed || {}, same = {__type__: "update"};
  const isLatest = model === offered; // else this answer is not the one that is due
  const fits = ([name, value]) => {
    const limit = (LIMITS[model] || {})[name];
    return limit && (limit.choices ? limit.choices.includes(value) : !(value < limit.minimum || value > limit.maximum));
  };
  const kept = isLatest ? Object.fromEntries(Object.entries(typed).filter(fits)) : {};
  Object.assign(column, isLatest ? {asked: null, typed: {}, due: null} : {asked: shown});
  if (!Object.keys(kept).length) return [same, ...shown.map(() => same)];
  const own = {...(saved?.models || {})[model], ...kept};
  const models = {...saved?.models, [model]: own};
  return [{...saved, models}, ...NAMES.map((name) => (name in kept ? kept[name] : same))];
}"""


def shown(controls: Controls) -> list[Any]:
    """The components of `PER_MODEL`."""
    return [controls.by_name()[name] for name in PER_MODEL]


def keep(
    answer: Dependency, controls: Controls, saved: gr.BrowserState, offered: gr.Textbox, specs: Iterable[ModelSpec]
) -> None:
    """Bring back what was typed while an answer was under way, as far as the model takes it.

    Args:
        answer: the event that fills the column.
        offered: the model that it filled it for.
        specs: all models.
    """
    limits = json.dumps({spec.id: _limits(spec) for spec in specs})
    script = _KEEP.replace("LIMITS", limits).replace("NAMES", json.dumps(PER_MODEL))
    values = shown(controls)
    answer.failure(None, js="() => { document.querySelector('#column').due = null; }", **QUIET)
    answer.then(None, [saved, controls.model, offered, *values], [saved, *values], js=script, **QUIET)


def _limits(spec: ModelSpec) -> dict[str, dict[str, Any]]:
    """What each control takes that this model honours; sizes depend on the shape, which the answer decides."""
    limits = {}
    for name, props in offer(spec, {}).items():
        if name in PER_MODEL and name not in ("shape", "size") and props.get("visible", True):
            choices = {"choices": [value for _, value in props["choices"]]} if "choices" in props else {}
            limits[name] = choices | {end: props[end] for end in ("minimum", "maximum") if end in props}
    return limits
