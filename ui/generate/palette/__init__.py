"""Chips under the prompt: the words that the chosen model knows, if it does not know all, and the LoRAs that fit it."""

from __future__ import annotations

from typing import Any

from studio.contract import ModelSpec


def palette_of(spec: ModelSpec) -> dict[str, Any]:
    """The data for a model's chips."""
    palette, loras = spec.palette, spec.loras() if spec.loras else ()
    offered: dict[str, Any] = {"loras": loras} if loras else {}
    if palette:
        offered["palette"] = {"blank": palette.blank, "groups": [group._asdict() for group in palette.groups]}
    return offered
