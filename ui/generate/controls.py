"""The column's controls: their layout, and which of them a model honours. Knows no event and no studio."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component

from studio.contract import MAX_PICTURES, MAX_SEED, ModelSpec, Range, Size
from ui.shared.model_texts import is_offered, known_of
from ui.shared.shapes import CUSTOM, QUALITIES, shape_label, shapes

MAX_EXAMPLES = 6
PER_MODEL = (
    "shape",
    "size",
    "width",
    "height",
    "seed",
    "steps",
    "guidance",
    "clip_skip",
    "negative_prompt",
    "style",
    "quality",
    "transparent",
)
"""The controls whose values are remembered for each model apart."""

Props = dict[str, Any]
"""Properties of one component: for its constructor, and for `gr.update`."""


@dataclass(frozen=True)
class Controls:
    """The components whose values make a request. Every listener names them by these fields, never by their order."""

    prompt: gr.Textbox
    model: gr.Dropdown
    shape: gr.Radio
    size: gr.Radio
    width: gr.Number
    height: gr.Number
    count: gr.Radio
    seed: gr.Number
    steps: gr.Slider
    guidance: gr.Slider
    clip_skip: gr.Slider
    negative_prompt: gr.Textbox
    style: gr.Dropdown
    quality: gr.Radio
    transparent: gr.Checkbox

    def by_name(self) -> dict[str, Component]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def prompt_box(chosen: ModelSpec) -> gr.Textbox:
    return gr.Textbox(
        label="What do you want to see?",
        placeholder=placeholder(chosen),
        lines=3,
        max_lines=8,
        elem_id="prompt",
    )


def placeholder(spec: ModelSpec) -> str:
    """Something that this model can do."""
    return f"Describe a picture: {spec.examples[-1]}" if spec.examples else "Describe a picture"


def example_chips(examples: Iterable[str]) -> list[gr.Button]:
    """One button per example prompt. Models have different numbers of them, so there are always MAX_EXAMPLES."""
    with gr.Row(elem_id="examples"):
        return [gr.Button(size="sm", elem_classes="chip", **props) for props in chip_props(examples)]


def chip_props(examples: Iterable[str]) -> list[Props]:
    texts = [*examples][:MAX_EXAMPLES]
    texts += [""] * (MAX_EXAMPLES - len(texts))
    return [{"value": text, "visible": bool(text)} for text in texts]


class More(NamedTuple):
    """What is no value of a request: the fold around the finer controls, the button in it that takes the last seed, and
    the line about the model's licence; or the card about what it needs, in its place; presets, and comparisons.
    """

    fold: gr.Accordion
    last_seed: gr.Button
    terms: gr.HTML
    preflight: gr.HTML
    presets: gr.HTML
    compare: gr.HTML


def build_controls(
    prompt: gr.Textbox, specs: list[ModelSpec], chosen: ModelSpec, build: Sequence[Callable[[], gr.HTML]]
) -> tuple[Controls, More]:
    """Lay out the controls under the prompt as the chosen model honours them, for nobody in particular.

    Args:
        build: what lays out the card about what a model needs, the presets, and comparisons.
    """
    now = offer(chosen, {})
    choices = model_choices(specs, "", chosen)
    model = gr.Dropdown(choices, label="Model", elem_id="model", filterable=False, **now["model"])
    terms = gr.HTML(elem_id="terms", **now["terms"])
    preflight = build[0]()
    gr.HTML(ALL_MODELS, elem_id="all-models", apply_default_css=False)
    shape = gr.Radio(label="Shape", info="Width to height.", elem_id="shape", elem_classes="segments", **now["shape"])
    size = gr.Radio(
        label="Size", info="In pixels; larger takes longer.", elem_id="size", elem_classes="segments", **now["size"]
    )
    with gr.Row(elem_id="custom-size"):
        width = gr.Number(precision=0, elem_id="width", min_width=80, **now["width"])
        height = gr.Number(precision=0, elem_id="height", min_width=80, **now["height"])
    quality = gr.Radio(
        label="Quality", info="Finer costs more.", elem_id="quality", elem_classes="segments", **now["quality"]
    )
    transparent = gr.Checkbox(label="Transparent background", elem_id="transparent", **now["transparent"])
    counts = [*range(1, MAX_PICTURES + 1)]
    count = gr.Radio(counts, value=1, label="Pictures", elem_id="count", elem_classes="segments", **now["count"])
    with gr.Accordion(open=False, elem_id="more", **now["more"]) as fold:
        seed = gr.Number(
            label="Seed",
            info="The same seed makes the same picture. Empty: a new one each time.",
            placeholder="random",
            precision=0,
            elem_id="seed",
            **now["seed"],
        )
        last_seed = gr.Button("Use the last seed", size="sm", elem_id="last-seed", visible=False)
        steps = gr.Slider(label="Steps", info="More steps take longer.", elem_id="steps", **now["steps"])
        guidance = gr.Slider(
            label="Guidance", info="Higher follows the words more strictly.", elem_id="guidance", **now["guidance"]
        )
        clip_skip = gr.Slider(
            label="Clip skip",
            info="Last layers of the text encoder to leave out, plus one.",
            elem_id="clip-skip",
            **now["clip_skip"],
        )
        negative_prompt = gr.Textbox(
            label="Leave out",
            info="What should not be in the picture.",
            lines=2,
            elem_id="negative-prompt",
            **now["negative_prompt"],
        )
        style = gr.Dropdown(
            label="Style", info="Adds words to the prompt.", elem_id="style", filterable=False, **now["style"]
        )
        presets, compare = build[1](), build[2]()
    numbers = (width, height, count, seed, steps, guidance, clip_skip)
    controls = Controls(prompt, model, shape, size, *numbers, negative_prompt, style, quality, transparent)
    return controls, More(fold, last_seed, terms, preflight, presets, compare)


def model_choices(
    specs: Iterable[ModelSpec], owner: str = "", chosen: ModelSpec | None = None
) -> list[tuple[str, str]]:
    """(what the list shows, id): "Toy klein · ready".

    Args:
        owner: a cloud model is listed once they have a key for it.
        chosen: is listed in any case.
    """
    shown = [spec for spec in specs if is_offered(spec, owner) or spec is chosen]
    return [(f"{spec.label} · {spec.ready_for(owner).label}", spec.id) for spec in shown]


def offer(spec: ModelSpec, remembered: dict[str, Any], owner: str = "") -> dict[str, Props]:
    """What every control looks like for this model, by field of Controls: what it does not honour is hidden.

    "more" is the fold around the finer ones, "terms" the line about the licence.

    Args:
        spec: the chosen model.
        remembered: values by name, as the browser kept them: anything may be in there, and what does not fit is
            replaced by the model's default.
        owner: who looks.
    """
    shape_choices = [*shapes(spec), CUSTOM] if spec.any_size else [*shapes(spec)]
    shape = _one_of(remembered.get("shape"), shape_choices)
    styles = [("None", ""), *((style.label, style.id) for style in spec.styles)]
    seed = _whole(remembered.get("seed"), 0, MAX_SEED)
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
        "negative_prompt": {"value": str(remembered.get("negative_prompt") or ""), "visible": spec.negative_prompt},
        "style": {
            "choices": styles,
            "value": _one_of(remembered.get("style"), [id for _, id in styles]),
            "visible": bool(spec.styles),
        },
        "count": {"info": "Each with a seed of its own." if spec.seed else ""},
        "quality": {
            "choices": [(QUALITIES.get(each, each.capitalize()), each) for each in sorted(spec.qualities, key=_rank)],
            "value": _one_of(remembered.get("quality"), [*spec.qualities]),
            "visible": bool(spec.qualities),
        },
        "transparent": {
            "value": spec.transparent and remembered.get("transparent") is True,
            "visible": spec.transparent,
        },
    }


def offer_sizes(spec: ModelSpec, shape: str | None, remembered: dict[str, Any]) -> dict[str, Props]:
    """What the controls that depend on the shape look like, by field of Controls."""
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
    """What stands on the fold: a fixed seed, which nobody should forget, else what is in it."""
    inside = {
        "seed": spec.seed,
        "steps": _is_choice(spec.steps),
        "guidance": _is_choice(spec.guidance),
        "clip skip": _is_choice(spec.clip_skip),
        "leave out": spec.negative_prompt,
        "style": spec.styles,
    }
    names = [name for name, honoured in inside.items() if honoured]
    is_fixed = spec.seed and seed is not None and seed >= 0  # -1 means another one each time
    return {"label": f"More · seed {seed}" if is_fixed else f"More: {', '.join(names)}", "visible": bool(names)}


# By keyboard the header leads there: between the model and what is set for it nothing stops.
ALL_MODELS = '<button type="button" class="all-models-link" tabindex="-1" data-models>All models</button>'


def terms(spec: ModelSpec) -> str:
    """One line of HTML: what one may do with the model, and whether its maker wants to be asked before."""
    line = f"Licence: {_link(spec.licence, spec.licence_url)}"
    if spec.gated:
        line += f" · gated: accept it once {_link('on its page', spec.page_url)}"
    return f'<p class="terms">{line}</p>'


def noted(sentence: str, kind: str, *, about: str = "") -> str:
    """A sentence near the button; `kind` is "hint" or "trouble", `about` the prompt that it speaks of."""
    role = "alert" if kind == "trouble" else "status"
    return f'<p class="note {kind}" role="{role}" data-about="{html.escape(about)}">{html.escape(sentence)}</p>'


def _link(text: str, url: str) -> str:
    text = html.escape(text)
    if not url.startswith("https://"):
        return text
    return f'<a href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">{text}</a>'


def _slider(honoured: Range | None, value: Any, *, step: float) -> Props:
    if honoured is None:
        return {"visible": False}
    kept, is_choice = isinstance(value, int | float) and honoured.low <= value <= honoured.high, _is_choice(honoured)
    return {
        "minimum": honoured.low,
        "maximum": honoured.high if is_choice else honoured.high + step,  # gradio takes no slider of one value
        "step": step,
        "value": value if kept else honoured.default,
        "visible": is_choice,
    }


def _is_choice(honoured: Range | None) -> bool:
    """Whether there is more than one value."""
    return honoured is not None and honoured.low < honoured.high


def _rank(quality: str) -> int:
    """Where a quality stands among those that are known; one that is not comes last."""
    return [*QUALITIES].index(quality) if quality in QUALITIES else len(QUALITIES)


def _one_of(value: Any, choices: list[Any]) -> Any:
    """The value if it is one of the choices, else the first of them."""
    return value if value in choices else next(iter(choices), None)


def _whole(value: Any, low: int, high: int) -> int | None:
    return int(value) if isinstance(value, int | float) and low <= value <= high else None
