"""The training data of the flow transformer: encoded pictures in families, with the edits between them."""

import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLFlux2
from torch import Tensor

from toybox.captions import Phrase
from toybox.edits import describe, instruction, looks_differ, with_thing
from toybox.klein.autoencoder import encode
from toybox.klein.pictures import Family, Geometries
from toybox.precision import training_precision
from toybox.words import BACKGROUNDS, COLOURS, Colour
from toybox.world import Scene, is_allowed

VARIANTS = 7
_TWINS = (3, 4, 6)
_OBJECTS_CHANGED = (1, 3, 5)
"""Variants that differ from the first only in their objects; together they show where all objects are."""
_VISIBLE_CHANGE = 0.3
"""In latents of unit variance; around an object, the autoencoder changes latents by less."""
PAIRED_DRAWINGS, PAIRED_REVISIONS = 0.75, 0.9
"""Two objects are far harder than one, so most of the training goes there."""

EDITS = (
    *((0, 1), (1, 0), (3, 4), (4, 3)),  # another colour
    *((0, 5), (5, 0), (3, 6), (6, 3)),  # another colour of the other object
    *((0, 3), (3, 0)) * 5,  # another kind
    *((0, 4), (4, 0)),  # another kind in another colour
    *((0, 2), (2, 0)),  # another background, which is learned quickly
)
"""(before, after) among the variants of a family, the harder ones more often."""


@dataclass(frozen=True)
class Drawing:
    """A picture to draw from a caption.

    Attributes:
        row: of the picture among all latents.
        phrase: a caption.
    """

    row: int
    phrase: Phrase


@dataclass(frozen=True)
class Revision:
    """A picture to draw from another picture of its family and an instruction; rows as in `Drawing`."""

    family: int
    source_row: int
    row: int
    phrase: Phrase


class EncodedFamilies:
    """Latents of all variants of all families, (families * 7, 64 tokens, 64) float16, and their scenes."""

    def __init__(self, latents: np.ndarray, geometries: Geometries) -> None:
        self.latents = torch.from_numpy(latents).flatten(end_dim=1)
        self.geometries = geometries
        alone: list[int] = []
        paired: list[int] = []
        for index in range(len(latents)):
            (alone if len(geometries.family(index).scene.objects) == 1 else paired).append(index)
        self.alone, self.paired = alone, paired

    def drawing(self, rng: random.Random, paired: float = PAIRED_DRAWINGS) -> Drawing:
        """A random picture with a random caption, with two objects at the given rate."""
        index, variant = self._family(rng, paired), rng.randrange(VARIANTS)
        scene = variants(self.geometries.family(index), index)[variant]
        return Drawing(index * VARIANTS + variant, describe(scene, rng))

    def revision(self, rng: random.Random) -> Revision:
        """A random edit within a family."""
        index, (before, after) = self._family(rng, PAIRED_REVISIONS), rng.choice(EDITS)
        scenes = variants(self.geometries.family(index), index)
        phrase = instruction(scenes[before], scenes[after], rng)
        return Revision(index, index * VARIANTS + before, index * VARIANTS + after, phrase)

    def objects(self, indexes: list[int]) -> Tensor:
        """Where the objects of families are: (N, 64), 1 where a token depends on the look of an object, 0 elsewhere."""
        rows = torch.tensor(indexes)[:, None] * VARIANTS
        first, changed = self.latents[rows].float(), self.latents[rows + torch.tensor(_OBJECTS_CHANGED)].float()
        return ((changed - first).abs().mean(dim=-1).amax(dim=1) > _VISIBLE_CHANGE).float()  # [N, 3, 64, 64] -> [N, 64]

    def _family(self, rng: random.Random, paired_share: float) -> int:
        return rng.choice(self.paired if rng.random() < paired_share else self.alone)


def variants(family: Family, index: int) -> tuple[Scene, ...]:
    """The seven pictures of a family: in original colours, one object recoloured, on another background, with the
    twin's kind in original colours, with the twin's kind recoloured, and the first and the fourth with the other object
    (or the only one) recoloured, so that only the text says which object to change. None shows a held-out combination
    and no two objects look the same."""
    rng = random.Random(f"variants {index}")
    scene, changed = family.scene, family.changed
    other = len(scene.objects) - 1 - changed
    made: tuple[Scene, ...] = ()
    while not made or not all(_may_be_shown(one) for one in made):
        colours: list[Colour] = [rng.choice(COLOURS) for _ in scene.objects]
        background, other_background = rng.sample(BACKGROUNDS, k=2)
        first, twin = (replace(_in_colours(one, colours), background=background) for one in (scene, family.twin))
        recoloured = _with_colour_at(first, changed, rng)
        twin_recoloured = _with_colour_at(twin, changed, rng)
        made = (first, recoloured, replace(first, background=other_background), twin, twin_recoloured)
    while True:
        others = tuple(_with_colour_at(one, other, rng) for one in (made[0], made[3]))
        if all(_may_be_shown(one) for one in others):
            return (*made, *others)


def encode_families(model: AutoencoderKLFlux2, geometries: Geometries, path: Path, count: int) -> EncodedFamilies:
    """Encodes all variants of the first families, unless the file exists."""
    if not path.exists():
        latents = np.empty((count, VARIANTS, 64, 64), dtype=np.float16)
        for start in range(0, count, 8):
            block = range(start, min(start + 8, count))
            pictures = [picture for index in block for picture in _pictures(geometries, index)]
            with training_precision():
                encoded = encode(model, torch.stack(pictures))
            latents[start : start + len(block)] = encoded.float().reshape(-1, VARIANTS, 64, 64).numpy()
        part = path.with_suffix(".part.npy")
        np.save(part, latents)
        part.replace(path)
    return EncodedFamilies(np.load(path), geometries)


def _pictures(geometries: Geometries, index: int) -> list[Tensor]:
    pictures = []
    for variant, scene in enumerate(variants(geometries.family(index), index)):
        colours: list[Colour] = [thing.colour for thing in scene.objects]
        is_twin = variant in _TWINS
        pictures.append(geometries.shaded(index, int(is_twin), colours, scene.background or "grey"))
    return pictures


def _in_colours(scene: Scene, colours: list[Colour]) -> Scene:
    things = tuple(replace(thing, colour=colour) for thing, colour in zip(scene.objects, colours, strict=True))
    return replace(scene, objects=things)


def _with_colour_at(scene: Scene, index: int, rng: random.Random) -> Scene:
    thing = scene.objects[index]
    colour = rng.choice([colour for colour in COLOURS if colour != thing.colour])
    return with_thing(scene, index, replace(thing, colour=colour))


def _may_be_shown(scene: Scene) -> bool:
    return is_allowed(scene, "train") and looks_differ(scene)
