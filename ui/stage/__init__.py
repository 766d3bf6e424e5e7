"""The stage and the strip: one gr.HTML component that draws what it is told by `ui/watch.py`. Knows no tab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent
_SCRIPTS = ("dom.js", "toast.js", "zoom.js", "picture.js", "strip.js", "watcher.js", "stage.js")


def build_stage(calls: list[Callable[..., Any]]) -> gr.HTML:
    """Lay out a stage inside the current Blocks.

    Args:
        calls: server functions by the names of `ui/watch.py`.

    Returns:
        The component. Its value is `{token}`, the browser's token; its events are `reuse` (id) and `seed` (seed).
    """
    scripts = [(_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    return gr.HTML(
        html_template=(_HERE / "stage.html").read_text(encoding="utf-8"),
        js_on_load="\n".join(scripts),
        apply_default_css=False,
        server_functions=calls,
        elem_id="stage",
    )
