"""The dialog that chooses a picture, or a file. Its script's `choosePicture` opens it. Knows no tab."""

from __future__ import annotations

from pathlib import Path

import gradio as gr


def build_picker() -> None:
    """Lay out the dialog, closed, inside the current Blocks, outside the tabs."""
    template = Path(__file__).with_name("picker.html").read_text(encoding="utf-8")
    gr.HTML(html_template=template, apply_default_css=False, elem_id="picker")
