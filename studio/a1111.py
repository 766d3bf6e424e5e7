"""A1111's text about a picture, as Forge and many others write it too. Any text is allowed.

Source: AUTOMATIC1111/stable-diffusion-webui modules/infotext_utils.py, `parse_generation_parameters`. Forge adds
"Distilled CFG Scale" (lllyasviel/stable-diffusion-webui-forge, the same file).
"""

from __future__ import annotations

import re

from studio.contract import Size
from studio.findings import MAX_SHORT, MAX_TEXT, Finding, bounded, number, parsed, sized, whole

_NO_PLACE = ("Sampler", "Schedule type", "Denoising strength", "Clip skip", "VAE", "Hires upscaler", "Variation seed")
_PAIR = re.compile(r'([A-Za-z][\w \-/]{0,60}?):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_LINES_AFTER = 8  # some extensions add lines of their own below the pairs


def read_parameters(text: str) -> Finding | None:
    """The prompt, a negative prompt from its mark on, and a line of pairs; None without that line.

    Without the pairs it may be any text: cameras keep their owner's remarks in the same place.
    """
    lines = text.replace("\r\n", "\n").strip().split("\n")
    pairs: dict[str, str] = {}
    for index in range(len(lines) - 1, max(-1, len(lines) - 1 - _LINES_AFTER), -1):
        pairs = _pairs(lines[index])
        if _are_settings(pairs):
            lines = lines[:index]
            break
        pairs = {}
    prompt, negative = _prompts(lines)
    if not prompt or not pairs:
        return None
    distilled = number(pairs.get("Distilled CFG Scale"))
    left_out = [f"{name[0].lower()}{name[1:]} {pairs[name]}" for name in _NO_PLACE if pairs.get(name)]
    left_out += [f"LoRA {name}" for name in re.findall(r"<lora:([^:<>]{1,100})[:>]", prompt[:MAX_TEXT])[:8]]
    return Finding(
        tool="Diorama" if pairs.get("Version", "").startswith("Diorama ") else "A1111",
        prompt=bounded(prompt),
        negative_prompt=bounded(negative),
        size=_size(pairs.get("Size", "")),
        steps=whole(pairs.get("Steps")),
        guidance=number(pairs.get("CFG scale")) if distilled is None else distilled,
        seed=whole(pairs.get("Seed")),
        model=bounded(pairs.get("Model", ""), MAX_SHORT),
        left_out=tuple(bounded(one, MAX_SHORT) for one in left_out),
    )


def _pairs(line: str) -> dict[str, str]:
    """'Steps: 20, Model: "a, b", Size: 64x64' as names and values; a value in quotes is JSON."""
    pairs: dict[str, str] = {}
    for name, value in _PAIR.findall(line[:MAX_TEXT]):
        if value.startswith('"'):
            unquoted = parsed(value)
            value = unquoted if isinstance(unquoted, str) else value
        pairs.setdefault(name.strip(), value.strip())
    return pairs


def _are_settings(pairs: dict[str, str]) -> bool:
    """Whether these are settings, and not words of a prompt with a colon among them."""
    known = pairs.keys() & {"Steps", "Sampler", "CFG scale", "Seed", "Size", "Model"}
    certain = whole(pairs.get("Steps")) is not None or whole(pairs.get("Seed")) is not None
    return certain or _size(pairs.get("Size", "")) is not None or len(known) >= 3


def _prompts(lines: list[str]) -> tuple[str, str]:
    for index, line in enumerate(lines):
        if line.strip().startswith("Negative prompt:"):
            rest = [line.strip().removeprefix("Negative prompt:"), *lines[index + 1 :]]
            return "\n".join(lines[:index]).strip(), "\n".join(rest).strip()
    return "\n".join(lines).strip(), ""


def _size(text: str) -> Size | None:
    match = re.fullmatch(r"(\d{1,6})x(\d{1,6})", text)
    return sized(match[1], match[2]) if match else None
