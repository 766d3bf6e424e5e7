"""ComfyUI's graph as nodes and links, and ways to walk against the links. Knows no prompts and no node classes.

Nodes are recognised by the names of their inputs more than by class, which covers most custom nodes. A link to nowhere
ends a walk, and so does a cycle. Names of inputs are lower case.

Source: comfyanonymous/ComfyUI nodes.py and execution.py (the graph its server runs); the repositories of its most used
custom nodes (names of inputs).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

MAX_NODES = 100_000
"""A walk looks at no more."""
_MAX_STEPS = 1_000
"""Nodes between a control and its value, or a switch and its state."""
_MAX_STEPS_IN_ALL = 300_000
_MAX_SWITCHES = 20
"""Switches whose state is that of another switch."""
_MAX_OPTIONS = 200
"""Inputs of a switch that are looked at."""
_PIPE = re.compile(r"(.*_)?(pipe|ctx|context|bus|tuple|config|settings|sdxl|lora_stack)(_opt)?(_?\d+)?")
"""Inputs that carry many things at once: what a node does not say itself may come through them."""
PASSED_ON = frozenset(("", "*", "any", "anything", "input", "in", "value", "source", "data", "any_input", "obj"))
_SWITCH = re.compile(r"switch|if[ _]?else|branch|selector|mux\b", re.IGNORECASE)
_SELECTORS = (
    *("select", "selected", "selected_index", "index", "input", "switch", "boolean", "bool", "condition", "cond"),
    *("boolean_value", "choice", "which", "state", "enabled", "use_second"),
)
_COMPUTED = re.compile(
    r"math|multipl|divi|expression|calc|arithm|operation|random(?!noise)|compare|increment", re.IGNORECASE
)
"""What these put out is not what they were given."""
_VALUES = ("value", "int", "float", "number", "num", "integer", "val", "boolean", "string", "text")

T = TypeVar("T")


class Link(NamedTuple):
    """The source of an input."""

    id: str
    output: int


class Node(NamedTuple):
    id: str
    kind: str  # class_type
    inputs: dict[str, Any]  # a value or a Link, by name in lower case

    def links(self) -> dict[str, Link]:
        return {name: value for name, value in self.inputs.items() if isinstance(value, Link)}

    def has_kind(self, pattern: str) -> bool:
        return re.search(pattern, self.kind, re.IGNORECASE) is not None


def served_nodes(values: dict[str, Any]) -> dict[str, Node]:
    """The nodes of the graph that the server runs: id -> {"class_type", "inputs"}, where [id, output] is a link."""
    return {
        str(id): Node(
            str(id),
            str(node.get("class_type", ""))[:200],
            {lowered(name): _input(value) for name, value in node["inputs"].items()},
        )
        for id, node in values.items()
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }


def lowered(name: object) -> str:
    """The name of an input in lower case."""
    return str(name)[:100].lower()


def _input(value: Any) -> Any:
    is_link = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and type(value[1]) is int
    return Link(str(value[0]), value[1]) if is_link else value


class Graph:
    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        self._steps = 0
        self._depth = 0
        self._states: dict[str, list[str]] = {}  # what each switch lets through

    def node(self, link: Link) -> Node | None:
        return self.nodes.get(link.id)

    def linked(self, node: Node, name: str) -> Node | None:
        """The node an input is linked to."""
        link = node.inputs.get(name)
        return self.node(link) if isinstance(link, Link) else None

    def ways(self, node: Node, wanted: Callable[[str], bool]) -> list[Link]:
        """The links behind which something is found through inputs with the wanted names."""
        if is_switch(node):
            chosen = (node.inputs[name] for name in self.switched(node))
            return [value for value in chosen if isinstance(value, Link)]
        links = node.links()
        named = [link for name, link in links.items() if wanted(name)]
        passed = [link for name, link in links.items() if name in PASSED_ON or _PIPE.fullmatch(name)]
        if not named and not passed and len(links) == 1 and node.has_kind("reroute|pass|^[sg]etnode$"):
            return [*links.values()]
        return named or passed

    def walk(
        self, start: Node, wanted: Callable[[str], bool], ends: Callable[[Node], bool] = lambda node: False
    ) -> Iterator[tuple[Node, int]]:
        """The node, and the nodes behind it, with the output by which each is reached; depth first, each once.

        Args:
            wanted: names of inputs to follow; a node without any has its pipes followed.
            ends: nodes to stop at.
        """
        stack, seen = [Link(start.id, 0)], set()
        while stack and len(seen) < MAX_NODES:
            link = stack.pop()
            node = self.node(link)
            if node is None or node.id in seen:
                continue
            seen.add(node.id)
            yield node, link.output
            if not ends(node):
                stack.extend(reversed(self.ways(node, wanted)))

    def everything_behind(
        self, start: Node, follow: Callable[[Node, str], bool], seen: set[str] | None = None
    ) -> Iterator[Node]:
        """The node, and everything linked to it, nearest first, each once.

        Args:
            seen: ids of nodes to skip; this adds to them.
        """
        seen = set() if seen is None else seen
        queue = deque([start])
        seen.add(start.id)
        while queue and len(seen) <= MAX_NODES:
            node = queue.popleft()
            yield node
            for name, link in node.links().items():
                before = self.node(link)
                if before is not None and before.id not in seen and follow(node, name):
                    seen.add(before.id)
                    queue.append(before)

    def value(self, node: Node, names: tuple[str, ...], read: Callable[[Any], T | None]) -> T | None:
        """The first of these inputs that can be read, directly or at the end of its links."""
        for name in names:
            if name in node.inputs:
                value = node.inputs[name]
                found = self._value_behind(value, names, read) if isinstance(value, Link) else read(value)
                if found is not None:
                    return found
        return None

    def _value_behind(self, start: Link, names: tuple[str, ...], read: Callable[[Any], T | None]) -> T | None:
        stack, seen = [start], set()
        while stack and len(seen) < _MAX_STEPS and self._steps < _MAX_STEPS_IN_ALL:
            self._steps += 1
            node = self.node(stack.pop())
            if node is None or node.id in seen or _COMPUTED.search(node.kind):
                continue
            seen.add(node.id)
            own = self.switched(node) if is_switch(node) else (*names, *_VALUES)
            values = [node.inputs[name] for name in own if name in node.inputs]
            for value in values:
                found = None if isinstance(value, Link) else read(value)
                if found is not None:
                    return found
            links = [value for value in values if isinstance(value, Link)]
            stack.extend(reversed(links or self.ways(node, lambda name: False)))
        return None

    def switched(self, node: Node) -> list[str]:
        """The names of the inputs that a switch passes on; none if its state cannot be known."""
        if node.id not in self._states:
            self._states[node.id] = []  # what switches itself cannot be known
            if self._depth < _MAX_SWITCHES:
                self._depth += 1
                self._states[node.id] = self._let_through(node)
                self._depth -= 1
        return self._states[node.id]

    def _let_through(self, node: Node) -> list[str]:
        selector = next((name for name in _SELECTORS if _is_state(name, node.inputs.get(name))), None)
        inputs = list(node.inputs.items())[:_MAX_OPTIONS]
        options = [name for name, value in inputs if name != selector and not _is_option(name, value)]
        if selector is None:  # these take the first that is there
            return [name for name in options if self.linked(node, name) is not None][:1]
        state = node.inputs[selector]
        if isinstance(state, Link):
            state = self._value_behind(state, (selector,), lambda value: value if _is_state("", value) else None)
        return [name for name in options if _is_chosen(name, state, options)][:1]


def is_switch(node: Node) -> bool:
    if {"on_true", "on_false"} & node.inputs.keys():
        return True
    return bool(_SWITCH.search(node.kind)) and bool(node.links() or node.inputs.keys() & {*_SELECTORS})


def _is_state(name: str, value: Any) -> bool:
    if isinstance(value, Link):
        return name != "input"
    return isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= 20)


def _is_option(name: str, value: Any) -> bool:
    """Whether an input of a switch configures it, rather than being one of its choices."""
    is_plain = isinstance(value, bool | int | float) and not re.search(r"true|false|tt_|ff_|value|\d$|_[ab]$", name)
    return is_plain or name in ("mode", "sel_mode", "label", "select", "index")


def _is_chosen(name: str, state: Any, options: list[str]) -> bool:
    if isinstance(state, str) and state.lower() in ("true", "false", "on", "off"):
        state = state.lower() in ("true", "on")
    if isinstance(state, bool):
        side = r"true|tt_|yes|_a$|\bon_true" if state else r"false|ff_|no$|_b$"
        if any(re.search(r"true|tt_|yes|_a$|false|ff_|_b$", option) for option in options):
            return re.search(side, name) is not None
        return name == options[0 if state else 1] if len(options) == 2 else False
    if isinstance(state, str) and not state.isdecimal():
        return name == state.lower()
    try:
        number = int(state)
    except (TypeError, ValueError):
        return False
    suffix = re.search(r"(\d{1,4})$|_([a-z])$", name)
    if suffix is None:
        return False
    return (int(suffix[1]) if suffix[1] else ord(suffix[2]) - ord("a") + 1) == number
