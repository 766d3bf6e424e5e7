"""Lines of HTML under the controls: a model's licence, and notes near the button."""

from __future__ import annotations

import html

from studio.contract import ModelSpec


def terms(spec: ModelSpec) -> str:
    """One line of HTML: the model's licence, and whether it has to be accepted first."""
    line = f"Licence: {_link(spec.licence, spec.licence_url)}"
    if spec.gated:
        line += f" · gated: accept it once {_link('on its page', spec.page_url)}"
    return f'<p class="terms">{line}</p>'


def noted(sentence: str, kind: str, *, about: str = "") -> str:
    """A note near the button; `kind` is "hint" or "trouble", `about` the prompt it refers to."""
    role = "alert" if kind == "trouble" else "status"
    return f'<p class="note {kind}" role="{role}" data-about="{html.escape(about)}">{html.escape(sentence)}</p>'


def _link(text: str, url: str) -> str:
    text = html.escape(text)
    if not url.startswith("https://"):
        return text
    return f'<a href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">{text}</a>'
