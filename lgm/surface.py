"""A closed surface for Gaussians that only hint at one: their depth is fused, and what it bounds is covered with discs.

    fuse         what cameras around see of the Gaussians becomes a signed distance in a grid, as depth scans would
    cover        one flat, opaque Gaussian wherever the grid crosses zero, so that nothing shines through

What no camera sees into is solid: holes close, and a hollow top becomes a lid. Knows no network and no colours; see
`surface_colours`.

Source of the idea: Curless and Levoy, A volumetric method for building complex models from range images (1996).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lgm.cameras import Camera, projected
from lgm.gaussians import Gaussians
from lgm.render import render

CELLS = 72
"""Along each edge of the grid: a disc is then about as wide as a pixel of a view of 64."""
_SURE = 0.3
"""Opacity from which a Gaussian counts for where the grid is."""
_THICKER = 1.25
"""So much larger Gaussians are looked at for their depth: through gaps one sees the far side, and means lie between."""
_SEEN = 0.6
"""What must be covered for its depth to be believed: at outlines it mixes front and back."""
_TRUNCATED = 3.0
"""Cells behind the surface that a camera sees, up to which it says that there is an inside."""
_SMOOTH = 0.8
"""Standard deviation, cells, over which the distance is averaged: pits of single Gaussians go, edges stay."""
_WIDE, _FLAT, _OPAQUE = 0.7, 0.25, 0.995
"""Of a disc: standard deviations along and across the surface, cells, and opacity."""
_SUNK = 0.3
"""Cells that a disc lies below the surface, for it has a thickness."""
_REACH = 0.75
"""Cells beside the surface in which a cell gets its disc."""


class Outline(NamedTuple):
    """A camera that looks at the Gaussians, and what it ought to see of them."""

    camera: Camera
    inside: Tensor | None = None  # [h, w] in [0, 1], what is covered, of any size; None: what the Gaussians cover
    has_depth: bool = True  # False: only its outline counts, for it sees into what is open


class Grid(NamedTuple):
    """A cube of cells."""

    low: Tensor  # [3] its corner, world units
    step: float  # edge of a cell, world units
    cells: int  # along each edge

    def centres(self) -> Tensor:
        """[cells^3, 3], x slowest."""
        line = self.step * (torch.arange(self.cells, device=self.low.device) + 0.5)
        return torch.stack(torch.meshgrid(*(low + line for low in self.low), indexing="ij"), -1).reshape(-1, 3)


class Surface(NamedTuple):
    """What `closed_surface` found; N may be 0: there is none."""

    discs: Gaussians  # [N, ...] without colours yet: black
    normals: Tensor  # [N, 3] unit, outwards
    grid: Grid


@torch.no_grad()
def closed_surface(gaussians: Gaussians, outlines: Sequence[Outline], cells: int = CELLS) -> Surface:
    """Cover with discs what Gaussians show.

    Args:
        gaussians: [N, ...] float32, around the origin; N at least 1.
        outlines: cameras all around; none is inside.
        cells: along each edge of the grid around the Gaussians.
    """
    grid = _grid_around(gaussians, cells)
    distance = _smoothed(_fused(gaussians, outlines, grid))
    slope = torch.stack(torch.gradient(distance), -1)
    steepness = slope.norm(dim=-1)
    offset = distance / steepness.clamp(min=1e-6)  # cells to the surface
    near = (offset.abs() < _REACH) & (steepness > 0.02)
    normals = slope[near] / steepness[near][:, None]
    positions = grid.centres()[near.flatten()] - (offset[near][:, None] + _SUNK) * grid.step * normals
    scales = grid.step * positions.new_tensor([_WIDE, _WIDE, _FLAT])
    discs = Gaussians(
        positions,
        torch.full_like(positions[:, 0], _OPAQUE),
        scales.repeat(len(positions), 1),
        _turned_to(normals),
        torch.zeros_like(positions),
    )
    return Surface(discs, normals, grid)


def sampled(planes: Tensor, at: Tensor) -> Tensor:
    """[N, C] of planes [C, H, W] at pixels [N, 2], bilinearly; outside the picture, its edge is extended."""
    height, width = planes.shape[-2:]
    places = 2 * at / at.new_tensor([width, height]) - 1
    return F.grid_sample(planes[None], places[None, None], padding_mode="border", align_corners=False)[0, :, 0].T


def depth_of(gaussians: Gaussians, camera: Camera, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """[H, W] each: the mean depth of what a camera sees, world units, and how much it covers."""
    seen = render(gaussians, camera, scale_modifier=scale)
    return seen.depth / seen.alpha.clamp(min=1e-3), seen.alpha


def _grid_around(gaussians: Gaussians, cells: int) -> Grid:
    """A cube around the Gaussians but for a few strays, with room for the surface."""
    is_sure = gaussians.opacities > _SURE
    sure = gaussians.positions[is_sure if is_sure.any() else slice(None)]
    few = max(1, len(sure) // 500)
    ordered = sure.sort(dim=0)[0]
    low, high = ordered[few - 1], ordered[-few]
    half = 0.54 * float((high - low).max()) + 0.02
    return Grid((low + high) / 2 - half, 2 * half / cells, cells)


def _fused(gaussians: Gaussians, outlines: Sequence[Outline], grid: Grid) -> Tensor:
    """[cells, cells, cells] signed distance in units of the truncation, in [-1, 1]; positive is outside.

    A cell is as far out as the cameras say on the average that see it, and never inside of what one sees through.
    """
    centres, reach = grid.centres(), _TRUNCATED * grid.step
    total, count = centres.new_zeros(2, len(centres)).unbind()
    beside = torch.full_like(total, -1)
    for camera, inside, has_depth in outlines:
        at, z = projected(centres, camera)
        shown = render(gaussians, camera).alpha if inside is None else inside
        outline = sampled(shown[None], at * shown.shape[-1] / camera.width)[:, 0]
        beside = torch.maximum(beside, 1 - 2 * outline)
        if has_depth:
            depths, covers = sampled(torch.stack(depth_of(gaussians, camera, _THICKER)), at).T
            before = depths - z
            told = (covers > _SEEN) & (before > -reach)
            total += torch.where(told, (before / reach).clamp(-1, 1), 0)
            count += told
    distance = torch.where(count > 0, total / count.clamp(min=1), -1)
    return torch.maximum(distance, beside).unflatten(0, (grid.cells,) * 3)


def _smoothed(volume: Tensor) -> Tensor:
    """A Gaussian average; a volume is extended beyond its edge."""
    radius = math.ceil(3 * _SMOOTH)
    line = torch.arange(-radius, radius + 1.0, device=volume.device)
    weights = (-0.5 * (line / _SMOOTH).square()).softmax(0)
    padded = F.pad(volume[None, None], (radius,) * 6, mode="replicate")
    for axis in range(3):
        shape = [1] * 5
        shape[2 + axis] = -1
        padded = F.conv3d(padded, weights.view(shape))
    return padded[0, 0]


def _turned_to(normals: Tensor) -> Tensor:
    """[N, 4] the shortest rotations that take the z axis to unit vectors [N, 3]."""
    x, y, z = normals.unbind(-1)
    halfway = torch.stack([1 + z, -y, x, torch.zeros_like(z)], -1)
    upside_down = halfway.new_tensor([0.0, 1.0, 0.0, 0.0])
    return F.normalize(torch.where((z < -0.999999)[:, None], upside_down, halfway), dim=-1)
