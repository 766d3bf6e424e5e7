"""The host's page: visitors, jobs and disk of a shared Diorama. A page of its own, without gradio."""

from __future__ import annotations

import html
from pathlib import Path

from ui.shared.scripts import SCRIPTS

_HERE = Path(__file__).parent


def document() -> str:
    """The whole page; it says nothing of anybody, and asks for that with what its visitor has."""
    sheets = [_HERE.parent / "shared/style/palette.css", _HERE / "admin.css"]
    style = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    page = (_HERE / "admin.html").read_text(encoding="utf-8")
    return page.replace("{style}", style).replace("{script}", html.escape(f"{SCRIPTS}/ui/admin/admin.js"))
