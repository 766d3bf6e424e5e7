"""Batches of augmented training pictures in random colours, with the regions to be selected."""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from toybox.sam.clutter import MOST_REGIONS, sample_clutter
from toybox.sam.fills import Fields
from toybox.sam.model import PICTURE_SIZE
from toybox.sam.toys import MOST_OBJECTS, Toys, enlarge, shade_planes, training_colours

MIN_SHARE = 160 / 65_536
"""As a share of the picture. Nobody clicks on less without zooming in first."""

_TOY, _TOY_ON_CLUTTER = 0.12, 0.15
_TRIES = 4
"""To find a crop with something in it."""
_ANY_COLOURS = 0.3
_BACKGROUND, _PART, _GROUP = 0.15, 0.2, 0.15
_SMALLER = ((256, 0.4, 0.4), (128, 0.15, 0.5))
"""Side lengths of whole pictures before they are enlarged, and how often, also with toys; the toy klein draws 128."""
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Source: `SAM2Transforms` of the package, which every picture goes through in the app."""


class Source(NamedTuple):
    """The raw material of training pictures: traced scenes, and noise for clutter."""

    toys: Toys
    fields: Fields


class Drawn(NamedTuple):
    """One picture: image (3, H, W) float32, regions (H, W) and owners (3, 64) as in `Pictures`."""

    image: Tensor
    regions: Tensor
    owners: Tensor


class Pictures(NamedTuple):
    """A batch.

    Attributes:
        images: (B, 3, H, W) float32, [0, 1].
        regions: (B, H, W) int64, the smallest part each pixel belongs to; 0 is the background.
        owners: (B, 3, 64) int64: things, groups and whether it is a part, see `Clutter`.
        from_toy: (B,) bool, whether it shows the toy world with one of its backgrounds.
    """

    images: Tensor
    regions: Tensor
    owners: Tensor
    from_toy: Tensor


def normalised(images: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) in [0, 1], normalised for the network."""
    mean, deviation = torch.tensor(_MEAN), torch.tensor(_DEVIATION)
    return (images - mean[:, None, None]) / deviation[:, None, None]


def draw_pictures(source: Source, rng: np.random.Generator, count: int, size: int) -> Pictures:
    """Draws a training batch.

    Args:
        source: raw material.
        rng: random generator.
        count: number of pictures.
        size: side length, at most `PICTURE_SIZE`. Smaller ones are crops of pictures of that size, not scaled down.
    """
    images, regions, owners, from_toy = [], [], [], []
    for _ in range(count):
        chance = rng.random()
        drawn = _draw_clutter(source, rng) if chance > _TOY else _draw_toy(source.toys, rng, None)
        if _TOY < chance < _TOY + _TOY_ON_CLUTTER and drawn.regions.max() < MOST_REGIONS - MOST_OBJECTS:
            drawn = _draw_toy(source.toys, rng, drawn)
        cut_image, cut_regions = _cut(drawn, rng, size)
        images.append(cut_image)
        regions.append(cut_regions)
        owners.append(drawn.owners)
        from_toy.append(chance <= _TOY)
    toy = torch.tensor(from_toy)
    return Pictures(_spoil(torch.stack(images), toy, rng), torch.stack(regions), torch.stack(owners), toy)


def choose_targets(pictures: Pictures, rng: np.random.Generator, each: int) -> Tensor:
    """Chooses the targets: mostly whole things, but also parts, groups and the background.

    Args:
        pictures: with their regions.
        rng: random generator.
        each: targets per picture.

    Returns:
        (B * each, 64) bool, the regions that make up each target.
    """
    chosen, min_area = [], MIN_SHARE * pictures.regions[0].numel()
    for regions, owners in zip(pictures.regions, pictures.owners.numpy(), strict=True):
        areas = torch.bincount(regions.flatten(), minlength=MOST_REGIONS).numpy()
        things, groups, is_part = owners
        whole = np.bincount(things, weights=areas, minlength=MOST_REGIONS)
        large = np.flatnonzero(whole[1:] >= min_area) + 1
        for _ in range(each):
            if len(large) == 0 or (areas[0] >= min_area and rng.random() < _BACKGROUND):
                chosen.append(np.arange(MOST_REGIONS) == 0)
                continue
            members = things == rng.choice(large)
            parts = np.flatnonzero(members & (is_part > 0) & (areas >= min_area))
            group, chance = groups[members].max(), rng.random()
            if len(parts) and chance < _PART:
                members = np.arange(MOST_REGIONS) == rng.choice(parts)
            elif group and chance > 1 - _GROUP:
                members = groups == group
            chosen.append(members)
    return torch.from_numpy(np.stack(chosen))


def target_masks(regions: Tensor, members: Tensor, size: int) -> Tensor:
    """The share of each pixel that belongs to the target.

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


def _draw_clutter(source: Source, rng: np.random.Generator) -> Drawn:
    clutter = sample_clutter(rng, source.fields, PICTURE_SIZE)
    owners = np.stack([clutter.things, clutter.groups, clutter.is_part]).astype(np.int64)
    image = torch.from_numpy(clutter.image).permute(2, 0, 1).float() / 255
    return Drawn(image, torch.from_numpy(clutter.regions), torch.from_numpy(owners))


def _draw_toy(toys: Toys, rng: np.random.Generator, behind: Drawn | None) -> Drawn:
    """A toy scene on its own background, or in front of clutter."""
    index = int(rng.integers(len(toys)))
    planes = enlarge(torch.from_numpy(toys.planes[index].copy()), PICTURE_SIZE)
    colours = torch.zeros(MOST_OBJECTS, 3)
    if behind is not None or rng.random() < _ANY_COLOURS:
        colours = torch.from_numpy(rng.uniform(0.03, 1, (MOST_OBJECTS, 3)).astype(np.float32))
        background = torch.from_numpy(rng.uniform(0.03, 1, 3).astype(np.float32))
    else:
        named, ground = training_colours(toys.scene(index), rng)
        colours[: len(named)] = torch.tensor(named)
        background = torch.tensor(ground)
    seen = planes[-1]
    if behind is None:
        owners = torch.zeros(3, MOST_REGIONS, dtype=torch.int64)
        owners[0, : MOST_OBJECTS + 1] = torch.arange(MOST_OBJECTS + 1)
        return Drawn(shade_planes(planes, colours, background[:, None, None]), seen, owners)
    first = MOST_REGIONS - MOST_OBJECTS
    owners = behind.owners.clone()
    owners[:, first:] = 0
    owners[0, first:] = torch.arange(first, MOST_REGIONS)
    regions = torch.where(seen > 0, seen + (first - 1), behind.regions)
    return Drawn(shade_planes(planes, colours, behind.image), regions, owners)


def _cut(drawn: Drawn, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
    """A random crop of the picture, rotated and mirrored, and mostly enlarged."""
    quarter_turns = int(rng.choice((0, 0, 0, 1, 2, 3)))
    both = torch.rot90(torch.cat([drawn.image, drawn.regions[None].float()]), quarter_turns, dims=(1, 2))
    if rng.random() < 0.5:
        both = both.flip(2)
    width = height = size
    if rng.random() < (0.6 if size == PICTURE_SIZE else 0.25):
        width = int(size * rng.uniform(0.4, 1))
        height = int(np.clip(width * math.exp(rng.normal(0, 0.2)), 0.4 * size, size))
    window = _window(both, width, height, rng)
    for _ in range(_TRIES):
        if window[3].min() < window[3].max():
            break
        window = _window(both, width, height, rng)
    window, shape = window[None], (size, size)
    grown = F.interpolate(window[:, :3], shape, mode="bilinear", align_corners=False)[0]
    return grown, F.interpolate(window[:, 3:], shape, mode="nearest")[0, 0].long()


def _window(picture: Tensor, width: int, height: int, rng: np.random.Generator) -> Tensor:
    """A random crop of (C, H, W)."""
    top, left = rng.integers(picture.shape[1] - height + 1), rng.integers(picture.shape[2] - width + 1)
    return picture[:, top : top + height, left : left + width]


def _spoil(images: Tensor, from_toy: Tensor, rng: np.random.Generator) -> Tensor:
    """Changes colours and light, and adds blur from enlarging and noise; (B, 3, H, W) float32, [0, 1]."""
    count = len(images)
    for side, share, toy_share in _SMALLER:
        small = torch.from_numpy(rng.random(count)) < torch.where(from_toy, toy_share, share)
        if small.any():
            shrunk = F.adaptive_avg_pool2d(images[small], side * images.shape[-1] // PICTURE_SIZE)
            images[small] = F.interpolate(shrunk, images.shape[-2:], mode="bilinear", align_corners=False)
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
    grain = torch.from_numpy(rng.standard_normal(images.shape, dtype=np.float32))
    return images.add_(grain * noise).clamp_(0, 1)


def _colour_mixing(rng: np.random.Generator) -> np.ndarray:
    """An RGB matrix that swaps channels, desaturates and tints."""
    swapped = np.eye(3)[rng.permutation(3)]
    grey = np.full((3, 3), 1 / 3)
    share = rng.choice((0, rng.uniform(0, 1), 1), p=(0.5, 0.35, 0.15))
    mixed = swapped * (1 - share) + grey * share
    return (mixed * np.exp(rng.normal(0, 0.08, (3, 1)))).astype(np.float32)
