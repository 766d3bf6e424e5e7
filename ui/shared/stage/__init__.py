"""The stage and the strip: one gr.HTML component that draws what it is told by `ui/shared/watch.py`. Knows no tab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from ui.shared.scripts import component

_SCRIPTS = ("picture.js", "strip.js", "watcher.js", "stage.js")


def build_stage(calls: list[Callable[..., Any]]) -> gr.HTML:
    """Lay out a stage inside the current Blocks.

    Args:
        calls: server functions by the names of `ui/shared/watch.py` and `ui/shared/pictures.py`.

    Returns:
        The component. Its value is `{token}`, the browser's token; its events are `reuse` (id) and `seed` (seed).
    """
    return component(Path(__file__).parent, _SCRIPTS, calls, "stage")
