"""Captions and instructions in the many ways that people word them; the benchmark's templates are held out."""

import random
import re
from collections.abc import Sequence
from typing import Literal, TypeVar

from toybox import wording_lists as lists
from toybox.captions import Meaning, Said, known_words
from toybox.wording_lists import MORE_COLOUR_NAMES, MORE_KIND_NAMES
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
            "colour": (lists.COLOURINGS, lists.HELD_OUT_COLOURINGS),
            "kind": (lists.TRANSFORMATIONS, lists.HELD_OUT_TRANSFORMATIONS),
            "background": (lists.BACKGROUND_CHANGES, lists.HELD_OUT_BACKGROUND_CHANGES),
        }[meaning.operation][is_held_out]
        template = rng.choice(templates)
        text = template.format(
            subject=_subject(meaning, rng) if "{subject}" in template else "",
            colour=_name(COLOUR_NAMES, MORE_COLOUR_NAMES, meaning.first.colour, rng, is_held_out),
            new=_thing(meaning.first, lists.PLAIN_THINGS[:2], rng, is_held_out) if "{new}" in template else "",
            **_background(meaning.background, rng),
        )
    return " ".join(text.split())


def understood_words() -> tuple[str, ...]:
    """Every word with a meaning in a caption, an instruction or another wording, sorted."""
    names = [name for names in (*MORE_KIND_NAMES.values(), *MORE_COLOUR_NAMES.values()) for name in names]
    more = {word for name in names for word in name.split()}
    return tuple(sorted({*known_words(), *lists.SMALL_WORDS, *more}))


def idle_words() -> tuple[str, ...]:
    """The words that no training wording uses, so that they may appear anywhere and change nothing, sorted."""
    templates = (*lists.THINGS, *lists.PAIRS, *lists.SCENES, *lists.GROUNDS, *lists.BEFORE, *lists.STANDS)
    templates += (*lists.THERE_STANDS, *lists.OPENINGS, *lists.ENDINGS)
    templates += (*lists.COLOURINGS, *lists.TRANSFORMATIONS, *lists.BACKGROUND_CHANGES)
    used = {word for template in templates for word in re.findall(r"[a-z]+", template)}
    return tuple(sorted({*lists.SMALL_WORDS, *lists.UNHEARD_WORDS} - used - set(known_words())))


def every_word() -> tuple[str, ...]:
    """The words with their own token, sorted."""
    return tuple(sorted({*understood_words(), *lists.UNHEARD_WORDS}))


def _scene(meaning: Meaning, rng: random.Random, is_held_out: bool) -> str:
    forms = lists.HELD_OUT_THINGS if is_held_out else lists.THINGS
    if meaning.second == Said():
        thing = _thing(meaning.first, forms, rng, is_held_out)
    else:
        forms = forms[:2] if is_held_out else lists.PLAIN_THINGS
        left, right = (_thing(said, forms, rng, is_held_out) for said in (meaning.first, meaning.second))
        thing = rng.choice(lists.HELD_OUT_PAIRS if is_held_out else lists.PAIRS).format(left=left, right=right)
    if meaning.background is not None:
        template = rng.choice(lists.HELD_OUT_SCENES) if is_held_out else _scene_template(rng)
        thing = template.format(thing=thing, **_background(meaning.background, rng))
    return thing if is_held_out else f"{rng.choice(lists.OPENINGS)}{thing}{rng.choice(lists.ENDINGS)}"


def _scene_template(rng: random.Random) -> str:
    kind, before, ground = rng.random(), rng.choice(lists.BEFORE), rng.choice(lists.GROUNDS)
    if kind < 0.4:
        return rng.choice(lists.SCENES)
    if kind < 0.7:
        return f"{before} {ground}{rng.choice(('', ','))} {rng.choice(lists.THERE_STANDS)} {{thing}}"
    return f"{{thing}} {rng.choice(lists.STANDS)} {before} {ground}"


def _thing(said: Said, forms: Sequence[str], rng: random.Random, is_held_out: bool) -> str:
    form = rng.choice(forms) if said.colour else "{a} {size} {kind}"
    kind = _name(KIND_NAMES, MORE_KIND_NAMES, said.kind, rng, is_held_out) or rng.choice(("object", "thing"))
    colour = _name(COLOUR_NAMES, MORE_COLOUR_NAMES, said.colour, rng, is_held_out)
    words = form.format(
        a="a",
        kind=kind,
        colour=colour,
        size=_size(said.size, rng),
        adjective=rng.choice(lists.ADJECTIVES),
        material=rng.choice(lists.MATERIALS),
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
