"""The graph as ComfyUI's page draws it, turned into the nodes and links that its server would run.

Muted nodes are left out, bypassed ones pass on their input, subgraphs are unfolded, and the page's own nodes
(Primitive, Set and Get, Reroute) are resolved.

Source: Comfy-Org/ComfyUI_frontend src/schemas/comfyWorkflowSchema (the file), src/utils/executionUtil.ts (what the
server gets); comfyanonymous/ComfyUI nodes.py (the order of the widgets).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from studio.intake.settings.comfyui.graph import Link, Node, lowered
from studio.intake.settings.comfyui.grouped import FROM_OUTSIDE, PREFIXES, TO_OUTSIDE, subgraph_of

_MUTED, _BYPASSED = 2, 4  # `mode` of a node
_MAX_UNFOLDED = 100_000
_MAX_DEPTH = 16
_MAX_IN_ROW = 1_000
_CONTROLS = ("fixed", "increment", "decrement", "randomize")
"""What the page does with a seed afterwards: it stands among the values, and no input has its name."""
_LORA = ("lora_name", "strength_model", "strength_clip")
_SIZE = ("width", "height", "batch_size")
_WIDGETS: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        *("add_noise", "noise_seed", "steps", "cfg", "sampler_name", "scheduler"),
        *("start_at_step", "end_at_step", "return_with_leftover_noise"),
    ),
    "KSampler (Efficient)": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "SamplerCustom": ("add_noise", "noise_seed", "cfg"),
    "CFGGuider": ("cfg",),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "Flux2Scheduler": ("steps", "width", "height"),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeSDXL": (
        *("width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l"),
    ),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "EmptyLatentImage": _SIZE,
    "EmptySD3LatentImage": _SIZE,
    "EmptyFlux2LatentImage": _SIZE,
    "LatentUpscale": ("upscale_method", "width", "height", "crop"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "UnetLoaderGGUF": ("unet_name",),
    "LoraLoader": _LORA,
    "LoraLoaderModelOnly": _LORA[:2],
    "ControlNetLoader": ("control_net_name",),
    "LoadImage": ("image", "upload"),
    "PrimitiveNode": ("value",),
    "StringConcatenate": ("string_a", "string_b", "delimiter"),
    "Text Concatenate": ("delimiter", "clean_whitespace"),
    "Efficient Loader": (
        *("ckpt_name", "vae_name", "clip_skip", "lora_name", "lora_model_strength", "lora_clip_strength"),
        *("positive", "negative", "token_normalization", "weight_interpretation"),
        *("empty_latent_width", "empty_latent_height", "batch_size"),
    ),
    "SetNode": ("name",),
    "GetNode": ("name",),
}
"""The widgets of nodes from the time when the page did not write their names."""


class _Level(NamedTuple):
    """One graph: the outermost, or the inside of a subgraph."""

    prefix: str  # of its nodes' ids
    nodes: dict[str, dict[str, Any]]
    links: dict[str, tuple[str, int]]  # where each begins: node and output
    ends: dict[int, str]  # link to each output of a subgraph
    outer: _Level | None = None
    instance: dict[str, Any] | None = None  # the node whose inside this is


def drawn_nodes(values: dict[str, Any]) -> dict[str, Node]:
    """The nodes of a graph with "nodes" and "links", in the form of `graph.served_nodes`."""
    return _Unfolding(values).nodes()


class _Unfolding:
    def __init__(self, values: dict[str, Any]) -> None:
        self._subgraphs: dict[str, dict[str, Any]] = {}
        definitions = values.get("definitions")
        if isinstance(definitions, dict):
            self._subgraphs = {str(one.get("id")): one for one in _objects(definitions.get("subgraphs"))}
        extra = values.get("extra")
        extra = extra if isinstance(extra, dict) else {}
        groups = extra.get("groupNodes")
        self._groups: dict[str, Any] = groups if isinstance(groups, dict) else {}
        self._sent: dict[tuple[str, int], Link] = {}  # what cg-use-everywhere gives to inputs without a link
        for one in _objects(extra.get("ue_links")):
            if type(one.get("downstream_slot")) is int and type(one.get("upstream_slot")) is int:
                place = str(one.get("downstream")), one["downstream_slot"]
                self._sent[place] = Link(str(one.get("upstream")), one["upstream_slot"])
        self._levels: dict[str, _Level] = {}  # inside of each subgraph's instance, by the id of that
        self._set: dict[str, Link] = {}  # what each Set node keeps, by its name
        self._count = 0
        self._outermost = _level(values, "")

    def nodes(self) -> dict[str, Node]:
        everything = [*self._every_node(self._outermost, 0)]
        for level, node in everything:
            if node.get("type") == "SetNode" and (name := _name_kept(node)):
                self._set.setdefault(name, Link(level.prefix + str(node.get("id")), 0))
        return {made.id: made for level, node in everything if (made := self._made(level, node)) is not None}

    def _every_node(self, level: _Level, depth: int) -> Iterator[tuple[_Level, dict[str, Any]]]:
        for id, node in level.nodes.items():
            self._count += 1
            if self._count > _MAX_UNFOLDED:
                return
            if node.get("mode") == _MUTED:
                continue
            definition = self._inside(node)
            if definition is None:
                if node.get("mode") != _BYPASSED:
                    yield level, node
            elif depth < _MAX_DEPTH:
                inner = _level(definition, f"{level.prefix}{id}:", level, node)
                self._levels[level.prefix + id] = inner
                yield from self._every_node(inner, depth + 1)

    def _inside(self, node: dict[str, Any]) -> dict[str, Any] | None:
        """The definition of a subgraph, or of a group node; None for any other node."""
        kind = str(node.get("type"))
        group = self._groups.get(kind[len(PREFIXES[0]) :]) if kind.startswith(PREFIXES) else None
        return subgraph_of(group, node) if isinstance(group, dict) else self._subgraphs.get(kind)

    def _made(self, level: _Level, node: dict[str, Any]) -> Node:
        kind = str(node.get("type", ""))
        inputs: dict[str, Any] = dict(_widgets(node))
        for place, slot in enumerate(_objects(node.get("inputs"))):
            source: Any = self._sent.get((str(node.get("id")), place)) if level is self._outermost else None
            if slot.get("link") is not None:
                source = self._source(level, str(slot["link"]))
            if source is not None:
                inputs[lowered(slot.get("name", ""))] = source
        if kind == "GetNode" and (name := _name_kept(node)) in self._set:
            inputs = {"": self._set[name]}
        elif kind == "SetNode":
            inputs.pop("name", None)
        return Node(level.prefix + str(node.get("id")), kind[:200], inputs)

    def _source(self, level: _Level, link: str) -> Any:
        """Where a link begins, behind bypassed nodes and the borders of subgraphs: a Link, a value, or None."""
        for _ in range(_MAX_IN_ROW):
            if link not in level.links:
                return None
            id, output = level.links[link]
            if id == str(FROM_OUTSIDE) and level.outer is not None and level.instance is not None:
                slots = _objects(level.instance.get("inputs"))
                slot = slots[output] if 0 <= output < len(slots) else {}
                if slot.get("link") is None:
                    return dict(_widgets(level.instance)).get(lowered(slot.get("name", "")))
                level, link = level.outer, str(slot["link"])
                continue
            node = level.nodes.get(id)
            if node is None or node.get("mode") == _MUTED:
                return None
            if node.get("mode") == _BYPASSED:
                before = _bypass(node, output)
                if before is None:
                    return None
                link = before
            elif level.prefix + id in self._levels:
                level = self._levels[level.prefix + id]
                link = level.ends.get(output, "")
            else:
                return Link(level.prefix + id, output)
        return None


def _level(values: dict[str, Any], prefix: str, outer: _Level | None = None, instance: Any = None) -> _Level:
    links: dict[str, tuple[str, int]] = {}
    ends: dict[int, str] = {}
    found = values.get("links")
    for link in found if isinstance(found, list) else []:
        if isinstance(link, list) and len(link) >= 5:
            id, origin, output, target, slot = link[:5]
        elif isinstance(link, dict):
            names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
            id, origin, output, target, slot = (link.get(name) for name in names)
        else:
            continue
        if type(output) is int:
            links[str(id)] = (str(origin), output)
        if target == TO_OUTSIDE and type(slot) is int:
            ends[slot] = str(id)
    nodes = {str(node.get("id")): node for node in _objects(values.get("nodes"))}
    return _Level(prefix, nodes, links, ends, outer, instance)


def _bypass(node: dict[str, Any], output: int) -> str | None:
    """The link that a bypassed node hands on: at the same place if its type fits, else the first of that type."""
    outputs, inputs = _objects(node.get("outputs")), _objects(node.get("inputs"))
    kind = outputs[output].get("type") if 0 <= output < len(outputs) else None
    same = inputs[output : output + 1] + inputs
    return next((str(one["link"]) for one in same if one.get("type") == kind and one.get("link") is not None), None)


def _widgets(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of a node's widgets by name."""
    values = node.get("widgets_values")
    if isinstance(values, dict):
        yield from ((lowered(name), value) for name, value in values.items())
        return
    if not isinstance(values, list):
        return
    kept = [
        value
        for at, value in enumerate(values[:1_000])
        if not (at and value in _CONTROLS and isinstance(values[at - 1], int | float))
    ]
    named = [slot for slot in _objects(node.get("inputs")) if isinstance(slot.get("widget"), dict)]
    names = [lowered(slot["widget"].get("name", "")) for slot in named]
    known = _WIDGETS.get(str(node.get("type")))
    if len(names) == len(kept) or (known is None and names and len(names) >= len(kept)):
        yield from zip(names, kept, strict=False)
    elif known is not None:
        yield from zip(known, kept, strict=False)
    else:
        texts = [value for value in kept if isinstance(value, str)]
        numbers = [value for value in kept if isinstance(value, int | float) and not isinstance(value, bool)]
        if len(texts) == 1:
            yield "text", texts[0]
        if len(numbers) == 1:
            yield "value", numbers[0]


def _name_kept(node: dict[str, Any]) -> str:
    """Under which name a Set or Get node keeps something."""
    return str(dict(_widgets(node)).get("name", ""))


def _objects(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
