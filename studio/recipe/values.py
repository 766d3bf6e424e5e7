"""Reads single values of a recipe. Never raises, whatever a file contains."""

from __future__ import annotations

import math
import re
from typing import Any, TypeGuard, cast


def is_asset_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


def is_text(value: object) -> TypeGuard[str]:
    """Whether it is text that can be stored: neither SQLite nor UTF-8 accepts lone surrogates."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def is_whole(value: object, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def is_number(value: object) -> TypeGuard[float]:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(cast(float, value))
    except OverflowError:  # an integer beyond all floats
        return False


def number(value: Any, low: float, high: float) -> float | None:
    """A number within a range; None for anything else."""
    return value if is_number(value) and low <= value <= high else None
