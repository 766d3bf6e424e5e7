"""Requests, results and model cards to bytes and back. Only JSON and PNG: nothing received is executed.

A message with pictures is one line of JSON followed by the PNGs it counts.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from PIL import Image

from studio.contract import ImageRequest, ImageResult, ModelCard


class Malformed(ValueError):
    """Not written by this version of Diorama."""


@dataclass(frozen=True)
class Job:
    """A request for one picture."""

    id: str  # of the message and its result, and in `events.ID` and `cancel.ID`
    lane: str
    model: str
    request: dict[str, Any]  # an `ImageRequest` without its pictures
    inputs: str = ""  # name of the object with its pictures, if any


@dataclass(frozen=True)
class Presence:
    """What a worker announces about itself."""

    host: str
    machine: str
    models: tuple[ModelCard, ...] = ()
    revisions: tuple[str, ...] = ()  # one per model, like the fields below
    precisions: tuple[tuple[str, ...], ...] = ()  # precisions their weights can be stored in there
    fast: tuple[bool, ...] = ()  # whether compiling their networks is worthwhile there


# --- any record -------------------------------------------------------------------------------------------------------


def to_json(value: Any) -> Any:
    """A record as values for `json`."""
    if is_dataclass(value):
        return {each.name: to_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, frozenset):
        return sorted(to_json(each) for each in value)
    if isinstance(value, tuple):
        return [to_json(each) for each in value]
    return value


def from_json(kind: Any, value: Any) -> Any:
    """A value of a type from JSON; fields that newer versions added are ignored.

    Raises:
        Malformed: it is not of that type.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else from_json(next(each for each in inner if each is not type(None)), value)
    if origin is Literal:
        return _checked(value, value in inner)
    if origin in (tuple, frozenset):
        _checked(value, isinstance(value, list))
        if origin is tuple and inner[-1] is not ...:
            return tuple(from_json(each, one) for each, one in zip(inner, value, strict=True))
        return origin(from_json(inner[0], each) for each in value)
    if isinstance(kind, type) and is_dataclass(kind):
        _checked(value, isinstance(value, dict))
        hints = get_type_hints(kind)
        known = {each.name for each in fields(kind)} & value.keys()
        return kind(**{name: from_json(hints[name], value[name]) for name in known})
    if isinstance(kind, type) and issubclass(kind, tuple):  # a NamedTuple
        _checked(value, isinstance(value, list))
        return kind(*(from_json(each, one) for each, one in zip(get_type_hints(kind).values(), value, strict=False)))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if kind is Any or origin is dict:
        return value
    return kind(_checked(value, isinstance(value, (int, float) if kind is float else kind)))


def _checked(value: Any, is_so: bool) -> Any:
    if not is_so:
        raise Malformed(f"got {value!r:.80}, which is of another type")
    return value


def dumped(record: Any) -> bytes:
    return json.dumps(to_json(record)).encode()


def loaded(kind: Any, content: bytes) -> Any:
    """
    Raises:
        Malformed: not such a record.
    """
    try:
        return from_json(kind, json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Malformed(f"no {kind.__name__}: {error}") from error


# --- with pictures ----------------------------------------------------------------------------------------------------


def packed(values: dict[str, Any], pictures: Sequence[Image.Image]) -> bytes:
    files = []
    for picture in pictures:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=1)  # for transport only: speed matters more than size
        files.append(buffer.getvalue())
    return b"\n".join((json.dumps(values | {"sizes": [*map(len, files)]}).encode(), b"".join(files)))


def unpacked(content: bytes) -> tuple[dict[str, Any], list[Image.Image]]:
    """
    Raises:
        Malformed: not made by `packed`.
    """
    head, _, rest = content.partition(b"\n")
    try:
        values, pictures, at = json.loads(head), [], 0
        for size in values.pop("sizes"):
            pictures.append(Image.open(io.BytesIO(rest[at : at + size]), formats=("PNG",)))
            pictures[-1].load()
            at += size
    except (ValueError, TypeError, KeyError, AttributeError, OSError, Image.DecompressionBombError) as error:
        raise Malformed(f"no pictures: {error}") from error
    return values, pictures


_PICTURES = ("references", "mask", "control")
_STAYS = ("owner", "late")
"""Request fields that stay here: whose key pays, and where late pictures go."""
_PLAIN = tuple(each.name for each in fields(ImageRequest) if each.name not in (*_PICTURES, *_STAYS))


def request_values(request: ImageRequest) -> tuple[dict[str, Any], list[Image.Image]]:
    """A request as plain values and its pictures."""
    single = [each for each in (request.mask, request.control) if each is not None]
    values = {name: to_json(getattr(request, name)) for name in _PLAIN}
    values |= {"references": len(request.references), "mask": request.mask is not None}
    return values, [*request.references, *single]


def to_request(values: dict[str, Any], pictures: Sequence[Image.Image]) -> ImageRequest:
    """
    Raises:
        Malformed: a field is missing or of the wrong type.
    """
    hints = get_type_hints(ImageRequest)
    try:
        count, has_mask = int(values["references"]), bool(values["mask"])
        plain = {name: from_json(hints[name], values[name]) for name in _PLAIN if name in values}
        rest = [*pictures[count:]]
        mask = rest.pop(0) if has_mask else None
        control = rest.pop(0) if rest else None
        return ImageRequest(**plain, references=tuple(pictures[:count]), mask=mask, control=control)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Malformed(f"no request: {error}") from error


_SAID = tuple(each.name for each in fields(ImageResult) if each.name not in ("image", "frames", "price_usd", "kept"))


def packed_result(result: ImageResult, revision: str) -> bytes:
    """
    Args:
        revision: of the weights, if the result does not say.
    """
    values = {name: to_json(getattr(result, name)) for name in _SAID}
    values |= {"revision": result.revision or revision}
    return packed(values, (result.image, *result.frames))


def to_result(values: dict[str, Any], pictures: Sequence[Image.Image]) -> ImageResult:
    """
    Raises:
        Malformed: a field is missing or of the wrong type.
    """
    hints = get_type_hints(ImageResult)
    try:
        said = {name: from_json(hints[name], values[name]) for name in _SAID if name in values}
        return ImageResult(pictures[0], frames=tuple(pictures[1:]), **said)
    except (KeyError, TypeError, IndexError) as error:
        raise Malformed(f"no result: {error}") from error
