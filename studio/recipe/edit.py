"""The part of a changed picture's recipe about the change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio.contract import Stroke
from studio.errors import BadRequest
from studio.recipe.selection import MOST_PIXELS, strokes_from
from studio.recipe.values import is_asset_id, is_number, is_whole

_PLAIN = ("object", "invert", "feather", "strength", "control", "control_strength")
"""Fields that need no conversion."""


@dataclass(frozen=True)
class EditRecipe:
    """The fields of an `IterateRequest` that a recipe lacks, under the same names, and the result."""

    references: tuple[str, ...] = ()
    object: str = ""
    strokes: tuple[Stroke, ...] = ()
    invert: bool = False
    feather: float | None = None
    extend: tuple[int, int, int, int] = (0, 0, 0, 0)
    strength: float | None = None
    control: str = ""
    control_strength: float | None = None
    drift: tuple[float, ...] = ()  # how the model moved and scaled the picture, before that was corrected


def read_edit(values: dict[str, Any]) -> EditRecipe | None:
    """The change in JSON values of a recipe; None if it cannot be repeated."""
    said = {name: value for name, value in values.items() if value is not None}
    lists = [said.get(name, empty) for name, empty in (("references", []), ("extend", [0, 0, 0, 0]), ("drift", []))]
    if not all(isinstance(each, list) for each in lists):
        return None
    references, extend, drift = map(tuple, lists)
    try:
        edit = EditRecipe(
            **{name: said[name] for name in _PLAIN if name in said},
            strokes=strokes_from(said),
            references=references,
            extend=extend,
            drift=drift,
        )
    except BadRequest:
        return None
    is_well_formed = (
        all(map(is_asset_id, references))
        and all(each == "" or is_asset_id(each) for each in (edit.object, edit.control))
        and isinstance(edit.invert, bool)
        and len(extend) == 4
        and all(is_whole(each, MOST_PIXELS) for each in extend)
        and all(
            each is None or is_number(each) for each in (edit.feather, edit.strength, edit.control_strength, *drift)
        )
    )
    return edit if is_well_formed else None
