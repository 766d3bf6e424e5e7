"""The Generate tab: prompts in, pictures out. Lays out and connects the column; the stage shows the results."""

from __future__ import annotations

import html
from functools import partial
from typing import Any

import gradio as gr
from gradio.events import Dependency

from studio.contract import Task
from studio.errors import NotReady, OverBudget, StudioError
from studio.service import Studio
from studio.validation import says_something
from ui.generate import clouds, compare, presets, typed
from ui.generate.controls import Column, build_controls, example_chips, model_choices, prompt_box
from ui.generate.demo import demo_model
from ui.generate.model_column import first_ready, local_of, offered_values
from ui.generate.offers import PER_MODEL
from ui.generate.sentences import noted
from ui.generate.settings import request_from, values_of
from ui.shared.bridge import BROKEN, LATEST, RAW, Bridge
from ui.shared.clouds import asking, refused
from ui.shared.model_texts import known_of, unknown_sentence
from ui.shared.scripts import component, function

LABEL = "Generate"
_FEW = 2
"""Sentences in a note before it is collapsed."""
_js = partial(function, "generate/column.js")


def build(bridge: Bridge, arrival: Dependency) -> None:
    """Lay out the tab inside the current Blocks and connect it.

    Args:
        bridge: gives the handlers the studio and the owner.
        arrival: the event after which the browser's token is known.
    """
    specs = bridge.studio.models(Task.GENERATE)
    chosen = first_ready(specs)
    saved = gr.BrowserState({}, storage_key="diorama-generate", secret="diorama")
    with gr.Row(elem_id="generate-tab", elem_classes="workbench"):
        with gr.Column(elem_id="column", elem_classes="column", min_width=0):
            prompt = prompt_box(chosen)
            improve = component("shared/clouds/improve", "words", prompt="#prompt textarea")
            chips = example_chips(chosen.examples)
            palette = component("generate/palette/palette", "words")
            controls, others = build_controls(prompt, specs, chosen)
            last_seed = gr.Number(visible=False, precision=0)
            offered, local = gr.Textbox(chosen.id, visible=False), gr.JSON(local_of(chosen), visible=False)
            with gr.Column(elem_id="press", min_width=0):
                note = gr.HTML(elem_id="note")
                price = component("shared/clouds/price", "keys", "news", "confirm")
                make = gr.Button("Generate", variant="primary", size="lg", elem_id="generate")
        stage = component("shared/stage/stage", "reuse", "seed")
    pressed = {"note": note, "price": price, "make": make, "stage": stage}
    kept = {"saved": saved, "last_seed": last_seed, "offered": offered, "local": local}
    column = Column(controls, chips, improve, palette, **others, **pressed, **kept)

    _connect_memory(column)
    arrival.then(None, [saved], [prompt], js=_js("bringBack"), **RAW)
    named = column.by_name()
    arrival.then(bridge.listener(on_load, named), [bridge.visitor, bridge.visitor, saved], [*named.values()], **RAW)
    _connect_controls(bridge, column)
    _connect_make(bridge, column)
    clouds.connect(bridge, column)
    presets.connect(bridge, column)
    compare.connect(bridge, column)
    _connect_stage(bridge, column)


def _connect_memory(column: Column) -> None:
    """Keep the settings in the browser. No round trip, since this happens on every key press."""
    controls, saved, note = column.controls, column.saved, column.note
    ordered = [saved, *(controls.by_name()[name] for name in ("prompt", "model", "count", *PER_MODEL))]
    by_hand = [each.input for name, each in controls.by_name().items() if name not in ("prompt", "model", "control")]
    # Gradio's `input` misses some ways to fill a text box (pasting, dictating, a password manager).
    texts = [controls.prompt.change, controls.negative_prompt.change]
    gr.on(by_hand, None, ordered, [saved], js=_js("rememberInput", PER_MODEL), **RAW)
    gr.on(texts, None, ordered, [saved], js=_js("remember", PER_MODEL), **RAW)
    controls.prompt.change(None, [controls.prompt, note], [note], js=_js("keepNote"), **RAW)
    chosen = [saved, controls.model, *typed.shown(controls)]
    controls.model.input(None, chosen, [saved, note], js=_js("rememberModel"), **RAW)
    for chip in column.chips:
        chip.click(None, [saved, chip], [saved, controls.prompt, note], js=_js("takePrompt"), **RAW)
    last = [saved, controls.model, column.last_seed]
    column.take_seed.click(None, last, [saved, controls.seed], js=_js("takeSeed"), **RAW)


def _connect_controls(bridge: Bridge, column: Column) -> None:
    """Connect the choices in the column that change the rest of it."""
    controls, saved, note, named = column.controls, column.saved, column.note, column.by_name()
    everything = [*named.values()]
    column.palette.words(None, [column.palette, saved], [saved, controls.prompt, note], js=_js("takeWords"), **RAW)
    controls.prompt.change(None, None, None, js=_js("written"), **RAW)
    look, chosen_model = bridge.listener(on_model, named), [bridge.visitor, controls.model, saved, column.offered]
    asked: dict[str, Any] = LATEST | {"fn": look, "inputs": chosen_model, "outputs": everything, "js": typed.ONCE}
    keep = partial(typed.keep, column=column, specs=bridge.studio.models(Task.GENERATE))
    kept = keep(controls.model.input(**asked))
    keep(keep(kept.failure(**asked)).failure(**asked))
    for event, seed in ((controls.seed.input, controls.seed), (column.take_seed.click, column.last_seed)):
        event(None, [column.local, seed], [column.more], js=_js("nameMore"), **RAW)
    column.more.expand(None, None, None, js=_js("showMore"), **RAW)
    sides = [controls.size, controls.width, controls.height]
    controls.shape.input(None, [column.local, controls.shape], sides, js=_js("takeShape"), **RAW)
    chosen_one = [column.follow, saved, controls.model]
    column.follow.chosen(None, chosen_one, [saved, controls.control, note], js=_js("takeFollowed"), **RAW)


def _connect_make(bridge: Bridge, column: Column) -> None:
    """Connect the main button, and the one that confirms the price."""
    controls, note, price, named = column.controls, column.note, column.price, column.by_name()
    values = {**controls.by_name(), "offered": column.offered, "saved": column.saved}
    for press, handler in ((column.make.click, on_generate), (price.confirm, on_confirm)):
        listen = bridge.listener(handler, named)
        press(listen, [bridge.visitor], [note, price], inputs_kwargs=values, trigger_mode="multiple", **RAW).failure(
            None, [controls.prompt], [note], js=_js("say", noted(BROKEN, "trouble")), **RAW
        )


def _connect_stage(bridge: Bridge, column: Column) -> None:
    """Connect what the stage sends back to the column: a picture's settings, and its seed."""
    who, stage, model, named = bridge.visitor, column.stage, column.controls.model, column.by_name()
    reuse = bridge.event_listener(on_reuse, named, "id")
    stage.reuse(reuse, [who, column.saved], [*named.values()], **RAW).success(
        None, js=function("shared/scripts/events.js", "tell", "copied"), **RAW
    )
    told = [column.last_seed, column.take_seed, model, column.preflight, column.make, column.terms]
    stage.seed(bridge.event_listener(on_seed, named, "seed"), [who, model], told, trigger_mode="multiple", **RAW)


def on_load(studio: Studio, owner: str, token: str, saved: Any) -> dict[str, Any]:
    """The page was opened: restore the settings, check again which models are ready, and start the stage."""
    saved = saved if isinstance(saved, dict) else {}
    specs = studio.models(Task.GENERATE)
    spec = next((spec for spec in specs if spec.id == saved.get("model")), first_ready(specs))
    answer = clouds.shown(studio, owner, spec, saved)
    answer["count"]["value"] = clouds.count_of(saved)
    stage = {"token": token, "demo": demo_model(studio, owner) is not None}
    return answer | {"stage": stage, "presets": {"token": token}}


def on_model(studio: Studio, owner: str, model_id: str, saved: Any, offered: str = "") -> dict[str, Any]:
    """Another model was chosen: show the controls it supports, with their latest values.

    Gradio's list reports a choice twice; the second time the column is up to date, perhaps with newer values.
    """
    if model_id == offered:
        return {"offered": gr.skip()}
    spec = studio.model(model_id)
    if spec.readiness().label == "ready":  # downloads nothing
        studio.warm(spec.id)
    answer = clouds.shown(studio, owner, spec, saved)
    del answer["model"]["value"]  # another one may have been chosen meanwhile
    return answer


def on_generate(
    studio: Studio, owner: str, *, offered: str, saved: Any, confirm_cost: bool = False, **values: Any
) -> dict[str, Any]:
    """Queue the job. The stage follows it."""
    try:
        spec = studio.model(values["model"])
        if spec.id != offered:  # pressed before the column was updated for this model
            values |= offered_values(spec, saved)
        try:
            studio.generate(owner, request_from(spec, values), confirm_cost=confirm_cost)
        except OverBudget as error:
            return {"note": "", "price": asking(error, clouds.told_price(studio, owner, spec, values))}
        except NotReady as error:
            return {"note": "", "price": refused(error, clouds.told_price(studio, owner, spec, values))}
        unknown = studio.unknown_words(spec.id, values["prompt"])
    except StudioError as error:
        return {"note": noted(str(error), "trouble", about=str(values["prompt"]))}
    note = noted(unknown_sentence(spec, unknown), "hint", about=values["prompt"]) if unknown else ""
    return {"note": note, "price": clouds.told_price(studio, owner, spec, values)}


def on_confirm(studio: Studio, owner: str, **values: Any) -> dict[str, Any]:
    """The same, after a person confirmed a cost above the daily cap."""
    return on_generate(studio, owner, confirm_cost=True, **values)


def on_reuse(studio: Studio, owner: str, event: gr.EventData, saved: Any) -> dict[str, Any]:
    """Copy the settings of the picture `event.id` into the column, to make that one picture again."""
    settings = studio.settings_of(owner, event.id)
    if settings.request is None:
        return {"note": noted(" ".join(settings.notes), "hint")}
    request = settings.request
    spec = studio.model(request.model)
    saved = saved if isinstance(saved, dict) else {}
    models = {**(saved.get("models") or {}), spec.id: values_of(spec, request)}
    words = {"prompt": request.prompt} if request.prompt else {}  # without a prompt, keep the current one
    saved = {**saved, **words, "model": spec.id, "count": 1, "models": models}
    note = _differences(settings.notes, about=request.prompt)
    answer = clouds.shown(studio, owner, spec, saved)
    answer["count"]["value"] = 1
    return answer | words | {"saved": saved, "note": note}


def on_seed(studio: Studio, owner: str, event: gr.EventData, model_id: str) -> dict[str, Any]:
    """The newest picture has the seed `event.seed`: offer it. The model may have been downloaded by now."""
    spec = studio.model(model_id)
    choices = model_choices(studio.models(Task.GENERATE), owner, spec)
    told = {"choices": choices, "info": known_of(spec, owner)} if spec.download_gb else {}
    card = clouds.told_readiness(studio, owner, spec, {}) if spec.download_gb else {}
    return card | {
        "last_seed": event.seed,
        "take_seed": gr.update(value=f"Use the last seed, {event.seed}", visible=event.seed is not None),
        "model": gr.update(**told),
    }


def _differences(notes: tuple[str, ...], *, about: str) -> str:
    """The settings of a picture that could not be carried over: in full if few, else collapsed."""
    if len(notes) <= _FEW:
        return noted(" ".join(notes), "hint", about=about) if notes else ""
    first = "" if says_something(about) else f"{notes[0]} "  # "The file has no prompt", which must be seen
    notes = notes[1:] if first else notes
    lines = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return (
        f'<details class="note hint" role="status" data-about="{html.escape(about)}">'
        f"<summary>{first}{len(notes)} settings could not be carried over as they were</summary>"
        f"<ul>{lines}</ul></details>"
    )
