"""Which cloud model could do what a local model cannot. Only suggests; decides and sends nothing."""

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
    """A cloud model for a request that was meant for another model."""

    spec: ModelSpec
    price_usd: float | None  # estimate for one picture; None: unknown
    lost: tuple[str, ...]  # requested settings it does not support, in words: "seed"


def stand_in(request: GenerateRequest, model: ModelSpec, specs: Iterable[ModelSpec], owner: str) -> StandIn | None:
    """The model that supports most of a request; among equals, first one with a key, then the same model.

    Args:
        request: as it was meant for `model`; values that no model could use are left out.
        specs: of the catalog, local ones included.
    """
    offered = [spec for spec in specs if spec.provider and not spec.retired_on and model.tasks & spec.tasks]
    found = [StandIn(spec, _price(spec, request), lost_with(spec, request, model)) for spec in offered]
    return min(found, key=lambda each: _rank(each, model, owner), default=None)


def lost_with(spec: ModelSpec, request: GenerateRequest, model: ModelSpec) -> tuple[str, ...]:
    """What a person chose for one model that another does not support; defaults do not count."""
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
    """Smaller is better."""
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
    """At the model's default quality, and at its default size if it does not support the requested one."""
    size = request.size if _makes(spec, request) else None
    return estimate(spec, replace(request, size=size, quality="", count=1))


@contextmanager
def suggesting(request: GenerateRequest, specs: Callable[[Task], Iterable[ModelSpec]], owner: str) -> Iterator[None]:
    """If the chosen model is not ready, add to the error who else could do it."""
    try:
        yield
    except NotReady as error:
        raise NotReady(f"{error}{elsewhere(request, specs(Task.GENERATE), owner)}") from error


def elsewhere(request: GenerateRequest, specs: Iterable[ModelSpec], owner: str) -> str:
    """Who else could do it, as a sentence to append to the error; "" for nobody."""
    specs = list(specs)
    model = next((spec for spec in specs if spec.id == request.model and not spec.provider), None)
    found = stand_in(request, model, specs, owner) if model else None
    if found is None:
        return ""
    price = f" for about {in_dollars(found.price_usd)} a picture" if found.price_usd else ""
    return f" {found.spec.label} can make it in the cloud{price}: choose the model {found.spec.id}."
