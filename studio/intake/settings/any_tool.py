"""From the texts in an uploaded picture to the settings of one of the known tools.

Accepts any text. Settings are kept even without a prompt; what is there but unreadable is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from studio.intake.containers.texts import looks_like_settings
from studio.intake.settings.a1111 import read_parameters
from studio.intake.settings.comfyui.samplers import read_nodes
from studio.intake.settings.foreign_values import MAX_SHORT, MAX_TEXT, Finding, bounded, parsed
from studio.intake.settings.invokeai import (
    read_beta,
    read_dream,
    read_invoked_graph,
    read_metadata,
    read_older_metadata,
)
from studio.intake.settings.plain_json import UNKNOWN, read_values
from studio.recipe import KEYWORD

_READERS: dict[str, Callable[[str], Finding | None]] = {
    "invokeai_metadata": read_metadata,
    "sd-metadata": read_older_metadata,
    "invokeai": read_beta,
    "invokeai_graph": read_invoked_graph,
    "Dream": read_dream,
}
_FIRST = ("parameters", "invokeai_metadata", "prompt", "workflow")
"""In order of precedence; other tools also write `parameters` for compatibility."""
_TOOLS = dict.fromkeys(("prompt", "workflow"), "ComfyUI") | dict.fromkeys(_READERS, "InvokeAI")
_MIDJOURNEY = re.compile(r"\s*Job ID: [0-9a-f-]{36}\s*$")


def finding_in(texts: Mapping[str, str], too_long: Sequence[str] = ()) -> Finding | None:
    """Another tool's settings for its picture; None if no text contains any.

    Args:
        texts: by PNG keyword, as `DecodedPicture.text`.
        too_long: keywords of texts that were too long to read.
    """
    best: Finding | None = None
    for finding in _findings(texts):
        if finding.prompt:
            return finding
        if best is None or (finding.says_anything and not best.says_anything):
            best = finding
    if best is None or not best.says_anything:
        for keyword in too_long:
            tool = _TOOLS.get(keyword, UNKNOWN)
            return Finding(tool, left_out=(f"settings of {tool}, which are too long to be read",))
    return best or _named(texts)


def _findings(texts: Mapping[str, str]) -> Iterator[Finding]:
    keywords = [keyword for keyword in _FIRST if keyword in texts]
    is_run = False
    for keyword in (*keywords, *(keyword for keyword in texts if keyword not in _FIRST and keyword != KEYWORD)):
        text = texts[keyword]
        if keyword == "workflow" and is_run:  # it has no more to say than the graph that was run
            continue
        finding = _READERS[keyword](text) if keyword in _READERS else None
        if finding is None or not (finding.says_anything or finding.left_out):
            finding = _read(text, texts)
        if finding is not None and (finding.says_anything or finding.left_out):
            is_run |= keyword == "prompt" and finding.says_anything
            yield finding
    separate = read_values(dict(texts), {}, is_loose=True)  # each setting in a text of its own
    if separate is not None:
        yield separate


def _read(text: str, texts: Mapping[str, str]) -> Finding | None:
    """Text in any form, under any keyword."""
    if text.lstrip()[:1] != "{":
        return _lines(text) or read_parameters(text) or _described(text)
    values = parsed(text)
    if not isinstance(values, dict):
        return None
    is_graph = isinstance(values.get("nodes"), list) or any(
        isinstance(node, dict) and "class_type" in node for node in values.values()
    )
    inner = next((values[name] for name in ("prompt", "workflow") if isinstance(values.get(name), dict)), None)
    return (read_nodes(values) if is_graph else None) or read_nodes(inner) or read_values(values, texts)


def _lines(text: str) -> Finding | None:
    """A named setting on every line: "prompt: a boat", "seed: 5"."""
    if re.match(r"\s{0,20}prompt\s?[:=]", text, re.IGNORECASE) is None:
        return None
    named = dict(re.findall(r"^[ \t]{0,9}([A-Za-z][\w ]{0,30}?)[ \t]?[:=][ \t]?(.*)$", text[:MAX_TEXT], re.MULTILINE))
    return read_values(named, {}) if len(named) > 1 else None


def _described(text: str) -> Finding | None:
    """Midjourney's description: a prompt, options such as --ar 2:3, and the job id."""
    match = _MIDJOURNEY.search(text[-200:])
    if match is None:
        return None
    words, separator, options = text[: len(text) - len(match[0])].partition(" --")
    left_out = (f"options --{bounded(options, MAX_SHORT)}",) if separator else ()
    return Finding("Midjourney", prompt=bounded(words).strip(), left_out=left_out)


def _named(texts: Mapping[str, str]) -> Finding | None:
    """Settings that are there but cannot be read."""
    for keyword, text in texts.items():
        tool = _TOOLS.get(keyword, UNKNOWN)
        if keyword != KEYWORD and looks_like_settings(text):
            return Finding(tool, left_out=(f"settings of {tool}, which Diorama cannot read",))
    return None
