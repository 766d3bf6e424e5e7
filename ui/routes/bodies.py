"""What comes in the body of a request: JSON values, each checked before it is used. Knows no route."""

from __future__ import annotations

import json
from typing import Any

from studio.errors import BadRequest
from studio.validation import shown
from ui.shared.pictures import Answer


def values_in(body: bytes, example: str) -> Answer:
    """The values of a JSON object.

    Args:
        example: what is told to whoever sends something else.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise BadRequest(f"Send what is wanted as JSON, such as {example}.")
    return values


def text_in(values: Answer, name: str) -> str:
    """A text by its name; "" where there is none."""
    found: Any = values.get(name) or ""
    if not isinstance(found, str):
        raise BadRequest(f"The {name} must be text, not {shown(found)}.")
    return found
