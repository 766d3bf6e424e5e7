"""A1111's text about a picture, as Forge and many others write it too. Any text is allowed."""

from __future__ import annotations

import re

from studio.contract import Size
from studio.findings import MAX_SHORT, MAX_TEXT, Finding, bounded, number, parsed, sized, whole


def read_parameters(text: str) -> Finding | None:
    """A1111's `parameters`: prompt, negative prompt, and a last line of pairs.

    Source: AUTOMATIC1111/stable-diffusion-webui modules/infotext_utils.py, `parse_generation_parameters`; Forge adds
    "Distilled CFG Scale" (lllyasviel/stable-diffusion-webui-forge modules/processing.py).
    """
    lines = text.strip().splitlines()
    if not lines or lines[0].startswith(("{", "[")):
        return None
    pairs = _pairs(lines[-1])
    if not pairs.keys() & {"Steps", "Seed", "Size", "CFG scale", "Model"}:
        pairs = {}
    else:
        lines.pop()
    prompt, negative = _prompts(lines)
    distilled = number(pairs.get("Distilled CFG Scale"))
    made_here = pairs.get("Version", "").startswith("Diorama ")
    left_out = [f"{name.lower()} {pairs[name]}"[:MAX_SHORT] for name in _NO_PLACE if pairs.get(name)]
    left_out += [f"LoRA {name}"[:MAX_SHORT] for name in re.findall(r"<lora:([^:<>]{1,100})[:>]", prompt)[:8]]
    return Finding(
        tool="Diorama" if made_here else "A1111",
        prompt=bounded(prompt),
        negative_prompt=bounded(negative),
        size=_size(pairs.get("Size", "")),
        steps=whole(pairs.get("Steps")),
        guidance=number(pairs.get("CFG scale")) if distilled is None else distilled,
        seed=whole(pairs.get("Seed")),
        model=bounded(pairs.get("Model", ""), MAX_SHORT),
        left_out=tuple(left_out),
    )


_NO_PLACE = ("Sampler", "Schedule type", "Denoising strength", "Clip skip", "Hires upscaler", "Variation seed", "VAE")


def _prompts(lines: list[str]) -> tuple[str, str]:
    """Everything from "Negative prompt:" on is the negative one."""
    for index, line in enumerate(lines):
        if line.strip().startswith("Negative prompt:"):
            rest = [line.strip().removeprefix("Negative prompt:"), *lines[index + 1 :]]
            return "\n".join(lines[:index]).strip(), "\n".join(rest).strip()
    return "\n".join(lines).strip(), ""


def _pairs(line: str) -> dict[str, str]:
    """ "Steps: 20, Model: "a, b", Size: 64x64": names and values, a value in quotes being JSON."""
    pairs = {}
    for name, value in re.findall(r"\s*([\w ]{1,60}?):\s*(\"(?:\\.|[^\\\"])*\"|[^,]*)(?:,|$)", line[:MAX_TEXT]):
        if value.startswith('"'):
            unquoted = parsed(value)
            value = unquoted if isinstance(unquoted, str) else value
        pairs.setdefault(name.strip(), value.strip())
    return pairs


def _size(text: str) -> Size | None:
    match = re.fullmatch(r"(\d{1,6})\s*x\s*(\d{1,6})", text)
    return sized(match[1], match[2]) if match else None
