"""Facts about a model beside its settings: what it needs, and a demo picture."""

from __future__ import annotations

from typing import NamedTuple


class Need(NamedTuple):
    """One thing that a model needs before its first use, and what there is of it."""

    name: str  # "Memory", "Disk", "Licence", "Access", "File"
    text: str  # "a GPU with 5 GB; here: none"
    ok: bool
    url: str = ""  # where a person reads more


class Demo(NamedTuple):
    """A picture that is known to come out well, and what is done with it to show what Diorama can do."""

    prompt: str
    seed: int
    change: str  # an instruction
    place: tuple[float, float]  # where its object is clicked: shares of width and height
