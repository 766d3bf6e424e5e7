"""Pictures from a person's disk: dropped anywhere on the page, pasted, or chosen. Its scripts send them to
`ui/routes/uploads.py` and pass the result to the open tab.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ui.shared.scripts import component


def build_dropping() -> gr.HTML:
    """Lay out the drop target inside the current Blocks, outside the tabs.

    Returns:
        The component. Its value is `{token, mostBytes}`.
    """
    return component(Path(__file__).parent, "dropping")
