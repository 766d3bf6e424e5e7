"""From ComfyUI's graph to the settings: the sampler that made the picture, and its inputs.

Accepts any text.

Source: comfyanonymous/ComfyUI nodes.py, comfy_extras/nodes_custom_sampler.py and nodes_flux.py (names of the inputs).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from studio.contract import Size
from studio.intake.settings.comfyui.around import left_out
from studio.intake.settings.comfyui.graph import Graph, Link, Node, served_nodes
from studio.intake.settings.comfyui.joins import NodeText, joined
from studio.intake.settings.comfyui.words import Reader, is_text_node
from studio.intake.settings.comfyui.workflow import drawn_nodes
from studio.intake.settings.foreign_values import MAX_SHORT, Finding, bounded, number, sized, whole

_MAX_ENDS = 8
_MAX_TEXTS = 16
_LATENTS = re.compile(r"latents?(_image|_opt|_in)?\d?|samples\d?|.*_latents?")
_PICTURES = re.compile(r"pixels|images?\d?|(input|base|upscaled|optional)_image|background|destination")
_MODELS = re.compile(r"(.*_)?(model|unet|ckpt|checkpoint)s?(_opt)?(_?\d)?|model_\w+")
_MODEL_NAMES = (
    *("ckpt_name", "unet_name", "gguf_name", "base_ckpt_name", "model_name", "model_path", "checkpoint", "ckpt"),
    *("checkpoint_name", "diffusion_model", "unet", "base_model", "model", "model_id"),
)
_STEPS = ("steps", "steps_total", "num_inference_steps", "num_steps")
_SEEDS = ("noise_seed", "seed", "noise_seed_value", "seed_value", "seed_num")
_CFGS = ("cfg", "cfg_scale", "guidance_scale", "cfg_conds", "guidance")
_SIZED = re.compile(r".*(resolution|dimension|size|aspect|ratio|preset).*")
_TIMES = re.compile(r"(?<!\d)(\d{2,5})\s{0,3}[xX×*]\s{0,3}(\d{2,5})(?!\d)")
_NO_SAMPLER = re.compile(r"select|config|schedul|option|preset|setting|provider|presampl|noise|param", re.IGNORECASE)
_SAMPLED = re.compile(r"model|guider|positive|conditioning|latent\w*|samples|.*pipe|.*ctx|context|image")

T = TypeVar("T")


def read_nodes(values: Any) -> Finding | None:
    """A graph as its server runs it, or as its page draws it."""
    if not isinstance(values, dict):
        return None
    nodes = drawn_nodes(values) if isinstance(values.get("nodes"), list) else served_nodes(values)
    graph = Graph(nodes)
    last = _last_sampler(graph)
    if last is not None:
        return _finding(graph, _first_pass(graph, last), last)
    if not any(node.kind for node in nodes.values()):
        return None
    return Finding("ComfyUI", left_out=("a ComfyUI graph in which no sampler was found",))


def _is_sampler(node: Node) -> bool:
    names = node.inputs.keys()
    links = node.links()
    if node.has_kind("save"):  # some write down what the sampler had
        return False
    if {"positive", "guider", "conditioning"} & links.keys() and {"latent_image", "guider"} & names:
        return True
    if node.has_kind("sampler"):
        return not _NO_SAMPLER.search(node.kind) and any(_SAMPLED.fullmatch(name) for name in links)
    does_sample = (
        bool({*_STEPS} & names) and bool({*_SEEDS} & names) and not node.has_kind("presampl|loader|param|config")
    )
    takes_picture = any(_PICTURES.fullmatch(name) or _LATENTS.fullmatch(name) for name in links)
    return does_sample and takes_picture  # upscalers and detailers


def _is_whole_tool(node: Node) -> bool:
    """A node that does everything, as those of the clouds do: words in, picture out."""
    asks = any(name in node.inputs for name in ("prompt", "positive", "positive_prompt", "text"))
    makes = {
        "seed",
        "steps",
        "aspect_ratio",
        "width",
        "size",
        "image_size",
        "resolution",
        "quality",
    } & node.inputs.keys()
    return (asks and bool(makes) and not is_text_node(node)) or (asks and len(makes) >= 2)


def _last_sampler(graph: Graph) -> Node | None:
    """The sampler nearest to a picture that was saved; any other where none was."""
    shown = [node for node in graph.nodes.values() if any(_PICTURES.fullmatch(name) for name in node.links())]
    saved = [node for node in shown if node.has_kind("save")]
    previewed = [node for node in shown if node.has_kind("preview|display|output")]
    for is_it in (_is_sampler, _is_whole_tool):
        seen: set[str] = set()
        for ends in (saved, previewed, [node for node in shown if "images" in node.inputs]):
            for end in ends[:_MAX_ENDS]:
                for node in graph.everything_behind(end, lambda node, name: True, seen):
                    if is_it(node):
                        return node
        found = next((node for node in graph.nodes.values() if is_it(node)), None)
        if found is not None:
            return found
    return None


def _first_pass(graph: Graph, sampler: Node) -> Node:
    """The sampler that began the picture which this one refined."""
    behind = graph.walk(sampler, lambda name: bool(_LATENTS.fullmatch(name) or _PICTURES.fullmatch(name)))
    return [node for node, _ in behind if node is sampler or _is_sampler(node)][-1]


def _finding(graph: Graph, sampler: Node, last: Node) -> Finding:
    guider = graph.linked(sampler, "guider") or sampler
    noise = graph.linked(sampler, "noise") or sampler
    words = Reader(graph)
    positive, negative = (_texts(graph, words, guider, side) for side in ("positive", "negative"))
    distilled = _distilled(graph, guider)
    guidance = _sought(graph, guider, "guider", lambda node: graph.value(node, _CFGS, number))
    models = _models(graph, guider)
    last_guider = graph.linked(last, "guider") or last
    unknown = tuple(dict.fromkeys(positive.unknown + negative.unknown))
    return Finding(
        tool="ComfyUI",
        prompt=bounded(positive.text),
        negative_prompt=bounded(negative.text),
        size=_first_size(graph, sampler),
        steps=_sought(graph, sampler, "sigmas", lambda node: graph.value(node, _STEPS, whole)),
        guidance=guidance if distilled is None else distilled,
        seed=_sought(graph, noise, "noise", lambda node: graph.value(node, _SEEDS, whole)),
        model=models[0],
        left_out=(
            *left_out(graph, sampler, guider, last, (positive.text, negative.text)),
            *(f"merged with {name}" for name in models[1:9]),
            *(f"second model {name}" for name in _models(graph, last_guider)[:1] if name and name not in models),
            *unknown,
        ),
    )


def _sought(graph: Graph, start: Node, name: str, read: Callable[[Node], T | None]) -> T | None:
    """What the node says, or the nearest one behind this input or its pipes that says anything."""
    behind = graph.walk(start, lambda one: one in (name, "scheduler"))
    return next((found for node, _ in behind if (found := read(node)) is not None), None)


# --- words ------------------------------------------------------------------------------------------------------------


def _texts(graph: Graph, words: Reader, guider: Node, side: str) -> NodeText:
    """All that the text encoders behind a conditioning were given, each text once."""
    other = "pos" if side == "negative" else "neg"

    def is_wanted(name: str) -> bool:
        return side in name or (
            (other not in name) and ("cond" in name or "embed" in name or name.startswith(side[:3]))
        )

    def is_begun(name: str) -> bool:
        return is_wanted(name) and (side == "positive" or "neg" in name)

    starts = [Link(guider.id, -1)]
    own = words.own(guider, side) if not any(is_begun(name) for name in guider.links()) else []
    starts = graph.ways(guider, is_begun)
    if side == "negative" and not any(is_begun(name) for name in guider.links()):  # both may come from one encoder
        links = [link for name, link in guider.links().items() if is_wanted(name)]
        starts += [link for link in links if any(re.search("neg.*(prompt|text)", name) for name in _names(graph, link))]
    found: dict[str, NodeText] = {text.text: text for _, text in own if text.text}
    unknown = [text for _, text in own if text.unknown]
    for start in starts:
        node = graph.node(start)
        if node is None:
            continue
        for one, output in graph.walk(node, is_wanted, ends=lambda it: is_text_node(it) or it.has_kind("zero ?out")):
            output = start.output if one is node else output
            for text in _texts_of(words, one, output, side):
                unknown += [text] if text.unknown else []
                found |= {text.text.strip(): text} if text.text.strip() else {}
            if len(found) >= _MAX_TEXTS:
                break
    text = joined([NodeText(one) for one in found]).text
    return NodeText(text, joined(unknown).unknown)


def _names(graph: Graph, link: Link) -> list[str]:
    node = graph.node(link)
    return list(node.inputs) if node is not None else []


def _texts_of(words: Reader, node: Node, output: int, side: str) -> list[NodeText]:
    if node.has_kind("zero ?out"):
        return []
    if is_text_node(node):
        return [words.at(node, output, side)]
    return [text for _, text in words.own(node, side)]


# --- size, guidance, model --------------------------------------------------------------------------------------------


def _first_size(graph: Graph, sampler: Node) -> Size | None:
    behind = graph.walk(sampler, lambda name: bool(_LATENTS.fullmatch(name)) or name == "image_embeds")
    return next((size for node, _ in behind if (size := _size(graph, node)) is not None), None)


def _size(graph: Graph, node: Node) -> Size | None:
    """What a node says about the size: as a text like "832x1216 (2:3)", or as two numbers."""
    sides = ("width", "empty_latent_width", "latent_width"), ("height", "empty_latent_height", "latent_height")
    widths = [node.inputs[name] for name in sides[0] if name in node.inputs]
    if (said := _said_size(node)) is not None:
        return said
    before = graph.node(widths[0]) if widths and isinstance(widths[0], Link) else None
    if before is not None and (said := _said_size(before)) is not None:
        return said
    return _turned(node, sized(graph.value(node, sides[0], whole), graph.value(node, sides[1], whole)))


def _turned(node: Node, size: Size | None) -> Size | None:
    swaps = str(node.inputs.get("swap_dimensions", "")).lower() in ("on", "true")
    return Size(size.height, size.width) if swaps and size is not None else size


def _said_size(node: Node) -> Size | None:
    if (size := sized(node.inputs.get("width_override"), node.inputs.get("height_override"))) is not None:
        return size
    for name, value in node.inputs.items():
        if isinstance(value, str) and _SIZED.fullmatch(name) and (match := _TIMES.search(value[:MAX_SHORT])):
            return _turned(node, sized(match[1], match[2]))
    return None


def _distilled(graph: Graph, guider: Node) -> float | None:
    """FLUX's guidance, which stands on the way of the words."""
    behind = graph.walk(guider, lambda name: ("pos" in name or "cond" in name) and "neg" not in name, ends=is_text_node)
    nodes = (node for node, _ in behind if node is not guider)
    return next((found for node in nodes if (found := graph.value(node, ("guidance",), number)) is not None), None)


def _models(graph: Graph, guider: Node) -> tuple[str, ...]:
    """The names of the models behind a guider, the first of them the one that counts."""
    behind = graph.walk(guider, lambda name: bool(_MODELS.fullmatch(name)))
    names = (graph.value(node, _own_names(graph, node), _model) for node, _ in behind)
    return tuple(dict.fromkeys(name for name in names if name)) or ("",)


def _own_names(graph: Graph, node: Node) -> tuple[str, ...]:
    """Inputs that may name a model; not those through which one comes that was changed on its way."""

    def is_changed(before: Node | None) -> bool:
        return before is not None and any(_MODELS.fullmatch(name) for name in before.links())

    return tuple(name for name in _MODEL_NAMES if not is_changed(graph.linked(node, name)))


def _model(value: Any) -> str | None:
    name = bounded(value, MAX_SHORT)
    return name if name and name.lower() not in ("none", "default") else None
