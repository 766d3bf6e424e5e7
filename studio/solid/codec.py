"""Requests for views and splats: completed, and as JSON in the row of a job and in a recipe. Knows no disk."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from studio import validation
from studio.contract import ModelSpec, Task
from studio.errors import BadRequest, NotSupported
from studio.recipe import is_asset_id
from studio.solid.contract import (
    AZIMUTHS_DEG,
    MAX_ELEVATION_DEG,
    NO_VIEWS,
    SIDES,
    Four,
    SplatRequest,
    ViewsRequest,
)


def completed_views(request: ViewsRequest, spec: ModelSpec) -> ViewsRequest:
    """The same request with every None decided that the model has a control for; the seed is drawn here, once.

    Raises:
        BadRequest: a value that no model could use.
        NotSupported: this model does not honour what was asked.
    """
    if Task.VIEWS not in spec.tasks:
        raise NotSupported(f"{spec.label} makes no views of objects. Choose another model.")
    seed, steps, guidance = validation.decided(request.seed, request.steps, request.guidance, spec)
    return replace(
        request,
        model=spec.id,
        elevation_deg=elevation(spec.elevation_deg if request.elevation_deg is None else request.elevation_deg),
        seed=seed,
        steps=steps,
        guidance=guidance,
        only=_only(request.only),
        keep=_kept(request.keep),
    )


def completed_splat(request: SplatRequest, spec: ModelSpec) -> SplatRequest:
    """
    Raises:
        BadRequest, NotSupported: as for views.
    """
    if Task.SPLAT not in spec.tasks:
        raise NotSupported(f"{spec.label} makes no splats. Choose another model.")
    angle = None if request.elevation_deg is None else elevation(request.elevation_deg)
    return replace(request, model=spec.id, elevation_deg=angle, views=_all_four(request.views))


def views_from_json(values: dict[str, Any]) -> ViewsRequest:
    """
    Args:
        values: of a job row: `asdict` of a complete request, after a trip through JSON.
    """
    changed: dict[str, Any] = {"only": tuple(values["only"]), "keep": four(values["keep"])}
    return ViewsRequest(**_own(values) | changed)


def splat_from_json(values: dict[str, Any]) -> SplatRequest:
    """As `views_from_json`."""
    changed: dict[str, Any] = {"views": four(values["views"])}
    return SplatRequest(**_own(values) | changed)


def to_json(request: ViewsRequest | SplatRequest) -> dict[str, Any]:
    """As the two above take it, and as JSON can write it; "source" is the object, as for `JobView.source`."""
    return asdict(request) | {"source": request.object}


def _own(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "source"}


def wanted(request: ViewsRequest) -> tuple[int, ...]:
    """Which of the four views are made."""
    return request.only or tuple(range(len(AZIMUTHS_DEG)))


def four(values: Any) -> Four:
    """Four texts as a tuple."""
    front, right, back, left = values
    return front, right, back, left


def elevation(value: Any) -> float:
    """In degrees, checked."""
    return validation.number("elevation", value, -MAX_ELEVATION_DEG, MAX_ELEVATION_DEG)


def _only(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or len(value) > len(SIDES):
        raise BadRequest("Which views to make again is a list of numbers from 0 (front) to 3 (left), or empty for all.")
    for one in value:
        if isinstance(one, bool) or not isinstance(one, int) or not 0 <= one < len(SIDES):
            raise BadRequest(f"The number of a view is 0 (front) to 3 (left), not {validation.shown(one)}.")
    return tuple(sorted(set(value)))


def _kept(value: Any) -> Four:
    if not value:
        return NO_VIEWS
    if not isinstance(value, list | tuple) or len(value) != 4 or not all(isinstance(one, str) for one in value):
        raise BadRequest("The views to keep are four ids, empty for none: front, right, back and left.")
    return four(value)


def _all_four(value: Any) -> Four:
    found = _kept(value)
    missing = [side for side, one in zip(SIDES, found, strict=True) if not is_asset_id(one)]
    if missing:
        raise BadRequest(f"The {missing[0]} view is missing: make the four views first, or choose a picture for it.")
    return found
