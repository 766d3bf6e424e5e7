"""Which cloud model could do what a local model cannot. It only suggests; it decides and sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from studio import completion
from studio.clouds.spending import estimate, in_dollars
from studio.contract import GenerateRequest, ModelSpec, Range, Task
from studio.errors import NotReady, StudioError
from studio.imaging.settings_from_recipe import is_same_model


class StandIn(NamedTuple):
    """A model of a provider for a request that was meant for another."""

    spec: ModelSpec
    price_usd: float | None  # of one picture, about; None: nobody says
    lost: tuple[str, ...]  # what was asked for and it does not honour, in words: "seed"


def stand_in(request: GenerateRequest, model: ModelSpec, specs: Iterable[ModelSpec], owner: str) -> StandIn | None:
    """The one that honours most of a request; of equals the one that has a key, is the same model, comes first.

    Args:
        request: as it was meant for `model`; what cannot be right with any model is left out.
        specs: of the catalog, those of this machine among them.
    """
    offered = [spec for spec in specs if spec.provider and not spec.retired_on and model.tasks & spec.tasks]
    found = [StandIn(spec, _price(spec, request), lost_with(spec, request, model)) for spec in offered]
    return min(found, key=lambda each: _rank(each, model, owner), default=None)


def lost_with(spec: ModelSpec, request: GenerateRequest, model: ModelSpec) -> tuple[str, ...]:
    """What a person chose for one model and another does not honour; defaults are nobody's choice."""
    steps = model.steps.default if model.steps else None
    guidance = model.guidance.default if model.guidance else None
    lost = {
        "seed": request.seed is not None and not spec.seed,
        "steps": request.steps not in (None, steps) and not _takes(spec.steps, request.steps),
        "guidance": request.guidance not in (None, guidance) and not _takes(spec.guidance, request.guidance),
        "negative prompt": bool(request.negative_prompt) and not spec.negative_prompt,
        "such style": bool(request.style) and request.style not in [style.id for style in spec.styles],
        "such size": request.size is not None and not _makes(spec, request),
    }
    return tuple(name for name, is_lost in lost.items() if is_lost)


def _rank(each: StandIn, model: ModelSpec, owner: str) -> tuple[bool, int, bool]:
    """Small is better."""
    is_same = is_same_model(each.spec.label.partition(" (")[0], model.id)
    return not each.spec.ready_for(owner).ok, len(each.lost), not is_same


def _takes(allowed: Range | None, value: float | None) -> bool:
    return allowed is not None and value is not None and allowed.low <= value <= allowed.high


def _makes(spec: ModelSpec, request: GenerateRequest) -> bool:
    try:
        completion.completed(GenerateRequest("anything", size=request.size), spec)
    except StudioError:
        return False
    return True


def _price(spec: ModelSpec, request: GenerateRequest) -> float | None:
    """At the model's own quality; at its own size where it does not make the one that was asked for."""
    size = request.size if _makes(spec, request) else None
    return estimate(spec, replace(request, size=size, quality="", count=1))


@contextmanager
def suggesting(request: GenerateRequest, specs: Callable[[Task], Iterable[ModelSpec]], owner: str) -> Iterator[None]:
    """Where the chosen model cannot make it (NotReady), the sentence says who could."""
    try:
        yield
    except NotReady as error:
        raise NotReady(f"{error}{elsewhere(request, specs(Task.GENERATE), owner)}") from error


def elsewhere(request: GenerateRequest, specs: Iterable[ModelSpec], owner: str) -> str:
    """Who could make it, as a sentence that follows the one about why the chosen model cannot; "" for nobody."""
    specs = list(specs)
    model = next((spec for spec in specs if spec.id == request.model and not spec.provider), None)
    found = stand_in(request, model, specs, owner) if model else None
    if found is None:
        return ""
    price = f" for about {in_dollars(found.price_usd)} a picture" if found.price_usd else ""
    return f" {found.spec.label} can make it in the cloud{price}: choose the model {found.spec.id}."
