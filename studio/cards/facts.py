"""Facts about a model besides its settings: what it needs, and a demo picture."""

from __future__ import annotations

from typing import NamedTuple


class Need(NamedTuple):
    """A requirement of a model, and whether this machine meets it."""

    name: str  # "Memory", "Disk", "Licence", "Access", "File"
    text: str  # "a GPU with 5 GB; here: none"
    ok: bool
    url: str = ""  # where a person reads more


class Demo(NamedTuple):
    """A prompt that reliably comes out well, and how to use its picture to show what Diorama can do."""

    prompt: str
    seed: int
    change: str  # an instruction
    place: tuple[float, float]  # where to click its object: shares of width and height
