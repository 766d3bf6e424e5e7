"""One training step of the toy CLIP: which captions fit which pictures, whole or in part, clean or degraded.

A CLIP trained only on renderings is easily fooled by noise. So some pictures are reconstructions by the toy VQGAN with
some wrong codes, all are cropped, rotated, blurred and noised, and some match no caption at all. From the second stage
on, half of the captions are wrong in exactly one attribute: the kind, the colour or the background.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.families.clip_guidance import for_clip, seen
from toybox.captions import Meaning, Phrase, Said, known_words
from toybox.edits import describe, with_thing
from toybox.klein.autoencoder import random_colours
from toybox.klein.pictures import Geometries
from toybox.vqgan_clip.model import CLIP_SIDE, CLIP_WIDTH, WORDS, build_tokenizer
from toybox.vqgan_clip.vqgan_lesson import with_wrong_codes
from toybox.words import BACKGROUNDS, COLOURS, KINDS, Size
from toybox.world import Scene, is_allowed

BATCH, REBUILT, JUNK, NEW = 48, 20, 8, 4
"""Pictures with a caption, how many of them are reconstructions, pictures without one, and the VQGAN's batch size."""
_DRAWS_EVERY = 4  # steps
_PAIRS = 0.1
"""Share of the renderings that show two objects."""
_KEPT = 1500
_SIZES: tuple[Size, ...] = ("small", "big")
_SLOTS: tuple[tuple[object, ...], ...] = ((1, 2), BACKGROUNDS, KINDS, COLOURS, _SIZES, KINDS, COLOURS)
_SHARES = (0.5, 0.8, 1.2, 1.0, 0.5, 0.8, 0.8)
"""The weight of each slot in an embedding: kinds are hardest to see, and matter most in a search."""
_SILENT = -1
_SLOT_WEIGHT, _SHARPNESS = 0.3, 20.0
_HIGHEST_SCALE = 4.6
_HELD_OUT_OPENINGS, _HELD_OUT_ENDINGS = ("show me", "an image of"), ("against", "in front of")


class Lesson(NamedTuple):
    """What a stage of the training asks for.

    Attributes:
        altered: adds as many captions that are wrong in one attribute.
        noise: the most noise on a pixel.
        whole_every: in other steps than every this many, half of the patches are hidden.
        sums: weight of the loss that makes embeddings sums of directions.
    """

    altered: bool
    noise: float
    whole_every: int
    sums: float


MATCH = Lesson(altered=False, noise=0.2, whole_every=1, sums=0.0)
ATTRIBUTES = Lesson(altered=True, noise=0.4, whole_every=4, sums=0.0)
SUMS = ATTRIBUTES._replace(sums=2.0)


class Shown(NamedTuple):
    """A picture, CHW float16 in [0, 1], and the scene it shows."""

    picture: Tensor
    scene: Scene


class ClipLearner(nn.Module):
    """The model, and for each attribute value a direction of its embeddings, orthogonal to all others.

    Embeddings are trained to be sums of these directions, so that unseen combinations get the right embedding, too.

    Attributes:
        geometries: to be set before the first step.
        lesson: of the current stage.
        directions: (values of all slots, CLIP_WIDTH); they are not saved.
    """

    geometries: Geometries
    directions: Tensor

    def __init__(self, clip: Any, vqgan: Any) -> None:
        """Takes a `CLIPModel`, and a `VQModel` or None."""
        super().__init__()
        self.clip, self.lesson = clip, SUMS
        count = sum(len(values) for values in _SLOTS)
        seeded = torch.randn(CLIP_WIDTH, count, generator=torch.Generator().manual_seed(1))
        self.register_buffer("directions", torch.linalg.qr(seeded).Q.T.contiguous())
        self._vqgan = (vqgan,)  # in a tuple, it is no submodule
        self._tokenizer = build_tokenizer(known_words())
        self._rebuilt: list[Shown] = []
        self._junk: list[Tensor] = []

    def step(self, number: int) -> dict[str, Tensor]:
        """The losses of a step; accuracies are for the log."""
        rng = random.Random(f"clip {number}")
        shown = [self._render(rng) for _ in range(BATCH - REBUILT if self._vqgan[0] is not None else BATCH)]
        junk = [mosaic(shown[index].picture.float(), rng) for index in range(4)]
        if self._vqgan[0] is not None:
            if number % _DRAWS_EVERY == 0 or not self._rebuilt:
                self._draw(shown[:NEW])
            shown += rng.choices(self._rebuilt, k=REBUILT)
            junk += [one.float() for one in rng.choices(self._junk, k=JUNK - len(junk))]
        else:
            junk += [torch.rand(3, 1, 1) + torch.randn(3, 128, 128) * 0.3 for _ in range(JUNK - len(junk))]
        pictures = torch.stack([one.picture.float() for one in shown] + junk)
        flips = torch.tensor([len(one.scene.objects) == 1 for one in shown] + [True] * len(junk))
        phrases = [spoken(one.scene, rng) for one in shown]
        if self.lesson.altered:
            phrases += [spoken(altered(one.scene, rng), rng) for one in shown]
        pictures = disturbed(cut(pictures, flips), self.lesson.noise)
        found = self._seen(pictures, whole=number % self.lesson.whole_every == 0)
        said = self._said([phrase.text for phrase in phrases])
        shows = torch.tensor([slots_of_scene(one.scene) for one in shown])
        says = torch.tensor([slots_of_meaning(phrase.meaning) for phrase in phrases])
        return self._losses(found, said, shows, says)

    def _losses(self, seen: Tensor, said: Tensor, shows: Tensor, says: Tensor) -> dict[str, Tensor]:
        scale = self.clip.logit_scale.clamp(max=_HIGHEST_SCALE).exp()
        logits = scale * said @ seen.T  # [captions, BATCH + JUNK]
        fits = ((says[:, None] == _SILENT) | (says[:, None] == shows[None])).all(dim=-1).float()
        to_pictures = F.pad(fits[: len(shows)], (0, len(seen) - len(shows)))
        to_captions = fits.T / fits.T.sum(dim=1, keepdim=True)
        loss = F.cross_entropy(logits[: len(shows)], to_pictures / to_pictures.sum(dim=1, keepdim=True))
        loss = loss + F.cross_entropy(logits[:, : len(shows)].T, to_captions)
        loss = loss + (seen[len(shows) :] @ self.directions.T).square().sum(dim=1).mean()
        log: dict[str, Tensor] = {}
        for vectors, known in ((seen[: len(shows)], shows), (said, says)):
            wanted = torch.zeros_like(vectors)
            for name, share, all_values, values in self._slots(known):
                there = values != _SILENT
                wanted[there] += share * all_values[values[there]]
                answers = _SHARPNESS * vectors[there] @ all_values.T
                if there.any():
                    loss = loss + _SLOT_WEIGHT * F.cross_entropy(answers, values[there])
                    log.setdefault(name, (answers.argmax(dim=1) == values[there]).float().mean())
            loss = loss + self.lesson.sums * (1 - F.cosine_similarity(vectors, wanted, dim=1)).mean()
        best = logits[: len(shows)].argmax(dim=1)
        log["found"] = to_pictures.gather(1, best[:, None]).mean()
        log["fooled"] = (best >= len(shows)).float().mean()
        log["named"] = fits.T.gather(1, logits[:, : len(shows)].argmax(dim=0)[:, None]).mean()
        return {"loss": loss} | {name: value.detach() for name, value in log.items()}

    def _slots(self, known: Tensor) -> Iterator[tuple[str, float, Tensor, Tensor]]:
        """Name, weight, directions and column of each slot."""
        directions = self.directions.split([len(values) for values in _SLOTS])
        names = ("count", "background", "kind", "colour", "size", "second kind", "second colour")
        return zip(names, _SHARES, directions, known.unbind(dim=1), strict=True)

    def _seen(self, pictures: Tensor, *, whole: bool) -> Tensor:
        """Image embeddings from all patches, or from a random half, which costs half and regularises.

        Source: Li et al. (2023), "Scaling Language-Image Pre-training via Masking".
        """
        if whole:
            return F.normalize(seen(self.clip, pictures), dim=-1)
        vision = self.clip.vision_model
        patches = vision.embeddings(for_clip(pictures))  # [N, 1 + patches, CLIP_WIDTH], class token first
        count = patches.shape[1] - 1
        kept = 1 + torch.rand(len(patches), count).argsort(dim=1)[:, : count // 2]
        patches = torch.cat([patches[:, :1], patches.gather(1, kept[..., None].expand(-1, -1, CLIP_WIDTH))], dim=1)
        hidden = vision.encoder(inputs_embeds=vision.pre_layrnorm(patches)).last_hidden_state
        return F.normalize(self.clip.visual_projection(vision.post_layernorm(hidden[:, 0])), dim=-1)

    def _said(self, texts: list[str]) -> Tensor:
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=WORDS, return_tensors="pt")
        return F.normalize(self.clip.get_text_features(**tokens).pooler_output, dim=-1)

    def _render(self, rng: random.Random) -> Shown:
        twin, wants_pair = rng.randrange(2), rng.random() < _PAIRS
        while True:
            index = rng.randrange(len(self.geometries))
            family = self.geometries.family(index)
            scene = family.twin if twin else family.scene
            if wants_pair == (len(scene.objects) == 2):
                break
        colours, background = random_colours(scene, rng)
        things = tuple(replace(thing, colour=colour) for thing, colour in zip(scene.objects, colours, strict=True))
        picture = self.geometries.shaded(index, twin, colours, background)
        return Shown(picture.half(), replace(scene, objects=things, background=background))

    @torch.no_grad()
    def _draw(self, shown: list[Shown]) -> None:
        """Adds VQGAN reconstructions, some with wrong codes, and decoded random codes."""
        vqgan = self._vqgan[0]
        latents = vqgan.encode(torch.stack([one.picture.float() for one in shown]) * 2 - 1).latents
        codes = vqgan.quantize(latents)[0]
        share = torch.rand(1) * 0.8 + 0.2
        random_codes = vqgan.quantize.embedding.weight[torch.randint(vqgan.config["num_vq_embeddings"], (2, 8, 8))]
        junk = random_codes.movedim(-1, 1)
        junk[1:] = torch.where(torch.rand(1, 1, 8, 8) < share, junk[1:], codes.roll((4, 4), dims=(2, 3))[:1])
        drawn = vqgan.decode(torch.cat([with_wrong_codes(codes), junk]), force_not_quantize=True).sample
        drawn = (drawn / 2 + 0.5).clamp(0, 1).half()
        fresh = [Shown(picture, one.scene) for picture, one in zip(drawn, shown, strict=False)]
        self._rebuilt = (self._rebuilt + fresh)[-_KEPT:]
        self._junk = (self._junk + list(drawn[len(shown) :]))[-_KEPT:]


def spoken(scene: Scene, rng: random.Random) -> Phrase:
    """A caption that mentions each object, never worded as in the benchmark."""
    while True:
        phrase = describe(scene, rng)
        if not is_held_out(phrase.text) and (len(scene.objects) == 1 or phrase.meaning.second != Said()):
            return phrase


def altered(scene: Scene, rng: random.Random) -> Scene:
    """The scene with one attribute changed, kinds twice as often as colours and backgrounds: they are harder to see.

    It belongs to the training split: otherwise CLIP would learn that captions of held-out combinations never fit.
    """
    while True:
        what, index = rng.choice(("kind", "kind", "colour", "background")), rng.randrange(len(scene.objects))
        thing, background = scene.objects[index], scene.background
        if what == "background":
            background = rng.choice(BACKGROUNDS)
        elif what == "kind":
            thing = replace(thing, kind=rng.choice(KINDS))
        else:
            thing = replace(thing, colour=rng.choice(COLOURS))
        other = replace(with_thing(scene, index, thing), background=background)
        if other != scene and is_allowed(other, "train"):
            return other


def is_held_out(text: str) -> bool:
    """Whether a caption has a beginning and an ending that never occur together in training."""
    return text.startswith(_HELD_OUT_OPENINGS) and any(ending in text for ending in _HELD_OUT_ENDINGS)


def slots_of_scene(scene: Scene) -> list[int]:
    """The attributes of a scene, one class per slot, -1 where a slot does not apply."""
    first, second = scene.objects[0], scene.objects[1] if len(scene.objects) == 2 else None
    values = (len(scene.objects), scene.background, first.kind, first.colour, None if second else first.size)
    return _classes((*values, second and second.kind, second and second.colour))


def slots_of_meaning(meaning: Meaning) -> list[int]:
    """The attributes in a caption, likewise; the number of objects always applies."""
    first, second = meaning.first, meaning.second
    count = 1 if second.kind is None and second.colour is None else 2
    said = (count, meaning.background, first.kind, first.colour, first.size, second.kind, second.colour)
    return _classes(said)


def _classes(values: tuple[object, ...]) -> list[int]:
    return [_SILENT if one is None else names.index(one) for one, names in zip(values, _SLOTS, strict=True)]


def cut(pictures: Tensor, may_flip: Tensor) -> Tensor:
    """Random crops of NCHW pictures, more than half as wide, slightly rotated, (N, 3, 64, 64)."""
    count = len(pictures)
    scale = 1.05 - 0.45 * torch.rand(count) ** 2
    angle = torch.randn(count) * 0.08
    mirror = torch.where((torch.rand(count) < 0.5) & may_flip, -1.0, 1.0)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    room = (1 - scale).clamp(min=0.03)
    shift = (torch.rand(count, 2) * 2 - 1) * room[:, None]
    matrix = torch.stack([cos * mirror, -sin, shift[:, 0], sin * mirror, cos, shift[:, 1]], dim=1).view(count, 2, 3)
    grid = F.affine_grid(matrix, [count, 3, CLIP_SIDE, CLIP_SIDE], align_corners=False)
    if random.random() < 0.5:
        pictures = F.avg_pool2d(pictures, kernel_size=2)
    return F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def disturbed(pictures: Tensor, noise: float) -> Tensor:
    """Adds noise of varying strength and scale, and changes contrast and saturation a little."""
    count, _, height, width = pictures.shape
    fine = torch.rand(count, 1, 1, 1) ** 2 * noise * torch.randn_like(pictures)
    coarse = F.interpolate(torch.randn(count, 3, height // 8, width // 8), size=(height, width), mode="bilinear")
    contrast = 1 + (torch.rand(count, 1, 1, 1) - 0.5) * 0.16
    shift = (torch.rand(count, 3, 1, 1) - 0.5) * 0.06
    return (pictures * contrast + shift + fine + torch.rand(count, 1, 1, 1) ** 3 * 0.15 * coarse).clamp(0, 1)


def mosaic(picture: Tensor, rng: random.Random) -> Tensor:
    """The quarters or sixteenths of a picture in random order: no object stays whole."""
    side = picture.shape[-1]
    parts = rng.choice((2, 4))
    tiles = picture.unfold(1, side // parts, side // parts).unfold(2, side // parts, side // parts)
    tiles = tiles.flatten(1, 2)[:, rng.sample(range(parts * parts), k=parts * parts)]
    return tiles.unflatten(1, (parts, parts)).permute(0, 1, 3, 2, 4).reshape(3, side, side)
