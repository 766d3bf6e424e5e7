"""Requests to change a picture as JSON and back: in the row of a job, in a recipe, over the wire. Knows no models.

What the values may be is checked in `checks`; in here, only that they are of the kind they must be.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

from studio.contract import IterateRequest
from studio.errors import BadRequest
from studio.recipe import Recipe
from studio.segmentation.codec import strokes_from, strokes_to_json
from studio.validation import shown

_FIELDS = tuple(field.name for field in fields(IterateRequest))
SIDES = ("left", "top", "right", "bottom")
_REPLAYED = ("references", "object", "strokes", "invert", "feather", "extend", "strength")
"""What a recipe says in `edit`; the rest of a request has fields of its own there."""


def from_json(values: Any) -> IterateRequest:
    """
    Args:
        values: the fields of `IterateRequest` by name, strokes as `selecting.from_json` takes them, `extend` as four
            numbers or as {"left": 128}; all but the source may be missing, others are ignored.

    Raises:
        BadRequest: something is of a kind that it cannot be.
    """
    if not isinstance(values, dict):
        raise BadRequest(f"A change must be an object with a source and an instruction, not {shown(values)}.")
    known: dict[str, Any] = {name: values[name] for name in _FIELDS if values.get(name) is not None}
    known.setdefault("source", "")
    known.setdefault("instruction", "")
    known["strokes"] = strokes_from(values)
    known["references"] = _references(values.get("references"))
    known["extend"] = _extend(values.get("extend"))
    return IterateRequest(**known)


def to_json(request: IterateRequest) -> dict[str, Any]:
    """As `from_json` takes it, and as JSON can write it."""
    values = {name: getattr(request, name) for name in _FIELDS}
    return values | {
        "references": list(request.references),
        "strokes": strokes_to_json(request.strokes),
        "extend": list(request.extend),
    }


def to_text(request: IterateRequest, found: dict[str, Any]) -> str:
    """What a recipe has no field of its own for, as JSON.

    Args:
        found: what came out while it was made, for those who look: JSON values.
    """
    values = to_json(request)
    return json.dumps({name: values[name] for name in _REPLAYED} | found, separators=(",", ":"))


def request_of(recipe: Recipe) -> IterateRequest | None:
    """The request that made a version, for one picture; None where it was not made by changing another."""
    if not recipe.edit or not recipe.parents:
        return None
    try:
        values = json.loads(recipe.edit)
        request = from_json({name: values.get(name) for name in _REPLAYED} if isinstance(values, dict) else values)
    except (ValueError, RecursionError, BadRequest):
        return None
    return replace(
        request,
        source=recipe.parents[0],
        instruction=recipe.prompt,
        model=recipe.model,
        seed=recipe.seed,
        steps=recipe.steps,
        guidance=recipe.guidance,
        negative_prompt=recipe.negative_prompt,
        quality=recipe.quality,
        transparent=recipe.transparent,
    )


def parents_of(request: IterateRequest) -> tuple[str, ...]:
    """What a version is made from: the picture first, by which the tree of versions hangs together."""
    everything = (request.source, request.object, *request.references)
    return tuple(dict.fromkeys(one for one in everything if one))


def title_of(request: IterateRequest) -> str:
    """The instruction or, without one, what is done: "Extend left and right"."""
    if request.instruction:
        return request.instruction
    sides = [side for side, pixels in zip(SIDES, request.extend, strict=True) if pixels]
    return f"Extend {' and '.join([', '.join(sides[:-1])] * (len(sides) > 1) + sides[-1:])}" if sides else "Fill in"


def _references(value: Any) -> tuple[str, ...]:
    found = [] if value is None else value
    if not isinstance(found, list | tuple):
        raise BadRequest(f"The references must be a list of ids of pictures, not {shown(found)}.")
    return tuple(found)


def _extend(value: Any) -> tuple[Any, Any, Any, Any]:
    if value is None:
        return (0, 0, 0, 0)
    if isinstance(value, dict) and value.keys() <= set(SIDES):
        value = [value.get(side, 0) for side in SIDES]
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise BadRequest(f"To extend takes four numbers, for left, top, right and bottom; got {shown(value)}.")
    left, top, right, bottom = value
    return left, top, right, bottom
