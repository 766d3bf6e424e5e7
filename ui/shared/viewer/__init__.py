"""The full-window viewer: a picture with its recipe in words, its relatives and every action on it.

One gr.HTML component for the whole page; tabs open it through an event of `ui/shared/scripts/events.js`.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ui.shared.scripts import component


def build_viewer() -> gr.HTML:
    """Lay out the viewer inside the current Blocks, outside the tabs.

    Returns:
        The component. Its value is `{token}`.
    """
    return component(Path(__file__).parent, "viewer")
