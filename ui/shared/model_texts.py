"""What the page says about a model: whether it is offered, what it can do, which words it does not know."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from studio.contract import ModelSpec, Range, Task
from studio.service import Studio

_MOST_WORDS = 5
_LONGEST_WORD = 24


def is_offered(spec: ModelSpec, owner: str = "") -> bool:
    """Local models always, so that their requirements can be seen; cloud models once they can be used."""
    return spec.lane != "cloud" or (spec.ready_for(owner).ok and not spec.retired_on)


def choice(spec: ModelSpec) -> dict[str, Any]:
    """A model as the scripts list it."""
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
    """The range of the scripts' slider; None: the model has no such setting."""
    return asdict(allowed) if allowed else None


def known_of(spec: ModelSpec, owner: str = "") -> str:
    """The text under the model: what it can do, and what its first picture downloads."""
    readiness = spec.ready_for(owner)
    gb = readiness.download_gb if readiness.ok else 0
    size = f"{gb:.0f} GB" if gb >= 1 else f"{1000 * gb:.0f} MB"
    return f"{spec.about} The first picture downloads {size}, once.".strip() if gb else spec.about


def preflight(spec: ModelSpec, owner: str = "") -> dict[str, Any]:
    """The requirements of a model that is not ready: {title, why, needs, ok}, `why` as a sentence; else empty.

    A model that would be downloaded can be used, but its requirements are shown before.
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
    """The same, with why it cannot be used, for places without a note that says so."""
    return f"{known_of(spec, owner)} {spec.ready_for(owner).hint}".strip()


def advice_on(studio: Studio, owner: str, asset_id: str, *tasks: Task) -> dict[str, Any]:
    """The advice about each model that was not trained on a picture, by its id: {text, instead}."""
    found = [studio.adviser.about(owner, asset_id, task) for task in tasks]
    return {model: asdict(advice) for each in found for model, advice in each.items()}


def unknown_sentence(spec: ModelSpec, unknown: tuple[str, ...]) -> str:
    """The note about words the model does not know."""
    known = spec.about.partition(". ")[0].removesuffix(".")
    words = ", ".join(_cut(word) for word in unknown[:_MOST_WORDS])
    if len(unknown) > _MOST_WORDS:
        words += f" and {len(unknown) - _MOST_WORDS} more"
    return f"{spec.label} does not know: {words}. The picture is made anyway. {known}."


def _cut(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD else f"{word[: _LONGEST_WORD - 1]}…"
