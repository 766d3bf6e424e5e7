"""The stage and the strip of Generate: one gr.HTML component that draws the state from `ui/shared/watch.py`."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ui.shared.scripts import component


def build_stage() -> gr.HTML:
    """Lay out a stage inside the current Blocks.

    Returns:
        The component. Its value is `{token, demo}`, the browser's token and whether a model has a demo; its events are
        `reuse` (id) and `seed` (seed).
    """
    return component(Path(__file__).parent, "stage", "reuse", "seed")
