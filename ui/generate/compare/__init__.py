"""Comparisons: which settings of a model can be compared, and the job that makes the sheet."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.contract import ModelSpec, Range
from studio.errors import StudioError
from studio.grids.grid import LABELS, GridRequest, axis
from studio.service import Studio
from ui.generate.controls import Column
from ui.generate.offers import PER_MODEL
from ui.generate.sentences import noted
from ui.generate.settings import request_from
from ui.shared.bridge import RAW, Bridge


def fields_of(spec: ModelSpec) -> dict[str, Any]:
    """The settings that a model supports, each with example values."""
    seeds = "1, 2, 3, 4" if spec.seed else ""
    several = "; ".join
    examples = {
        "steps": _spread(spec.steps, whole=True),
        "guidance": _spread(spec.guidance),
        "seed": seeds,
        "prompt": several(spec.examples[:3]),
        "style": several(style.id for style in spec.styles[:3]),
        "size": several(str(size) for size in spec.sizes[:3]) if len(spec.sizes) > 1 else "",
        "quality": several(spec.qualities),
        "negative_prompt": "blurry; text" if spec.negative_prompt else "",
        "clip_skip": _spread(spec.clip_skip, whole=True),
        "sampler": several(spec.samplers[:3]),
    }
    return {"fields": [{"id": id, "label": LABELS[id], "example": text} for id, text in examples.items() if text]}


def connect(bridge: Bridge, column: Column) -> None:
    """Connect it to the column."""
    named = column.by_name()
    values = [named[name] for name in ("prompt", "model", *PER_MODEL)]
    column.compare.run(bridge.event_listener(on_compare, named, "x"), [bridge.visitor, *values], [column.note], **RAW)


def on_compare(
    studio: Studio, owner: str, event: gr.EventData, prompt: Any, model: Any, *values: Any
) -> dict[str, Any]:
    """Queue the comparison. The stage follows it."""
    try:
        spec = studio.model(model)
        shown = dict(zip(PER_MODEL, values, strict=True)) | {"prompt": prompt}
        x, y = (_axis(side) for side in (event._data.get("x"), event._data.get("y")))
        studio.compare(owner, GridRequest(request_from(spec, shown), x or axis(None, ()), y))
    except StudioError as error:
        return {"note": noted(str(error), "trouble", about=str(prompt))}
    return {"note": ""}


def _axis(side: Any) -> Any:
    return axis(*side) if isinstance(side, list) and len(side) == 2 else None


def _spread(honoured: Range | None, *, whole: bool = False) -> str:
    """Minimum, default and maximum of a setting: "4, 8, 20"; "" if there is no choice."""
    if honoured is None or honoured.low >= honoured.high:
        return ""
    found = sorted({honoured.low, honoured.default, min(honoured.high, 3 * honoured.default)})
    return ", ".join(f"{round(value) if whole else value:g}" for value in found)
