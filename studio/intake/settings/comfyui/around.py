"""Other things a ComfyUI graph used that a request cannot express; they are reported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from studio.intake.settings.comfyui.graph import Graph, Node
from studio.intake.settings.comfyui.words import is_text_node
from studio.intake.settings.foreign_values import MAX_SHORT, MAX_TEXT, bounded, named_in, number

_MAX_NAMES = 8
_LORA = re.compile(r"lora(_name)?(_?\d+)?(_name)?")
_TAG = re.compile(r"<lora:([^:<>]{1,100})[:>]")
_GUIDES = re.compile(r"control_?net(?!.*load)|ip_?adapter(?!.*load)|style_?model_?apply|redux", re.IGNORECASE)
_GIVES_PICTURE = re.compile(r"load ?image(?!mask)|image ?load|image_?input|etn_load|clipboard|webcam", re.IGNORECASE)


def left_out(graph: Graph, sampler: Node, guider: Node, last: Node, texts: tuple[str, ...]) -> Iterator[str]:
    """
    Args:
        sampler: of the first pass.
        last: of the last pass.
        texts: the prompts.
    """
    for name in ("sampler_name", "scheduler"):
        behind = graph.walk(sampler, lambda one: one in ("sampler", "sigmas", "scheduler", "sampler_name"))
        values = (graph.value(node, (name,), _name) for node, _ in behind)
        value = next((value for value in values if value), "")
        if value:
            yield f"{name.removesuffix('_name')} {value}"
    yield from [f"LoRA {name}" for name in dict.fromkeys(_loras(graph, guider))][:_MAX_NAMES]
    yield from (one for text in texts for one in named_in(text))
    denoise = graph.value(sampler, ("denoise",), number)
    if denoise is not None and denoise < 1:
        yield f"denoise {denoise:g}"
    yield from _pictures(graph, sampler)
    if sampler is not last:
        yield "a second pass over it"


def _name(value: Any) -> str | None:
    return bounded(value, MAX_SHORT) or None


def _loras(graph: Graph, guider: Node) -> Iterator[str]:
    """From loaders of one, stacks of many (with a count or switches), and rgthree's objects."""
    for node, _ in graph.walk(guider, lambda name: "model" in name or "lora" in name):
        count = node.inputs.get("lora_count", node.inputs.get("num_loras"))
        for name, value in node.inputs.items():
            if not _LORA.fullmatch(name):
                continue
            place = re.search(r"\d+", name)
            if place and (type(count) is int and int(place[0]) > count):
                continue
            if place and str(node.inputs.get(f"switch_{place[0]}", "on")).lower() == "off":
                continue
            if isinstance(value, dict) and value.get("on") is not False:
                value = value.get("lora")
            text = bounded(value, MAX_SHORT)
            if text and text.lower() != "none":
                yield text
        for value in node.inputs.values():  # some loaders take "<lora:ink:0.8>" in a text
            yield from _TAG.findall(value[:MAX_TEXT]) if isinstance(value, str) else ()


def _pictures(graph: Graph, sampler: Node) -> Iterator[str]:
    """Input pictures, and how they were used."""
    guides: dict[str, None] = {}
    is_from_picture = False

    def follow(node: Node, name: str) -> bool:
        if is_text_node(node) or re.search(r"mask|^(vae|clip)$", name):
            return False
        return not (_GUIDES.search(node.kind) and re.search(r"image|clip_vision|style_model", name))

    for node in graph.everything_behind(sampler, follow):
        if _GUIDES.search(node.kind) and node.links():
            loader = graph.linked(node, "control_net") or node
            names = (bounded(loader.inputs.get(name), MAX_SHORT) for name in ("control_net_name", "preset"))
            name = next((name for name in names if name and name.lower() != "none"), "")
            is_control = node.has_kind("control")
            words = ("ControlNet", name) if is_control else (bounded(node.kind, MAX_SHORT), name, "with a picture")
            guides[" ".join(word for word in words if word)] = None
        is_from_picture |= "pixels" in node.links() or bool(_GIVES_PICTURE.search(node.kind))
    yield from list(guides)[:_MAX_NAMES]
    if is_from_picture:
        yield "the picture it was made from"
