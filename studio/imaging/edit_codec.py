"""Reads requests to change a picture from a job's row or from JSON. Knows no models.

Checks types only; values are checked in `completion`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from studio.contract import IterateRequest
from studio.errors import BadRequest
from studio.recipe.selection import strokes_from
from studio.validation import shown

_FIELDS = tuple(field.name for field in fields(IterateRequest))
SIDES = ("left", "top", "right", "bottom")


def from_json(values: Any) -> IterateRequest:
    """
    Args:
        values: the fields of `IterateRequest` by name, strokes as in a selection, `extend` as four
            numbers or as {"left": 128}; all but the source may be missing, others are ignored.

    Raises:
        BadRequest: a value of the wrong type.
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


def parents_of(request: IterateRequest) -> tuple[str, ...]:
    """The parents of a version: first the source, which defines the version tree."""
    everything = (request.source, request.object, *request.references, request.control)
    return tuple(dict.fromkeys(one for one in everything if one))


def title_of(request: IterateRequest) -> str:
    """The instruction or, if empty, what is done: "Extend left and right"."""
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
        raise BadRequest(f"To extend, give four numbers: left, top, right and bottom; got {shown(value)}.")
    left, top, right, bottom = value
    return left, top, right, bottom
