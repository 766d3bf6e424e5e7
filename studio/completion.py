"""Fills in every value of a request, or says which of them its model does not support.

Pure functions of a request and its model's spec; the only randomness is drawing a seed.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import replace
from typing import Any

from studio.contract import (
    FULL_PRECISION,
    MAX_PICTURES,
    MAX_SEED,
    GenerateRequest,
    IterateRequest,
    ModelSpec,
    Range,
    Size,
    Task,
)
from studio.errors import BadRequest, NotSupported
from studio.validation import bounded_text, says_something, shown, whole

_RANDOM_SEED = -1
"""Means "draw one", as in most programs of this kind."""


def completed(request: GenerateRequest, spec: ModelSpec) -> GenerateRequest:
    """The same request with every None decided. A control the model lacks stays None; the seed is drawn here, once.

    Raises:
        BadRequest: a value that no model could use.
        NotSupported: this model does not support it.
    """
    if Task.GENERATE not in spec.tasks:
        raise NotSupported(f"{spec.label} does not make pictures from words. Choose another model.")
    return GenerateRequest(
        prompt=_prompt(request.prompt),
        size=_size(request.size, spec),
        count=whole("number of pictures", request.count, 1, MAX_PICTURES),
        style=_style(request.style, spec),
        control=_control(request.control, spec),
        control_strength=_number("control strength", request.control_strength, spec.control_strength, spec),
        **_common(request, spec),
    )


def completed_edit(request: IterateRequest, spec: ModelSpec) -> IterateRequest:
    """The same for a request to change a picture; `edit_mask.completed` does mask and extension."""
    if Task.ITERATE not in spec.tasks:
        raise NotSupported(f"{spec.label} does not change pictures. Choose another model.")
    if spec.mask_only and not (request.object or request.strokes or any(request.extend)):
        raise NotSupported(
            f"{spec.label} only fills in an area. Choose an object, paint over an area, or extend the picture."
        )
    most = max(0, spec.references - 1)
    if len(request.references) > most:
        takes = f"takes {most} more" if most else "takes no more"
        raise NotSupported(f"{spec.label} {takes} pictures beside the one it changes, not {len(request.references)}.")
    if request.control != "" and not spec.control:
        raise NotSupported(f"{spec.label} cannot follow outlines or depth. Choose a model that can.")
    return replace(
        request,
        instruction=_instruction(request, spec),
        count=whole("number of versions", request.count, 1, MAX_PICTURES),
        strength=_number("strength", request.strength, spec.strength, spec),
        **_common(request, spec),
        control_strength=_number("control strength", request.control_strength, spec.control_strength, spec),
    )


def _common(request: GenerateRequest | IterateRequest, spec: ModelSpec) -> dict[str, Any]:
    """The fields shared by both kinds of request, every value decided."""
    return {
        "model": spec.id,
        "seed": _seed(request.seed, spec),
        "steps": _count("number of steps", request.steps, spec.steps, spec),
        "guidance": _number("guidance", request.guidance, spec.guidance, spec),
        "negative_prompt": _negative_prompt(request.negative_prompt, spec),
        "quality": _one_of("quality", request.quality, spec.qualities, spec),
        "transparent": _transparent(request.transparent, spec),
        "clip_skip": _count("clip skip", request.clip_skip, spec.clip_skip, spec),
        "precision": _precision(request.precision, spec),
        "fast": _fast(request, spec),
        "sampler": _one_of("sampler", request.sampler, spec.samplers, spec),
    }


def decided(seed: Any, steps: Any, guidance: Any, spec: ModelSpec) -> tuple[int | None, int | None, float | None]:
    """The controls that models for other tasks have too; raises as `completed` does."""
    steps = _count("number of steps", steps, spec.steps, spec)
    return _seed(seed, spec), steps, _number("guidance", guidance, spec.guidance, spec)


def default_size(spec: ModelSpec) -> Size:
    """The model's first size, or its largest square up to 1024 pixels if it lists none."""
    if spec.sizes:
        return spec.sizes[0]
    if spec.any_size is None:
        raise ValueError(f"got a model '{spec.id}' without sizes, expected `sizes` or `any_size` in its spec")
    smallest, largest, multiple = spec.any_size
    side = max(smallest, min(largest, 1024)) // multiple * multiple
    return Size(side, side)


def _prompt(value: Any) -> str:
    prompt = bounded_text("prompt", value)
    if not says_something(prompt):
        raise BadRequest("The prompt is empty. Write what you want to see, for example: a red ball.")
    return prompt


def _instruction(request: IterateRequest, spec: ModelSpec) -> str:
    """May be empty where the rest of the request says enough."""
    instruction = bounded_text("instruction", request.instruction)
    fills = spec.mask and bool(request.object or request.strokes)
    if not says_something(instruction) and not fills and not any(request.extend):
        raise BadRequest("The instruction is empty. Write what to change, for example: make the ball blue.")
    return instruction


def _negative_prompt(value: Any, spec: ModelSpec) -> str:
    negative = bounded_text("negative prompt", value)
    if negative and not spec.negative_prompt:
        raise NotSupported(f"{spec.label} takes no negative prompt. Say in the prompt what you want instead.")
    return negative


def _size(value: Any, spec: ModelSpec) -> Size:
    if value is None:
        return default_size(spec)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise BadRequest(f"The size must be a width and a height, not {shown(value)}.")
    size = Size(whole("width", value[0], None, None), whole("height", value[1], None, None))
    if size in spec.sizes:
        return size
    wrong = f"{spec.label} does not make pictures of {shown(size.width)} x {shown(size.height)}."
    if spec.any_size is None:
        raise NotSupported(f"{wrong} Choose one of: {', '.join(str(one) for one in spec.sizes)}.")
    smallest, largest, multiple = spec.any_size
    if not all(smallest <= side <= largest and side % multiple == 0 for side in size):
        raise NotSupported(f"{wrong} Both sides must be {smallest} to {largest} pixels and multiples of {multiple}.")
    return size


def _seed(value: Any, spec: ModelSpec) -> int | None:
    if value == _RANDOM_SEED and not isinstance(value, str):
        value = None
    if not spec.seed:
        if value is not None:
            raise NotSupported(f"{spec.label} takes no seed. Leave the seed empty.")
        return None
    if value is None:
        return secrets.randbelow(MAX_SEED + 1)
    if isinstance(value, int | float) and value < 0:
        raise BadRequest(
            f"The seed must be 0 to {MAX_SEED}, not {shown(value)}. Leave it empty, or write -1, for a random one."
        )
    return whole("seed", value, 0, MAX_SEED)


def _count(name: str, value: Any, allowed: Range | None, spec: ModelSpec) -> int | None:
    if allowed is None:
        return _not_honoured(name, value, spec)
    if value is None:
        return int(allowed.default)
    count = whole(name, value, None, None)
    _within(name, count, allowed, spec)
    return count


def _number(name: str, value: Any, allowed: Range | None, spec: ModelSpec) -> float | None:
    if allowed is None:
        return _not_honoured(name, value, spec)
    if value is None:
        return float(allowed.default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"The {name} must be a number, not {shown(value)}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadRequest(f"The {name} must be a finite number, not {value}.")
    _within(name, value, allowed, spec)
    return float(value)


def _style(value: Any, spec: ModelSpec) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"The style must be the id of a style, not {shown(value)}.")
    known = [style.id for style in spec.styles]
    if value and value not in known:
        choice = f"Choose one of: {', '.join(known)}." if known else "Leave the style empty."
        raise NotSupported(f"{spec.label} has no style {shown(value)}. {choice}")
    return value


def _one_of(what: str, value: Any, choices: tuple[str, ...], spec: ModelSpec) -> str:
    """One of the model's choices; the first if the request names none."""
    if not isinstance(value, str):
        raise BadRequest(f"The {what} must be the name of a {what}, not {shown(value)}.")
    if value == "":
        return choices[0] if choices else ""
    if value not in choices:
        choice = f"Choose one of: {', '.join(choices)}." if choices else f"Leave the {what} empty."
        raise NotSupported(f"{spec.label} has no {what} {shown(value)}. {choice}")
    return value


def _transparent(value: Any, spec: ModelSpec) -> bool:
    if not isinstance(value, bool):
        raise BadRequest(f"A transparent background is either wanted (true) or not (false); got {shown(value)}.")
    if value and not spec.transparent:
        raise NotSupported(f"{spec.label} cannot make a transparent background. Leave it out, or choose another model.")
    return value


def _precision(value: Any, spec: ModelSpec) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"The precision must be the name of one, such as nf4, not {shown(value)}.")
    if value and value not in spec.precisions:
        one = f"Choose one of {', '.join(spec.precisions)}, or leave it" if spec.precisions else "Leave the precision"
        raise NotSupported(f"{spec.label} cannot be kept in {shown(value)} on this machine. {one} empty.")
    return value


def _fast(request: GenerateRequest | IterateRequest, spec: ModelSpec) -> bool:
    if not isinstance(request.fast, bool):
        raise BadRequest(f"Fast is either wanted (true) or not (false); got {shown(request.fast)}.")
    if request.fast and not spec.fast:
        raise NotSupported(f"{spec.label} cannot be compiled (Fast) on this machine. Turn Fast off.")
    if request.fast and request.precision not in ("", FULL_PRECISION):
        raise NotSupported(f"Fast needs 16-bit weights, not {shown(request.precision)}. Choose one of the two.")
    return request.fast


def _control(value: Any, spec: ModelSpec) -> str:
    """For a new picture: a model of outlines or depth needs one, and only some others take one."""
    if not isinstance(value, str):
        raise BadRequest(f"The picture to follow must be the id of a picture, not {shown(value)}.")
    if value and not (spec.control or spec.likeness):
        raise NotSupported(f"{spec.label} cannot follow a picture. Choose a model that can.")
    if spec.control and not value:
        raise BadRequest(f"{spec.label} follows a picture. Choose the one whose outlines or depth it is to follow.")
    return value


def _not_honoured(name: str, value: Any, spec: ModelSpec) -> None:
    if value is not None:
        raise NotSupported(f"{spec.label} has no setting for the {name}. Leave it empty.")


def _within(name: str, value: float, allowed: Range, spec: ModelSpec) -> None:
    if not allowed.low <= value <= allowed.high:
        raise NotSupported(
            f"The {name} must be {allowed.low:g} to {allowed.high:g} for {spec.label}, not {shown(value)}."
        )
