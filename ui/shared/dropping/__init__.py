"""Pictures from a person's disk: dropped anywhere on the page, pasted, or chosen. Its scripts send them to the route of
`ui/routes/uploads.py` and hand what comes back to the tab that is open.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ui.shared.scripts import component


def build_dropping() -> gr.HTML:
    """Lay out the place inside the current Blocks, outside of the tabs.

    Returns:
        The component. Its value is `{token, mostBytes}`.
    """
    return component(Path(__file__).parent, "dropping")
