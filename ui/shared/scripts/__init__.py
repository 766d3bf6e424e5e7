"""How our own components are put together from a template and scripts. Knows no component."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent
_SHARED = ("dom.js", "toast.js", "talk.js")
"""What every component of ours begins with."""


def component(folder: Path, scripts: Iterable[str], elem_id: str, **options: Any) -> gr.HTML:
    """A gr.HTML of ours inside the current Blocks.

    Args:
        folder: holds `<elem_id>.html` and the scripts.
        scripts: names of files, in the order in which they run, behind the shared ones.
        elem_id: of the component in the page.
        options: further properties of gr.HTML.

    Returns:
        The component. Its scripts begin to work when its value becomes `{token, ...}`.
    """
    sources = [*(_HERE / name for name in _SHARED), *(folder / name for name in scripts)]
    return gr.HTML(
        html_template=(folder / f"{elem_id}.html").read_text(encoding="utf-8"),
        js_on_load="\n".join(source.read_text(encoding="utf-8") for source in sources),
        apply_default_css=False,
        elem_id=elem_id,
        **options,
    )
