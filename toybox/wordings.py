"""Captions and instructions in the many ways that people word them; the benchmark's templates are held out."""

import random
import re
from collections.abc import Sequence
from typing import Literal, TypeVar

from toybox.captions import Meaning, Said, known_words
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

Split = Literal["train", "held out"]
_Of = TypeVar("_Of", Kind, Colour)

MORE_KIND_NAMES: dict[Kind, tuple[str, ...]] = {
    "ball": ("orb", "globe", "marble"),
    "cube": ("dice", "brick"),
    "cylinder": ("tin", "pillar", "tube"),
    "donut": ("bagel",),
    "tree": ("pine", "christmas tree"),
    "house": ("cottage", "cabin", "home"),
    "rocket": ("space rocket", "missile"),
}
MORE_COLOUR_NAMES: dict[Colour, tuple[str, ...]] = {
    "red": ("scarlet", "ruby"),
    "green": ("emerald",),
    "blue": ("navy", "azure"),
    "yellow": ("golden", "lemon"),
    "purple": ("lilac",),
    "pink": ("rose",),
    "white": ("ivory",),
    "black": ("jet",),
    "brown": ("chocolate",),
}
_SMALL_WORDS = """
and are at be been being by can could do does for from has have her here his i in is its just like me my no not of
off or our out over own please really so some something somewhere such than that their then there these they this
those to too under up us very want was we well were which while who will with would you your also again maybe render
rendering rendered photo photograph picture image drawing painting sketch illustration scene shot view item shape
thing middle center centre front behind sits sitting stands standing rests resting lies lying appears placed set put
shown seen see looks look give show draw paint make create generate imagine need wants lets let kind sort piece
coloured colored colour color painted made backdrop background wall floor ground surface room setting surroundings
everything around all whole one two first second other another each both together side near nearby tiny huge giant
"""
SMALL_WORDS = tuple(_SMALL_WORDS.split())
"""Words of requests that say nothing about the picture."""
_UNHEARD_WORDS = """
nice cute lovely pretty beautiful shiny glossy matte wooden plastic metal glass rubber ceramic clay old new modern
simple plain single lonely round soft hard smooth clean bright dark light pale deep vivid warm cold sunny tall short
fat thin wide friendly funny happy sad realistic detailed high low quality resolution best good great perfect
closeup close studio lighting lit style art artwork digital masterpiece cinematic cartoon minimal minimalist product
toy toys model figure solid isolated centered centred floats floating tinted table sky facing camera day morning
night evening summer winter spring world garden field city street park beach sea lake forest mountain child kid kids
children girl boy man woman dog cat bird birds flower flowers grass cloud clouds sun moon star stars water fire snow
rain wind dream magic quite rather more most much many few any every
"""
UNHEARD_WORDS = tuple(_UNHEARD_WORDS.split())
"""Words that people use but the toy world cannot show: each has its own token and changes nothing."""

_ADJECTIVES = ("shiny", "nice", "cute", "lovely", "wooden", "plastic", "glossy", "simple", "old", "new", "toy", "lone")
_MATERIALS = ("wood", "plastic", "clay", "glass", "rubber", "metal")
_THINGS = (
    "{a} {size} {colour} {kind}",
    "{a} {colour} {size} {kind}",
    "{a} {size} {colour} coloured {kind}",
    "{a} {size} {kind}, {colour}",
    "{a} {size} {kind} in {colour}",
    "{a} {size} {kind} that is {colour}",
    "{a} {size} {kind} painted {colour}",
    "{a} {size} {kind} ({colour})",
    "{a} {size} {kind} of {colour} {material}",
    "{colour} {size} {kind}",
    "{size} {colour} {kind}",
    "{kind} {colour} {size}",
    "one {size} {colour} {kind}",
    "the {size} {colour} {kind}",
    "some {adjective} {size} {colour} {kind}",
    "{a} {adjective} {size} {colour} {kind}",
    "{a} {size} {adjective} {colour} {kind}",
    "{a} {size} {colour} {adjective} {kind}",
)
_PLAIN_THINGS = _THINGS[:2] + _THINGS[9:11] + _THINGS[12:18]
_PAIRS = (
    "{left} and {right}",
    "{left}, {right}",
    "{left} with {right}",
    "{left} plus {right}",
    "{left} & {right}",
    "{left} beside {right}",
    "{left} near {right}",
    "{left} together with {right}",
    "{left} stands next to {right}",
    "on the left {left}, on the right {right}",
    "left: {left}, right: {right}",
    "on the right {right}, on the left {left}",
    "{left} on the left, {right} on the right",
    "{right} on the right side of {left}",
    "{left} on the left side of {right}",
    "two things: {left} and {right}",
    "both {left} and {right}",
    "{left} followed by {right}",
)
_SCENES = (
    "{thing}, {b} surroundings",
    "{thing} and {a_b} background",
    "{thing} and behind it {b}",
    "{thing}, everything around it {b}",
    "{thing} background {b}",
    "{thing} backdrop {b}",
    "{thing}; the background is {b}",
    "{thing}, the backdrop is {b}",
    "{thing} surrounded by {b}",
    "{thing} where the background is {b}",
    "{thing} ({b} background)",
    "{thing} with the background in {b}",
    "{b} background, {thing}",
    "{b} background with {thing}",
    "{a_b} background with {thing} on it",
    "{a_b} backdrop and {thing}",
    "{b} wall, {thing}",
    "background {b}: {thing}",
    "background is {b}, {thing}",
    "the background is {b} and there is {thing}",
    "the wall is {b}, {thing} in front of it",
    "{b} behind {thing}",
)
_GROUNDS = (
    *("{a_b} background", "{a_b} backdrop", "{a_b} wall", "{a_b} floor", "{a_b} room", "{a_b} surface", "{b}", "{b}"),
    *("{b} background", "the {b} background", "{b} surroundings", "a plain {b} background", "{a_b} setting"),
)
_BEFORE = ("on", "on", "against", "in front of", "before", "with", "over", "in", "upon", "set against")
_STANDS = ("", "", "", "standing", "resting", "lying", "that stands", "which is", "is", "placed", "shown", "put")
_THERE_STANDS = ("", "", "", "stands", "rests", "lies", "is", "there is", "we see", "you see", "appears", "i want")
_HELD_OUT_SCENES = (
    "on {a_b} background sits {thing}",
    "{thing}, {b} backdrop",
    "{thing}. Colour of the background: {b}.",
    "{b} backdrop, {thing}",
    "in front of {a_b} backdrop, {thing}",
    "{thing} floats before {b}",
    "Background in {b}. {thing} in the middle.",
    "the backdrop should be {b} and in the centre I would like {thing}",
    "against {a_b} wall: {thing}",
    "{b}, {thing} in the foreground",
)
_HELD_OUT_THINGS = (
    "{a} {size} {colour} {kind}",
    "{size} {colour} {kind}",
    "{a} {colour}, {size} {kind}",
    "{a} {size} {kind}, which is {colour}",
    "{a} gorgeous {size} {colour} {kind}",
)
_HELD_OUT_PAIRS = (
    "{left} alongside {right}",
    "left {left} / right {right}",
    "{left} and, to its right, {right}",
    "{left} accompanied by {right}",
)
_OPENINGS = (
    *("", "", "", "", "there is ", "here is ", "i want ", "i would like ", "can you draw ", "a render of ", "make me "),
    *("3d render of ", "a scene with ", "generate ", "imagine ", "a drawing of ", "photo: ", "we see "),
)
_ENDINGS = (
    *("", "", "", "", "", " please", ", high quality", ", detailed", ", 4k", ", studio lighting", ", cute"),
    *(", best quality, masterpiece", ", 3d render", " in the middle", ", toy style"),
)
_COLOURINGS = (
    "recolour {subject} to {colour}",
    "recolor {subject} {colour}",
    "give {subject} a {colour} colour",
    "{subject} in {colour}",
    "{subject} must be {colour}",
    "i want {subject} to be {colour}",
    "let {subject} be {colour}",
    "dye {subject} {colour}",
    "{subject} becomes {colour}",
    "change {subject} so that it is {colour}",
    "set the colour of {subject} to {colour}",
    "make the colour of {subject} {colour}",
    "{colour} is the new colour of {subject}",
    "could you make {subject} {colour}",
    "now make {subject} {colour}",
)
_HELD_OUT_COLOURINGS = (
    "I would prefer {subject} {colour}",
    "switch {subject} to {colour}",
    "the colour of {subject} ought to be {colour}",
    "can {subject} be {colour}?",
)
_TRANSFORMATIONS = (
    "transform {subject} into {new}",
    "{subject} becomes {new}",
    "exchange {subject} for {new}",
    "i want {new} instead of {subject}",
    "put {new} in the place of {subject}",
    "{new} instead of {subject}",
    "let {subject} be {new}",
    "{subject} should be {new}",
    "could you turn {subject} into {new}",
    "remove {subject} and add {new}",
)
_HELD_OUT_TRANSFORMATIONS = (
    "convert {subject} into {new}",
    "{subject} ought to be {new}",
    "I would rather see {new} than {subject}",
)
_BACKGROUND_CHANGES = (
    "background {b}",
    "background: {b}",
    "set the background to {b}",
    "i want {a_b} background",
    "give it {a_b} background",
    "the background should be {b}",
    "make the backdrop {b}",
    "change the backdrop to {b}",
    "let the background be {b}",
    "replace the background with {b}",
    "{b} behind it",
    "a {b} wall behind it",
    "could you make the background {b}",
    "recolour the background {b}",
)
_HELD_OUT_BACKGROUND_CHANGES = (
    "swap the background for {b}",
    "the backdrop ought to be {b}",
    "I would like {b} behind everything",
)


def reword(meaning: Meaning, rng: random.Random, split: Split = "train") -> str:
    """
    A text with this meaning, in one of many wordings.

    Args:
        meaning: of a caption or an instruction, not of an empty prompt.
        rng: chooses among templates, synonyms and fillers.
        split: which templates to use; the held-out ones are for evaluation.
    """
    is_held_out = split == "held out"
    if meaning.operation == "draw":
        text = _scene(meaning, rng, is_held_out)
    else:
        templates = {
            "colour": (_COLOURINGS, _HELD_OUT_COLOURINGS),
            "kind": (_TRANSFORMATIONS, _HELD_OUT_TRANSFORMATIONS),
            "background": (_BACKGROUND_CHANGES, _HELD_OUT_BACKGROUND_CHANGES),
        }[meaning.operation][is_held_out]
        template = rng.choice(templates)
        text = template.format(
            subject=_subject(meaning, rng) if "{subject}" in template else "",
            colour=_name(COLOUR_NAMES, MORE_COLOUR_NAMES, meaning.first.colour, rng, is_held_out),
            new=_thing(meaning.first, _PLAIN_THINGS[:2], rng, is_held_out) if "{new}" in template else "",
            **_background(meaning.background, rng),
        )
    return " ".join(text.split())


def understood_words() -> tuple[str, ...]:
    """Every word with a meaning in a caption, an instruction or another wording, sorted."""
    names = [name for names in (*MORE_KIND_NAMES.values(), *MORE_COLOUR_NAMES.values()) for name in names]
    more = {word for name in names for word in name.split()}
    return tuple(sorted({*known_words(), *SMALL_WORDS, *more}))


def idle_words() -> tuple[str, ...]:
    """The words that no training wording uses, so that they may appear anywhere and change nothing, sorted."""
    templates = (*_THINGS, *_PAIRS, *_SCENES, *_GROUNDS, *_BEFORE, *_STANDS, *_THERE_STANDS, *_OPENINGS, *_ENDINGS)
    templates += (*_COLOURINGS, *_TRANSFORMATIONS, *_BACKGROUND_CHANGES)
    used = {word for template in templates for word in re.findall(r"[a-z]+", template)}
    return tuple(sorted({*SMALL_WORDS, *UNHEARD_WORDS} - used - set(known_words())))


def every_word() -> tuple[str, ...]:
    """The words with their own token, sorted."""
    return tuple(sorted({*understood_words(), *UNHEARD_WORDS}))


def _scene(meaning: Meaning, rng: random.Random, is_held_out: bool) -> str:
    forms = _HELD_OUT_THINGS if is_held_out else _THINGS
    if meaning.second == Said():
        thing = _thing(meaning.first, forms, rng, is_held_out)
    else:
        forms = forms[:2] if is_held_out else _PLAIN_THINGS
        left, right = (_thing(said, forms, rng, is_held_out) for said in (meaning.first, meaning.second))
        thing = rng.choice(_HELD_OUT_PAIRS if is_held_out else _PAIRS).format(left=left, right=right)
    if meaning.background is not None:
        template = rng.choice(_HELD_OUT_SCENES) if is_held_out else _scene_template(rng)
        thing = template.format(thing=thing, **_background(meaning.background, rng))
    return thing if is_held_out else f"{rng.choice(_OPENINGS)}{thing}{rng.choice(_ENDINGS)}"


def _scene_template(rng: random.Random) -> str:
    kind, before, ground = rng.random(), rng.choice(_BEFORE), rng.choice(_GROUNDS)
    if kind < 0.4:
        return rng.choice(_SCENES)
    if kind < 0.7:
        return f"{before} {ground}{rng.choice(('', ','))} {rng.choice(_THERE_STANDS)} {{thing}}"
    return f"{{thing}} {rng.choice(_STANDS)} {before} {ground}"


def _thing(said: Said, forms: Sequence[str], rng: random.Random, is_held_out: bool) -> str:
    form = rng.choice(forms) if said.colour else "{a} {size} {kind}"
    kind = _name(KIND_NAMES, MORE_KIND_NAMES, said.kind, rng, is_held_out) or rng.choice(("object", "thing"))
    colour = _name(COLOUR_NAMES, MORE_COLOUR_NAMES, said.colour, rng, is_held_out)
    words = form.format(
        a="a",
        kind=kind,
        colour=colour,
        size=_size(said.size, rng),
        adjective=rng.choice(_ADJECTIVES),
        material=rng.choice(_MATERIALS),
    ).split()
    if words[0] == "a" and len(words) > 1 and starts_with_vowel(words[1]):
        words[0] = "an"
    return " ".join(words)


def _name(
    names: dict[_Of, tuple[str, ...]], more: dict[_Of, tuple[str, ...]], of: _Of | None, rng: random.Random, usual: bool
) -> str:
    if of is None:
        return ""
    return rng.choice(more[of] if of in more and not usual and rng.random() < 0.25 else names[of])


def _size(size: Size | None, rng: random.Random) -> str:
    return rng.choice(SIZE_NAMES[size]) if size else ""


def _background(background: Background | None, rng: random.Random) -> dict[str, str]:
    name = rng.choice(BACKGROUND_NAMES[background]) if background else ""
    return {"b": name, "a_b": f"a {name}"}


def _subject(meaning: Meaning, rng: random.Random) -> str:
    said, side = meaning.subject, meaning.subject_side
    if said == Said() and side is None:
        return rng.choice(("it", "it", "the object", "the thing"))
    kind = rng.choice(KIND_NAMES[said.kind]) if said.kind else rng.choice(("object", "thing"))
    name = " ".join(
        word for word in (_size(said.size, rng), COLOUR_NAMES[said.colour][0] if said.colour else "", kind) if word
    )
    if side is None:
        return f"the {name}"
    return rng.choice((f"the {side} {name}", f"the {name} on the {side}", f"the {name} to the {side}"))
