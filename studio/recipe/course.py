"""The course of a picture's making, in its recipe. Malformed values count as missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio.recipe.values import is_number, is_whole

_MOST = 10_000


@dataclass(frozen=True)
class CourseRecipe:
    """The way from the first step to the picture."""

    scores: tuple[float, ...] = ()  # after each step, how well the model found it to fit the prompt
    frames: int = 0  # of the film in its file; 0: there is none


def read_course(values: dict[str, Any]) -> CourseRecipe:
    scores, frames = values.get("scores"), values.get("frames")
    is_said = isinstance(scores, list | tuple) and len(scores) <= _MOST and all(is_number(one) for one in scores)
    return CourseRecipe(tuple(scores) if is_said else (), frames if is_whole(frames, _MOST) else 0)  # type: ignore[arg-type]
