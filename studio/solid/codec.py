"""Requests for views and splats: checked, completed, and as JSON in requests and job rows. Knows no disk."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

from studio import completion, validation
from studio.contract import ModelSpec
from studio.errors import BadRequest
from studio.recipe.solid import four
from studio.solid.contract import MAX_ELEVATION_DEG, NO_VIEWS, SIDES, Four, SolidRequest

_FIELDS = tuple(field.name for field in fields(SolidRequest))


def checked(request: SolidRequest) -> SolidRequest:
    """The same request with its values checked; raises BadRequest."""
    angle = None if request.elevation_deg is None else elevation(request.elevation_deg)
    return replace(request, views=_views(request.views), only=_only(request.only), elevation_deg=angle)


def completed(request: SolidRequest, spec: ModelSpec) -> SolidRequest:
    """The request with every None decided for which the views model has a setting; draws the seed, once.

    Raises:
        BadRequest: a value that no model could use.
        NotSupported: this model does not support it.
    """
    seed, steps, guidance = completion.decided(request.seed, request.steps, request.guidance, spec)
    angle = spec.elevation_deg if request.elevation_deg is None else request.elevation_deg
    return replace(
        request, views_model=spec.id, elevation_deg=elevation(angle), seed=seed, steps=steps, guidance=guidance
    )


def from_json(values: dict[str, Any]) -> SolidRequest:
    """
    Args:
        values: the fields of `SolidRequest` by name; all but the object may be missing, others are ignored. Old job
            rows, for views or a splat alone, have `model` for its model and `keep` for the views.

    Raises:
        BadRequest: as `checked`.
    """
    known = {name: values[name] for name in _FIELDS if values.get(name) is not None}
    is_splat = known.setdefault("splat", "views" in values)
    known.setdefault("object", "")
    known.setdefault("views", values.get("keep") or NO_VIEWS)
    known.setdefault("splat_model" if is_splat else "views_model", values.get("model") or "")
    for name in ("views_model", "splat_model"):
        if not isinstance(known.get(name, ""), str):
            raise BadRequest(f"The {name} must be text, not {validation.shown(known[name])}.")
    return checked(SolidRequest(**known))


def to_json(request: SolidRequest) -> dict[str, Any]:
    """The inverse of `from_json`; "source" is the object, as for `JobView.source`."""
    return asdict(request) | {"source": request.object}


def views_to_make(request: SolidRequest) -> tuple[int, ...]:
    """Indices of the views to make."""
    missing = tuple(index for index, one in enumerate(request.views) if not one)
    return request.only or missing or (() if request.splat else tuple(range(len(SIDES))))


def elevation(value: Any) -> float:
    """In degrees, checked."""
    return validation.number("elevation", value, -MAX_ELEVATION_DEG, MAX_ELEVATION_DEG)


def view_number(value: Any) -> int:
    """Which of the four, checked."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(SIDES):
        raise BadRequest(f"The number of a view is 0 (front) to 3 (left), not {validation.shown(value)}.")
    return value


def _only(value: Any) -> tuple[int, ...]:
    if not value:
        return ()
    if not isinstance(value, list | tuple) or len(value) > len(SIDES):
        raise BadRequest("Which views to make again is a list of numbers from 0 (front) to 3 (left), or empty for all.")
    return tuple(sorted(set(map(view_number, value))))


def _views(value: Any) -> Four:
    if not value:
        return NO_VIEWS
    if (
        not isinstance(value, list | tuple)
        or len(value) != len(SIDES)
        or not all(isinstance(one, str) for one in value)
    ):
        raise BadRequest("The views are four ids: front, right, back and left; an empty one is made.")
    return four(value)
