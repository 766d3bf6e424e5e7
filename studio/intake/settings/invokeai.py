"""InvokeAI's JSON about a picture, and its two older forms. Accepts any text.

Source: invoke-ai/InvokeAI invokeai/app/invocations/metadata.py, `CoreMetadataInvocation` (invokeai_metadata);
ldm/dream/pngwriter.py and ldm/invoke/args.py of its versions 1 and 2 (Dream, sd-metadata); of the beta of version 3,
invokeai/app/models/metadata.py and services/metadata.py (invokeai), graph.py (invokeai_graph).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from studio.intake.settings.foreign_values import (
    MAX_SHORT,
    MAX_TEXT,
    Finding,
    bounded,
    named_in,
    number,
    parsed,
    sized,
    whole,
)

_MAX_NODES = 10_000
_PICTURES = ("init_image", "source_image", "controlnets", "ipAdapters", "t2iAdapters", "ref_images")


def read_metadata(text: str) -> Finding | None:
    """The `invokeai_metadata` chunk."""
    values = parsed(text)
    if isinstance(values, dict) and "positive_conditioning" in values:
        return read_beta(text)
    return _of_metadata(values) if isinstance(values, dict) else None


def read_beta(text: str) -> Finding | None:
    """The `invokeai` chunk of the beta of version 3: a node and its settings, or flattened metadata."""
    values = parsed(text)
    if not isinstance(values, dict):
        return None
    node = values.get("node", values.get("invocation"))
    node = node if isinstance(node, dict) else values
    positive = node.get("positive_conditioning", node.get("positive_prompt", node.get("prompt")))
    negative = node.get("negative_conditioning", node.get("negative_prompt"))
    prompt, brackets = (bounded(positive), "") if negative is not None else _split(bounded(positive))
    said = {"positive_prompt": prompt, "negative_prompt": bounded(negative) or brackets}
    is_changed = any(node.get(name) for name in ("image", "strength", "fit")) or node.get("type") in ("img2img", "l2l")
    return _of_metadata(node | said | ({"init_image": True} if is_changed else {}))


def read_invoked_graph(text: str) -> Finding | None:
    """The `invokeai_graph` chunk: nodes by id, usually including one that collected the metadata."""
    values = parsed(text)
    nodes = values.get("nodes") if isinstance(values, dict) else None
    if not isinstance(nodes, dict):
        return None
    found = [node for node in list(nodes.values())[:_MAX_NODES] if isinstance(node, dict)]
    collected = [node for node in found if node.get("type") in ("metadata_accumulator", "core_metadata")]
    if collected and (finding := _of_metadata(collected[0])).says_anything:
        return finding
    said: dict[str, Any] = {}
    for node in found:
        names = ("steps", "cfg_scale", "guidance", "scheduler", "seed", "width", "height", "model", "vae", "unet")
        for name in names:
            if node.get(name) is not None:
                said.setdefault(name, node[name])
    negative = {str(id) for id in _sources(values, "negative_conditioning")}
    for id, node in list(nodes.items())[:_MAX_NODES]:
        prompt = node.get("prompt") if isinstance(node, dict) else None
        if isinstance(prompt, str):
            is_negative = str(id) in negative or "neg" in str(id).lower()
            said.setdefault("negative_prompt" if is_negative else "positive_prompt", prompt)
    return _of_metadata(said)


def _sources(graph: dict[str, Any], field: str) -> Iterator[Any]:
    """The nodes that are linked to this input of another."""
    edges = graph.get("edges")
    for edge in edges[:_MAX_NODES] if isinstance(edges, list) else []:
        ends = (edge.get("source"), edge.get("destination")) if isinstance(edge, dict) else (None, None)
        if isinstance(ends[0], dict) and isinstance(ends[1], dict) and ends[1].get("field") == field:
            yield ends[0].get("node_id")


def _of_metadata(values: dict[str, Any]) -> Finding:
    guidance = number(values.get("guidance"))  # FLUX; the others have cfg_scale
    loras = values.get("loras")
    loras = loras if isinstance(loras, list) else []
    left_out = [f"scheduler {bounded(values.get('scheduler'), MAX_SHORT)}"] if values.get("scheduler") else []
    left_out += [
        f"LoRA {name}"
        for lora in loras[:8]
        if isinstance(lora, dict) and (name := _name(lora.get("model") or lora.get("lora")))
    ]
    prompts = (bounded(values.get("positive_prompt")), bounded(values.get("negative_prompt")))
    left_out += [one for prompt in prompts for one in named_in(prompt)]
    styles = (bounded(values.get(f"{side}_style_prompt"), MAX_SHORT).strip() for side in ("positive", "negative"))
    left_out += [f"style {style}" for style in styles if style and style not in prompts]
    left_out += ["the picture it was made from"] if any(values.get(name) for name in _PICTURES) else []
    return Finding(
        tool="InvokeAI",
        prompt=bounded(values.get("positive_prompt")),
        negative_prompt=bounded(values.get("negative_prompt")),
        size=sized(values.get("width"), values.get("height")),
        steps=whole(values.get("steps")),
        guidance=number(values.get("cfg_scale")) if guidance is None else guidance,
        seed=whole(values.get("seed")),
        model=_name(values.get("model")),
        left_out=tuple(left_out),
    )


def read_older_metadata(text: str) -> Finding | None:
    """The `sd-metadata` chunk of version 2."""
    values = parsed(text)
    image = values.get("image") if isinstance(values, dict) else None
    if not isinstance(values, dict) or not isinstance(image, dict):
        return None
    said = image.get("prompt")
    if isinstance(said, list):  # parts with weights
        said = " ".join(
            part["prompt"] for part in said if isinstance(part, dict) and isinstance(part.get("prompt"), str)
        )
    prompt, negative = _split(bounded(said))
    return Finding(
        tool="InvokeAI",
        prompt=prompt,
        negative_prompt=negative,
        size=sized(image.get("width"), image.get("height")),
        steps=whole(image.get("steps")),
        guidance=number(image.get("cfg_scale")),
        seed=whole(image.get("seed")),
        model=bounded(values.get("model_weights"), MAX_SHORT),
        left_out=_sampler(image.get("sampler")),
    )


def read_dream(text: str) -> Finding | None:
    """The `Dream` chunk of version 1: the typed command, '"a red fox" -s 50 -S 1 -W 512 -H 512 -C 7.5'."""
    match = re.match(r'\s*"((?:\\.|[^"\\])*)"|\s*([^"]*?)(?=\s-[A-Za-z]|$)', text[: 2 * MAX_TEXT])
    if match is None:
        return None
    options = dict(re.findall(r"(?:^|\s)-([sSWHCA])\s*([\w.+-]{1,40})", text[match.end() : match.end() + MAX_TEXT]))
    prompt, negative = _split(bounded((match[1] or match[2] or "").replace('\\"', '"')))
    return Finding(
        tool="InvokeAI",
        prompt=prompt,
        negative_prompt=negative,
        size=sized(options.get("W"), options.get("H")),
        steps=whole(options.get("s")),
        guidance=number(options.get("C")),
        seed=whole(options.get("S")),
        left_out=_sampler(options.get("A")),
    )


def _split(prompt: str) -> tuple[str, str]:
    """In versions 1 and 2, text in [brackets] was the negative prompt."""
    negative = ", ".join(part.strip() for part in re.findall(r"\[([^\[\]]*)\]", prompt))
    return " ".join(re.sub(r"\[[^\[\]]*\]", " ", prompt).split()), negative


def _sampler(value: Any) -> tuple[str, ...]:
    return (f"sampler {bounded(value, MAX_SHORT)}",) if isinstance(value, str) and value else ()


def _name(model: Any) -> str:
    """A model has been an object with `name`, one with `model_name`, and text."""
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name")
    return bounded(model, MAX_SHORT)
