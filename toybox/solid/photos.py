"""A photo as a model gets it: the object on white, cropped as in the 3D tab."""

import random

import torch
import torch.nn.functional as F
from torch import Tensor

from toybox.solid.records import Records, coverage_of, shade_bytes
from toybox.solid.turntable import FILLS

_JITTER = 0.03
"""As a share of the side: no mask is exact."""


def photo_of(records: Records, index: int, colour: Tensor, side: int, chance: random.Random) -> Tensor:
    """The photo of a turntable, cropped about as a person would: (3, side, side) float32, [0, 1]."""
    return cut_photo(torch.from_numpy(records.planes[index, 0].copy()), colour, side, chance)


def cut_photo(planes: Tensor, colour: Tensor, side: int, chance: random.Random | None = None) -> Tensor:
    """The square around the object, whose longer side fills FILLS of it.

    Args:
        planes: (6, H, W) uint8 of the photo, see `Records`.
        colour: RGB of the object.
        side: of the result, in pixels.
        chance: moves and resizes the square a little; None crops exactly.

    Returns:
        (3, side, side) float32, [0, 1].
    """
    coverage = coverage_of(planes)
    dark = shade_bytes(planes, colour, torch.zeros(3))  # a black floor: the object, premultiplied by its coverage
    alone = (dark + (1 - coverage)).clamp(0, 1)
    return 1 - _cut(1 - alone, _square(coverage, side, chance))


def cut_mask(planes: Tensor, side: int) -> Tensor:
    """The coverage of the object in the same square, cropped exactly: (side, side) float32, [0, 1]."""
    coverage = coverage_of(planes)
    return _cut(coverage[None], _square(coverage, side, None))[0]


def _square(coverage: Tensor, side: int, chance: random.Random | None) -> Tensor:
    """The positions of the square's pixels in the photo: (1, side, side, 2), for `grid_sample`."""
    rows, columns = ((coverage > 0.5).any(dim=axis).nonzero().flatten() for axis in (1, 0))
    top, bottom, left, right = (int(line[at]) + end for line in (rows, columns) for at, end in ((0, 0), (-1, 1)))
    length = max(bottom - top, right - left) / FILLS
    across, down = (left + right) / 2, (top + bottom) / 2
    if chance is not None:
        across, down = (at + length * chance.uniform(-_JITTER, _JITTER) for at in (across, down))
        length *= chance.uniform(1 - _JITTER, 1 + _JITTER)
    steps = (torch.arange(side) + 0.5) / side - 0.5
    x, y = (2 * (middle + length * steps) / coverage.shape[-1] - 1 for middle in (across, down))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]


def _cut(values: Tensor, grid: Tensor) -> Tensor:
    """A (C, side, side) crop of (C, H, W); outside the photo it is 0."""
    return F.grid_sample(values[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]
