"""ComfyUI's graphs as text."""

from __future__ import annotations

from studio.intake.settings.comfyui.samplers import read_nodes
from studio.intake.settings.foreign_values import Finding, parsed


def read_graph(text: str) -> Finding | None:
    """A `prompt` or `workflow` chunk."""
    return read_nodes(parsed(text))
