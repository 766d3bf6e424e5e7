"""A comparison sheet in its recipe. Malformed values count as missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio.recipe.values import is_text, is_whole

_MOST, _LONGEST, _LARGEST = 64, 10_000, 2**16


@dataclass(frozen=True)
class GridRecipe:
    """The settings that were compared; the rest of the recipe is that of the first picture."""

    x: str = ""  # name of the setting that changes from left to right: "steps"; "": no comparison
    x_values: tuple[str, ...] = ()
    y: str = ""  # from top to bottom
    y_values: tuple[str, ...] = ()
    width: int = 0  # of one picture, in pixels
    height: int = 0


def read_grid(values: dict[str, Any]) -> GridRecipe:
    x, y = (values.get(name) for name in ("x", "y"))
    across, down = (_texts(values.get(name)) for name in ("x_values", "y_values"))
    width, height = values.get("width"), values.get("height")
    if not (is_text(x) and is_text(y) and across is not None and down is not None):
        return GridRecipe()
    if not (is_whole(width, _LARGEST) and is_whole(height, _LARGEST)):
        return GridRecipe()
    return GridRecipe(x[:80], across, y[:80], down, width, height)


def _texts(values: object) -> tuple[str, ...] | None:
    if not isinstance(values, list | tuple) or len(values) > _MOST:
        return None
    return tuple(values) if all(is_text(one) and len(one) <= _LONGEST for one in values) else None
