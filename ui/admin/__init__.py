"""The admin page: visitors, jobs and disk use of a shared Diorama. A separate page, without gradio."""

from __future__ import annotations

from pathlib import Path

from ui.shared.own_page import own_page


def document() -> str:
    """The whole page."""
    return own_page(Path(__file__).parent / "admin.js", "shared/style/palette.css")
