"""A1111's `parameters` text, also written by Forge and many others. Accepts any text.

Source: AUTOMATIC1111/stable-diffusion-webui modules/infotext_utils.py, `parse_generation_parameters`. Forge adds
"Distilled CFG Scale" (lllyasviel/stable-diffusion-webui-forge, the same file); sd-dynamic-prompts adds lines with its
templates below; stable-diffusion.cpp has "Guidance", Draw Things "Guidance Scale".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from studio.contract import Size
from studio.intake.settings.foreign_values import (
    MAX_SHORT,
    MAX_TEXT,
    Finding,
    bounded,
    named_in,
    number,
    parsed,
    sized,
    whole,
)

_NEGATIVE = "Negative prompt:"
_NO_PLACE = re.compile(
    r"sampler|schedule type|scheduler|denoising strength|vae|hires (?!module|cfg).*|refiner.*"
    r"|variation seed.*|adetailer (model|prompt|negative prompt)( \w+)?|controlnet \d+|styles?|performance"
    r"|sharpness|face restoration|eta|loras?|lora_\d+|embeddings?"
)
_NAME = re.compile(r"\s*([A-Za-z][\w \-/().+]{0,60}?)\s{0,3}:\s*")
_QUOTED = re.compile(r'"(?:\\.|[^\\"])*"')
_BEGINNING = re.compile(r"(?<![\w-])Steps:\s{0,3}\d{1,6}\s{0,3},")
_LINE = re.compile(
    r"\s{0,20}(steps|sampler|schedule type|scheduler|cfg scale|guidance scale|seed|size|model|model hash|version)\s?:",
    re.IGNORECASE,
)
_TEMPLATES = ("Template:", "Negative Template:")
_TOOLS = {
    r"diorama ": "Diorama",
    r"f\d": "Forge",
    r"fooocus": "Fooocus",
    r"comfyui": "ComfyUI",
    r"stable-diffusion\.cpp|sd\.cpp": "stable-diffusion.cpp",
    r"neo": "Forge",
}
"""By the start of "Version"."""
_MAX_BEGINNINGS = 200
_MAX_TEMPLATES = 100
_MAX_LINES = 30
"""Lines the pairs may be spread over."""
_MAX_TRIED = 1_000
"""Lines that begin like settings."""
_MAX_BRACKETS = 20_000
_MAX_LEFT_OUT = 24


def read_parameters(text: str) -> Finding | None:
    """The prompt, the negative prompt, and a line of pairs; None if it has neither of the last two.

    Without both it may be any text: cameras store comments in the same field.
    """
    words, pairs, is_one_line = _parts(text.replace("\r\n", "\n").replace("\r", "\n").strip())
    prompt, negative, is_marked = _prompts(words, is_one_line)
    if not pairs and not is_marked:
        return None
    model, resources = _resources(pairs.get("civitai resources", ""))
    left_out = [*_left_out(pairs), *resources, *named_in(prompt), *named_in(negative)]
    if "denoising strength" in pairs and not any(name.startswith("hires") for name in pairs):
        left_out.append("the picture it was made from")
    version = pairs.get("version", pairs.get("app", "")).lower()
    return Finding(
        tool=next((tool for pattern, tool in _TOOLS.items() if re.match(pattern, version)), "A1111"),
        prompt=bounded(prompt),
        negative_prompt=bounded(negative),
        size=_size(pairs.get("size", "")),
        steps=whole(pairs.get("steps")),
        guidance=_guidance(pairs),
        seed=whole(pairs.get("seed")),
        clip_skip=whole(pairs.get("clip skip")),
        model=bounded(pairs.get("model") or model, MAX_SHORT),
        left_out=tuple(dict.fromkeys(bounded(one, MAX_SHORT) for one in left_out))[:_MAX_LEFT_OUT],
    )


def _parts(text: str) -> tuple[str, dict[str, str], bool]:
    """The prompt text, the pairs, and whether both are on one line.

    The pairs are on their own line: the one above a template, which may contain such lines itself, or the last one.
    """
    lines = text.split("\n")
    templates = [index for index, line in enumerate(lines) if index and line.startswith(_TEMPLATES)]
    places = (*(index - 1 for index in templates[:_MAX_TEMPLATES]), *range(len(lines) - 1, -1, -1))
    for index in islice((index for index in places if _LINE.match(lines[index])), _MAX_TRIED):
        if _are_settings(pairs := _pairs(lines[index])):
            first = _merged(lines, index, pairs)
            return "\n".join(lines[:first]), pairs, False
    beginnings = [match.start() for match in _BEGINNING.finditer(text)][-_MAX_BEGINNINGS:]
    for start in reversed(beginnings):
        pairs = _pairs(text[start:].partition("\n")[0])
        if len(pairs.keys() & {"sampler", "cfg scale", "seed", "size", "model"}) >= 2:
            return text[:start], pairs, True
    return text, {}, False


def _merged(lines: list[str], index: int, pairs: dict[str, str]) -> int:
    """Add the pairs of adjacent lines, if they are spread over several; returns the index of the first."""
    for below in range(index + 1, min(len(lines), index + _MAX_LINES)):
        more = _pairs(lines[below]) if _LINE.match(lines[below]) else {}
        if not more or more.keys() & pairs.keys():
            break
        pairs |= more
    first = index
    while "steps" not in pairs and first and index - first < _MAX_LINES and _LINE.match(lines[first - 1]):
        more = _pairs(lines[first - 1])
        if more.keys() & pairs.keys():
            break
        pairs |= more
        first -= 1
    return first if first == index or whole(pairs.get("steps")) is not None else index


def _pairs(line: str) -> dict[str, str]:
    """Parse 'Steps: 20, Model: "a, b", Size: 64x64' into lower-case names and values; quoted values are JSON."""
    line = line[:MAX_TEXT]
    pairs: dict[str, str] = {}
    at, brackets = 0, 0
    unclosed = len(line)  # from here on, no quotation mark has another one behind it
    while at < len(line):
        match = _NAME.match(line, at)
        if match is None:
            at = _after_comma(line, at)
            continue
        name, start = match[1].strip().lower(), match.end()
        quoted = _QUOTED.match(line, start) if line.startswith('"', start) and start < unclosed else None
        if quoted is not None:
            unquoted = parsed(quoted[0])
            value, at = unquoted if isinstance(unquoted, str) else quoted[0], _after_comma(line, quoted.end())
        else:
            unclosed = min(unclosed, start) if line.startswith('"', start) else unclosed
            end = start
            if line[start : start + 1] in ("{", "[") and brackets < _MAX_BRACKETS:
                end = _closed(line, start)
                brackets += end - start or _MAX_BRACKETS
            at = _after_comma(line, end)
            value = line[start:at].rstrip().removesuffix(",")
        pairs.setdefault(name, value.strip())
    return pairs


def _after_comma(line: str, at: int) -> int:
    comma = line.find(",", at)
    return len(line) if comma < 0 else comma + 1


def _closed(line: str, start: int) -> int:
    """The index after the bracket that closes the one at `start`; `start` if there is none."""
    depth = 0
    for at in range(start, min(len(line), start + _MAX_BRACKETS)):
        depth += (line[at] in "{[") - (line[at] in "}]")
        if depth == 0:
            return at + 1
    return start


def _are_settings(pairs: dict[str, str]) -> bool:
    """Whether these are settings, and not part of a prompt with a colon."""
    known = pairs.keys() & {"steps", "sampler", "cfg scale", "seed", "size", "model"}
    certain = whole(pairs.get("steps")) is not None or whole(pairs.get("seed")) is not None
    return certain or _size(pairs.get("size", "")) is not None or len(known) >= 3


def _prompts(words: str, is_one_line: bool) -> tuple[str, str, bool]:
    """Prompt, negative prompt, and whether the latter's mark was there, at the beginning of a line."""
    match = re.search(rf"^[ \t]*{_NEGATIVE}", words, re.MULTILINE | re.IGNORECASE)
    if match is None and is_one_line:
        match = re.search(rf"(?<!\w){_NEGATIVE}", words)
    ends = " \t\n," if is_one_line else None  # without line breaks, a comma may stand for one
    if match is None:
        return words.strip().rstrip(ends), "", False
    return words[: match.start()].strip().rstrip(ends), words[match.end() :].strip().rstrip(ends), True


def _guidance(pairs: dict[str, str]) -> float | None:
    names = ("distilled cfg scale", "cfg scale", "guidance scale", "cfg", "guidance")
    values = [value for name in names if (value := number(pairs.get(name))) is not None]
    distilled = number(pairs.get("guidance"))
    return distilled if values[:1] == [1.0] and distilled is not None else next(iter(values), None)


def _left_out(pairs: dict[str, str]) -> Iterator[str]:
    for name, value in pairs.items():
        if value and _NO_PLACE.fullmatch(name) and value.lower() != "none":
            yield f"{_spelt(name)} {value}"
    for name in re.findall(r"([\w .\-]{1,100}):", pairs.get("ti hashes", ""))[:8]:
        yield f"embedding {name.strip()}"


def _resources(text: str) -> tuple[str, list[str]]:
    """Model and other weights, as Civitai's generator lists them.

    Source: civitai/civitai src/utils/metadata/automatic.metadata.ts, `civitaiResources`.
    """
    values = parsed(text) if text.startswith("[") else None
    found = [one for one in values[:16] if isinstance(one, dict)] if isinstance(values, list) else []
    named = [(str(one.get("type", ""))[:20].lower(), one.get("modelName") or one.get("air")) for one in found]
    models = [name for kind, name in named if kind == "checkpoint" or ":checkpoint:" in str(name)[:80]]
    others = [(_KINDS.get(kind, kind), bounded(name, MAX_SHORT)) for kind, name in named if name not in models]
    return bounded(next(iter(models), ""), MAX_SHORT), [f"{kind} {name}".strip() for kind, name in others if name]


_KINDS = {"lora": "LoRA", "locon": "LoRA", "dora": "LoRA", "lycoris": "LoRA", "textualinversion": "embedding"}
_KINDS |= {"embed": "embedding", "vae": "VAE"}


def _spelt(name: str) -> str:
    for word, spelling in (("adetailer", "ADetailer"), ("controlnet", "ControlNet"), ("vae", "VAE"), ("lora", "LoRA")):
        name = name.replace(word, spelling)
    return name


def _size(text: str) -> Size | None:
    match = re.fullmatch(r"(\d{1,6})\s?[xX×]\s?(\d{1,6})", text)
    return sized(match[1], match[2]) if match else None
