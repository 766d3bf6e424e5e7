"""From what a person asked for to a request that is complete, or a sentence about what is wrong with it.

Pure functions over a request and the spec of its model: no disk, no queue, and randomness only where a seed is drawn.
"""

from __future__ import annotations

import math
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from studio.contract import MAX_PICTURES, MAX_SEED, GenerateRequest, IterateRequest, ModelSpec, Range, Size, Task
from studio.errors import BadRequest, NotSupported

MAX_PROMPT = 10_000
"""Characters: a page of text is 3,000, and no text encoder reads more than a few hundred words."""
MAX_TITLE = 200
"""Characters of a title that a person gives."""
_RANDOM_SEED = -1
"""Means "draw one", as in most programs of this kind."""
UNSEEN = "\ufeff \t\r\n\v\f\x85\xa0\xad\u1680\u2028\u2029\u202f\u205f\u2060\u3000" + "".join(
    map(chr, range(0x2000, 0x2010))
)
"""Blanks of any width, none included: around a text they say nothing."""
_INVISIBLE = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols by category that show nothing all the same: Hangul fillers and the empty Braille cell."""


def completed(request: GenerateRequest, spec: ModelSpec) -> GenerateRequest:
    """The same request with every None decided: what is not in it cannot change the result.

    A control the model does not have stays None. The seed is drawn here, once.

    Raises:
        BadRequest: a value that no model could use.
        NotSupported: this model does not honour what was asked.
    """
    if Task.GENERATE not in spec.tasks:
        raise NotSupported(f"{spec.label} does not make pictures from words. Choose another model.")
    return GenerateRequest(
        prompt=_prompt(request.prompt),
        model=spec.id,
        size=_size(request.size, spec),
        count=_whole("number of pictures", request.count, 1, MAX_PICTURES),
        seed=_seed(request.seed, spec),
        steps=_steps(request.steps, spec),
        guidance=_number("guidance", request.guidance, spec.guidance, spec),
        negative_prompt=_negative_prompt(request.negative_prompt, spec),
        style=_style(request.style, spec),
        quality=_quality(request.quality, spec),
        transparent=_transparent(request.transparent, spec),
    )


def completed_edit(request: IterateRequest, spec: ModelSpec) -> IterateRequest:
    """The same for a request to change a picture; mask and extension are `edit_mask.completed`'s business.

    Raises:
        BadRequest, NotSupported: as for `completed`.
    """
    if Task.ITERATE not in spec.tasks:
        raise NotSupported(f"{spec.label} does not change pictures. Choose another model.")
    if spec.mask_only and not (request.object or request.strokes or any(request.extend)):
        raise NotSupported(
            f"{spec.label} only fills a part. Choose an object, paint over a part, or extend the picture."
        )
    most = max(0, spec.references - 1)
    if len(request.references) > most:
        takes = f"takes {most} more" if most else "takes no more"
        raise NotSupported(f"{spec.label} {takes} pictures beside the one it changes, not {len(request.references)}.")
    return replace(
        request,
        instruction=_instruction(request, spec),
        model=spec.id,
        count=_whole("number of versions", request.count, 1, MAX_PICTURES),
        seed=_seed(request.seed, spec),
        steps=_steps(request.steps, spec),
        guidance=_number("guidance", request.guidance, spec.guidance, spec),
        strength=_number("strength", request.strength, spec.strength, spec),
        negative_prompt=_negative_prompt(request.negative_prompt, spec),
        quality=_quality(request.quality, spec),
        transparent=_transparent(request.transparent, spec),
    )


def decided(seed: Any, steps: Any, guidance: Any, spec: ModelSpec) -> tuple[int | None, int | None, float | None]:
    """The controls that models for other tasks have too; raises as `completed`."""
    return _seed(seed, spec), _steps(steps, spec), _number("guidance", guidance, spec.guidance, spec)


def number(name: str, value: Any, low: float, high: float) -> float:
    """A number in a range, whoever takes it; raises BadRequest."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadRequest(f"The {name} must be a number from {low:g} to {high:g}, not {shown(value)}.")
    return float(value)


def default_size(spec: ModelSpec) -> Size:
    """The first size of the model; without a list, its largest square up to 1024 pixels."""
    if spec.sizes:
        return spec.sizes[0]
    if spec.any_size is None:
        raise ValueError(f"got a model '{spec.id}' without sizes, expected `sizes` or `any_size` in its spec")
    smallest, largest, multiple = spec.any_size
    side = max(smallest, min(largest, 1024)) // multiple * multiple
    return Size(side, side)


def unknown_words(prompt: str, known: Iterable[str]) -> tuple[str, ...]:
    """The words of a prompt that are not known, each once, in order; lower case."""
    known = frozenset(known)
    plain = re.sub(r"['’]s\b", "", unicodedata.normalize("NFC", prompt).lower())  # the dragon's ball
    words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", plain)
    return tuple(dict.fromkeys(word for word in words if word not in known))


def cleaned(text: str) -> str:
    """The text without what can be neither shown nor stored: control characters, lone surrogates, byte order marks, and
    what cannot be seen at either end.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    kept = "".join(one for one in lines if one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cs"))
    return kept.strip(UNSEEN)


def says_something(prompt: str) -> bool:
    """Whether anything in it can be seen."""
    return any(unicodedata.category(one)[0] in "LNPS" and one not in _INVISIBLE for one in prompt)


def _prompt(value: Any) -> str:
    prompt = _text("prompt", value)
    if not says_something(prompt):
        raise BadRequest("The prompt is empty. Write what you want to see, for example: a red ball.")
    return prompt


def checked_title(title: Any) -> str:
    """
    Raises:
        BadRequest: it is no text, or too long for a title.
    """
    text("title", title)
    if len(title) > MAX_TITLE:
        raise BadRequest(f"The title has {len(title):,} characters; {MAX_TITLE} is the most. Shorten it.")
    return " ".join(cleaned(title).split())


def _instruction(request: IterateRequest, spec: ModelSpec) -> str:
    """It may be empty where the rest of the request says enough."""
    instruction = _text("instruction", request.instruction)
    fills = spec.mask and bool(request.object or request.strokes)
    if not says_something(instruction) and not fills and not any(request.extend):
        raise BadRequest("The instruction is empty. Write what to change, for example: make the ball blue.")
    return instruction


def _negative_prompt(value: Any, spec: ModelSpec) -> str:
    negative = _text("negative prompt", value)
    if negative and not spec.negative_prompt:
        raise NotSupported(f"{spec.label} takes no negative prompt. Say in the prompt what you want instead.")
    return negative


def _text(name: str, value: Any) -> str:
    """A text of bounded length, cleaned."""
    text(name, value)
    if len(value) > MAX_PROMPT:
        raise BadRequest(f"The {name} has {len(value):,} characters; {MAX_PROMPT:,} is the most. Shorten it.")
    return cleaned(value)


def _size(value: Any, spec: ModelSpec) -> Size:
    if value is None:
        return default_size(spec)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise BadRequest(f"The size must be a width and a height, not {shown(value)}.")
    size = Size(_whole("width", value[0], None, None), _whole("height", value[1], None, None))
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
    return _whole("seed", value, 0, MAX_SEED)


def _steps(value: Any, spec: ModelSpec) -> int | None:
    if spec.steps is None:
        return _not_honoured("number of steps", value, spec)
    if value is None:
        return int(spec.steps.default)
    steps = _whole("number of steps", value, None, None)
    _within("number of steps", steps, spec.steps, spec)
    return steps


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


def _quality(value: Any, spec: ModelSpec) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"The quality must be the name of a quality, not {shown(value)}.")
    if value == "":
        return spec.qualities[0] if spec.qualities else ""
    if value not in spec.qualities:
        choice = f"Choose one of: {', '.join(spec.qualities)}." if spec.qualities else "Leave the quality empty."
        raise NotSupported(f"{spec.label} has no quality {shown(value)}. {choice}")
    return value


def _transparent(value: Any, spec: ModelSpec) -> bool:
    if not isinstance(value, bool):
        raise BadRequest(f"A transparent background is either wanted (true) or not (false); got {shown(value)}.")
    if value and not spec.transparent:
        raise NotSupported(f"{spec.label} makes no transparent background. Ask without it, or choose another model.")
    return value


def _not_honoured(name: str, value: Any, spec: ModelSpec) -> None:
    if value is not None:
        raise NotSupported(f"{spec.label} has no setting for the {name}. Leave it empty.")


def _within(name: str, value: float, allowed: Range, spec: ModelSpec) -> None:
    if not allowed.low <= value <= allowed.high:
        raise NotSupported(
            f"The {name} must be {allowed.low:g} to {allowed.high:g} for {spec.label}, not {shown(value)}."
        )


def _whole(name: str, value: Any, low: int | None, high: int | None) -> int:
    """A whole number in a range; JSON's 3.0 is one, "3" and true are not."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise BadRequest(f"The {name} must be a whole number, not {shown(value)}.")
    if low is not None and high is not None and not low <= value <= high:
        raise BadRequest(f"The {name} must be {low} to {high}, not {shown(value)}.")
    return int(value)


def text(name: str, value: Any) -> str:
    """The value, which is a text."""
    if not isinstance(value, str):
        raise BadRequest(f"The {name} must be text, not {shown(value)}.")
    return value


def text_in(values: Mapping[str, Any], name: str) -> str:
    """The text of this name; "" where there is none."""
    return text(name, values.get(name) or "")


def shown(value: object) -> str:
    """Any value made fit for a sentence: one line, printable, at most 40 characters."""
    if isinstance(value, int) and abs(value) > 10**30:
        return "a number that large"
    if value is None or isinstance(value, bool | list | tuple | dict):
        return {"NoneType": "nothing", "bool": "yes or no", "dict": "a table"}.get(type(value).__name__, "a list")
    text = f"'{value}'" if isinstance(value, str) else str(value)
    text = "".join(one for one in text if one.isprintable())
    return text if len(text) <= 40 else text[:37] + "..."


def side(most: int | None, largest: int) -> int:
    """The longest side that a picture may have: `most`, or the largest there is.

    Raises:
        BadRequest: it is no size.
    """
    if most is None:
        return largest
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= 2**31:
        raise BadRequest(f"The longest side of the masks must be 1 to {largest} pixels, not {shown(most)}.")
    return min(most, largest)
