"""From a request of another API to one that a model here accepts.

A program cannot be asked which of our sizes it wants: unsupported values become the nearest supported ones, with a note
in the response. Only what would make an entirely different picture is refused.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace

from studio.completion import default_size
from studio.contract import MAX_SEED, GenerateRequest, IterateRequest, ModelSpec, Size, Task
from studio.errors import UnknownModel
from studio.imaging.settings_from_recipe import controls, fit, is_same_model
from studio.intake.settings.samplers import sampler_in
from studio.recipe import UPLOAD, Recipe
from studio.service import Studio
from studio.validation import says_something, shown

_OF_OPENAI = re.compile(r"(dall-e-|gpt-image-|chatgpt-image-).*")
"""Model names hard-coded in clients. Without OpenAI, the first local model answers."""


@dataclass(frozen=True)
class Wanted:
    """What a program asks for; None and "" mean unspecified."""

    prompt: str
    model: str = ""
    size: Size | None = None
    count: int = 1
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    negative_prompt: str = ""
    style: str = ""
    quality: str = ""
    transparent: bool = False
    clip_skip: int | None = None
    strength: float | None = None  # of a change: 0 to 1
    sampler: tuple[str, ...] = ()  # "sampler Euler a", "scheduler Karras"


def tasks_of(spec: ModelSpec) -> list[str]:
    """What programs can use it for, in alphabetical order: none sends a control picture, and a change needs none."""
    return sorted(task for task in spec.tasks if task != Task.GENERATE or not spec.control)


def ready_for(studio: Studio, owner: str, *tasks: Task) -> list[ModelSpec]:
    """The models that programs can use now, for any of these tasks."""
    specs = {spec.id: spec for task in tasks for spec in studio.models(task) if task in tasks_of(spec)}
    return [spec for spec in specs.values() if spec.ready_for(owner).ok]


def chosen(studio: Studio, owner: str, name: str, task: Task, notes: list[str]) -> ModelSpec:
    """The model that a name from another API means.

    Args:
        name: one of our ids, or a common name of FLUX and Stable Diffusion; "": the first that is ready.
        notes: receives a sentence if another model is used.

    Raises:
        UnknownModel: there is no such model for this.
    """
    models = studio.models(task)
    here = [spec for spec in models if not spec.provider]
    asked = [spec for spec in here if task in tasks_of(spec)]
    first = next((spec for spec in asked if spec.ready_for(owner).ok), None) or next(iter(asked or models), None)
    same = next((spec for spec in models if name and (spec.id == name or spec.label == name)), None)
    same = same or next((spec for spec in here if name and is_same_model(name, spec.id)), None)
    if same and (same.ready_for(owner).ok or not _OF_OPENAI.fullmatch(name)):
        return same
    if first is None or (name and not _OF_OPENAI.fullmatch(name)):
        raise UnknownModel(name, [spec.id for spec in here])
    if name:
        notes.append(f"{shown(name)} is not asked here: {first.label} is.")
    return first


def to_generate(studio: Studio, owner: str, wanted: Wanted, notes: list[str]) -> GenerateRequest:
    """
    Args:
        notes: receives a sentence for everything that differs from the request.

    Raises:
        UnknownModel: there is no such model.
    """
    spec = chosen(studio, owner, wanted.model, Task.GENERATE, notes)
    if not says_something(wanted.prompt):  # refused later, with a message
        return GenerateRequest(wanted.prompt, spec.id)
    settings = fit(_recipe(wanted, spec, notes), [spec], owner)
    notes += settings.notes
    request = settings.request or GenerateRequest(wanted.prompt, spec.id)
    return replace(request, count=wanted.count, transparent=wanted.transparent)


def to_iterate(
    studio: Studio, owner: str, wanted: Wanted, source: str, references: tuple[str, ...], notes: list[str]
) -> IterateRequest:
    """The same for a change of the picture `source`, whose size it keeps; raises as `to_generate`."""
    spec = chosen(studio, owner, wanted.model, Task.ITERATE, notes)
    strength = wanted.strength
    if strength is not None and spec.strength is None:
        notes.append(f"{spec.label} has no setting for strength; {strength:g} is left out.")
        strength = None
    if strength is not None and spec.strength is not None:
        strength = min(max(strength, spec.strength.low), spec.strength.high)
        if strength != wanted.strength:
            notes.append(f"{spec.label} takes {spec.strength.low:g} to {spec.strength.high:g} for strength.")
    settings = controls(_recipe(wanted, spec, notes), spec, notes)
    request = IterateRequest(source, wanted.prompt, spec.id, references, **settings)
    return replace(request, count=wanted.count, strength=strength, transparent=wanted.transparent)


def _recipe(wanted: Wanted, spec: ModelSpec, notes: list[str]) -> Recipe:
    """The request, as the recipe of a picture made that way."""
    style = wanted.style if wanted.style in [style.id for style in spec.styles] else ""
    if wanted.style != style:
        notes.append(f"{spec.label} has no style {shown(wanted.style)}; it is left out.")
    seed = wanted.seed
    if seed is None or seed == -1:  # as most programs do
        seed = secrets.randbelow(MAX_SEED + 1) if spec.seed else None
    sampler, rest = sampler_in(wanted.sampler, spec.samplers)
    notes += [f"{part.replace('sampler ', 'sampler_name ', 1)} is not honoured here." for part in rest]
    size = wanted.size if wanted.size and all(wanted.size) else default_size(spec)
    return Recipe(
        kind="image",
        owner="",
        task=UPLOAD,
        model=spec.id,
        prompt=wanted.prompt,
        style=style,
        negative_prompt=wanted.negative_prompt,
        width=size.width,
        height=size.height,
        steps=wanted.steps,
        guidance=wanted.guidance,
        seed=seed,
        title="",
        quality=wanted.quality,
        clip_skip=wanted.clip_skip,
        sampler=sampler,
    )
