"""From the controls' values to a request, and back. Pure functions, no gradio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.contract import GenerateRequest, ModelSpec, Size
from studio.errors import BadRequest
from ui.generate.offers import PER_MODEL
from ui.shared.shapes import CUSTOM, shape_of, shapes, size_of


def request_from(spec: ModelSpec, values: Mapping[str, Any]) -> GenerateRequest:
    """The request these values mean, with only what the model supports.

    Args:
        spec: the chosen model.
        values: by field of `Controls`, as the browser sent them.

    Raises:
        BadRequest: a value of the wrong type. Ranges and whole numbers are checked by the service.
    """
    count = _number(values, "count")
    return GenerateRequest(
        prompt=_text(values, "prompt"),
        model=spec.id,
        size=_size(spec, values),
        count=1 if count is None else count,
        seed=_number(values, "seed") if spec.seed else None,
        steps=_number(values, "steps") if spec.steps else None,
        guidance=_number(values, "guidance") if spec.guidance else None,
        clip_skip=_number(values, "clip_skip") if spec.clip_skip else None,
        sampler=_text(values, "sampler") if spec.samplers else "",
        negative_prompt=_text(values, "negative_prompt") if spec.negative_prompt else "",
        style=_text(values, "style") if spec.styles else "",
        quality=_text(values, "quality") if spec.qualities else "",
        transparent=values.get("transparent") is True and spec.transparent,
        precision=_text(values, "precision") if spec.precisions else "",
        fast=values.get("fast") is True and spec.fast,
        control=_text(values, "control") if spec.control or spec.likeness else "",
        control_strength=_number(values, "control_strength") if spec.control_strength else None,
    )


def values_of(spec: ModelSpec, request: GenerateRequest) -> dict[str, Any]:
    """The values of the controls in `PER_MODEL` for this request."""
    size = request.size or spec.sizes[0]
    shape = shape_of(size) if size in spec.sizes else CUSTOM
    sides = {"shape": shape, "size": str(size), "width": size.width, "height": size.height}
    return {name: sides[name] if name in sides else getattr(request, name) for name in PER_MODEL}


def _size(spec: ModelSpec, values: Mapping[str, Any]) -> Size | None:
    if spec.any_size and values.get("shape") == CUSTOM:
        return Size(_number(values, "width"), _number(values, "height"))
    text, shape = _text(values, "size"), _text(values, "shape")
    size, offered = size_of(text) if text else None, shapes(spec)
    if size in spec.sizes and shape in offered and size not in offered[shape]:
        return offered[shape][0]  # the sizes of this shape are still on their way to the page
    return size


def _number(values: Mapping[str, Any], name: str) -> Any:
    """A number or None, unchanged: 1.9 is not rounded, infinity is let through."""
    value = values.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise BadRequest(f"'{name}' is {value!r:.60}, which is not a number. Enter a number.")


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None or isinstance(value, str):
        return value or ""
    raise BadRequest(f"'{name}' is {value!r:.60}, which is not text. Reload the page.")
