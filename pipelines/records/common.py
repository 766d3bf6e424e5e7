"""What records of pictures have in common."""

from __future__ import annotations

from studio.contract import Range, Size, Style, Task
from studio.intake.settings.samplers import SAMPLERS

APACHE = "https://www.apache.org/licenses/LICENSE-2.0"
BOTH = frozenset({Task.GENERATE, Task.ITERATE})
EDITS = frozenset({Task.ITERATE})


def sizes(*sides: tuple[int, int]) -> tuple[Size, ...]:
    return tuple(Size(*each) for each in sides)


DRAWN_OVER = Range(0.1, 1, 0.75)
"""Img2img strengths; below these, nothing of the prompt shows."""
ITS_OWN = "Its own"
"""The sampler that a user's own folder was saved with."""


def with_first(name: str) -> tuple[str, ...]:
    """The samplers with another default."""
    return (name, *(each for each in SAMPLERS if each != name))


STYLES = (
    Style("photo", "Photograph", "{prompt}, photograph, natural light, 35 mm lens, sharp focus"),
    Style("cinema", "Cinematic", "{prompt}, cinematic still, dramatic light, shallow depth of field, film grain"),
    Style("watercolour", "Watercolour", "{prompt}, watercolour painting, soft edges, paper texture"),
    Style("ink", "Ink drawing", "{prompt}, black ink drawing, fine lines, white paper"),
    Style("clay", "Clay figure", "{prompt}, handmade clay figure, stop-motion, soft studio light"),
    Style("isometric", "Isometric", "{prompt}, isometric 3D render, clean shapes, pastel colours"),
    Style("product", "Product shot", "{prompt}, product photograph, plain light background, soft shadow"),
)
EXAMPLES = (
    "a fox asleep in a teacup, morning light",
    "a paper-cut city at night with glowing windows",
    "a small robot watering a bonsai tree",
)
