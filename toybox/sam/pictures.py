"""Batches of training pictures in fresh colours, cut and spoiled in many ways, with the regions to be selected.

Knows no clicks and no networks.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from toybox.sam.banks import FULL_SCALE, MOST_OBJECTS, Banks, sample_toy
from toybox.sam.clutter import MOST_REGIONS
from toybox.sam.model import PICTURE_SIZE
from toybox.words import BACKGROUND_RGB, BACKGROUNDS, COLOUR_RGB, COLOURS, Colour, Rgb
from toybox.world import Scene, Thing, is_allowed

MIN_AREA = 160
"""Pixels of 65,536; ten masks' pixels. Nobody clicks on less without zooming in first."""

_TOY, _TOY_ON_CLUTTER = 0.25, 0.2
_ANY_COLOURS = 0.3
_BACKGROUND, _PART, _GROUP = 0.15, 0.2, 0.15
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Source: `SAM2Transforms` of the package, which every picture goes through in the app."""


class Pictures(NamedTuple):
    """A batch.

    Attributes:
        images: (B, 3, H, W) float32, [0, 1].
        regions: (B, H, W) int64, the smallest part each pixel belongs to; 0 is the background.
        owners: (B, 3, 64) int64: things, groups and whether it is a part, see `Clutter`.
        from_toy: (B,) bool, whether it shows the toy world with one of its own backgrounds.
    """

    images: Tensor
    regions: Tensor
    owners: Tensor
    from_toy: Tensor


def normalised(images: Tensor) -> Tensor:
    """What the network sees of (B, 3, H, W) in [0, 1]."""
    mean, deviation = torch.tensor(_MEAN), torch.tensor(_DEVIATION)
    return (images - mean[:, None, None]) / deviation[:, None, None]


def draw_pictures(banks: Banks, rng: np.random.Generator, count: int) -> Pictures:
    """Draws a training batch; it uses torch's generator too."""
    images, regions, owners, from_toy = [], [], [], []
    for _ in range(count):
        chance = rng.random()
        drawn = _draw_clutter(banks, rng) if chance > _TOY else _draw_toy(banks, rng, None)
        if _TOY < chance < _TOY + _TOY_ON_CLUTTER and drawn[1].max() < MOST_REGIONS - MOST_OBJECTS:
            drawn = _draw_toy(banks, rng, drawn)
        cut_image, cut_regions = _cut(drawn[0], drawn[1], rng)
        images.append(cut_image)
        regions.append(cut_regions)
        owners.append(drawn[2])
        from_toy.append(chance <= _TOY)
    toy = torch.tensor(from_toy)
    return Pictures(_spoil(torch.stack(images), toy, rng), torch.stack(regions), torch.stack(owners), toy)


def choose_targets(pictures: Pictures, rng: np.random.Generator, each: int) -> Tensor:
    """Chooses what is to be selected: whole things mostly, their parts and groups, and the background.

    Args:
        pictures: of which the regions are taken.
        rng: decides.
        each: targets per picture.

    Returns:
        (B * each, 64) bool, the regions that make up each target.
    """
    chosen = []
    for regions, owners in zip(pictures.regions, pictures.owners.numpy(), strict=True):
        areas = torch.bincount(regions.flatten(), minlength=MOST_REGIONS).numpy()
        things, groups, is_part = owners
        whole = np.bincount(things, weights=areas, minlength=MOST_REGIONS)
        large = np.flatnonzero(whole[1:] >= MIN_AREA) + 1
        for _ in range(each):
            if len(large) == 0 or (areas[0] >= MIN_AREA and rng.random() < _BACKGROUND):
                chosen.append(things == 0)
                chosen[-1][areas == 0] = False
                chosen[-1][0] = True
                continue
            members = things == rng.choice(large)
            parts = np.flatnonzero(members & (is_part > 0) & (areas >= MIN_AREA))
            group, chance = groups[members].max(), rng.random()
            if len(parts) and chance < _PART:
                members = np.arange(MOST_REGIONS) == rng.choice(parts)
            elif group and chance > 1 - _GROUP:
                members = groups == group
            chosen.append(members)
    return torch.from_numpy(np.stack(chosen))


def target_masks(regions: Tensor, members: Tensor, size: int) -> Tensor:
    """The share of each pixel that is to be selected.

    Args:
        regions: (B, H, W) int64.
        members: (B * each, 64) bool.
        size: of the masks; a divisor of the pictures' size.

    Returns:
        (B * each, 1, size, size) float32, [0, 1].
    """
    count, height, width = regions.shape
    table = members.float().view(count, -1, MOST_REGIONS)
    spread = regions.view(count, 1, -1).expand(-1, table.shape[1], -1)
    masks = torch.gather(table, 2, spread).view(-1, 1, height, width)
    return F.avg_pool2d(masks, height // size)


def shade_toy(planes: Tensor, colours: Tensor, background: Tensor) -> Tensor:
    """A geometry in any colours.

    Args:
        planes: (8, H, W) uint8, see `Banks`.
        colours: (3, 3) float32, one RGB per object.
        background: RGB of the ground as (3, 1, 1), or a picture (3, H, W) behind the objects.

    Returns:
        (3, H, W) float32, [0, 1].
    """
    values = planes[: MOST_OBJECTS + 4].float() * (FULL_SCALE / 255)
    own, ground = values[MOST_OBJECTS : MOST_OBJECTS + 3], values[MOST_OBJECTS + 3]
    image = own + torch.einsum("nhw,nc->chw", values[:MOST_OBJECTS], colours)
    return (image + ground * background).clamp_(0, 1)


def allowed_colours(scene: Scene, rng: np.random.Generator) -> tuple[list[Rgb], Rgb]:
    """New colours for a scene, and a background, that leave it a training scene."""
    while True:
        names: list[Colour] = [COLOURS[rng.integers(len(COLOURS))] for _ in scene.objects]
        background = BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
        things = tuple(Thing(thing.kind, name) for thing, name in zip(scene.objects, names, strict=True))
        if is_allowed(Scene(things, background), "train"):
            return [COLOUR_RGB[name] for name in names], BACKGROUND_RGB[background]


def _draw_clutter(banks: Banks, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    index = rng.integers(len(banks.images))
    image = torch.from_numpy(banks.images[index].copy()).permute(2, 0, 1).float() / 255
    regions = torch.from_numpy(banks.regions[index].copy())
    return image, regions, torch.from_numpy(banks.owners[index].astype(np.int64))


def _draw_toy(
    banks: Banks, rng: np.random.Generator, behind: tuple[Tensor, Tensor, Tensor] | None
) -> tuple[Tensor, Tensor, Tensor]:
    """A toy scene on its own background, or in front of clutter."""
    index = int(rng.integers(len(banks.planes)))
    planes = torch.from_numpy(banks.planes[index].copy())
    colours = torch.zeros(MOST_OBJECTS, 3)
    if behind is not None or rng.random() < _ANY_COLOURS:
        colours = torch.from_numpy(rng.uniform(0.03, 1, (MOST_OBJECTS, 3)).astype(np.float32))
        background = torch.from_numpy(rng.uniform(0.03, 1, 3).astype(np.float32))
    else:
        named, ground = allowed_colours(sample_toy(banks.seed, index), rng)
        colours[: len(named)] = torch.tensor(named)
        background = torch.tensor(ground)
    seen = planes[-1]
    if behind is None:
        owners = torch.zeros(3, MOST_REGIONS, dtype=torch.int64)
        owners[0, : MOST_OBJECTS + 1] = torch.arange(MOST_OBJECTS + 1)
        return shade_toy(planes, colours, background[:, None, None]), seen, owners
    image, regions, owners = behind
    first = MOST_REGIONS - MOST_OBJECTS
    owners = owners.clone()
    owners[:, first:] = 0
    owners[0, first:] = torch.arange(first, MOST_REGIONS)
    return shade_toy(planes, colours, image), torch.where(seen > 0, seen + (first - 1), regions), owners


def _cut(image: Tensor, regions: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A window of the picture, turned and mirrored at random, at full size again."""
    quarter_turns = int(rng.choice((0, 0, 0, 1, 2, 3)))
    both = torch.rot90(torch.cat([image, regions[None].float()]), quarter_turns, dims=(1, 2))
    if rng.random() < 0.5:
        both = both.flip(2)
    if rng.random() < 0.6:
        width = int(PICTURE_SIZE * rng.uniform(0.4, 1))
        height = int(np.clip(width * math.exp(rng.normal(0, 0.2)), 0.4 * PICTURE_SIZE, PICTURE_SIZE))
        top, left = rng.integers(PICTURE_SIZE - height + 1), rng.integers(PICTURE_SIZE - width + 1)
        window = both[None, :, top : top + height, left : left + width]
        shape = (PICTURE_SIZE, PICTURE_SIZE)
        grown = F.interpolate(window[:, :3], shape, mode="bilinear", align_corners=False)[0]
        return grown, F.interpolate(window[:, 3:], shape, mode="nearest")[0, 0].long()
    return both[:3], both[3].long()


def _spoil(images: Tensor, from_toy: Tensor, rng: np.random.Generator) -> Tensor:
    """Other colours, other light, blur from enlarging, and noise; (B, 3, H, W) float32, [0, 1]."""
    count = len(images)
    small = torch.from_numpy(rng.random(count)) < torch.where(from_toy, 0.5, 0.15)
    if small.any():
        half = F.avg_pool2d(images[small], 2)
        images[small] = F.interpolate(half, images.shape[-2:], mode="bilinear", align_corners=False)
    mixing = torch.eye(3).repeat(count, 1, 1)
    for index in range(count):
        if rng.random() < (0.3 if from_toy[index] else 0.6):
            mixing[index] = torch.from_numpy(_colour_mixing(rng))
    light = torch.from_numpy(rng.normal(0, 0.06, (count, 1, 1, 1))).float()
    contrast = torch.from_numpy(np.exp(rng.normal(0, 0.15, (count, 1, 1, 1)))).float()
    gamma = torch.from_numpy(np.exp(rng.normal(0, 0.2, (count, 1, 1, 1)))).float()
    noise = torch.from_numpy(rng.choice((0, 0, 0.02, 0.04), (count, 1, 1, 1))).float()
    images = torch.einsum("bcd,bdhw->bchw", mixing, images)
    images = ((images - 0.5) * contrast + 0.5 + light).clamp_(0, 1).pow_(gamma)
    return images.add_(torch.randn_like(images) * noise).clamp_(0, 1)


def _colour_mixing(rng: np.random.Generator) -> np.ndarray:
    """A matrix for RGB: channels swapped, colours weakened to grey, a tint."""
    swapped = np.eye(3)[rng.permutation(3)]
    grey = np.full((3, 3), 1 / 3)
    share = rng.choice((0, rng.uniform(0, 1), 1), p=(0.5, 0.35, 0.15))
    mixed = swapped * (1 - share) + grey * share
    return (mixed * np.exp(rng.normal(0, 0.08, (3, 1)))).astype(np.float32)
