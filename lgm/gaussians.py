"""Gaussians as the networks output and the renderer draws them. Knows no file format and no camera."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lgm.config import PARAMETERS


class Gaussians(NamedTuple):
    """N Gaussians, or batches of N. World axes as in `cameras`: right-handed, x right, y up."""

    positions: Tensor  # [..., N, 3]
    opacities: Tensor  # [..., N] in [0, 1]
    scales: Tensor  # [..., N, 3] standard deviations along the local axes, world units, positive
    rotations: Tensor  # [..., N, 4] unit quaternions w, x, y, z
    colours: Tensor  # [..., N, 3] RGB in [0, 1], view-independent

    def packed(self) -> Tensor:
        """[..., N, 14]: position, opacity, scale, rotation, colour; LGM's own order."""
        return torch.cat([self.positions, self.opacities[..., None], *self[2:]], dim=-1)

    def one(self, index: int) -> Gaussians:
        """The splat at `index` of a batch."""
        return Gaussians(*(each[index] for each in self))

    def only(self, kept: Tensor) -> Gaussians:
        """A subset of N Gaussians.

        Args:
            kept: [N] bool, or indexes.
        """
        return Gaussians(*(each[kept] for each in self))

    def to(self, target: torch.device | torch.dtype) -> Gaussians:
        return Gaussians(*(each.to(target) for each in self))

    def detach(self) -> Gaussians:
        return Gaussians(*(each.detach() for each in self))


def unpacked(packed: Tensor) -> Gaussians:
    """The inverse of `Gaussians.packed`.

    Args:
        packed: [..., N, 14].
    """
    if packed.shape[-1] != PARAMETERS:
        raise ValueError(f"got {tuple(packed.shape)}, expected [..., N, {PARAMETERS}]")
    positions, opacities, scales, rotations, colours = packed.split([3, 1, 3, 4, 3], dim=-1)
    return Gaussians(positions, opacities[..., 0], scales, rotations, colours)
