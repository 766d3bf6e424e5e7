"""Edits of toy pictures: two scenes that differ in one attribute, and the instruction that turns one into the other."""

import random
from dataclasses import dataclass, replace

from toybox.captions import Phrase, Said, Side, caption, forgetful, move_to, recolour, transform
from toybox.words import BACKGROUNDS, COLOURS, KINDS
from toybox.world import Scene, Split, Thing, is_allowed


@dataclass(frozen=True)
class Edit:
    """A picture before and after an instruction.

    Attributes:
        source: the scene before.
        target: the scene after; camera, light and positions are the same.
        phrase: the instruction.
    """

    source: Scene
    target: Scene
    phrase: Phrase


def describe(scene: Scene, rng: random.Random, *, complete: bool = False) -> Phrase:
    """A caption of a scene.

    Args:
        scene: with one or two objects and a background.
        rng: chooses the words, and what to leave out.
        complete: whether all kinds, all colours and the background are named, as in the benchmark.

    Raises:
        ValueError: if the scene has no background.
    """
    if scene.background is None:
        raise ValueError("expected a scene with a background to describe, got one without")
    alone = len(scene.objects) == 1
    said = tuple(Said(thing.kind, thing.colour, thing.size if alone else None) for thing in scene.objects)
    if complete:
        return caption(tuple(replace(one, size=None) for one in said), scene.background, rng)
    return forgetful(said, scene.background, rng)


def instruction(source: Scene, target: Scene, rng: random.Random) -> Phrase:
    """An instruction that turns the source into the target.

    Raises:
        ValueError: unless exactly one thing differs: the background, or kind and colour of one object.
    """
    pairs = zip(source.objects, target.objects, strict=True)
    changed = [index for index, (before, after) in enumerate(pairs) if before != after]
    recoloured = source.background != target.background
    if len(changed) + recoloured != 1:
        raise ValueError(f"expected one difference, got objects {changed} and background {recoloured}")
    if recoloured and target.background is not None:
        return move_to(target.background, rng)
    index = changed[0]
    before, after = source.objects[index], target.objects[index]
    alone = len(source.objects) == 1
    subject, side = _subject(source, index, rng)
    if before.kind == after.kind:
        return recolour(subject, after.colour, side=side, alone=alone, rng=rng)
    keeps_colour = before.colour == after.colour
    new = Said(kind=after.kind, colour=None if keeps_colour and rng.random() < 0.85 else after.colour)
    return transform(subject, new, side=side, alone=alone, rng=rng)


def sample_edit(scene: Scene, rng: random.Random, *, split: Split) -> Edit:
    """An edit of a scene: a new colour, a new kind (sometimes in a new colour) or a new background.

    Args:
        scene: what to change.
        rng: decides what changes, and the words.
        split: the split that the target belongs to.
    """
    while True:
        operation = rng.choice(("colour", "kind", "background"))
        index = rng.randrange(len(scene.objects))
        before = scene.objects[index]
        target = scene
        if operation == "background":
            target = replace(scene, background=rng.choice(BACKGROUNDS))
        elif operation == "colour":
            target = with_thing(scene, index, replace(before, colour=rng.choice(COLOURS)))
        else:
            colour = before.colour if rng.random() < 0.7 else rng.choice(COLOURS)
            target = with_thing(scene, index, replace(before, kind=rng.choice(KINDS), colour=colour))
        unlike = operation != "kind" or target.objects[index].kind != before.kind
        if target != scene and unlike and is_allowed(target, split) and looks_differ(target):
            return Edit(scene, target, instruction(scene, target, rng))


def with_thing(scene: Scene, index: int, thing: Thing) -> Scene:
    """The scene with one object replaced."""
    return replace(scene, objects=(*scene.objects[:index], thing, *scene.objects[index + 1 :]))


def looks_differ(scene: Scene) -> bool:
    """Whether a description can tell the objects of a scene apart."""
    looks = {(thing.kind, thing.colour) for thing in scene.objects}
    return len(looks) == len(scene.objects)


def _subject(scene: Scene, index: int, rng: random.Random) -> tuple[Said, Side | None]:
    """A description of one object that does not fit the other."""
    thing = scene.objects[index]
    if len(scene.objects) == 1:
        return rng.choice((Said(), Said(), Said(kind=thing.kind), Said(kind=thing.kind, colour=thing.colour))), None
    other = scene.objects[1 - index]
    names = [Said(kind=thing.kind, colour=thing.colour)]
    if thing.kind != other.kind:
        names += [Said(kind=thing.kind)] * 2
    if thing.colour != other.colour:
        names.append(Said(colour=thing.colour))
    if rng.random() < 0.2:
        side: Side = "left" if index == 0 else "right"
        return Said(kind=thing.kind if rng.random() < 0.6 else None), side
    return rng.choice(names), None
