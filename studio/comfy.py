"""ComfyUI's graph of a picture: from the sampler backwards to what was asked for. Any text is allowed.

The graph is the one its server runs: node id -> {"class_type", "inputs"}, where an input is a value or a link [node id,
output]. Nodes are known by the names of their inputs more than by their class: most custom nodes are understood too.

Source: comfyanonymous/ComfyUI nodes.py, comfy_extras/nodes_custom_sampler.py and nodes_flux.py (names of the inputs).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from studio.contract import Size
from studio.findings import MAX_SHORT, Finding, bounded, number, parsed, sized, whole

_MAX_NODES = 1_000
"""A walk looks at no more: real graphs have a few dozen."""
_MAX_LINKS = 16
"""Nodes between a control and its value."""
_MAX_ENDS = 8
_MAX_TEXTS = 8
_TEXTS = ("text", "t5xxl", "clip_l", "text_g", "text_l", "prompt", "string", "value")
_MODELS = ("unet_name", "ckpt_name", "gguf_name", "model_name", "model_path")
_CONDITIONINGS = ("conditioning", "conditioning_1", "conditioning_2", "conditioning_to", "conditioning_from")
_VALUES = ("value", "seed", "noise_seed", "int", "float", "number")
_LATENTS = ("latent_image", "samples", "latent")
_PICTURES = ("pixels", "image", "images")

T = TypeVar("T")


class Node(NamedTuple):
    kind: str  # class_type
    inputs: dict[str, Any]


def read_graph(text: str) -> Finding | None:
    """The `prompt` chunk; None where it holds no graph with a sampler."""
    values = parsed(text)
    if not isinstance(values, dict):
        return None
    graph = Graph(
        {
            str(id): Node(str(node.get("class_type", "")), node["inputs"])
            for id, node in values.items()
            if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
        }
    )
    last = graph.last_sampler()
    return None if last is None else _finding(graph, graph.first_pass(last), last)


class Graph:
    """The nodes by id, and ways to walk against their links. A link to nowhere ends a walk, and so does a circle."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self._nodes = nodes

    def last_sampler(self) -> Node | None:
        """The sampler nearest to a picture that was saved; any other where none was."""
        saved = [node for node in self._nodes.values() if "images" in node.inputs and "save" in node.kind.lower()]
        shown = [node for node in self._nodes.values() if "images" in node.inputs]
        for end in (*saved[:_MAX_ENDS], *shown[:_MAX_ENDS]):
            for node in self.walk(end, None):
                if _is_sampler(node):
                    return node
        return next((node for node in self._nodes.values() if _is_sampler(node)), None)

    def first_pass(self, sampler: Node) -> Node:
        """The sampler that began the picture which this one refined."""
        return [node for node in self.walk(sampler, (*_LATENTS, *_PICTURES)) if _is_sampler(node)][-1]

    def walk(self, start: Node, names: tuple[str, ...] | None) -> Iterator[Node]:
        """The node, and what it is linked to through these inputs (None: through all), the nearest first, each once."""
        queue, seen = deque([start]), {id(start)}
        while queue and len(seen) <= _MAX_NODES:
            node = queue.popleft()
            yield node
            for name in node.inputs if names is None else names:
                before = self.linked(node, name)
                if before is not None and id(before) not in seen:
                    seen.add(id(before))
                    queue.append(before)

    def linked(self, node: Node, name: str) -> Node | None:
        """The node an input is linked to."""
        link = node.inputs.get(name)
        if isinstance(link, list) and len(link) == 2 and isinstance(link[0], str | int):
            return self._nodes.get(str(link[0]))
        return None

    def first(self, start: Node, names: tuple[str, ...], read: Callable[[Node], T | None]) -> T | None:
        """What the nearest node says that says anything."""
        return next((found for node in self.walk(start, names) if (found := read(node)) is not None), None)

    def value(self, node: Node, names: tuple[str, ...], read: Callable[[Any], T | None]) -> T | None:
        """The first of these inputs that can be read, itself or at the end of its links."""
        for name in names:
            found = read(node.inputs.get(name))
            before = self.linked(node, name)
            if found is None and before is not None:
                ends = (name, *_VALUES)
                behind = islice(self.walk(before, ends), _MAX_LINKS)
                values = (read(one.inputs.get(end)) for one in behind for end in ends)
                found = next((value for value in values if value is not None), None)
            if found is not None:
                return found
        return None

    def text(self, node: Node, name: str, seen: set[int]) -> str:
        """A text, or what the nodes it is linked to make of theirs.

        Args:
            seen: nodes that are not asked again; this adds to them.
        """
        if isinstance(node.inputs.get(name), str):
            return node.inputs[name]
        before = self.linked(node, name)
        if before is None or id(before) in seen or len(seen) > _MAX_LINKS:
            return ""
        seen.add(id(before))
        if "string_a" in before.inputs:  # two texts become one
            parts = [self.text(before, part, seen) for part in ("string_a", "string_b")]
            between = before.inputs.get("delimiter")
            return (between if isinstance(between, str) else "").join(part for part in parts if part)
        return next((text for part in _TEXTS if (text := self.text(before, part, seen))), "")

    def texts(self, guider: Node, name: str) -> str:
        """All that the text encoders behind a conditioning were given, each text once."""
        start = self.linked(guider, name)
        found: dict[str, None] = {}
        if start is not None:
            side = "negative" if name == "negative" else "positive"
            for node in self.walk(start, (side, *_CONDITIONINGS)):
                if node.kind == "ConditioningZeroOut":
                    break
                found |= dict.fromkeys(text for part in _TEXTS if (text := self.text(node, part, set()).strip()))
                if len(found) >= _MAX_TEXTS:
                    break
        return bounded("\n".join(found))


def _is_sampler(node: Node) -> bool:
    return "latent_image" in node.inputs and not {"positive", "guider", "conditioning"}.isdisjoint(node.inputs)


def _finding(graph: Graph, sampler: Node, last: Node) -> Finding:
    guider = graph.linked(sampler, "guider") or sampler
    noise = graph.linked(sampler, "noise") or sampler
    wanted = "positive" if "positive" in guider.inputs else "conditioning"
    distilled = graph.first(
        guider, ("positive", *_CONDITIONINGS), lambda node: graph.value(node, ("guidance",), number)
    )
    return Finding(
        tool="ComfyUI",
        prompt=graph.texts(guider, wanted),
        negative_prompt=graph.texts(guider, "negative"),
        size=graph.first(sampler, _LATENTS, lambda node: _size(graph, node)),
        steps=graph.first(sampler, ("sigmas",), lambda node: graph.value(node, ("steps",), whole)),
        guidance=graph.value(guider, ("cfg",), number) if distilled is None else distilled,
        seed=graph.value(noise, ("noise_seed", "seed"), whole),
        model=graph.first(guider, ("model",), _model) or "",
        left_out=tuple(_left_out(graph, sampler, guider, last)),
    )


def _size(graph: Graph, node: Node) -> Size | None:
    return sized(graph.value(node, ("width",), whole), graph.value(node, ("height",), whole))


def _model(node: Node) -> str | None:
    return next((name for input in _MODELS if (name := bounded(node.inputs.get(input), MAX_SHORT))), None)


def _left_out(graph: Graph, sampler: Node, guider: Node, last: Node) -> Iterator[str]:
    """What was used there and has no place in a request."""
    for name in ("sampler_name", "scheduler"):
        nodes = graph.walk(sampler, ("sampler", "sigmas"))
        value = next((text for node in nodes if (text := bounded(node.inputs.get(name), MAX_SHORT))), "")
        if value:
            yield f"{name.removesuffix('_name')} {value}"
    loras = (bounded(node.inputs.get("lora_name"), MAX_SHORT) for node in graph.walk(guider, ("model",)))
    yield from [f"LoRA {name}" for name in loras if name][:_MAX_TEXTS]
    denoise = number(sampler.inputs.get("denoise"))
    if denoise is not None and denoise < 1:
        yield f"denoise {denoise:g}"
    if any("pixels" in node.inputs for node in graph.walk(sampler, _LATENTS)):
        yield "the picture it was made from"
    if sampler is not last:
        yield "a second pass over it"
