"""Validates outside values: a valid value is returned, otherwise a sentence says what is wrong with it.

Knows no models: `completion` checks what they support.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from studio.errors import BadRequest, NotFound

MAX_PROMPT = 10_000
"""In characters: a page of text has 3,000, and no text encoder reads more than a few hundred words."""
MAX_TITLE = 200
"""In characters."""
UNSEEN = "\ufeff \t\r\n\v\f\x85\xa0\xad\u1680\u2028\u2029\u202f\u205f\u2060\u3000" + "".join(
    map(chr, range(0x2000, 0x2010))
)
"""White space of any width, zero included, stripped from both ends of a text."""
_INVISIBLE = "\u115f\u1160\u2800\u3164\uffa0"
"""Invisible, though letters or symbols by category: Hangul fillers and the empty Braille cell."""


def number(name: str, value: Any, low: float, high: float) -> float:
    """A number within a range; raises BadRequest."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadRequest(f"The {name} must be a number from {low:g} to {high:g}, not {shown(value)}.")
    return float(value)


def unknown_words(prompt: str, known: Iterable[str]) -> tuple[str, ...]:
    """The words of a prompt that are not known, in order, without repeats; lower case. LoRA tags do not count."""
    known = frozenset(known)
    prompt = re.sub(r"<lora:[^<>]+>", "", prompt)
    plain = re.sub(r"['’]s\b", "", unicodedata.normalize("NFC", prompt).lower())  # the dragon's ball
    words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", plain)
    return tuple(dict.fromkeys(word for word in words if word not in known))


def cleaned(text: str) -> str:
    """The text without control characters, lone surrogates and byte order marks, and without invisible ends."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    kept = "".join(one for one in lines if one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cs"))
    return kept.strip(UNSEEN)


def says_something(prompt: str) -> bool:
    """Whether any character is visible."""
    return any(unicodedata.category(one)[0] in "LNPS" and one not in _INVISIBLE for one in prompt)


def checked_title(title: Any) -> str:
    """Raises BadRequest if it is no text, or too long for a title."""
    text("title", title)
    if len(title) > MAX_TITLE:
        raise BadRequest(f"The title has {len(title):,} characters; {MAX_TITLE} is the most. Shorten it.")
    return " ".join(cleaned(title).split())


def bounded_text(name: str, value: Any) -> str:
    """A text of limited length, cleaned."""
    text(name, value)
    if len(value) > MAX_PROMPT:
        raise BadRequest(f"The {name} has {len(value):,} characters; {MAX_PROMPT:,} is the most. Shorten it.")
    return cleaned(value)


def whole(name: str, value: Any, low: int | None, high: int | None) -> int:
    """A whole number within a range; JSON's 3.0 is one, "3" and true are not."""
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not is_whole:
        raise BadRequest(f"The {name} must be a whole number, not {shown(value)}.")
    if low is not None and high is not None and not low <= value <= high:
        raise BadRequest(f"The {name} must be {low} to {high}, not {shown(value)}.")
    return int(value)


def text(name: str, value: Any) -> str:
    """The value itself, if it is text."""
    if not isinstance(value, str):
        raise BadRequest(f"The {name} must be text, not {shown(value)}.")
    return value


def text_in(values: Mapping[str, Any], name: str) -> str:
    """The text of this name; "" if missing."""
    return text(name, values.get(name) or "")


def short(path: Path) -> str:
    """The last two parts of a path, for messages that visitors may read."""
    return os.fsencode(Path(*path.parts[-2:])).decode("utf-8", "replace")


def shown(value: object) -> str:
    """Any value made fit for a message: one line, printable, at most 40 characters."""
    if isinstance(value, int) and abs(value) > 10**30:
        return "a number that large"
    if value is None or isinstance(value, bool | list | tuple | dict):
        return {"NoneType": "nothing", "bool": "yes or no", "dict": "a table"}.get(type(value).__name__, "a list")
    text = f"'{value}'" if isinstance(value, str) else str(value)
    text = "".join(one for one in text if one.isprintable())
    return text if len(text) <= 40 else text[:37] + "..."


def side(most: int | None, largest: int) -> int:
    """The longest side allowed: `most`, or `largest` if that is smaller. Raises BadRequest."""
    if most is None:
        return largest
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= 2**31:
        raise BadRequest(f"The longest side of the masks must be 1 to {largest} pixels, not {shown(most)}.")
    return min(most, largest)


def job_id(value: object) -> str:
    """A job id from outside; anything but text is not found."""
    if not isinstance(value, str):
        raise NotFound("job", value)
    return value
