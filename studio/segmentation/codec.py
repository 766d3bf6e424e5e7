"""Requests as they come over the wire or lie in a recipe: JSON to `SegmentRequest` and back, and what is allowed.

Every refusal is one sentence with the value and the next step.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from studio.contract import Size, Stroke
from studio.errors import BadRequest
from studio.segmentation.contract import Box, Point, SegmentRequest
from studio.validation import shown, text_in

MAX_POINTS, MAX_STROKES, MAX_STROKE_POINTS, MAX_LENGTH = 200, 100, 2_000, 512.0
_SWITCHES = ("snap", "fill_holes", "largest_part", "invert")


def from_json(values: Any) -> SegmentRequest:
    """
    Args:
        values: {"picture", "model", "points": [[x, y, 1 or 0], ...], "box": [left, top, right, bottom] or null,
            "start", "choice", "strokes": [{"points": [[x, y], ...], "radius", "add"}], "snap", "fill_holes",
            "largest_part", "grow", "feather", "invert"}; all but the picture may be missing, others are ignored.

    Raises:
        BadRequest: something is of a kind that it cannot be.
    """
    if not isinstance(values, dict):
        raise BadRequest(f"A selection must be an object with a picture and points, not {shown(values)}.")
    box = values.get("box")
    choice = values.get("choice")
    if choice is not None and (isinstance(choice, bool) or not isinstance(choice, int) or not 0 <= choice <= 2):
        raise BadRequest(f"The choice must be 0, 1 or 2, not {shown(choice)}. Leave it out for the best mask.")
    return SegmentRequest(
        picture=text_in(values, "picture"),
        model=text_in(values, "model"),
        points=tuple(_point(each) for each in _list(values, "points", MAX_POINTS)),
        box=None if box is None else Box(*_numbers(box, 4, "A box", "left, top, right and bottom")),
        start=text_in(values, "start"),
        choice=choice,
        strokes=strokes_from(values),
        grow=_number(values.get("grow", 0), "grow"),
        feather=_number(values.get("feather", 0), "feather"),
        **{name: _switch(values, name) for name in _SWITCHES},
    )


def to_json(request: SegmentRequest) -> dict[str, Any]:
    """As `from_json` takes it."""
    return {
        "picture": request.picture,
        "model": request.model,
        "points": [[point.x, point.y, int(point.add)] for point in request.points],
        "box": None if request.box is None else list(request.box),
        "start": request.start,
        "choice": request.choice,
        "strokes": strokes_to_json(request.strokes),
        "grow": request.grow,
        "feather": request.feather,
        **{name: getattr(request, name) for name in _SWITCHES},
    }


def strokes_from(values: dict[str, Any]) -> tuple[Stroke, ...]:
    """The "strokes" of an object, as `from_json` takes them."""
    return tuple(_stroke(each) for each in _list(values, "strokes", MAX_STROKES))


def strokes_to_json(strokes: Sequence[Stroke]) -> list[dict[str, Any]]:
    return [
        {"points": [list(place) for place in stroke.points], "radius": stroke.radius, "add": stroke.add}
        for stroke in strokes
    ]


def from_text(text: str) -> SegmentRequest | None:
    """What a recipe says was selected; None if it does not."""
    try:
        return from_json(json.loads(text))
    except (ValueError, RecursionError, BadRequest):
        return None


def check(request: SegmentRequest, size: Size) -> None:
    """
    Args:
        size: of the picture.

    Raises:
        BadRequest: a click beside the picture, a box without inside, a length that makes no sense.
    """
    for point in request.points:
        if not (0 <= point.x <= size.width and 0 <= point.y <= size.height):
            raise BadRequest(
                f"The point ({point.x:g}, {point.y:g}) lies outside of the picture, which is {size}. Click inside it."
            )
    begun = request.box or request.start or any(stroke.add for stroke in request.strokes)
    if request.points and not any(point.add for point in request.points) and not begun:
        raise BadRequest("Click on what you want first: clicks that only remove select nothing.")
    box = request.box
    if box is not None and not (box.left < box.right and box.top < box.bottom):
        raise BadRequest(
            f"The box {_plain(box)} is empty: left must be smaller than right, and top smaller than bottom."
        )
    if box is not None and not (box.left < size.width and box.top < size.height and box.right > 0 and box.bottom > 0):
        raise BadRequest(f"The box {_plain(box)} lies outside of the picture, which is {size}. Draw it inside.")
    for name, length, least in (("grow", request.grow, -MAX_LENGTH), ("feather", request.feather, 0.0)):
        if not least <= length <= MAX_LENGTH:
            raise BadRequest(f"{name} goes from {least:g} to {MAX_LENGTH:g} pixels, not {length:g}.")


def in_pixels(request: SegmentRequest, size: Size, unit: str) -> SegmentRequest:
    """Points and box given as fractions of the picture's width and height become pixels.

    Raises:
        BadRequest: the unit is neither "pixel" nor "fraction", or a fraction is not within 0 and 1.
    """
    if unit == "pixel":
        return request
    if unit != "fraction":
        raise BadRequest(f"The unit must be 'pixel' or 'fraction', not {shown(unit)}.")
    for value in (*(side for point in request.points for side in point[:2]), *(request.box or ())):
        if not 0 <= value <= 1:
            raise BadRequest(f"A fraction lies between 0 and 1, {value:g} does not. Use unit='pixel' for pixels.")
    across, down = size
    box = request.box
    return replace(
        request,
        points=tuple(Point(point.x * across, point.y * down, point.add) for point in request.points),
        box=None if box is None else Box(box.left * across, box.top * down, box.right * across, box.bottom * down),
    )


def _point(value: Any) -> Point:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) not in (2, 3):
        raise BadRequest(f"A point is written as [x, y, 1] to add or [x, y, 0] to remove, not {shown(value)}.")
    x, y = _numbers(value[:2], 2, "A point", "x and y")
    label = value[2] if len(value) == 3 else 1
    if label not in (0, 1) or isinstance(label, float):
        raise BadRequest(f"The label of a point is 1 to add or 0 to remove, not {shown(label)}.")
    return Point(x, y, bool(label))


def _stroke(value: Any) -> Stroke:
    if not isinstance(value, dict):
        raise BadRequest(f"A stroke is an object with points and a radius, not {shown(value)}.")
    points = tuple(
        _numbers(each, 2, "A point of a stroke", "x and y") for each in _list(value, "points", MAX_STROKE_POINTS)
    )
    radius = _number(value.get("radius", 1), "radius")
    if not 0 < radius <= 10_000:
        raise BadRequest(f"The radius of a brush is more than 0 and at most 10000 pixels, not {radius:g}.")
    return Stroke(tuple((each[0], each[1]) for each in points), radius, _switch({"add": value.get("add", True)}, "add"))


def _numbers(value: Any, count: int, what: str, of: str) -> tuple[float, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        raise BadRequest(f"{what} has {count} numbers, {of}; got {shown(value)}.")
    return tuple(_number(each, f"{what[0].lower()}{what[1:]}") for each in value)


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"{what} takes numbers, not {shown(value)}. Give pixels of the picture.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadRequest(f"{what} takes finite numbers, not {shown(value)}. Give pixels of the picture.")
    return number


def _list(values: dict[str, Any], name: str, most: int) -> list[Any]:
    found = values.get(name) or []
    if not isinstance(found, list | tuple):
        raise BadRequest(f"The {name} must be a list, not {shown(found)}.")
    if len(found) > most:
        raise BadRequest(f"At most {most} {name} are taken, not {len(found)}. Clear some of them.")
    return list(found)


def _switch(values: dict[str, Any], name: str) -> bool:
    found = values.get(name, False)
    if not isinstance(found, bool):
        raise BadRequest(f"{name} is true or false, not {shown(found)}.")
    return found


def _plain(box: Box) -> str:
    return "[" + ", ".join(f"{side:g}" for side in box) + "]"
