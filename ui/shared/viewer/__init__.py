"""A picture as large as the window, with its recipe in words, its relatives and everything one can do with it.

One gr.HTML component for the whole page: a tab asks for it by an event (see `ui/shared/scripts/talk.js`). Knows no tab.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ui.shared import pictures
from ui.shared.bridge import Bridge
from ui.shared.scripts import component

_CALLS = (pictures.look, pictures.star, pictures.delete, pictures.restore, pictures.vary)


def build_viewer(bridge: Bridge) -> gr.HTML:
    """Lay out the viewer inside the current Blocks, outside of the tabs.

    Returns:
        The component. Its value is `{token}`.
    """
    calls = [bridge.server_function(call) for call in _CALLS]
    return component(Path(__file__).parent, ("zoom.js", "panel.js", "viewer.js"), calls, "viewer")
