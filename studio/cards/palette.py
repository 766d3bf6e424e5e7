"""The words that a toy-world model knows, by group, and how they form a prompt."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """Words of one kind, interchangeable in a prompt."""

    name: str  # "Colour"
    words: tuple[str, ...]  # single words in lower case
    form: str = "{word}"  # in a prompt: "{word} background"
    add: str = "{prompt} and a {word}"  # how to add one to a prompt without any
    before: str = ""  # name of the group whose word it precedes, if the prompt has one
    swatches: tuple[str, ...] = ()  # "#db1a17" for each, if they are colours


class Palette(NamedTuple):
    """All groups of a model, and the template for an empty prompt, filled with each group's first or chosen word."""

    groups: tuple[Words, ...]
    blank: str  # "a {0} {1} on a {2} background", by index of the group
