"""A selection in a picture, and its JSON: in requests, and in the recipe of an object.

Points are (x, y) in pixels of the full-size picture from its top-left corner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, NamedTuple

from studio.contract import Stroke
from studio.errors import BadRequest
from studio.geometry import numbers
from studio.recipe.values import is_text, is_whole
from studio.validation import shown, text_in

MAX_POINTS, MAX_STROKES, MAX_STROKE_POINTS = 200, 100, 2_000
MOST_PIXELS = 2**31
_SWITCHES = ("snap", "fill_holes", "largest_part", "invert")


class Point(NamedTuple):
    """A click: on what is wanted, or on what is not."""

    x: float
    y: float
    add: bool = True


class Box(NamedTuple):
    """Bounds of what is wanted; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class SegmentRequest:
    """A selection. Nothing else can change the mask.

    Applied in this order: the model's mask (or `start`), strokes, snap, holes, largest part, grow, feather, invert.
    Models that take strokes as hints get them with the clicks.
    """

    picture: str  # asset id
    model: str = ""  # "": the first that is ready
    points: tuple[Point, ...] = ()
    box: Box | None = None
    start: str = ""  # id of an object to start from
    choice: int | None = None  # which of the first click's three masks; None: the best
    strokes: tuple[Stroke, ...] = ()
    snap: bool = False  # to the nearest edges of the picture
    fill_holes: bool = False
    largest_part: bool = False
    grow: float = 0.0  # pixels; negative shrinks
    feather: float = 0.0  # pixels over which the edge fades
    invert: bool = False


@dataclass(frozen=True)
class SelectionRecipe:
    """How an object was selected, and the result."""

    request: SegmentRequest
    box_found: Box | None = None  # its bounds, in pixels of the picture; None: unknown
    area: int = 0  # selected pixels of the picture


def from_json(values: Any) -> SegmentRequest:
    """
    Args:
        values: {"picture", "model", "points": [[x, y, 1 or 0], ...], "box": [left, top, right, bottom] or null,
            "start", "choice", "strokes": [{"points": [[x, y], ...], "radius", "add"}], "snap", "fill_holes",
            "largest_part", "grow", "feather", "invert"}; all but the picture may be missing, others are ignored.

    Raises:
        BadRequest: a value of the wrong type.
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
    """The inverse of `from_json`."""
    return asdict(request) | {"points": [[point.x, point.y, int(point.add)] for point in request.points]}


def strokes_from(values: dict[str, Any]) -> tuple[Stroke, ...]:
    """The "strokes" of an object, as `from_json` takes them."""
    return tuple(_stroke(each) for each in _list(values, "strokes", MAX_STROKES))


def read_selection(values: dict[str, Any]) -> SelectionRecipe | None:
    """The selection in JSON values of a recipe; None if it cannot be repeated."""
    box, area = values.get("box_found"), values.get("area")
    try:
        request = from_json(values)
    except BadRequest:
        return None
    if not all(map(is_text, (request.picture, request.model, request.start))):
        return None
    found = Box(*box) if isinstance(box, list) and numbers(box, 4) else None
    return SelectionRecipe(request, found, area if is_whole(area, MOST_PIXELS) else 0)


def selection_values(selection: SelectionRecipe) -> dict[str, Any]:
    """The inverse of `read_selection`."""
    return to_json(selection.request) | {"box_found": list(selection.box_found or ()), "area": selection.area}


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
    points = _places(_list(value, "points", MAX_STROKE_POINTS))
    radius = _number(value.get("radius", 1), "radius")
    if not 0 < radius <= 10_000:
        raise BadRequest(f"The radius of a brush is more than 0 and at most 10000 pixels, not {radius:g}.")
    return Stroke(points, radius, _switch({"add": value.get("add", True)}, "add"))


def _places(values: list[Any]) -> tuple[tuple[float, float], ...]:
    """The points of a stroke: all together, as there may be thousands; one by one if one is wrong."""
    try:
        if {type(side) for each in values for side in each} <= {int, float}:
            places = tuple((float(x), float(y)) for x, y in values)
            if all(map(math.isfinite, chain.from_iterable(places))):
                return places
    except (TypeError, ValueError, OverflowError):
        pass
    return tuple((x, y) for x, y in (_numbers(each, 2, "A point of a stroke", "x and y") for each in values))


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
