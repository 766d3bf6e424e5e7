"""The vocabulary of the toy world: kinds, colours, backgrounds, synonyms, held-out combinations."""

import random
import zlib
from typing import Literal, get_args

Kind = Literal["ball", "cube", "cone", "cylinder", "donut", "snowman", "tree", "house", "mushroom", "rocket"]
Colour = Literal["red", "green", "blue", "yellow", "orange", "purple", "pink", "white", "black", "brown"]
Background = Literal["blue", "green", "grey", "sand", "pink", "purple"]
Size = Literal["small", "big"]
Rgb = tuple[float, float, float]

KINDS: tuple[Kind, ...] = get_args(Kind)
COLOURS: tuple[Colour, ...] = get_args(Colour)
BACKGROUNDS: tuple[Background, ...] = get_args(Background)

COLOUR_RGB: dict[Colour, Rgb] = {
    "red": (0.86, 0.10, 0.09),
    "green": (0.10, 0.62, 0.18),
    "blue": (0.10, 0.28, 0.88),
    "yellow": (0.98, 0.84, 0.08),
    "orange": (1.00, 0.50, 0.05),
    "purple": (0.47, 0.14, 0.70),
    "pink": (0.98, 0.45, 0.70),
    "white": (0.95, 0.95, 0.95),
    "black": (0.07, 0.07, 0.08),
    "brown": (0.42, 0.23, 0.10),
}
BACKGROUND_RGB: dict[Background, Rgb] = {
    "blue": (0.55, 0.75, 0.95),
    "green": (0.60, 0.80, 0.55),
    "grey": (0.70, 0.70, 0.72),
    "sand": (0.91, 0.82, 0.60),
    "pink": (0.96, 0.77, 0.82),
    "purple": (0.72, 0.65, 0.89),
}

KIND_NAMES: dict[Kind, tuple[str, ...]] = {
    "ball": ("ball", "sphere"),
    "cube": ("cube", "box", "block"),
    "cone": ("cone",),
    "cylinder": ("cylinder", "can"),
    "donut": ("donut", "doughnut", "ring"),
    "snowman": ("snowman",),
    "tree": ("tree", "fir"),
    "house": ("house", "hut"),
    "mushroom": ("mushroom", "toadstool"),
    "rocket": ("rocket", "spaceship"),
}
COLOUR_NAMES: dict[Colour, tuple[str, ...]] = {
    "red": ("red", "crimson"),
    "green": ("green",),
    "blue": ("blue",),
    "yellow": ("yellow",),
    "orange": ("orange",),
    "purple": ("purple", "violet"),
    "pink": ("pink",),
    "white": ("white",),
    "black": ("black",),
    "brown": ("brown",),
}
BACKGROUND_NAMES: dict[Background, tuple[str, ...]] = {
    "blue": ("blue",),
    "green": ("green",),
    "grey": ("grey", "gray"),
    "sand": ("sand", "sandy"),
    "pink": ("pink",),
    "purple": ("purple", "violet"),
}
SIZE_NAMES: dict[Size, tuple[str, ...]] = {"small": ("small", "little", "tiny"), "big": ("big", "large")}

_MIXTURES = [(kind, colour, background) for kind in KINDS for colour in COLOURS for background in BACKGROUNDS]
HELD_OUT = frozenset(random.Random(20261120).sample(_MIXTURES, k=90))
"""The 15 % of (kind, colour, background) combinations that no training picture shows."""


def pair_is_held_out(first: tuple[Kind, Colour], second: tuple[Kind, Colour]) -> bool:
    """Whether two coloured kinds, in any order, are among the 15 % of pairs that no training picture shows."""
    label = " ".join(sorted((" ".join(first), " ".join(second))))
    return zlib.crc32(label.encode()) % 100 < 15


def starts_with_vowel(word: str) -> bool:
    """Whether this word of the toy world takes "an"."""
    return word[0] in "aeiou"
