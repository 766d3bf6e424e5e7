"""The results of ComfyUI's RegexReplace and RegexExtract, for patterns that cannot take long.

Source: ComfyUI comfy_extras/nodes_string.py (inputs, default flags, modes).
"""

from __future__ import annotations

import re

from studio.intake.settings.comfyui.graph import Node
from studio.intake.settings.foreign_values import MAX_TEXT

_MAX_SEARCHED = 2_000  # characters, with a pattern that may look at each of them once for each
_QUICK = re.compile(
    r"(?:[^\\*+{?()\[\]]|\\[^0-9]|\[\^?[^\[\]\\]+\]|\((?!\?)|\)(?![*+{?])|\?)*"
    r"(?:[*+]\??(?:[^\\*+{?()\[\]]|\\[^0-9]|\[\^?[^\[\]\\]+\]|\((?!\?)|\)(?![*+{?])|\?)*)?"
)
"""At most one endless repetition, of no group, and no reference back."""


def by_pattern(node: Node, text: str) -> str | None:
    """The resulting text; None if unknown."""
    pattern, replace = node.inputs.get("regex_pattern"), node.inputs.get("replace")
    count = node.inputs.get("count", 0)
    if not isinstance(pattern, str) or len(text) > _MAX_SEARCHED or not _is_quick(pattern):
        return None
    flags = re.RegexFlag(0)
    for name, flag, usual in (
        ("case_insensitive", re.IGNORECASE, True),
        ("multiline", re.MULTILINE, False),
        ("dotall", re.DOTALL, False),
    ):
        flags |= flag if node.inputs.get(name, usual) is True else re.RegexFlag(0)
    try:
        if node.kind == "RegexReplace" and isinstance(replace, str) and type(count) is int and len(replace) < 1_000:
            return re.sub(pattern, replace, text, count=max(0, count), flags=flags)[:MAX_TEXT]
        if node.kind == "RegexExtract":
            return _extracted(node, re.compile(pattern, flags), text)
    except (re.error, IndexError, OverflowError):
        return None
    return None


def _is_quick(pattern: str) -> bool:
    ways = len(re.findall(r"[*+?|]", pattern))  # each may double what is tried
    return len(pattern) <= 200 and ways <= 4 and _QUICK.fullmatch(pattern) is not None


def _extracted(node: Node, pattern: re.Pattern[str], text: str) -> str | None:
    mode, group = node.inputs.get("mode", "First Match"), node.inputs.get("group_index", 1)
    found = [*pattern.finditer(text)]
    if not found:
        return ""
    if mode == "First Match":
        return found[0][0]
    if mode == "All Matches":
        return "\n".join(one[0] for one in found)[:MAX_TEXT] if not pattern.groups else None
    if type(group) is not int or not 0 <= group <= pattern.groups:
        return None
    if mode == "First Group":
        return found[0][group] or ""
    return "\n".join(one[group] or "" for one in found)[:MAX_TEXT] if mode == "All Groups" else None
