"""What a ComfyUI node does with its texts: joins them, replaces words, extracts a part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from studio.intake.settings.comfyui.graph import Link, Node
from studio.intake.settings.foreign_values import MAX_SHORT, MAX_TEXT, bounded

_DELIMITERS = (
    *("delimiter", "separator", "delimeter", "sep", "joiner", "join_with", "glue", "divider", "concat_with"),
    *("separator_text", "delimiter_text"),
)
_SPELT = {"comma": ", ", "space": " ", "newline": "\n", "new line": "\n", "none": "", "period": ". ", "line": "\n"}
_JOINS = re.compile(
    r"concat|join|combin|append|merg|prepend|compos|mix|format|build|string ?function|add", re.IGNORECASE
)
_PATTERNS = ("regex", "regex_pattern", "pattern", "template", "format", "fmt", "f_string", "format_string")
_EXPRESSIONS = ("regex", "regex_pattern")
_CHANGED = {
    "strip": str.strip,
    "uppercase": str.upper,
    "lowercase": str.lower,
    "capitalize": str.capitalize,
    "title case": str.title,
}


class NodeText(NamedTuple):
    """A text, and part of a sentence for everything in it that the file does not contain."""

    text: str = ""
    unknown: tuple[str, ...] = ()


def joined(parts: list[NodeText], delimiter: str | None = "\n") -> NodeText:
    """Several texts as one; None: with commas, unless they have separators of their own."""
    text = ""
    for part in (one.text for one in parts if one.text):
        between = delimiter
        if between is None:
            between = (
                "" if not text or text[-1].isspace() or part[0] in " \n,.;" else " " if text[-1] in ",.;:" else ", "
            )
        text = (f"{text}{between}{part}" if text else part)[:MAX_TEXT]
    return NodeText(text, tuple(dict.fromkeys(one for part in parts for one in part.unknown))[:8])


def text_of_node(node: Node, texts: list[tuple[str, NodeText]], output: int) -> NodeText:
    """What a node makes of its texts.

    Args:
        texts: by the name of the input, in order; at least one.
    """
    words = _of_several(node, texts, output)
    return NodeText(_changed(node, words.text), words.unknown + tuple(_styles(node)))


def _of_several(node: Node, texts: list[tuple[str, NodeText]], output: int) -> NodeText:
    by_name = dict(texts)
    start, most = node.inputs.get("start_index"), node.inputs.get("max_rows")
    if type(start) is int and type(most) is int and start >= 0 and most > 0:  # some lines of a text
        lines = texts[0][1].text.split("\n")[start : start + most]
        return NodeText("\n".join(lines), texts[0][1].unknown)
    if (replaced := _replaced(node, by_name)) is not None:
        return replaced
    delimiter = _delimiter(node)
    is_join = delimiter is not None or _JOINS.search(node.kind) is not None
    if not is_join and 0 < output < len(texts):
        return texts[output][1]
    if node.has_kind(r"^text string$"):
        return texts[0][1]
    parts = [words for _, words in texts]
    if str(node.inputs.get("clean_whitespace", "")).lower() == "true":
        parts = [NodeText(words.text.strip(), words.unknown) for words in parts]
    return joined(parts, delimiter)


def place(name: str) -> tuple[int, int, str]:
    """Where a text stands among others: by its number or letter, whatever the order in the file."""
    if re.search(r"prefix|prepend|\bpre$|before", name):
        return (0, 0, "")
    if re.search(r"suffix|append|\bpost$|after", name):
        return (2, 0, "")
    if name.startswith(("t5", "mt5", "clip_", "text_g", "text_l", "llama", "bert")):
        return (1, 0, "" if "t5" in name else name)  # the longer one first
    number, letter = re.search(r"(\d{1,4})$", name), re.search(r"[_ ]([a-z])$", name)
    return (1, int(number[1]) if number else ord(letter[1]) - ord("a") if letter else 0, "")


def _delimiter(node: Node) -> str | None:
    for name in _DELIMITERS:
        value = node.inputs.get(name)
        if isinstance(value, str):
            spelt = _SPELT.get(value.lower(), value)
            return spelt[:100].replace("\\n", "\n").replace("\\t", "\t")
    if "tidy_tags" in node.inputs:
        return ", " if node.inputs["tidy_tags"] == "yes" else ""
    if str(node.inputs.get("linebreak_addition", "")).lower() == "true":
        return "\n"
    return "" if "string_a" in node.inputs else None


def _replaced(node: Node, texts: dict[str, NodeText]) -> NodeText | None:
    """A text in which words were replaced; None where none were."""
    pairs = [
        (node.inputs[name], node.inputs.get(name.replace("find", "replace").replace("search", "replace")))
        for name in node.inputs
        if re.fullmatch(r"(find|search)(_?\d+)?", name)
    ]
    rest = [words for name, words in texts.items()]
    if node.inputs.get("action") == "replace" and "text_b" in node.inputs:
        pairs = [(node.inputs["text_b"], node.inputs.get("text_c", ""))]
        rest = [words for name, words in texts.items() if name == "text_a"]
    if not pairs or not rest:
        return None
    text = rest[0].text
    for find, replace in pairs:
        if isinstance(find, str) and isinstance(replace, str) and find:
            replace = replace[:MAX_TEXT]
            text = text.replace(find, replace, MAX_TEXT // max(1, len(replace)))[:MAX_TEXT]
    return NodeText(text, rest[0].unknown)


def follows_pattern(node: Node) -> bool:
    """Whether a pattern, a template or a word made elsewhere decides what comes of the texts: none of them is tried."""
    if any(isinstance(node.inputs.get(name), str | Link) and node.inputs[name] for name in _EXPRESSIONS):
        return True
    if any(isinstance(node.inputs.get(name), Link) for name in ("find", "search", "replace")):
        return True
    patterns = [node.inputs[name] for name in _PATTERNS if name in node.inputs]
    return any(isinstance(one, str) and re.search(r"[{\\(\[*+$^]", one) for one in patterns)


def changes(node: Node) -> bool:
    """Whether a node with one text hands out another one."""
    return any(
        name in node.inputs
        for name in ("find", "search", "regex", "regex_pattern", "pattern", "mode", "start", "style", "styles")
    )


def _changed(node: Node, text: str) -> str:
    """In other letters, or a part of it: ComfyUI's own CaseConverter, StringTrim and StringSubstring."""
    mode = str(node.inputs.get("mode", "")).lower()
    if node.has_kind("trim"):
        return text.lstrip() if mode == "left" else text.rstrip() if mode == "right" else text.strip()
    if node.has_kind("substring"):
        start, end = node.inputs.get("start"), node.inputs.get("end")
        return text[start:end] if type(start) is int and type(end) is int else text
    return _CHANGED[mode](text) if mode in _CHANGED else text


def _styles(node: Node) -> Iterator[str]:
    for name in ("style", "styles", "select_styles", "style_name"):
        value = node.inputs.get(name)
        if isinstance(value, str) and value and value.lower() not in ("none", "no style", "base", "no_style"):
            yield f"style {bounded(value, MAX_SHORT)}"
