"""How a picture formed, in its recipe. Malformed values count as missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio.recipe.values import is_number, is_whole

_MOST = 10_000


@dataclass(frozen=True)
class CourseRecipe:
    """The steps that led to the picture."""

    scores: tuple[float, ...] = ()  # match with the prompt after each step, according to the model
    frames: int = 0  # of the film in its file; 0: no film


def read_course(values: dict[str, Any]) -> CourseRecipe:
    scores, frames = values.get("scores"), values.get("frames")
    is_said = isinstance(scores, list | tuple) and len(scores) <= _MOST and all(is_number(one) for one in scores)
    return CourseRecipe(tuple(scores) if is_said else (), frames if is_whole(frames, _MOST) else 0)  # type: ignore[arg-type]
