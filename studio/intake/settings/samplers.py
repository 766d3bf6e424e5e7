"""Which sampler of a model the names of other tools mean: A1111's, ComfyUI's, InvokeAI's.

Sources: AUTOMATIC1111/stable-diffusion-webui modules/sd_samplers_kdiffusion.py and sd_schedulers.py;
comfyanonymous/ComfyUI comfy/samplers.py, `KSAMPLER_NAMES`; invoke-ai/InvokeAI
invokeai/backend/stable_diffusion/schedulers/schedulers.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

SAMPLERS = (
    *("DPM++ 2M Karras", "DPM++ 2M", "DPM++ 2M SDE Karras", "DPM++ 2M SDE"),
    *("Euler", "Euler a", "DDIM", "UniPC", "LCM"),
)
"""Those that models may support, by A1111's names. "DPM++ SDE" needs noise from a package of its own."""
_KARRAS = " Karras"
_NAMES = {
    "euler": "Euler",
    "eulera": "Euler a",
    "eulerancestral": "Euler a",
    "dpmpp2m": "DPM++ 2M",
    "dpmpp2msde": "DPM++ 2M SDE",
    "ddim": "DDIM",
    "unipc": "UniPC",
    "lcm": "LCM",
}
"""Lower case, without punctuation."""
_PLAIN = ("normal", "simple", "uniform", "default", "ddim_uniform")
"""Names for a sampler's default schedule."""
_PART = re.compile(r"(sampler|scheduler|schedule type) (.+)")


def sampler_in(parts: Sequence[str], known: Collection[str]) -> tuple[str, list[str]]:
    """
    Args:
        parts: of `Finding.left_out`: "sampler Euler a", "schedule type Karras".
        known: the samplers of a model.

    Returns:
        One of them, or ""; and the remaining parts.
    """
    said = [(part, found[1], found[2]) for part in parts if (found := _PART.fullmatch(part))]
    first = next((each for each in said if each[1] == "sampler"), said[0] if said else None)
    if first is None:
        return "", [*parts]
    name, is_karras = _named(first[2])
    schedule = next((each for each in said if each is not first and each[1] != "sampler"), None)
    used = [first[0]]
    if schedule and name:
        kind = schedule[2].lower().strip()
        by_itself = kind == "automatic" and f"{name}{_KARRAS}" in known  # so A1111 takes it
        if (kind == "karras" and f"{name}{_KARRAS}" in known) or (by_itself and name == "DPM++ 2M"):
            is_karras, used = True, [*used, schedule[0]]
        elif kind in _PLAIN or (kind == "automatic" and not by_itself):
            used.append(schedule[0])
    name += _KARRAS if is_karras else ""
    return (name, [part for part in parts if part not in used]) if name in known else ("", [*parts])


def _named(text: str) -> tuple[str, bool]:
    """A name as A1111 writes it, without the schedule, or ""; and whether the schedule is Karras."""
    plain = re.sub(r"^(k|sample)[ _]|[ _]gpu$", "", text.lower().strip().replace("++", "pp"))
    bare = re.sub(r"[ _]?(karras|(?<=[_])k)$", "", plain)
    return _NAMES.get(re.sub(r"[^a-z0-9]", "", bare), ""), bare != plain
