"""Settings written as plain JSON: SwarmUI, Fooocus, NovelAI, Draw Things, Easy Diffusion and similar tools.

They all have the same few settings under similar names; the names around them identify the tool.

Source: mcmonkeyprojects/SwarmUI docs/Image Metadata Format.md; lllyasviel/Fooocus modules/meta_parser.py;
runew0lf/RuinedFooocus modules/pipeline.py; NovelAI's documentation of its pictures; drawthingsai/draw-things-community;
easydiffusion/easydiffusion ui/easydiffusion/utils/save_utils.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from studio.contract import Size
from studio.intake.settings.foreign_values import (
    MAX_SHORT,
    Finding,
    bounded,
    named_in,
    number,
    parsed,
    sized,
    whole,
)

UNKNOWN = "another tool"
_PROMPTS = ("prompt", "positiveprompt", "positive", "positiveconditioning", "c", "fullprompt", "inputprompt")
_NEGATIVES = ("negativeprompt", "negative", "uc", "negativeconditioning", "fullnegativeprompt", "undesiredcontent")
_SEEDS = ("seed", "noiseseed")
_STEPS = ("steps", "numinferencesteps", "samplingsteps", "numsteps")
_GUIDANCES = ("fluxguidancescale", "distilledcfgscale", "guidancescale", "cfgscale", "cfg", "scale", "guidance")
_MODELS = (
    *("model", "basemodel", "basemodelname", "modelname", "checkpoint", "ckpt", "usestablediffusionmodel"),
    "stablediffusionmodel",
    *("sdmodelcheckpoint", "modelweights", "modelid"),
)
_SIZES = ("size", "resolution", "imagesize")
_SAMPLERS = ("sampler", "samplername", "scheduler", "performance", "styles", "vae", "refinermodel")
_PICTURES = ("initimage", "promptimages", "image2image", "sourceimage", "inputimage", "referenceimage", "maskimage")
_INSIDE = (
    *("suiimageparams", "comment", "image", "node", "parameters", "params", "metadata", "generation", "settings"),
    *("extrametadata", "generationdata", "v2", "data", "meta", "request"),
)
"""What the settings may be inside of."""
_MAX_DEPTH = 4
_TOOLS = {
    "SwarmUI": ("suiimageparams", "swarmversion"),
    "RuinedFooocus": ("basemodelhash", "software"),
    "Fooocus": ("metadatascheme", "basemodel", "admguidance"),
    "NovelAI": ("uc", "requesttype", "v4prompt"),
    "Draw Things": ("c", "uc"),
    "Easy Diffusion": ("usestablediffusionmodel", "stablediffusionmodel"),
    "InvokeAI": ("cfgrescalemultiplier", "generationmode"),
}
"""By names that only they have; one of them is enough, save that Draw Things has all of them."""


def read_values(values: Any, beside: Mapping[str, str], *, is_loose: bool = False) -> Finding | None:
    """An object that contains settings, at any depth; None if it is not one.

    Args:
        is_loose: the values do not belong together: a prompt alone may be anything.
    """
    named = _settings(values, is_loose)
    if named is None:
        return None
    prompt, negative = _text(named, _PROMPTS), _text(named, _NEGATIVES)
    characters = _characters(named.get("v4prompt")), _characters(named.get("v4negativeprompt"))
    around = values.items() if isinstance(values, dict) else ()  # NovelAI's other formats have all texts in one
    said = {str(name)[:80].lower(): text for name, text in (*around, *beside.items()) if isinstance(text, str)}
    tool = _tool(values, named, said)
    if tool == "NovelAI":
        prompt = prompt or bounded(said.get("description", "")).strip()
    return Finding(
        tool=tool,
        prompt=bounded("\n".join((prompt, *characters[0])).strip()),
        negative_prompt=bounded("\n".join((negative, *characters[1])).strip()),
        size=_size(named),
        steps=_first(named, _STEPS, whole),
        guidance=_first(named, _GUIDANCES, number),
        seed=_first(named, _SEEDS, whole),
        clip_skip=_first(named, ("clipskip",), whole),
        model=_model(named) or (bounded(said.get("source", ""), MAX_SHORT) if tool == "NovelAI" else ""),
        left_out=tuple(dict.fromkeys((*_left_out(named), *named_in(prompt), *named_in(negative)))),
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name[:80].lower())


def _settings(values: Any, is_loose: bool, depth: int = 0) -> dict[str, Any] | None:
    """The nearest object with a prompt or several settings, with normalised names."""
    if isinstance(values, str) and values.lstrip().startswith("{"):
        values = parsed(values)
    if not isinstance(values, dict) or depth > _MAX_DEPTH:
        return None
    named = {_plain(str(name)): value for name, value in list(values.items())[:1_000]}
    inner = (_settings(named[name], is_loose, depth + 1) for name in _INSIDE if name in named)
    found = next((one for one in inner if one is not None), None)
    if found is not None:
        return found
    has_words = any(isinstance(named.get(name), str | list) for name in (*_PROMPTS, *_NEGATIVES))
    controls = [_first(named, _SEEDS, whole), _first(named, _STEPS, whole), _first(named, _GUIDANCES, number)]
    known = sum(value is not None for value in controls) + bool(_model(named)) + (_size(named) is not None)
    is_told = bool(_text(named, _PROMPTS[:2])) and not is_loose
    return named if known >= 3 or (has_words and known >= 1) or is_told else None


def _first(named: dict[str, Any], names: tuple[str, ...], read: Any) -> Any:
    return next((found for name in names if (found := read(named.get(name))) is not None), None)


def _text(named: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = named.get(name)
        if isinstance(value, list):
            value = "\n".join(one for one in value[:100] if isinstance(one, str))
        if isinstance(value, str) and value.strip():
            return bounded(value).strip()
    return ""


def _size(named: dict[str, Any]) -> Size | None:
    size = sized(named.get("width"), named.get("height"))
    if size is not None:
        return size
    for name in _SIZES:
        value = named.get(name)
        if isinstance(value, list) and len(value) == 2:
            return sized(*value)
        if isinstance(value, str) and (match := re.fullmatch(r"\D{0,2}(\d{1,6})\s?[,xX×]\s?(\d{1,6})\D{0,2}", value)):
            return sized(match[1], match[2])
    return None


def _model(named: dict[str, Any]) -> str:
    for name in _MODELS:
        value = named.get(name)
        if isinstance(value, dict):
            value = value.get("name") or value.get("model_name")
        if isinstance(value, str) and value:
            return bounded(value, MAX_SHORT)
    return ""


def _characters(values: Any) -> tuple[str, ...]:
    """NovelAI has prompts for single characters beside the one for all."""
    caption = values.get("caption") if isinstance(values, dict) else None
    found = caption.get("char_captions") if isinstance(caption, dict) else None
    texts = [one.get("char_caption") for one in found[:16] if isinstance(one, dict)] if isinstance(found, list) else []
    return tuple(text for one in texts if (text := bounded(one).strip()))


def _tool(values: Any, named: dict[str, Any], beside: dict[str, str]) -> str:
    names = {*named}
    if isinstance(values, dict):
        names |= {_plain(str(name)) for name in list(values)[:1_000]}
    program = " ".join(str(one)[:100] for one in (beside.get("software"), named.get("software"), named.get("version")))
    for tool in ("NovelAI", "RuinedFooocus", "Fooocus", "SwarmUI", "Easy Diffusion", "Draw Things", "InvokeAI"):
        if tool.lower() in program.lower():
            return tool
    if {"c", "uc"} <= names:
        return "Draw Things"
    return next((tool for tool, marks in _TOOLS.items() if names & {*marks} - {"c", "software"}), UNKNOWN)


def _left_out(named: dict[str, Any]) -> list[str]:
    said = []
    for name in _SAMPLERS:
        value = named.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).lower() not in _NOTHING:
            said.append(f"{_SPELT.get(name, name)} {bounded(str(value), MAX_SHORT)}")
    said += [f"LoRA {lora}" for name, value in named.items() if _LORAS.fullmatch(name) for lora in _loras(value)][:8]
    if any(named.get(name) for name in _PICTURES) or "Image2Image" in str(named.get("requesttype", ""))[:100]:
        said.append("the picture it was made from")
    return said


def _loras(value: Any) -> list[str]:
    """The names in a list of texts, of [name, weight] or of objects, or in a text such as "ink.safetensors : 0.5"."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        value = parsed(value)
    names = []
    for one in value[:8] if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            one = one.get("name") or one.get("model") or one.get("file") or one.get("path")
        if isinstance(one, list) and one:
            one = one[0]
        if name := bounded(one, MAX_SHORT).partition(" : ")[0].strip():
            names += [] if name.lower() in _NOTHING else [name]
    return names


_LORAS = re.compile(r"loras?|loracombined\d*|lora\d+|lora(names?|paths?|models?|files?)|useloramodels?")
_NOTHING = ("", "none", "[]", "automatic", "0", "default")
_SPELT = {"samplername": "sampler", "vae": "VAE", "refinermodel": "refiner"}
