"""The line at the top: the name, what runs here, light or dark, and the keys. Knows no tab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from studio.contract import Task
from studio.service import Studio
from ui.controls import is_offered
from ui.events import Bridge

_HERE = Path(__file__).parent


def build_header(bridge: Bridge, machine: str) -> gr.HTML:
    """Lay out the header inside the current Blocks.

    Args:
        bridge: gives the readiness of the models, asked each time the badge is opened.
        machine: what this runs on, in a word or two; "" if there is nothing to say.
    """
    return gr.HTML(
        value={"badge": _badge(bridge.studio, machine)},
        html_template=(_HERE / "header.html").read_text(encoding="utf-8"),
        js_on_load=(_HERE / "header.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        server_functions=[bridge.open_function(readiness)],
        elem_id="header",
    )


def readiness(studio: Studio) -> dict[str, Any]:
    """Every tab with its models and whether they can be used here, now."""
    tabs = []
    for task in Task:
        models = [
            {"label": spec.label, "ok": spec.readiness().ok, "state": spec.readiness().label, "about": spec.about}
            for spec in studio.models(task)
            if is_offered(spec)
        ]
        if models:
            tabs.append({"label": task.value.capitalize(), "models": models})
    return {"tabs": tabs}


def _badge(studio: Studio, machine: str) -> str:
    """ "Toy klein, CPU": the first model that is ready, and the machine."""
    ready = [spec.label for spec in studio.models(Task.GENERATE) if spec.readiness().ok]
    return ", ".join(part for part in (ready[0] if ready else "no model is ready", machine) if part)
