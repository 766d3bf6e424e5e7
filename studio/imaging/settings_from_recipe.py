"""From a picture's recipe to a request for one like it: keeps what the chosen model supports, and reports the rest.

Pure functions of a recipe and the catalog. No recipe is an error here: it may come from any tool.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.completion import default_size
from studio.contract import MAX_SEED, GenerateRequest, ModelSpec, Range, Size, Task
from studio.intake.settings.foreign_values import loras_in, prompt_weights
from studio.intake.settings.samplers import sampler_in
from studio.recipe import Recipe
from studio.validation import MAX_PROMPT, says_something, shown


@dataclass(frozen=True)
class Settings:
    """How to make a picture like an existing one."""

    request: GenerateRequest | None  # valid as it is, for one picture; None: nothing to repeat
    notes: tuple[str, ...]  # a sentence for each thing that could not be carried over


def fit(recipe: Recipe, catalog: Sequence[ModelSpec], owner: str = "") -> Settings:
    """The request that repeats this picture, as far as a model of the catalog can.

    Args:
        recipe: of a picture made here, or of an upload.
        catalog: all models, the default first.
        owner: whose keys count.
    """
    if recipe.kind == "object":
        return Settings(None, ("An object is cut out of a picture: the settings are those of the picture.",))
    if recipe.kind in ("view", "splat"):
        return Settings(None, ("It was made from an object: make it again in the 3D tab.",))
    if not has_settings(recipe):
        return Settings(
            None, (_without_settings(recipe), *([recipe.notice] if recipe.source and recipe.notice else []))
        )
    catalog = [spec for spec in catalog if Task.GENERATE in spec.tasks and (recipe.control or not spec.control)]
    if not catalog:
        return Settings(None, ("No model here makes pictures from words.",))
    notes: list[str] = [] if says_something(recipe.prompt) else ["The file has no prompt: write one."]
    spec = _model(recipe.model, catalog, owner, notes)
    prompt, style = _words(recipe, spec, notes)
    prompt, left_out = _loras(prompt, ", ".join(_sampled(recipe, spec)[1]), spec)
    request = GenerateRequest(
        prompt=_cut(prompt, "prompt", notes),
        model=spec.id,
        size=_size(_size_of(recipe), spec, notes),
        count=1,
        style=style,
        control=recipe.control if spec.control or spec.likeness else "",
        control_strength=_number("control strength", recipe.control_strength, spec.control_strength, spec, notes),
        **controls(recipe, spec, notes),
    )
    if recipe.model == spec.id and recipe.revision and spec.revision and recipe.revision != spec.revision:
        notes.append(f"{spec.label} has new weights since then; the result will differ.")
    if recipe.parents and not request.control:
        notes.append("It was made from another picture; from its words alone the result will differ.")
    is_read = spec.prompt_weights or recipe.source in _SAYS_ITSELF
    weighed = [] if is_read else prompt_weights(f"{recipe.prompt}\n{request.negative_prompt}")
    if left_out := ", ".join(each for each in (left_out, *weighed) if each):
        notes.append(f"Not carried over: {left_out}.")
    if recipe.source and recipe.notice:
        notes.append(recipe.notice)
    return Settings(request, tuple(notes))


def controls(recipe: Recipe, spec: ModelSpec, notes: list[str]) -> dict[str, Any]:
    """The settings shared by requests to make and to change pictures, by name, as this model takes them.

    Args:
        notes: receives a sentence for everything that could not be carried over.
    """
    return {
        "seed": _seed(recipe.seed, spec, notes),
        "steps": _whole(_number("steps", recipe.steps, spec.steps, spec, notes)),
        "guidance": _number("guidance", recipe.guidance, spec.guidance, spec, notes),
        "negative_prompt": _negative_prompt(recipe.negative_prompt, spec, notes),
        "quality": _quality(recipe.quality, spec, notes),
        "transparent": _transparent(recipe.transparent, spec, notes),
        "clip_skip": _whole(_number("clip skip", recipe.clip_skip, spec.clip_skip, spec, notes)),
        "precision": precision_of(recipe, spec, notes),
        "fast": fast_of(recipe, spec, notes),
        "sampler": _sampler(recipe, spec, notes),
    }


def has_settings(recipe: Recipe) -> bool:
    """Whether there is anything to repeat: a prompt or, for pictures of other tools, any other setting."""
    if recipe.task in (Task.UPSCALE, Task.CONTROL):
        return False
    if says_something(recipe.prompt) or recipe.source in _SAYS_ITSELF:
        return says_something(recipe.prompt)
    numbers = (recipe.steps, recipe.guidance, recipe.seed)
    return bool(recipe.negative_prompt or recipe.model) or any(value is not None for value in numbers)


def _without_settings(recipe: Recipe) -> str:
    if recipe.source in _SAYS_ITSELF:
        return "This picture does not say how it was made."
    if recipe.left_out.startswith("settings of "):
        return f"This picture carries {recipe.left_out}."
    used = f": {recipe.left_out}" if recipe.left_out else ""
    return f"This picture carries settings of {recipe.source}, but none that can be used here{used}."


_SAYS_ITSELF = ("", "file", "Diorama")


def is_same_model(name: str, model_id: str) -> bool:
    """Whether a file or display name from another tool clearly means one of our models.

    "flux1-schnell-fp8.safetensors" and "FLUX Schnell" are flux1-schnell; "flux1-dev-kontext" is not flux1-dev: the rest
    of the name may only say how the weights are stored.
    """
    name = re.sub(r"\.(safetensors|sft|gguf|ckpt|pt|bin)$", "", re.split(r"[/\\]", name[-_LONGEST_NAME:].lower())[-1])
    words = re.findall(r"[a-z0-9]+", name)
    wanted = "".join(re.findall(r"[a-z0-9]+", model_id.lower()))
    return any(
        "".join(words[start:end]) in (wanted, wanted.replace("flux1", "flux"))  # the first FLUX had no number
        and all(re.fullmatch(_STORAGE, word) for word in words[:start] + words[end:])
        for start in range(len(words))
        for end in range(start + 1, len(words) + 1)
    )


_STORAGE = (
    r"fp8|fp16|fp32|bf16|f16|nf4|int8|int4|bnb|gguf|e4m3fn?|e5m2|scaled|pruned|full|quantized|diffusers"
    r"|v?\d|q\d|k|[sml]|\d?bit"
)
_LONGEST_NAME = 100


def _model(name: str, catalog: Sequence[ModelSpec], owner: str, notes: list[str]) -> ModelSpec:
    ready = [spec for spec in catalog if spec.ready_for(owner).ok]
    here = [spec for spec in ready if not spec.provider]  # never switch to another cloud model unasked
    chosen = (here or ready or list(catalog))[0]
    same = next((spec for spec in catalog if spec.id == name), None)
    similar = same or next((spec for spec in catalog if is_same_model(name, spec.id)), None)
    if similar is not None and (similar in ready or not ready):
        if same is None:
            notes.append(f"{shown(name)} is taken for {similar.label}.")
        return similar
    if similar is not None:
        notes.append(f"{similar.label} cannot run here ({similar.ready_for(owner).label}); {chosen.label} is chosen.")
    elif name:
        notes.append(f"There is no model {shown(name)} here; {chosen.label} is chosen.")
    else:
        notes.append(f"It does not say which model made it; {chosen.label} is chosen.")
    return chosen


def _words(recipe: Recipe, spec: ModelSpec, notes: list[str]) -> tuple[str, str]:
    """Prompt and style. If the model lacks the style, its words become part of the prompt."""
    if not recipe.style or any(style.id == recipe.style for style in spec.styles):
        return recipe.prompt, recipe.style
    notes.append(f"{spec.label} has no style {shown(recipe.style)}; its words are in the prompt.")
    return (recipe.prompt_sent if says_something(recipe.prompt_sent) else recipe.prompt), ""


def _loras(prompt: str, left_out: str, spec: ModelSpec) -> tuple[str, str]:
    """The prompt with the LoRAs that are here and fit, and what is left out, without those."""
    prompt, used, gone = loras_in(prompt, spec.loras() if spec.loras else ())
    parts = [part for part in left_out.split(", ") if part not in {f"LoRA {name}" for name in used}]
    parts += [f"LoRA {name}" for name in gone if f"LoRA {name}" not in parts]
    return prompt, ", ".join(part for part in parts if part)


def _cut(text: str, what: str, notes: list[str]) -> str:
    if len(text) > MAX_PROMPT:
        notes.append(f"The {what} is longer than {MAX_PROMPT:,} characters; the rest is left out.")
    return text[:MAX_PROMPT]


def _negative_prompt(text: str, spec: ModelSpec, notes: list[str]) -> str:
    if text and not spec.negative_prompt:
        notes.append(f"{spec.label} takes no negative prompt; {shown(text)} is left out.")
        return ""
    return _cut(text, "negative prompt", notes)


def _quality(quality: str, spec: ModelSpec, notes: list[str]) -> str:
    if quality and quality not in spec.qualities:
        notes.append(f"{spec.label} has no quality {shown(quality)}; it is left out.")
        return ""
    return quality


def _sampler(recipe: Recipe, spec: ModelSpec, notes: list[str]) -> str:
    """The model's first if the recipe names none."""
    sampler = _sampled(recipe, spec)[0]
    if sampler and sampler not in spec.samplers:
        notes.append(f"{spec.label} has no sampler {shown(sampler)}; it is left out.")
        sampler = ""
    return sampler or next(iter(spec.samplers), "")


def _sampled(recipe: Recipe, spec: ModelSpec) -> tuple[str, list[str]]:
    """The sampler, which other tools' pictures have in `left_out`, and the rest of that."""
    parts = recipe.left_out.split(", ")
    return (recipe.sampler, parts) if recipe.sampler else sampler_in(parts, spec.samplers)


def _transparent(transparent: bool, spec: ModelSpec, notes: list[str]) -> bool:
    if transparent and not spec.transparent:
        notes.append(f"{spec.label} makes no transparent background.")
    return transparent and spec.transparent


def precision_of(recipe: Recipe, spec: ModelSpec, notes: list[str]) -> str:
    """The recipe's precision if this machine supports it; else "", and a note."""
    if not recipe.precision or recipe.model != spec.id:
        return ""
    if recipe.precision not in spec.precisions:
        notes.append(
            f"{spec.label} made it with weights in {shown(recipe.precision)}, which this machine does not do. "
            "The result will differ a little."
        )
        return ""
    return recipe.precision


def fast_of(recipe: Recipe, spec: ModelSpec, notes: list[str]) -> bool:
    """The same for a compiled network."""
    if recipe.fast and recipe.model == spec.id and not spec.fast:
        notes.append(
            f"{spec.label} made it compiled (Fast), which this machine does not do. The result will differ a little."
        )
    return recipe.fast and recipe.model == spec.id and spec.fast


def _seed(seed: int | None, spec: ModelSpec, notes: list[str]) -> int | None:
    if not spec.seed:
        if seed is not None:
            notes.append(f"{spec.label} takes no seed; {seed} is left out.")
        return None
    if seed is None:
        notes.append("It does not record its seed; a new one is drawn.")
    elif seed > MAX_SEED:
        notes.append(f"The seed {seed} is larger than {MAX_SEED}, the largest here; a new one is drawn.")
        return None
    return seed


def _number(name: str, value: float | None, allowed: Range | None, spec: ModelSpec, notes: list[str]) -> float | None:
    """Within the model's range; its default if there is no value."""
    if allowed is None:
        if value is not None and (name, value) not in _NONE:
            notes.append(f"{spec.label} has no setting for {name}; {shown(value)} is left out.")
        return None
    if value is None:
        return allowed.default
    if not allowed.low <= value <= allowed.high:
        used = min(max(value, allowed.low), allowed.high)
        notes.append(
            f"{spec.label} takes {allowed.low:g} to {allowed.high:g} for {name}; {used:g} is used, not {shown(value)}."
        )
        return used
    return value


_NONE = (("guidance", 0), ("guidance", 1), ("clip skip", 0), ("clip skip", 1))
"""Values equivalent to not having the setting."""


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _size_of(recipe: Recipe) -> Size:
    """The size; of a comparison, that of one of its pictures."""
    return Size(recipe.grid.width or recipe.width, recipe.grid.height or recipe.height)


def _size(size: Size, spec: ModelSpec, notes: list[str]) -> Size:
    if not all(size):
        return default_size(spec)
    offered = list(spec.sizes)
    if spec.any_size is not None:
        offered.append(_fitted(size, *spec.any_size))
    nearest = size if size in offered else min(offered, key=lambda one: _difference(one, size))
    if nearest != size:
        notes.append(f"{spec.label} does not make {size} pixels; {nearest} is the nearest.")
    return nearest


def _fitted(size: Size, smallest: int, largest: int, multiple: int) -> Size:
    """The size scaled into the range, each side rounded to a multiple."""
    scale = min(1.0, largest / max(size)) if max(size) > largest else max(1.0, smallest / min(size))
    low, high = -(-smallest // multiple), largest // multiple
    width, height = (min(max(round(side * scale / multiple), low), high) * multiple for side in size)
    return Size(width, height)


def _difference(one: Size, other: Size) -> float:
    """How much two sizes differ; the aspect ratio counts twice as much as the area."""
    shape = math.log(one.width / one.height) - math.log(other.width / other.height)
    area = math.log(one.width * one.height) - math.log(other.width * other.height)
    return 2 * abs(shape) + abs(area)
