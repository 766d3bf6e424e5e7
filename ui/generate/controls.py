"""The layout of the column's controls. Knows no event and no studio."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.contract import MAX_PICTURES, ModelSpec
from ui.generate.offers import Props, offer
from ui.shared.model_texts import is_offered
from ui.shared.scripts import component

MAX_EXAMPLES = 6
ABOUT_SAMPLER = "How steps are taken; each draws a little differently."
ABOUT_FAST = (
    "Compiles the network: the first picture of a size takes longer, later ones are faster and differ slightly."
)
ABOUT_PRECISION = "Fewer bits take less memory and change the picture slightly."
ABOUT_SEED = "The same seed makes the same picture. Empty: a new one each time."
# Not a tab stop: by keyboard, the header leads there.
ALL_MODELS = '<button type="button" class="all-models-link" tabindex="-1" data-models>All models</button>'


@dataclass(frozen=True)
class Controls:
    """The components whose values make a request. Listeners refer to them by these names, never by order."""

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
    sampler: gr.Dropdown
    negative_prompt: gr.Textbox
    style: gr.Dropdown
    quality: gr.Radio
    transparent: gr.Checkbox
    precision: gr.Dropdown
    fast: gr.Checkbox
    control: gr.Textbox  # id of the control picture, shown by the component `follow`
    control_strength: gr.Slider

    def by_name(self) -> dict[str, Any]:
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
    """An example of what this model can do."""
    return f"Describe a picture: {spec.examples[-1]}" if spec.examples else "Describe a picture"


def example_chips(examples: Iterable[str]) -> list[gr.Button]:
    """One button per example prompt. Models have different numbers of them, so there are always MAX_EXAMPLES."""
    with gr.Row(elem_id="examples"):
        return [gr.Button(size="sm", elem_classes="chip", **props) for props in chip_props(examples)]


def chip_props(examples: Iterable[str]) -> list[Props]:
    texts = [*examples][:MAX_EXAMPLES]
    texts += [""] * (MAX_EXAMPLES - len(texts))
    return [{"value": text, "visible": bool(text)} for text in texts]


@dataclass(frozen=True)
class Column:
    """Every component of the tab that a handler may change."""

    controls: Controls
    chips: list[gr.Button]  # example prompts
    improve: gr.HTML
    palette: gr.HTML
    terms: gr.HTML  # the licence line
    preflight: gr.HTML  # the requirements card that replaces it
    follow: gr.HTML  # the control picture
    more: gr.Accordion  # around the finer controls
    take_seed: gr.Button
    presets: gr.HTML
    compare: gr.HTML
    note: gr.HTML
    price: gr.HTML
    make: gr.Button
    stage: gr.HTML
    saved: gr.BrowserState  # what a person has set
    last_seed: gr.Number
    offered: gr.Textbox  # the model whose controls are shown
    local: gr.JSON  # see `local_of`

    def by_name(self) -> dict[str, Any]:
        others = {field.name: getattr(self, field.name) for field in fields(self)[2:]}
        return self.controls.by_name() | {f"chip_{i}": chip for i, chip in enumerate(self.chips)} | others


def build_controls(prompt: gr.Textbox, specs: list[ModelSpec], chosen: ModelSpec) -> tuple[Controls, dict[str, Any]]:
    """Lay out the controls under the prompt for the chosen model, for nobody in particular.

    Returns:
        The controls, and fields of `Column` that lie between them.
    """
    now, made = offer(chosen, {}), dict[str, Any]()

    def lay_out(*names: str) -> None:
        for name in names:
            kind, options = _KINDS[name]
            made[name] = kind(elem_id=name.replace("_", "-"), **options, **now[name])

    now["model"]["choices"] = model_choices(specs, "", chosen)
    lay_out("model")
    others: dict[str, Any] = {"terms": gr.HTML(elem_id="terms", **now["terms"])}
    others["preflight"] = component("shared/preflight/preflight", "use")
    gr.HTML(ALL_MODELS, elem_id="all-models", apply_default_css=False)
    lay_out("control")
    others["follow"] = component("generate/follow/follow", "chosen")
    lay_out("shape", "size")
    with gr.Row(elem_id="custom-size"):
        lay_out("width", "height")
    lay_out("quality", "transparent", "count")
    with gr.Accordion(open=False, elem_id="more", **now["more"]) as others["more"]:
        lay_out("seed")
        others["take_seed"] = gr.Button("Use the last seed", size="sm", elem_id="last-seed", visible=False)
        lay_out("steps", "guidance", "clip_skip", "sampler", "negative_prompt", "style", "precision", "fast")
        lay_out("control_strength")
        others["presets"] = component("generate/presets/presets", "use", "save")
        others["compare"] = component("generate/compare/compare", "run")
    return Controls(prompt, **made), others


_SEGMENTS: dict[str, Any] = {"elem_classes": "segments"}
_KINDS: dict[str, tuple[type[Component], dict[str, Any]]] = {
    # field of Controls: its component, and the properties that are the same for every model
    "model": (gr.Dropdown, {"label": "Model", "filterable": False}),
    "control": (gr.Textbox, {}),
    "shape": (gr.Radio, {"label": "Shape", "info": "Width to height."} | _SEGMENTS),
    "size": (gr.Radio, {"label": "Size", "info": "In pixels; larger takes longer."} | _SEGMENTS),
    "width": (gr.Number, {"precision": 0, "min_width": 80}),
    "height": (gr.Number, {"precision": 0, "min_width": 80}),
    "quality": (gr.Radio, {"label": "Quality", "info": "Finer costs more."} | _SEGMENTS),
    "transparent": (gr.Checkbox, {"label": "Transparent background"}),
    "count": (gr.Radio, {"label": "Pictures", "choices": [*range(1, MAX_PICTURES + 1)], "value": 1} | _SEGMENTS),
    "seed": (gr.Number, {"label": "Seed", "info": ABOUT_SEED, "placeholder": "random", "precision": 0}),
    "steps": (gr.Slider, {"label": "Steps", "info": "More steps take longer."}),
    "guidance": (gr.Slider, {"label": "Guidance", "info": "Higher follows the prompt more strictly."}),
    "clip_skip": (gr.Slider, {"label": "Clip skip", "info": "Last layers of the text encoder to skip, plus one."}),
    "sampler": (gr.Dropdown, {"label": "Sampler", "info": ABOUT_SAMPLER, "filterable": False}),
    "negative_prompt": (gr.Textbox, {"label": "Leave out", "info": "What should not be in the picture.", "lines": 2}),
    "style": (gr.Dropdown, {"label": "Style", "info": "Adds words to the prompt.", "filterable": False}),
    "precision": (gr.Dropdown, {"label": "Weights", "info": ABOUT_PRECISION, "filterable": False}),
    "fast": (gr.Checkbox, {"label": "Fast", "info": ABOUT_FAST}),
    "control_strength": (gr.Slider, {"label": "How closely", "info": "How strictly to follow the picture."}),
}


def model_choices(
    specs: Iterable[ModelSpec], owner: str = "", chosen: ModelSpec | None = None
) -> list[tuple[str, str]]:
    """(label in the list, id): "Toy klein · ready".

    Args:
        owner: cloud models are listed once they have a key.
        chosen: always listed.
    """
    shown = [spec for spec in specs if is_offered(spec, owner) or spec is chosen]
    return [(f"{spec.label} · {spec.ready_for(owner).label}", spec.id) for spec in shown]
