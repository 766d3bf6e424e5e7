"""Which of the column's controls a model supports, and with which values. Pure functions, no gradio."""

from __future__ import annotations

from typing import Any

from studio.contract import MAX_SEED, ModelSpec, Range, Size
from ui.generate.sentences import terms
from ui.shared.model_texts import known_of
from ui.shared.shapes import CUSTOM, PRECISIONS, QUALITIES, shape_label, shapes

PER_MODEL = (
    "shape",
    "size",
    "width",
    "height",
    "seed",
    "steps",
    "guidance",
    "clip_skip",
    "sampler",
    "negative_prompt",
    "style",
    "quality",
    "transparent",
    "precision",
    "fast",
    "control",
    "control_strength",
)
"""The controls whose values are remembered per model."""

Props = dict[str, Any]
"""Properties of a component, for its constructor and `gr.update`."""


def offer(spec: ModelSpec, remembered: dict[str, Any], owner: str = "") -> dict[str, Props]:
    """The properties of every control for this model, by field of Controls; unsupported ones are hidden.

    "more" is the accordion around the finer ones, "terms" the licence line.

    Args:
        spec: the chosen model.
        remembered: values by name, as stored by the browser: untrusted, and replaced by the model's default if invalid.
        owner: the visitor.
    """
    shape_choices = [*shapes(spec), CUSTOM] if spec.any_size else [*shapes(spec)]
    shape = _one_of(remembered.get("shape"), shape_choices)
    styles = [("None", ""), *((style.label, style.id) for style in spec.styles)]
    seed, follows = _whole(remembered.get("seed"), 0, MAX_SEED), spec.control or spec.likeness
    return {
        "model": {"value": spec.id, "info": known_of(spec, owner)},
        "terms": {"value": terms(spec), "visible": bool(spec.licence)},
        "shape": {
            "choices": [(shape_label(choice), choice) for choice in shape_choices],
            "value": shape,
            "visible": len(shape_choices) > 1,
        },
        **offer_sizes(spec, shape, remembered),
        "more": offer_more(spec, seed),
        "seed": {"value": seed, "visible": spec.seed},
        "steps": _slider(spec.steps, remembered.get("steps"), step=1),
        "guidance": _slider(spec.guidance, remembered.get("guidance"), step=0.1),
        "clip_skip": _slider(spec.clip_skip, remembered.get("clip_skip"), step=1),
        "sampler": {
            "choices": [(each, each) for each in spec.samplers],
            "value": _one_of(remembered.get("sampler"), [*spec.samplers]),
            "visible": len(spec.samplers) > 1,
        },
        "negative_prompt": {"value": str(remembered.get("negative_prompt") or ""), "visible": spec.negative_prompt},
        "style": {
            "choices": styles,
            "value": _one_of(remembered.get("style"), [id for _, id in styles]),
            "visible": bool(spec.styles),
        },
        "control": {"value": str(remembered.get("control") or "") if follows else "", "visible": False},
        "control_strength": _slider(spec.control_strength, remembered.get("control_strength"), step=0.05),
        "count": {"info": "Each with its own seed." if spec.seed else ""},
        "quality": {
            "choices": [(QUALITIES.get(each, each.capitalize()), each) for each in sorted(spec.qualities, key=_rank)],
            "value": _one_of(remembered.get("quality"), [*spec.qualities]),
            "visible": bool(spec.qualities),
        },
        "precision": {
            "choices": [("Automatic", ""), *((PRECISIONS.get(one, one), one) for one in spec.precisions)],
            "value": _one_of(remembered.get("precision"), ["", *spec.precisions]),
            "visible": len(spec.precisions) > 1,
        },
        "fast": {"value": spec.fast and remembered.get("fast") is True, "visible": spec.fast},
        "transparent": {
            "value": spec.transparent and remembered.get("transparent") is True,
            "visible": spec.transparent,
        },
    }


def offer_sizes(spec: ModelSpec, shape: str | None, remembered: dict[str, Any]) -> dict[str, Props]:
    """The controls that depend on the aspect ratio, by field of Controls."""
    sizes = [str(size) for size in shapes(spec).get(shape or "", [])]
    low, high, multiple = spec.any_size or (1, 2**14, 1)
    start = spec.sizes[0] if spec.sizes else Size(low, low)

    def side(label: str, name: str, default: int) -> Props:
        value = _whole(remembered.get(name), low, high)
        return {
            "label": f"{label}, {low} to {high}",
            "value": default if value is None else value,
            "step": multiple,
            "visible": shape == CUSTOM,
        }

    return {
        "size": {"choices": sizes, "value": _one_of(remembered.get("size"), sizes), "visible": len(sizes) > 1},
        "width": side("Width", "width", start.width),
        "height": side("Height", "height", start.height),
    }


def offer_more(spec: ModelSpec, seed: Any) -> Props:
    """The label of the accordion: a fixed seed, which is easily forgotten, or else its contents."""
    inside = {
        "seed": spec.seed,
        "steps": _is_choice(spec.steps),
        "guidance": _is_choice(spec.guidance),
        "clip skip": _is_choice(spec.clip_skip),
        "sampler": len(spec.samplers) > 1,
        "leave out": spec.negative_prompt,
        "style": spec.styles,
        "weights": len(spec.precisions) > 1,
        "fast": spec.fast,
        "how closely": _is_choice(spec.control_strength),
    }
    names = [name for name, honoured in inside.items() if honoured]
    is_fixed = spec.seed and seed is not None and seed >= 0  # -1 means random
    return {"label": f"More · seed {seed}" if is_fixed else f"More: {', '.join(names)}", "visible": bool(names)}


def _slider(honoured: Range | None, value: Any, *, step: float) -> Props:
    if honoured is None:
        return {"visible": False}
    kept, is_choice = isinstance(value, int | float) and honoured.low <= value <= honoured.high, _is_choice(honoured)
    return {
        "minimum": honoured.low,
        "maximum": honoured.high if is_choice else honoured.high + step,  # gradio rejects sliders with a single value
        "step": step,
        "value": value if kept else honoured.default,
        "visible": is_choice,
    }


def _is_choice(honoured: Range | None) -> bool:
    """Whether there is more than one value."""
    return honoured is not None and honoured.low < honoured.high


def _rank(quality: str) -> int:
    """The position among known qualities; unknown ones come last."""
    return [*QUALITIES].index(quality) if quality in QUALITIES else len(QUALITIES)


def _one_of(value: Any, choices: list[Any]) -> Any:
    """The value if it is one of the choices, else the first of them."""
    return value if value in choices else next(iter(choices), None)


def _whole(value: Any, low: int, high: int) -> int | None:
    return int(value) if isinstance(value, int | float) and low <= value <= high else None
