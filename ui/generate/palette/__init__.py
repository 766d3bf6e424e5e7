"""Chips under the prompt: the words that the chosen model knows, if it does not know all, and the LoRAs that fit it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from studio.contract import ModelSpec
from ui.shared.scripts import component


def build_palette() -> gr.HTML:
    """Lay out the chips.

    Returns:
        The component. Its value is what `palette_of` returns and, at its event `words`, `words`: the new prompt.
    """
    return component(Path(__file__).parent, "palette", "words")


def palette_of(spec: ModelSpec) -> dict[str, Any]:
    """The data for a model's chips."""
    palette, loras = spec.palette, spec.loras() if spec.loras else ()
    offered: dict[str, Any] = {"loras": loras} if loras else {}
    if palette:
        offered["palette"] = {"blank": palette.blank, "groups": [group._asdict() for group in palette.groups]}
    return offered
