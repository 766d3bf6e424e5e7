"""The text that comes out of a node of ComfyUI: written there, joined of several, changed, or made while it ran.

What a node makes by itself (a language model, a caption, a draw of lots) is in no file: it is said, with what it was
asked. Nothing is made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from studio.comfyui.graph import PASSED_ON, Graph, Link, Node, is_switch
from studio.findings import MAX_SHORT, MAX_TEXT, bounded

_TEXT = re.compile(
    r"(?!system)(?!file)(?:(?:\w+[_ ])?(?:text|prompt|string|str|caption|words|tags|phrase|sentence)"
    r"|t5xxl|mt5xl|bert|clip_[lgh]|llama|value|positive|negative|pos|neg|input|content|part|subject|keyword|concept"
    r"|(?:text_|prompt_)?(?:prefix|suffix|pre|post|prepend|append|before|after))"
    r"(?:[_ ]?(?:\d{1,4}|[a-z]|in|input|text|prompt|positive|negative|multiline|field))?"
)
_NO_TEXT = re.compile(
    r"(text|prompt)_(output|style|weight|encoders?|type|mode)|.*(clip|model|image|mask|latent|vae)s?(_?\d+)?"
)
_ENCODES = re.compile(r"encode|conditioning|guid|sampl|control_?net|adapter", re.IGNORECASE)
_CARRIES = re.compile(r"clip\d?|.*model|vae|conditioning\w*|.*cond\d?|.*pipe|.*ctx|latent\w*|control_net|guider")
_LOADS = re.compile(r"(ckpt|unet|gguf|vae|base_ckpt|clip|model)_name\d?")
_WRITES = re.compile(
    r"ollama|gpt|openai|\bllm|llm_|llava|gemini|claude|anthropic|qwen\w*(vl|chat|instruct)|florence|caption|interrogat"
    r"|tagger|\bblip|moondream|deepseek|groq|mistral|llama|\bvlm|chat|deepbooru|img2txt|image ?to ?(text|prompt)"
    r"|describe|(enhanc|generat|expan|upsampl|refin|rewrit|improv)\w*[ _]?prompt|prompt[ _]?(enhanc|generat|expan"
    r"|upsampl|refin|rewrit|improv)|magic[ _]?prompt|superprompt|one[ _]?button|\bdart|\btipo|translat",
    re.IGNORECASE,
)
_ASKED_WITH = frozenset(
    (
        *("system", "system_prompt", "system_message", "temperature", "max_tokens", "max_new_tokens", "top_p", "top_k"),
        *("api_key", "apikey", "instruction", "instructions", "query", "question", "llm", "llm_model"),
    )
)
_QUESTIONS = ("query", "question", "instruction", "instructions", "message", "user", "task")
_DELIMITERS = (
    *("delimiter", "separator", "delimeter", "sep", "joiner", "join_with", "glue", "divider", "concat_with"),
    *("separator_text", "delimiter_text"),
)
_SPELT = {"comma": ", ", "space": " ", "newline": "\n", "new line": "\n", "none": "", "period": ". ", "line": "\n"}
_JOINS = re.compile(
    r"concat|join|combin|append|merg|prepend|compos|mix|format|build|string ?function|add", re.IGNORECASE
)
_SHOWS = re.compile(r"show|display|preview|debug|console|print|\blog", re.IGNORECASE)
_DRAWS = re.compile(r"wildcard|dynamic|random", re.IGNORECASE)
_CHANGED = {
    "strip": str.strip,
    "uppercase": str.upper,
    "lowercase": str.lower,
    "capitalize": str.capitalize,
    "title case": str.title,
}
_FLAGS = frozenset(("yes", "no", "true", "false", "enable", "disable", "on", "off", "none", "undefined"))
"""Values of an input that say how, and are no words of a prompt."""
_MAX_DEPTH = 60
_MAX_IN_ROW = 10_000
"""Nodes in a row that hand a text on as it is."""


class Words(NamedTuple):
    """A text, and a sentence's part for everything in it that the file does not hold."""

    text: str = ""
    unknown: tuple[str, ...] = ()


def joined(parts: list[Words], delimiter: str | None = "\n") -> Words:
    """One text of several; None: a comma, where none of them brings its own separator."""
    text = ""
    for part in (one.text for one in parts if one.text):
        between = delimiter
        if between is None:
            between = (
                "" if not text or text[-1].isspace() or part[0] in " \n,.;" else " " if text[-1] in ",.;:" else ", "
            )
        text = (f"{text}{between}{part}" if text else part)[:MAX_TEXT]
    return Words(text, tuple(dict.fromkeys(one for part in parts for one in part.unknown))[:8])


def is_text_name(name: str) -> bool:
    return _TEXT.fullmatch(name) is not None and _NO_TEXT.fullmatch(name) is None


def is_text_node(node: Node) -> bool:
    """Whether it hands out a text, and not what an encoder made of one."""
    is_encoder = (
        _ENCODES.search(node.kind) is not None
        or any(_CARRIES.fullmatch(name) for name in node.links())
        or any(_LOADS.fullmatch(name) for name in node.inputs)
    )
    has_text = any(
        is_text_name(name) and not (name in PASSED_ON and isinstance(value, Link))  # which may be anything
        for name, value in node.inputs.items()
    )
    return not is_encoder and not is_switch(node) and (has_text or _writes(node))


class Reader:
    """Reads the texts of one graph; each output of a node once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[Link, Words] = {}

    def words(self, value: Any, depth: int = 0) -> Words:
        """The text an input has, or that comes through its link."""
        if isinstance(value, str):
            return Words(value[:MAX_TEXT])
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value[:100]):
            return Words("\n".join(value[:100])[:MAX_TEXT])
        if not isinstance(value, Link):
            return Words()
        if value not in self._known:
            self._known[value] = Words()  # what leads back to itself says nothing
            self._known[value] = self._behind(value, depth)
        return self._known[value]

    def own(self, node: Node, side: str, depth: int = 0) -> list[tuple[str, Words]]:
        """The texts a node was given, by input, in their order: those of one side where it tells the sides apart.

        Args:
            side: "positive" or "negative".
        """
        names = [name for name in node.inputs if is_text_name(name) and str(node.inputs[name]).lower() not in _FLAGS]
        if any("neg" in name for name in names) or {"positive", "negative"} & {*names}:
            wanted = "neg" if side == "negative" else "pos"
            other = "pos" if side == "negative" else "neg"
            sided = [name for name in names if wanted in name]
            plain = [name for name in names if other not in name and wanted not in name]
            names = sided or (plain if side == "positive" else [])
        texts = [(name, self.words(node.inputs[name], depth)) for name in sorted(names, key=_place)]
        return [(name, words) for name, words in texts if words.text or words.unknown]

    def _behind(self, start: Link, depth: int) -> Words:
        """The text at an output."""
        if depth > _MAX_DEPTH:
            return Words()
        value: Any = start
        for _ in range(_MAX_IN_ROW):
            node = self._graph.node(value) if isinstance(value, Link) else None
            if node is None:
                return self.words(value, depth + 1) if not isinstance(value, Link) else Words()
            following = self._handed_on(node)
            if following is None:
                side = "negative" if value.output == 1 and _has_sides(node) else "positive"
                return self.at(node, value.output, side, depth)
            value = following
            if value == start:
                return Words()
        return Words()

    def _handed_on(self, node: Node) -> Any:
        """What a node hands on without a change; None where it does more."""
        if is_switch(node):
            return next((node.inputs[name] for name in self._graph.switched(node)), 0)
        links = node.links()
        if len(links) == 1 and not _writes(node):
            ((name, link),) = links.items()
            others = [one for one in node.inputs if one != name and is_text_name(one) and node.inputs[one]]
            if _SHOWS.search(node.kind) or (not others and not _changes(node)):
                return link
        return None

    def at(self, node: Node, output: int, side: str, depth: int = 0) -> Words:
        """The text that a node makes of its own; nothing where it makes none.

        Args:
            side: "positive" or "negative", of a node with both.
        """
        drawn = next((node.inputs[name] for name in ("populated_text", "populated") if node.inputs.get(name)), None)
        if isinstance(drawn, str) and node.inputs.get("mode") not in (False, "reproduce"):
            return Words(drawn[:MAX_TEXT])
        if not is_text_node(node):
            is_file = any("file" in name or "path" in name for name in node.inputs) and not node.links()
            return Words("", (_written(node, []),)) if is_file else Words()
        texts = self.own(node, side, depth + 1)
        if _writes(node):
            asked = [words.text for name, words in texts]
            asked += [self.words(node.inputs[name], depth + 1).text for name in _QUESTIONS if name in node.inputs]
            return Words("", (_written(node, asked),))
        if _DRAWS.search(node.kind) and any(
            re.search(r"\{[^{}]*\||__[A-Za-z0-9*][\w\-/.*]{0,80}?__", words.text) for _, words in texts
        ):
            return Words("", (_written(node, [words.text for _, words in texts]),))
        if not texts:
            return Words("", (_written(node, []),)) if self._is_unread(node) else Words()
        styled = tuple(_styles(node))
        words = self._of_several(node, texts, output)
        return Words(_changed(node, words.text), words.unknown + styled)

    def _of_several(self, node: Node, texts: list[tuple[str, Words]], output: int) -> Words:
        by_name = dict(texts)
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
            parts = [Words(words.text.strip(), words.unknown) for words in parts]
        return joined(parts, delimiter)

    def _is_unread(self, node: Node) -> bool:
        """Whether it makes a text of something else: a file, a number, a picture."""
        texts = [node.inputs[name] for name in node.inputs if is_text_name(name)]
        return not any(isinstance(value, str | Link) for value in texts)


def _writes(node: Node) -> bool:
    takes_picture = any(re.fullmatch(r"(image|pixels|picture)s?(_?\d+)?", name) for name in node.links())
    return takes_picture or bool(_WRITES.search(node.kind)) or bool(_ASKED_WITH & node.inputs.keys())


def _written(node: Node, asked: list[str]) -> str:
    question = " / ".join(dict.fromkeys(text for one in asked if (text := bounded(one, MAX_SHORT).strip())))
    asking = f" (it was asked: {question[:MAX_SHORT]})" if question else ""
    return f"a prompt that the node {bounded(node.kind, 80)} wrote while it ran{asking}"


def _has_sides(node: Node) -> bool:
    names = [name for name in node.inputs if is_text_name(name)]
    return any("neg" in name for name in names) and any("neg" not in name for name in names)


def _place(name: str) -> tuple[int, int, str]:
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


def _replaced(node: Node, texts: dict[str, Words]) -> Words | None:
    """A text in which words were replaced; None where none were. Patterns are not tried."""
    pairs = [
        (node.inputs[name], node.inputs.get(name.replace("find", "replace").replace("search", "replace")))
        for name in node.inputs
        if re.fullmatch(r"(find|search)(_?\d+)?", name)
    ]
    rest = [words for name, words in texts.items()]
    if node.inputs.get("action") == "replace" and "text_b" in node.inputs:
        pairs = [(node.inputs["text_b"], node.inputs.get("text_c", ""))]
        rest = [words for name, words in texts.items() if name == "text_a"]
    if any(name in node.inputs for name in ("regex", "regex_pattern", "pattern")):
        return Words("", (_written(node, []),))
    if not pairs or not rest:
        return None
    text = rest[0].text
    for find, replace in pairs:
        if isinstance(find, str) and isinstance(replace, str) and find:
            replace = replace[:MAX_TEXT]
            text = text.replace(find, replace, MAX_TEXT // max(1, len(replace)))[:MAX_TEXT]
    return Words(text, rest[0].unknown)


def _changes(node: Node) -> bool:
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
