"""A closed surface for Gaussians that only suggest one: depth maps are fused, and the result is covered with discs.

    fuse         depth as seen by cameras all around becomes a signed distance field in a grid, like depth scans
    cover        one flat, opaque Gaussian wherever the field crosses zero, so that nothing shines through

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
"""Along each edge of the grid: discs are then about as wide as a pixel of a 64-pixel view."""
_SURE = 0.3
"""Minimum opacity of the Gaussians that define the grid's extent."""
_THICKER = 1.25
"""Gaussians are enlarged by this for depth: through gaps, the far side would distort the mean."""
_SEEN = 0.6
"""Minimum alpha for a depth to count: at outlines it mixes front and back."""
_TRUNCATED = 3.0
"""Cells behind a visible surface that count as inside."""
_SMOOTH = 0.65
"""Standard deviation, in cells, of the smoothing: removes pits of single Gaussians, keeps edges."""
_WIDE, _FLAT, _OPAQUE = 0.7, 0.25, 0.995
"""A disc's standard deviations along and across the surface, in cells, and its opacity."""
_SUNK = 0.5
"""Cells by which discs are sunk below the surface, because of their thickness."""
_REACH = 0.75
"""Maximum distance from the surface, in cells, of a cell with a disc."""


class Outline(NamedTuple):
    """A camera that looks at the Gaussians, and the outline it should see."""

    camera: Camera
    inside: Tensor | None = None  # [h, w] in [0, 1], of any size; None: what the Gaussians cover
    has_depth: bool = True  # False: use only its outline, as it sees into openings


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
    """The result of `closed_surface`; N may be 0: there is none."""

    discs: Gaussians  # [N, ...] without colours yet: black
    normals: Tensor  # [N, 3] unit, outwards
    grid: Grid


@torch.no_grad()
def closed_surface(gaussians: Gaussians, outlines: Sequence[Outline], cells: int = CELLS) -> Surface:
    """Cover the surface that Gaussians suggest with discs.

    Args:
        gaussians: [N, ...] float32, around the origin; N at least 1.
        outlines: cameras all around, none of them inside.
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
    """[N, C] of planes [C, H, W] at pixels [N, 2], bilinear; edge values extend outside."""
    height, width = planes.shape[-2:]
    places = 2 * at / at.new_tensor([width, height]) - 1
    return F.grid_sample(planes[None], places[None, None], padding_mode="border", align_corners=False)[0, :, 0].T


def depth_of(gaussians: Gaussians, camera: Camera, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """[H, W] each: the mean depth a camera sees, in world units, and alpha."""
    seen = render(gaussians, camera, scale_modifier=scale)
    return seen.depth / seen.alpha.clamp(min=1e-3), seen.alpha


def _grid_around(gaussians: Gaussians, cells: int) -> Grid:
    """A cube around the Gaussians except for a few strays, with room for the surface."""
    is_sure = gaussians.opacities > _SURE
    sure = gaussians.positions[is_sure if is_sure.any() else slice(None)]
    few = max(1, len(sure) // 500)
    ordered = sure.sort(dim=0)[0]
    low, high = ordered[few - 1], ordered[-few]
    half = 0.54 * float((high - low).max()) + 0.02
    return Grid((low + high) / 2 - half, 2 * half / cells, cells)


def _fused(gaussians: Gaussians, outlines: Sequence[Outline], grid: Grid) -> Tensor:
    """[cells, cells, cells] signed distance in units of the truncation, in [-1, 1]; positive is outside.

    The average over the cameras that see a cell, but never inside where any camera sees through.
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
    """Gaussian smoothing; edge values extend outside."""
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
    """[N, 4] the shortest rotations from the z axis to unit vectors [N, 3]."""
    x, y, z = normals.unbind(-1)
    halfway = torch.stack([1 + z, -y, x, torch.zeros_like(z)], -1)
    upside_down = halfway.new_tensor([0.0, 1.0, 0.0, 0.0])
    return F.normalize(torch.where((z < -0.999999)[:, None], upside_down, halfway), dim=-1)
