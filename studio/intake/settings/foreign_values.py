"""Settings found in the text of another tool, and how to read its values without trusting them.

Never raises, whatever a file contains: unusable values count as missing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from studio.contract import Size
from studio.validation import cleaned

MAX_TEXT = 20_000
"""Characters of a prompt: twice what a request may have, so that a longer one is noticed later."""
MAX_SHORT = 200
"""Characters of a model's or sampler's name."""


@dataclass(frozen=True)
class Finding:
    """Another tool's settings for a picture. None and "" mean missing."""

    tool: str  # "A1111", "ComfyUI", "InvokeAI"; "Diorama" for ours in A1111's format
    prompt: str = ""
    negative_prompt: str = ""
    size: Size | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    model: str = ""
    left_out: tuple[str, ...] = ()  # settings without a field here: "sampler Euler a"
    clip_skip: int | None = None

    @property
    def says_anything(self) -> bool:
        """Whether it has a setting that can be carried over."""
        values = (self.size, self.steps, self.guidance, self.seed)
        return bool(self.prompt or self.negative_prompt or self.model) or any(value is not None for value in values)


def parsed(text: str) -> Any:
    """The value of a JSON text; None if it is invalid, NaN or infinite."""
    try:
        return json.loads(text, parse_constant=lambda constant: None)
    except (ValueError, RecursionError):
        return None


def bounded(value: object, most: int = MAX_TEXT) -> str:
    """Text of at most this many characters that can be stored; "" for anything else."""
    return cleaned(value[:most]) if isinstance(value, str) else ""


def whole(value: object) -> int | None:
    """A whole number from 0 to 2^64 - 1, also as text."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[0-9]{1,20}", value) and int(value) < 2**64 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64 else None


def number(value: object) -> float | None:
    """A finite number, also as text."""
    if (isinstance(value, str) and len(value) <= 40) or (
        isinstance(value, int | float) and not isinstance(value, bool)
    ):
        try:
            as_float = float(value)
        except (ValueError, OverflowError):
            return None
        return as_float if math.isfinite(as_float) else None
    return None


def sized(width: object, height: object) -> Size | None:
    """A size, if both sides are whole numbers that a picture can have."""
    sides = whole(width), whole(height)
    if sides[0] is None or sides[1] is None or not all(0 < side < 2**16 for side in sides if side is not None):
        return None
    return Size(sides[0], sides[1])


_WEIGHT = re.compile(r"\(([^()]{1,100}:\s?-?\d{0,3}\.?\d{1,4})\)")
_LORA_TAG = re.compile(r"<lora:([^:<>]{1,100})[:>]")
_WHOLE_TAG = re.compile(r" ?<lora:([^:<>]{1,100})(?::[^<>]*)?>")
_EMBEDDING = re.compile(r"\bembedding:([\w.\-/\\]{1,100})")


def named_in(prompt: str) -> list[str]:
    """Files that other tools load through the prompt, which models here read as words."""
    prompt = prompt[:MAX_TEXT]
    said = [f"LoRA {name}" for name in dict.fromkeys(_LORA_TAG.findall(prompt))][:8]
    return said + [f"embedding {name}" for name in dict.fromkeys(_EMBEDDING.findall(prompt))][:8]


def loras_in(prompt: str, here: Collection[str]) -> tuple[str, list[str], list[str]]:
    """A prompt without tags of LoRAs that are not here; the names of those that are, and of those that are not."""
    used, gone = list[str](), list[str]()

    def kept(tag: re.Match[str]) -> str:
        is_here = tag[1].strip().removesuffix(".safetensors") in here
        (used if is_here else gone).append(tag[1].strip())
        return tag[0] if is_here else ""

    return _WHOLE_TAG.sub(kept, prompt), used, list(dict.fromkeys(gone))


def prompt_weights(prompt: str) -> list[str]:
    """Prompt syntax that A1111 interprets and only some models here do."""
    prompt = prompt[:MAX_TEXT]
    weight = _WEIGHT.search(prompt)
    said = [f"weights such as ({weight[1]})"] if weight else []
    return [*said, "BREAK"] if re.search(r"\bBREAK\b", prompt) else said
