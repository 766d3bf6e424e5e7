"""The text output of a ComfyUI node: written there, joined from several, changed, or generated at run time.

Text that a node generates (with a language model, a captioner or at random) is not in the file: it is reported, with
the node's input.
"""

from __future__ import annotations

import re
from typing import Any

from studio.intake.settings.comfyui.graph import PASSED_ON, Graph, Link, Node, is_switch
from studio.intake.settings.comfyui.joins import NodeText, changes, follows_pattern, place, text_of_node
from studio.intake.settings.comfyui.patterns import by_pattern
from studio.intake.settings.foreign_values import MAX_SHORT, MAX_TEXT, bounded

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
_CARRIES = re.compile(
    r"clip\d?|vae|conditioning\w*|.*cond\d?|.*pipe|.*ctx|latent\w*|control_net|guider|positive|negative"
)
_SIDES = ("positive", "negative")
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
_SHOWS = re.compile(r"show|display|preview|debug|console|print|\blog", re.IGNORECASE)
_DRAWS = re.compile(r"wildcard|dynamic|random", re.IGNORECASE)
_FLAGS = frozenset(("yes", "no", "true", "false", "enable", "disable", "on", "off", "none", "undefined"))
"""Values of an input that say how, and are no words of a prompt."""
_MAX_DEPTH = 60
_MAX_IN_ROW = 10_000
"""Nodes in a row that hand a text on as it is."""


def is_text_name(name: str) -> bool:
    return _TEXT.fullmatch(name) is not None and _NO_TEXT.fullmatch(name) is None


def is_text_node(node: Node) -> bool:
    """Whether it hands out a text, and not what an encoder made of one."""
    has_text = any(
        is_text_name(name) and not (name in PASSED_ON and isinstance(value, Link))  # which may be anything
        for name, value in node.inputs.items()
    )
    return not _encodes(node) and not is_switch(node) and (has_text or _writes(node))


def _encodes(node: Node, but: tuple[str, ...] = ()) -> bool:
    """
    Args:
        but: links that may carry anything.
    """
    return (
        _ENCODES.search(node.kind) is not None
        or any(_CARRIES.fullmatch(name) for name in node.links() if name not in but)
        or any(_LOADS.fullmatch(name) for name in node.inputs)
    )


class Reader:
    """Reads the texts of one graph; each output of a node once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[Link, NodeText] = {}

    def words(self, value: Any, depth: int = 0) -> NodeText:
        """The text of an input, directly or through its link."""
        if isinstance(value, str):
            return NodeText(value[:MAX_TEXT])
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value[:100]):
            return NodeText("\n".join(value[:100])[:MAX_TEXT])
        if not isinstance(value, Link):
            return NodeText()
        if value not in self._known:
            self._known[value] = NodeText()  # what leads back to itself says nothing
            self._known[value] = self._behind(value, depth)
        return self._known[value]

    def own(self, node: Node, side: str, depth: int = 0) -> list[tuple[str, NodeText]]:
        """The texts a node was given, by input, in order; those of one side if the node separates them.

        Args:
            side: "positive" or "negative".
        """
        names = [name for name in node.inputs if is_text_name(name) and str(node.inputs[name]).lower() not in _FLAGS]
        drawn = [name for name in ("populated_text", "populated") if name in names and node.inputs[name]]
        if drawn:  # what came of the wildcards of the other text
            names = drawn
        if any("neg" in name for name in names) or {"positive", "negative"} & {*names}:
            wanted = "neg" if side == "negative" else "pos"
            other = "pos" if side == "negative" else "neg"
            sided = [name for name in names if wanted in name]
            plain = [name for name in names if other not in name and wanted not in name]
            names = sided or (plain if side == "positive" else [])
        texts = [(name, self.words(node.inputs[name], depth)) for name in sorted(names, key=place)]
        return [(name, words) for name, words in texts if words.text or words.unknown]

    def _behind(self, start: Link, depth: int) -> NodeText:
        """The text at an output."""
        if depth > _MAX_DEPTH:
            return NodeText()
        value: Any = start
        for _ in range(_MAX_IN_ROW):
            node = self._graph.node(value) if isinstance(value, Link) else None
            if node is None:
                return self.words(value, depth + 1) if not isinstance(value, Link) else NodeText()
            following = self._handed_on(node)
            if following is None:
                side = "negative" if _is_negative(node, value.output) else "positive"
                words = self.at(node, value.output, side, depth)
                return (
                    words
                    if words.text or words.unknown or not _is_silent(node)
                    else NodeText("", (_written(node, []),))
                )
            value = following
            if value == start:
                return NodeText()
        return NodeText()

    def _handed_on(self, node: Node) -> Any:
        """What a node hands on without a change; None where it does more."""
        if is_switch(node):
            return next((node.inputs[name] for name in self._graph.switched(node)), 0)
        links = node.links()
        if len(links) == 1 and not _writes(node):
            ((name, link),) = links.items()
            others = [one for one in node.inputs if one != name and is_text_name(one) and node.inputs[one]]
            if _SHOWS.search(node.kind) or (not others and not changes(node)):
                return link
        return None

    def at(self, node: Node, output: int, side: str, depth: int = 0) -> NodeText:
        """The text that a node makes; empty if it makes none.

        Args:
            side: "positive" or "negative", of a node with both.
        """
        if is_switch(node) or _encodes(node, but=_SIDES):
            return NodeText()
        node = self._with_words(node, depth + 1)
        texts = self.own(node, side, depth + 1)
        if len(texts) == 1 and (made := by_pattern(node, texts[0][1].text)) is not None:
            return NodeText(made, texts[0][1].unknown)
        if _writes(node) or follows_pattern(node):
            asked = [words.text for name, words in texts]
            asked += [self.words(node.inputs[name], depth + 1).text for name in _QUESTIONS if name in node.inputs]
            return NodeText("", (_written(node, asked),))
        if _DRAWS.search(node.kind) and any(
            re.search(r"\{[^{}]*\||__[A-Za-z0-9*][\w\-/.*]{0,80}?__", words.text) for _, words in texts
        ):
            return NodeText("", (_written(node, [words.text for _, words in texts]),))
        if not texts:
            return NodeText()
        return text_of_node(node, texts, output)

    def _with_words(self, node: Node, depth: int) -> Node:
        """The node with what it looks for and puts in its place, where other nodes hold that."""
        inputs = dict(node.inputs)
        for name in {"find", "search", "replace", "regex_pattern"} & node.links().keys():
            words = self.words(inputs[name], depth)
            inputs[name] = inputs[name] if words.unknown or not words.text else words.text
        return node._replace(inputs=inputs)


def _writes(node: Node) -> bool:
    takes_picture = any(re.fullmatch(r"(image|pixels|picture)s?(_?\d+)?", name) for name in node.links())
    return takes_picture or bool(_WRITES.search(node.kind)) or bool(_ASKED_WITH & node.inputs.keys())


def _is_silent(node: Node) -> bool:
    """Whether it makes a text of something that is no text: a file, a list, a number."""
    return not _encodes(node, but=_SIDES) and not any(
        is_text_name(name) and isinstance(value, str | Link) for name, value in node.inputs.items()
    )


def _written(node: Node, asked: list[str]) -> str:
    question = " / ".join(dict.fromkeys(text for one in asked if (text := bounded(one, MAX_SHORT).strip())))
    asking = f" (it was asked: {question[:MAX_SHORT]})" if question else ""
    return f"a prompt that the node {bounded(node.kind, 80)} wrote while it ran{asking}"


def _is_negative(node: Node, output: int) -> bool:
    """Whether the text at an output is a negative prompt: of two sides the second, or the only one there is."""
    sides = ["neg" in name for name in node.inputs if is_text_name(name)]
    return any(sides) and (all(sides) or output == 1)
