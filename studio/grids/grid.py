"""Comparisons: one request with several values of one setting, or of two. The request, and the labelled sheet.

Pure functions; the work is in `grid_job`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from studio import completion
from studio.contract import GenerateRequest, ModelSpec, Size
from studio.errors import BadRequest, NotSupported
from studio.imaging import wildcards
from studio.imaging.generate_job import read_request
from studio.recipe.grid import GridRecipe
from studio.validation import shown

LABELS = {
    "prompt": "Prompt",
    "seed": "Seed",
    "steps": "Steps",
    "guidance": "Guidance",
    "negative_prompt": "Leave out",
    "style": "Style",
    "quality": "Quality",
    "size": "Size",
    "clip_skip": "Clip skip",
    "sampler": "Sampler",
}
"""Settings that can be compared, by their name in a request."""
_WHOLE, _NUMBERS = ("seed", "steps", "clip_skip"), ("seed", "steps", "clip_skip", "guidance")
MOST_VALUES = 12
"""Of one setting."""
MOST_CELLS = 36
LONGEST_SIDE = 4096
"""Of a sheet, in pixels; beyond that, its pictures are scaled down."""
_GAP, _TEXT, _GROUND, _INK, _SKIPPED = 8, 14, "#fbfbf9", "#1c1b1a", "#dcdad6"
_LONGEST_LABEL = 80


class Axis(NamedTuple):
    """One setting and its values, in their order on the sheet."""

    field: str  # one of LABELS
    values: tuple[Any, ...]


@dataclass(frozen=True)
class GridRequest:
    """A comparison; complete once `complete` returned it."""

    base: GenerateRequest
    x: Axis  # from left to right
    y: Axis | None = None  # from top to bottom

    def rows(self) -> list[list[GenerateRequest]]:
        """The request of each picture."""
        down = [{}] if self.y is None else [{self.y.field: value} for value in self.y.values]
        across = [{self.x.field: value} for value in self.x.values]
        return [[replace(self.base, **row, **cell) for cell in across] for row in down]


def axis(field: Any, values: Any) -> Axis:
    """
    Args:
        field: one of LABELS.
        values: a list, or text: numbers separated by commas, words by semicolons or line breaks.

    Raises:
        BadRequest: nothing that can be compared.
    """
    if not isinstance(field, str) or field not in LABELS:
        raise BadRequest(f"Compare one of {', '.join(LABELS)}, not {shown(field)}.")
    if isinstance(values, str):
        ends = r"[,;\s]+" if field in _NUMBERS else r"[;\n]" if field != "size" else r"[,;\n]"
        values = [_value(field, part.strip()) for part in re.split(ends, values) if part.strip()]
    if not isinstance(values, list | tuple) or not 1 <= len(values) <= MOST_VALUES:
        raise BadRequest(f"Give 1 to {MOST_VALUES} values to compare as {LABELS[field]}, not {shown(values)}.")
    return Axis(field, tuple(_size(value) if field == "size" else value for value in values))


def complete(request: GridRequest, spec: ModelSpec, choices: Path) -> GridRequest:
    """The same with every value decided; one seed for all, unless seeds are compared.

    Args:
        choices: the folder for `wildcards`, to report missing files now.

    Raises:
        BadRequest, NotSupported: a value that is invalid, or that this model does not support.
    """
    x, y = request.x, request.y
    if y and y.field == x.field:
        raise BadRequest(f"Both sides compare {LABELS[x.field]}. Choose another control for one of them.")
    if spec.provider:
        raise NotSupported(f"Comparisons are made on this machine, not by {spec.provider}. Choose another model.")
    if len(x.values) * len(y.values if y else (0,)) > MOST_CELLS:
        raise BadRequest(f"A comparison has at most {MOST_CELLS} pictures. Give fewer values.")
    first = {each.field: each.values[0] for each in (x, y) if each}
    base = completion.completed(replace(request.base, **first, count=1), spec)
    request = replace(request, base=base)
    rows = [[completion.completed(cell, spec) for cell in row] for row in request.rows()]
    for cell in (cell for row in rows for cell in row):
        wildcards.chosen(cell.prompt, cell.seed or 0, choices)
    x = x._replace(values=tuple(getattr(cell, x.field) for cell in rows[0]))
    return GridRequest(base, x, y and y._replace(values=tuple(getattr(row[0], y.field) for row in rows)))


def to_json(request: GridRequest) -> dict[str, Any]:
    return asdict(request.base) | {"grid": {"x": request.x, "y": request.y}}


def from_json(values: dict[str, Any]) -> GridRequest:
    """The inverse of `to_json`, after a round trip through JSON."""
    grid = values["grid"]
    base = read_request({name: value for name, value in values.items() if name != "grid"})
    x, y = (each and axis(each[0], each[1]) for each in (grid["x"], grid["y"]))
    return GridRequest(base, x, y)


def again(said: GridRecipe, base: GenerateRequest) -> GridRequest:
    """The request for the same sheet.

    Args:
        base: for its first picture.

    Raises:
        BadRequest: nothing that can be compared.
    """
    across = axis(said.x, [_value(said.x, text) for text in said.x_values])
    down = axis(said.y, [_value(said.y, text) for text in said.y_values]) if said.y else None
    return GridRequest(base, across, down)


def title_of(request: GridRequest) -> str:
    """ "Steps and guidance: a red ball"."""
    fields = " and ".join(LABELS[each.field].lower() for each in (request.x, request.y) if each)
    return f"{fields.capitalize()}: {request.base.prompt}"


def texts(axis: Axis) -> tuple[str, ...]:
    """The values as stored in the recipe."""
    return tuple("" if value is None else _text(value) for value in axis.values)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def labels(axis: Axis, spec: ModelSpec) -> tuple[str, ...]:
    """The labels of the pictures: "Steps 8"; prompts without the name of the setting."""
    names = {style.id: style.label for style in spec.styles} if axis.field == "style" else {}
    texts = [names.get(value) or _text(value) if value not in ("", None) else "none" for value in axis.values]
    texts = [text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…" for text in texts]
    return tuple(text if axis.field == "prompt" else f"{LABELS[axis.field]} {text}" for text in texts)


def sheet(rows: Sequence[Sequence[Image.Image | None]], across: Sequence[str], down: Sequence[str]) -> Image.Image:
    """All pictures with their labels, as one RGB picture.

    Args:
        rows: from top to bottom; None for a missing picture.
        across: a label for each column.
        down: for each row; () for none.
    """
    there = [picture for row in rows for picture in row if picture]
    width = max((picture.width for picture in there), default=128)
    height = max((picture.height for picture in there), default=128)
    columns, side = len(across), 120 if down else 0
    scale = min(1.0, (LONGEST_SIDE - side) / (columns * (width + _GAP)), LONGEST_SIDE / (len(rows) * (height + _GAP)))
    cell = Size(max(1, round(width * scale)), max(1, round(height * scale)))
    font = ImageFont.load_default(_TEXT)
    heads = [_wrapped(text, cell.width, font) for text in across]
    top = _GAP + max(text.count("\n") + 1 for text in heads) * (_TEXT + 4)
    size = Size(side + _GAP + columns * (cell.width + _GAP), top + len(rows) * (cell.height + _GAP))
    whole = Image.new("RGB", size, _GROUND)
    draw = ImageDraw.Draw(whole)
    for column, text in enumerate(heads):
        draw.text((side + _GAP + column * (cell.width + _GAP), _GAP / 2), text, _INK, font)
    for row, pictures in enumerate(rows):
        y = top + row * (cell.height + _GAP)
        if down:
            draw.text((_GAP, y), _wrapped(down[row], side - _GAP, font), _INK, font)
        for column, picture in enumerate(pictures):
            x = side + _GAP + column * (cell.width + _GAP)
            if picture is None:
                draw.rectangle((x, y, x + cell.width - 1, y + cell.height - 1), _SKIPPED)
                continue
            small = picture if scale == 1 else picture.resize(_within(picture, scale), Image.Resampling.LANCZOS)
            whole.paste(small, (x, y), small if small.mode == "RGBA" else None)
    return whole


def _within(picture: Image.Image, scale: float) -> Size:
    return Size(max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))


def _wrapped(text: str, width: int, font: Any) -> str:
    """Wrapped to this width between words, or within a word that is too long."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    while any(font.getlength(line) > width and len(line) > 1 for line in lines):
        at = next(i for i, line in enumerate(lines) if font.getlength(line) > width and len(line) > 1)
        fits = next(n for n in range(len(lines[at]) - 1, 0, -1) if n == 1 or font.getlength(lines[at][:n]) <= width)
        lines[at : at + 1] = [lines[at][:fits], lines[at][fits:]]
    return "\n".join(lines[:6])


def _value(field: str, text: str) -> Any:
    """A value as somebody wrote it; invalid numbers stay text, which `completion` reports."""
    if field not in _NUMBERS:
        return text
    try:
        return int(text) if field in _WHOLE or re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        return text


def _size(value: Any) -> Any:
    """ "128 x 64", or two numbers, as a size."""
    if isinstance(value, str) and (found := re.fullmatch(r"(\d{1,5})\s*[x×]\s*(\d{1,5})", value.strip())):
        return Size(int(found[1]), int(found[2]))
    if isinstance(value, list | tuple) and len(value) == 2:
        return Size(*value)
    raise BadRequest(f"A size is two numbers, such as 512 x 512, not {shown(value)}.")
