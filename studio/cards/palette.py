"""The words that a toy-world model knows, by group, and how they form a prompt."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """Words of one kind, any of which can take another's place in a prompt."""

    name: str  # "Colour"
    words: tuple[str, ...]  # single words in lower case
    form: str = "{word}"  # as one stands in a prompt: "{word} background"
    add: str = "{prompt} and a {word}"  # how one comes to a prompt that has none of them
    before: str = ""  # name of the group whose word it stands before, where the prompt has one
    swatches: tuple[str, ...] = ()  # "#db1a17" for each, where it is a colour


class Palette(NamedTuple):
    """All groups of a model, and what an empty prompt becomes: of each group its first word, or the chosen one."""

    groups: tuple[Words, ...]
    blank: str  # "a {0} {1} on a {2} background", by the place of the group
