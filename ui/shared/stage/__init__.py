"""The stage and the strip: one gr.HTML component that draws what it is told by `ui/shared/watch.py`. Knows no tab."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ui.shared.scripts import component

_SCRIPTS = ("picture.js", "strip.js", "watcher.js", "stage.js")


def build_stage() -> gr.HTML:
    """Lay out a stage inside the current Blocks.

    Returns:
        The component. Its value is `{token}`, the browser's token; its events are `reuse` (id) and `seed` (seed).
    """
    return component(Path(__file__).parent, _SCRIPTS, "stage")
