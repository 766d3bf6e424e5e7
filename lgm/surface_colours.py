"""Colours for a closed surface: taken from the views that see it, and spread to the rest.

Spreading follows "push" and "pull" of Gortler et al., The Lumigraph (1996), section 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lgm.cameras import Camera, projected
from lgm.gaussians import Gaussians
from lgm.surface import Grid, Surface, depth_of, sampled

_SIDE = 128
"""Side of the depth maps for occlusion tests, in pixels."""
_TOLERANCE = 4.0
"""Depth tolerance of occlusion tests, in cells: the surface is rough."""
_ENOUGH = 0.05
"""The weight below which a disc's own colour is mixed with those around it."""


class View(NamedTuple):
    """A picture of the surface."""

    camera: Camera  # of any resolution
    rgb: Tensor  # [3, H, W] in [0, 1]
    inside: Tensor  # [H, W] in [0, 1] usable share of each pixel: 0 outside the object
    weight: float = 1.0


@torch.no_grad()
def coloured(surface: Surface, views: Sequence[View]) -> Gaussians:
    """The discs of a surface, coloured.

    Args:
        views: a disc takes most from the one it faces.

    Returns:
        [N, ...]; parts that no view sees take the colours around them.
    """
    discs, normals, grid = surface
    sums, weights = torch.zeros_like(discs.positions), torch.zeros_like(discs.opacities)
    for view in views:
        weight = _visibility(discs, normals, view, grid.step)
        height, width = view.rgb.shape[-2:]
        at, _ = projected(discs.positions, view.camera.resized(width, height))
        sums += weight[:, None] * sampled(view.rgb, at)
        weights += weight
    return discs._replace(colours=_spread(discs.positions, sums, weights, grid).clamp(0, 1))


def _visibility(discs: Gaussians, normals: Tensor, view: View, step: float) -> Tensor:
    """[N] how well a view sees each disc: the squared cosine, or 0 if occluded."""
    small = view.camera.resized(_SIDE, _SIDE)
    depth, alpha = depth_of(discs, small)
    at, z = projected(discs.positions, small)
    inside = F.interpolate(view.inside[None, None], (_SIDE, _SIDE), mode="bilinear")[0, 0]
    depths, covers, allowed = sampled(torch.stack([depth, alpha, inside]), at).T
    towards = F.normalize(view.camera.pose[:3, 3].to(z) - discs.positions, dim=-1)
    facing = (towards * normals).sum(-1).clamp(min=0)
    before = ((depths - z) / step + _TOLERANCE).clamp(0, 1)
    return view.weight * facing.square() * before * (covers > 0.9) * allowed.square()


def _spread(positions: Tensor, sums: Tensor, weights: Tensor, grid: Grid) -> Tensor:
    """[N, 3] colours: weighted means if the weights suffice, else those of ever larger cells around."""
    own = sums / weights.clamp(min=1e-6)[:, None]
    trust = weights / (weights + _ENOUGH)
    cell = ((positions - grid.low) / grid.step).long().clamp(0, grid.cells - 1)
    place = (cell[:, 0] * grid.cells + cell[:, 1]) * grid.cells + cell[:, 2]
    volume = torch.zeros(grid.cells**3, 4, device=positions.device)
    volume.index_add_(0, place, torch.cat([trust[:, None] * own, trust[:, None]], -1))
    around = _filled(volume.T.reshape(1, 4, grid.cells, grid.cells, grid.cells))
    places = 2 * (positions - grid.low) / (grid.cells * grid.step) - 1
    found = F.grid_sample(around, places.flip(-1)[None, None, None], padding_mode="border", align_corners=False)
    return trust[:, None] * own + (1 - trust)[:, None] * found[0, :, 0, 0].T


def _filled(volume: Tensor) -> Tensor:
    """[1, 3, D, D, D] colours everywhere, from [1, 4, D, D, D] colours times confidence, and confidence."""
    coarse = F.avg_pool3d(volume, 2, ceil_mode=True, count_include_pad=False)
    behind = _filled(coarse) if min(coarse.shape[2:]) > 1 else coarse[:, :3] / coarse[:, 3:].clamp(min=1e-6)
    around = F.interpolate(behind, volume.shape[2:], mode="trilinear")
    trust = (16 * volume[:, 3:]).clamp(max=1)  # coarser cells are mostly empty: a little is enough
    return trust * volume[:, :3] / volume[:, 3:].clamp(min=1e-6) + (1 - trust) * around
