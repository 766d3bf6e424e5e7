"""The header: the name, what runs here and with whose key, the theme, and the shortcuts."""

from __future__ import annotations

import gradio as gr

from studio.contract import ModelSpec, Readiness, Task
from studio.service import Studio
from ui.routes.clouds import clouds_of
from ui.shared.model_texts import is_offered
from ui.shared.pictures import Answer
from ui.shared.scripts import component


def build_header(studio: Studio, machine: str, notice: str = "") -> gr.HTML:
    """Lay out the header inside the current Blocks.

    Args:
        machine: this machine in a word or two; "": not shown.
        notice: shown to everybody; "": nothing.

    Returns:
        The component. Its value is `{token}`.
    """
    return component("shared/header/header", badge=_badge(studio, machine), notice=notice)


def readiness(studio: Studio, owner: str, _question: Answer) -> Answer:
    """Every tab with its models and whether they can be used now; where to put your own; and `clouds_of`."""
    tabs = []
    for task in Task:
        offered = [spec for spec in studio.models(task) if is_offered(spec, owner)]
        here = [_line(spec, spec.ready_for(owner)) for spec in offered if not spec.provider]
        providers = dict.fromkeys(spec.provider for spec in offered if spec.provider)
        there = [_of_provider(name, [spec for spec in offered if spec.provider == name]) for name in providers]
        if offered:
            tabs.append({"label": task.value.capitalize(), "models": [*here, *there]})
    return {"tabs": tabs, "own": studio.own_folder, "clouds": clouds_of(studio, owner)}


ROUTES = {"readiness": readiness}


def _line(spec: ModelSpec, ready: Readiness) -> Answer:
    return {"label": spec.label, "ok": ready.ok, "state": ready.label, "about": spec.about}


def _of_provider(name: str, specs: list[ModelSpec]) -> Answer:
    """All models of one provider on one line: there are many, and the tabs' lists have details."""
    labels = ", ".join(spec.label.removesuffix(f" ({name})") for spec in specs)
    return {"label": name, "ok": True, "state": "billed by usage", "about": f"{labels}."}


def _badge(studio: Studio, machine: str) -> Answer:
    """The badge before a tab has set it: the first model that is ready, and the machine."""
    ready = [spec.label for spec in studio.models(Task.GENERATE) if not spec.provider and spec.readiness().ok]
    return {"model": ready[0] if ready else "no model is ready", "machine": machine}
