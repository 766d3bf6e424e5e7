"""What the page says about a model: whether it is offered, what it can do, which words it does not know."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from studio.contract import ModelSpec, Range, Task
from studio.service import Studio

_MOST_WORDS = 5
_LONGEST_WORD = 24


def is_offered(spec: ModelSpec, owner: str = "") -> bool:
    """Models of this machine always, so that a person sees what it would need; those in a cloud when they answer."""
    return spec.lane != "cloud" or (spec.ready_for(owner).ok and not spec.retired_on)


def choice(spec: ModelSpec) -> dict[str, Any]:
    """A model as the scripts offer it in a list."""
    ready = spec.readiness()
    return {
        "id": spec.id,
        "label": spec.label,
        "ready": ready.ok,
        "damaged": ready.is_damaged,
        "state": ready.label,
        "hint": spec.about,
        "preflight": preflight(spec),
    }


def values_of(allowed: Range | None) -> dict[str, Any] | None:
    """What the scripts' slider offers; None: the model has no such control."""
    return asdict(allowed) if allowed else None


def known_of(spec: ModelSpec, owner: str = "") -> str:
    """What stands under the model: what it can do, and what its first picture downloads."""
    readiness = spec.ready_for(owner)
    gb = readiness.download_gb if readiness.ok else 0
    size = f"{gb:.0f} GB" if gb >= 1 else f"{1000 * gb:.0f} MB"
    return f"{spec.about} The first picture downloads {size}, once.".strip() if gb else spec.about


def preflight(spec: ModelSpec, owner: str = "") -> dict[str, Any]:
    """What a model that is not ready needs: {title, why, needs, ok}, `why` as a sentence; nothing of one that is ready.

    A model that would be downloaded can be used, and says before what that takes.
    """
    ready = spec.ready_for(owner)
    if ready.ok and not ready.download_gb:
        return {}
    title = "Before its first use" if ready.ok else f"{spec.label} cannot run here"
    if spec.provider:
        title = f"{spec.label} cannot be used yet"
    why = "" if ready.ok else ready.hint or f"{spec.label} {ready.label}."
    return {"title": title, "why": why, "ok": ready.ok, "needs": [need._asdict() for need in spec.needs()]}


def about(spec: ModelSpec, owner: str = "") -> str:
    """The same, with why it cannot be used: for where no note says it."""
    return f"{known_of(spec, owner)} {spec.ready_for(owner).hint}".strip()


def advice_on(studio: Studio, owner: str, asset_id: str, *tasks: Task) -> dict[str, Any]:
    """The advice about each model that does not know a picture, by its id: {text, instead}."""
    found = [studio.adviser.about(owner, asset_id, task) for task in tasks]
    return {model: asdict(advice) for each in found for model, advice in each.items()}


def unknown_sentence(spec: ModelSpec, unknown: tuple[str, ...]) -> str:
    """What the note says about words the model does not know."""
    known = spec.about.partition(". ")[0].removesuffix(".")
    words = ", ".join(_cut(word) for word in unknown[:_MOST_WORDS])
    if len(unknown) > _MOST_WORDS:
        words += f" and {len(unknown) - _MOST_WORDS} more"
    return f"{spec.label} does not know: {words}. The picture is made anyway. {known}."


def _cut(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD else f"{word[: _LONGEST_WORD - 1]}…"
