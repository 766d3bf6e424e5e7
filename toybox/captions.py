"""What people say about a toy picture: captions, instructions and what they mean. Works on scenes, not pixels."""

import random
from dataclasses import dataclass, replace
from typing import Literal

from toybox.words import (
    BACKGROUND_NAMES,
    COLOUR_NAMES,
    KIND_NAMES,
    SIZE_NAMES,
    Background,
    Colour,
    Kind,
    Size,
    starts_with_vowel,
)

Operation = Literal["nothing", "draw", "colour", "kind", "background"]
Side = Literal["left", "right"]


@dataclass(frozen=True)
class Said:
    """One object as described in a text; None for what the text does not mention."""

    kind: Kind | None = None
    colour: Colour | None = None
    size: Size | None = None


@dataclass(frozen=True)
class Meaning:
    """Everything a caption or an instruction says.

    Attributes:
        operation: "draw" for a caption, otherwise which attribute the instruction changes.
        first: the leftmost object of a caption; what an instruction changes its subject into.
        second: the other object of a caption; unused by instructions.
        subject: the object an instruction is about, as it looks before the change.
        subject_side: the position of the subject, if the instruction mentions it.
        background: the requested background.
    """

    operation: Operation
    first: Said = Said()
    second: Said = Said()
    subject: Said = Said()
    subject_side: Side | None = None
    background: Background | None = None


@dataclass(frozen=True)
class Phrase:
    """A text and its meaning."""

    text: str
    meaning: Meaning


SILENCE = Phrase(text="", meaning=Meaning(operation="nothing"))

_OPENINGS = ("", "", "", "", "a picture of ", "a photo of ", "an image of ", "draw ", "please draw ", "show me ")
_BACKGROUND_ENDINGS = (
    " on {a} background",
    " on {a} background",
    " on {a} background",
    ", {plain} background",
    " with {a} background",
    " in front of {a} background",
    " against {a} background",
    " on {plain}",
)
_RELATIONS_LEFT_FIRST = (
    "{left} and {right}",
    "{left} and {right}",
    "{left} next to {right}",
    "{left} beside {right}",
    "{left} and {right} next to it",
    "{left} to the left of {right}",
    "{left} left of {right}",
    "{left} on the left and {right} on the right",
)
_RELATIONS_RIGHT_FIRST = ("{right} to the right of {left}", "{right} right of {left}")
_COLOUR_TEMPLATES = (
    "make {subject} {colour}",
    "make {subject} {colour}",
    "paint {subject} {colour}",
    "turn {subject} {colour}",
    "colour {subject} {colour}",
    "change {subject} to {colour}",
    "change the colour of {subject} to {colour}",
    "change the color of {subject} to {colour}",
    "{subject} should be {colour}",
)
_KIND_TEMPLATES = (
    "turn {subject} into {new}",
    "turn {subject} into {new}",
    "change {subject} into {new}",
    "change {subject} to {new}",
    "replace {subject} with {new}",
    "replace {subject} by {new}",
    "make {subject} {new}",
    "swap {subject} for {new}",
)
_BACKGROUND_TEMPLATES = (
    "put it on {a} background",
    "change the background to {plain}",
    "change the background to {plain}",
    "make the background {plain}",
    "make the background {plain}",
    "paint the background {plain}",
    "turn the background {plain}",
    "use {a} background",
    "{a} background",
    "{plain} background",
    "place it in front of {a} background",
)


def caption(objects: tuple[Said, ...], background: Background | None, rng: random.Random) -> Phrase:
    """A caption for a picture of one or two objects.

    Args:
        objects: from left to right, only with the attributes that are to be mentioned; a missing kind is "object".
        background: None to say nothing about it.
        rng: chooses among templates and synonyms.

    Raises:
        ValueError: unless there are one or two objects.
    """
    if len(objects) not in (1, 2):
        raise ValueError(f"expected one or two objects, got {len(objects)}")
    article = rng.random() < 0.9
    names = [_indefinite(said, rng) if article else _bare(said, rng) for said in objects]
    if len(objects) == 1:
        body = names[0]
    else:
        template = rng.choice(_RELATIONS_LEFT_FIRST if rng.random() < 0.8 else _RELATIONS_RIGHT_FIRST)
        body = template.format(left=names[0], right=names[1])
    text = rng.choice(_OPENINGS) + body
    if background is not None:
        text += _with_background(rng.choice(_BACKGROUND_ENDINGS), background, rng)
    second = objects[1] if len(objects) == 2 else Said()
    return Phrase(text, Meaning(operation="draw", first=objects[0], second=second, background=background))


def forgetful(objects: tuple[Said, ...], background: Background, rng: random.Random) -> Phrase:
    """Like `caption`, but sometimes leaves out a size, a colour, a kind or the background, as people do."""
    kept = []
    for said in objects:
        said = said if rng.random() < 0.35 else replace(said, size=None)
        said = said if rng.random() < 0.93 else replace(said, colour=None)
        said = said if rng.random() < 0.97 else replace(said, kind=None)
        kept.append(said)
    return caption(tuple(kept), background if rng.random() < 0.85 else None, rng)


def recolour(subject: Said, colour: Colour, *, side: Side | None, alone: bool, rng: random.Random) -> Phrase:
    """An instruction to change the subject's colour.

    Args:
        subject: what the instruction says about the object; empty means it is called "it".
        colour: the new colour.
        side: where the subject stands, to be mentioned; None to say nothing.
        alone: whether the picture shows one object, so that "it" is clear.
        rng: chooses among templates and synonyms.
    """
    name = rng.choice(COLOUR_NAMES[colour])
    text = rng.choice(_COLOUR_TEMPLATES).format(subject=_subject(subject, side, alone=alone, rng=rng), colour=name)
    return Phrase(text, Meaning("colour", first=Said(colour=colour), subject=subject, subject_side=side))


def transform(subject: Said, new: Said, *, side: Side | None, alone: bool, rng: random.Random) -> Phrase:
    """An instruction that turns the subject into another kind, possibly of another colour; see `recolour`."""
    text = rng.choice(_KIND_TEMPLATES).format(
        subject=_subject(subject, side, alone=alone, rng=rng), new=_indefinite(new, rng)
    )
    return Phrase(text, Meaning("kind", first=new, subject=subject, subject_side=side))


def move_to(background: Background, rng: random.Random) -> Phrase:
    """An instruction that changes the background."""
    text = _with_background(rng.choice(_BACKGROUND_TEMPLATES), background, rng)
    return Phrase(text, Meaning("background", background=background))


def known_words() -> tuple[str, ...]:
    """Every word in captions and instructions, sorted: the vocabulary of the toy model."""
    names = (*KIND_NAMES.values(), *COLOUR_NAMES.values(), *BACKGROUND_NAMES.values(), *SIZE_NAMES.values())
    words = {word for group in names for word in group} | {"a", "an", "the", "it", "object", "thing", "one"}
    templates = (
        *_OPENINGS,
        *_BACKGROUND_ENDINGS,
        *_RELATIONS_LEFT_FIRST,
        *_RELATIONS_RIGHT_FIRST,
        *_COLOUR_TEMPLATES,
        *_KIND_TEMPLATES,
        *_BACKGROUND_TEMPLATES,
    )
    for template in templates:
        words.update(word for word in template.replace(",", " ").split() if "{" not in word)
    return tuple(sorted(words))


def _bare(said: Said, rng: random.Random) -> str:
    size = rng.choice(SIZE_NAMES[said.size]) if said.size else ""
    colour = rng.choice(COLOUR_NAMES[said.colour]) if said.colour else ""
    kind = rng.choice(KIND_NAMES[said.kind]) if said.kind else rng.choice(("object", "thing"))
    return " ".join(word for word in (size, colour, kind) if word)


def _indefinite(said: Said, rng: random.Random) -> str:
    name = _bare(said, rng)
    return f"{'an' if starts_with_vowel(name) else 'a'} {name}"


def _with_background(template: str, background: Background, rng: random.Random) -> str:
    name = rng.choice(BACKGROUND_NAMES[background])
    return template.format(a=f"a {name}", plain=name)


def _subject(subject: Said, side: Side | None, *, alone: bool, rng: random.Random) -> str:
    if subject == Said() and side is None:
        return "it" if alone and rng.random() < 0.7 else "the object"
    name = _bare(subject, rng)
    if side is None:
        return f"the {name}"
    return rng.choice((f"the {side} {name}", f"the {name} on the {side}"))
