"""A splat as an approximate mesh with vertex colours: the half-density surface of the splat on a grid.

Enclosed space counts as solid, so that the mesh has only an outside. Knows no file format.

Source: Gibson, "Constrained Elastic Surface Nets" (1998), without the elastic part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from fast_simplification import replay_simplification, simplify

from studio.errors import BadSplat
from studio.splats.splat import Splat, rotation_matrices
from studio.splats.transform import placed

RESOLUTION = 96
"""Cells along the longest side."""
MAX_TRIANGLES = 400_000
"""Before simplification."""
MOST_TRIANGLES = 20_000
"""Of the mesh: easy for game and web tools."""
_LEVEL = 0.5
_MARGIN = 2
"""Empty cells around the splat."""
_SHARE = 0.998
"""Of the Gaussians on each axis, since outliers would only make the cells large."""
_MOST_CELLS_WIDE = 8
"""How far from its centre a Gaussian is evaluated, in cells; larger ones are cut off."""
_LEAST_SPREAD = np.float32(0.5)
"""Standard deviation in cells: smaller Gaussians would fall between grid points."""
_MOST_POINTS = 20_000_000
"""Total grid point evaluations: a few seconds."""
_CHUNK = 4_000_000
"""Grid point evaluations per chunk."""


class Mesh(NamedTuple):
    """Triangles, counterclockwise seen from outside."""

    corners: np.ndarray  # (V, 3) float32, world units
    normals: np.ndarray  # (V, 3) float32, of unit length, outwards
    colours: np.ndarray  # (V, 3) float32 RGB [0, 1] as shown on a screen (sRGB)
    triangles: np.ndarray  # (T, 3) uint32, indexes of corners


class _VoxelGrid(NamedTuple):
    """Values at the points of a regular grid in the world."""

    origin: np.ndarray  # (3,) float64: the first point
    step: float  # world units
    density: np.ndarray  # (X, Y, Z) float32
    colours: np.ndarray  # (X, Y, Z, 3) float32, times the density


def mesh_of(splat: Splat, resolution: int = RESOLUTION) -> Mesh:
    """The surface of a splat, with at most MOST_TRIANGLES triangles.

    Extracted from a grid coarse enough for at most MAX_TRIANGLES, then simplified.

    Raises:
        BadSplat: it is nowhere dense enough to have a surface.
    """
    splat = placed(splat)
    while True:
        grid = _density(splat, resolution)
        inside = _enclosed(grid.density >= _LEVEL)
        if not inside.any():
            raise BadSplat("This splat is too thin to have a surface, so no mesh can be made of it. Export it as PLY.")
        mesh = _surface(grid, inside)
        if len(mesh.triangles) <= MAX_TRIANGLES or resolution <= 8:
            return _simplified(mesh)
        resolution //= 2


def _simplified(mesh: Mesh) -> Mesh:
    """Closed meshes stay closed: only edges are collapsed. Vertices get the mean colour of those they replace.

    Source: Garland and Heckbert, "Surface Simplification Using Quadric Error Metrics" (1997).
    """
    if len(mesh.triangles) <= MOST_TRIANGLES:
        return mesh
    given = mesh.corners, mesh.triangles.astype(np.int32)
    *_, collapses = simplify(*given, target_count=MOST_TRIANGLES, return_collapses=True)
    corners, triangles, number = replay_simplification(*given, collapses)
    shares = np.maximum(np.bincount(number, minlength=len(corners)), 1)
    colours = [np.bincount(number, mesh.colours[:, one], len(corners)) / shares for one in range(3)]
    return Mesh(
        corners.astype(np.float32),
        _normals(corners, triangles),
        np.stack(colours, axis=1).astype(np.float32),
        triangles.astype(np.uint32),
    )


def _density(splat: Splat, resolution: int) -> _VoxelGrid:
    """The sum of opacities times Gaussians at each point."""
    low, high = splat.bounds(_SHARE)
    step = _step(splat, max(float((high - low).max()), 1e-3), resolution)
    origin = low - _MARGIN * step
    shape = tuple(int(count) for count in np.ceil((high - low) / step).astype(int) + 2 * _MARGIN + 1)
    size = int(np.prod(shape))
    sums = np.zeros((4, size))
    for index, weight, colours in _shares(splat, origin, step, shape):
        sums[3] += np.bincount(index, weight, size)
        for channel in range(3):
            sums[channel] += np.bincount(index, weight * colours[:, channel], size)
    colours = np.ascontiguousarray(sums[:3].T, np.float32).reshape(*shape, 3)
    return _VoxelGrid(origin, step, sums[3].astype(np.float32).reshape(shape), colours)


def _step(splat: Splat, extent: float, resolution: int) -> float:
    """The side of a cell: large enough to keep the work for all splats affordable."""
    largest = splat.scales.max(axis=1)
    while ((2 * _reach(largest / (extent / resolution)) + 1.0) ** 3).sum() > _MOST_POINTS and resolution > 8:
        resolution = resolution * 3 // 4
    return extent / resolution


def _reach(spread: np.ndarray) -> np.ndarray:
    """How many cells around its centre a splat with this standard deviation, in cells, is evaluated."""
    return np.clip(np.ceil(2 * np.maximum(spread, _LEAST_SPREAD)), 1, _MOST_CELLS_WIDE).astype(int)


def _shares(
    splat: Splat, origin: np.ndarray, step: float, shape: tuple[int, ...]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each splat's contribution to the grid points around it: flat indices, weights and colours, in chunks."""
    centres = ((splat.positions - origin) / step).astype(np.float32)
    spread = np.maximum(splat.scales / np.float32(step), _LEAST_SPREAD)
    own_axes = rotation_matrices(splat.rotations) / spread[:, None, :]  # away @ own_axes: in standard deviations
    reach = _reach(spread.max(axis=1))
    within = ((centres >= -1) & (centres <= shape)).all(axis=1)
    for cells in np.unique(reach):
        side = np.arange(-cells, cells + 1)
        offsets = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
        rows = np.nonzero(within & (reach == cells))[0]
        for part in np.array_split(rows, max(1, -(-len(rows) * len(offsets) // _CHUNK))):
            nearest = np.rint(centres[part]).astype(int)
            points = nearest[:, None, :] + offsets
            away = (points - centres[part][:, None, :]).astype(np.float32) @ own_axes[part]
            weight = np.exp(-0.5 * (away * away).sum(axis=2)) * splat.opacities[part][:, None]
            kept = ((points >= 0) & (points < shape)).all(axis=2) & (weight > 1e-3)
            index = np.asarray(np.ravel_multi_index(tuple(points[kept].T), shape))
            whose = np.broadcast_to(part[:, None], kept.shape)[kept]
            yield index, weight[kept], np.clip(splat.colours[whose], 0, 1)


def _enclosed(full: np.ndarray) -> np.ndarray:
    """What cannot be reached from the border through empty cells: (X, Y, Z) bool.

    Sweeps along each axis, both ways, until nothing changes.
    """
    outside = np.zeros_like(full)
    for axis in range(3):
        for end in (0, -1):
            np.moveaxis(outside, axis, 0)[end] = ~np.moveaxis(full, axis, 0)[end]
    reached = -1
    while reached != (reached := int(outside.sum())):
        for axis in range(3):
            slices, empty = np.moveaxis(outside, axis, 0), np.moveaxis(~full, axis, 0)
            for index in range(1, len(slices)):
                slices[index] |= slices[index - 1] & empty[index]
            for index in range(len(slices) - 2, -1, -1):
                slices[index] |= slices[index + 1] & empty[index]
    return ~outside


def _surface(grid: _VoxelGrid, inside: np.ndarray) -> Mesh:
    """One vertex in each cell the surface passes through; the four cells around a crossed edge make two triangles."""
    padded = np.pad(inside, 1)
    density = np.pad(
        np.where(inside, np.maximum(grid.density, 1.02 * _LEVEL), np.minimum(grid.density, 0.98 * _LEVEL)), 1
    )
    colours = np.pad(grid.colours, ((1, 1), (1, 1), (1, 1), (0, 0)))
    weights = np.pad(grid.density, 1)
    corners = [
        tuple(slice(bit, size - 1 + bit) for bit, size in zip(bits, padded.shape, strict=True)) for bits in _BITS
    ]
    count = sum(padded[corner].astype(np.uint8) for corner in corners)
    cells = np.argwhere((count > 0) & (count < 8))
    number = np.full(tuple(size - 1 for size in padded.shape), -1, np.int64)
    number[tuple(cells.T)] = np.arange(len(cells))
    at = (cells[:, None, :] + _BITS).reshape(-1, 3)
    values = density[tuple(at.T)].reshape(-1, 8)
    weight = weights[tuple(at.T)].reshape(-1, 8, 1)
    tint = colours[tuple(at.T)].reshape(-1, 8, 3)
    places = cells + _crossings(values)
    triangles = _triangles(padded, number)
    points = (places - 1) * grid.step + grid.origin
    return Mesh(
        points.astype(np.float32),
        _normals(points, triangles),
        (tint.sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-6)).astype(np.float32),
        triangles,
    )


_BITS = np.array([(i >> 2 & 1, i >> 1 & 1, i & 1) for i in range(8)])
"""The corners of a cell."""
_EDGES = [(one, one | bit) for bit in (4, 2, 1) for one in range(8) if not one & bit]
"""Its twelve edges, by corner indices."""


def _crossings(values: np.ndarray) -> np.ndarray:
    """Where in its cell the surface passes: the mean of its edge crossings.

    Args:
        values: (A, 8) at the corners.

    Returns:
        (A, 3) [0, 1].
    """
    total, hits = np.zeros((len(values), 3)), np.zeros((len(values), 1))
    for one, other in _EDGES:
        a, b = values[:, one], values[:, other]
        cut = (a >= _LEVEL) != (b >= _LEVEL)
        share = np.where(cut, (_LEVEL - a) / np.where(cut, b - a, 1), 0)[:, None]
        total += np.where(cut[:, None], _BITS[one] + share * (_BITS[other] - _BITS[one]), 0)
        hits += cut[:, None]
    return total / hits


def _triangles(inside: np.ndarray, number: np.ndarray) -> np.ndarray:
    """
    Args:
        inside: of every grid point; False at the border.
        number: of the vertex in every cell, -1 for none.

    Returns:
        (T, 3) uint32.
    """
    parts = []
    for axis in range(3):
        one, other = (axis + 1) % 3, (axis + 2) % 3
        start = np.take(inside, range(inside.shape[axis] - 1), axis)
        end = np.take(inside, range(1, inside.shape[axis]), axis)
        cut = np.argwhere(start != end)
        steps = np.zeros((4, 3), int)
        steps[[1, 2], one] = -1
        steps[[2, 3], other] = -1
        quads = number[tuple(np.moveaxis(cut[:, None, :] + steps, -1, 0))]
        leaves = start[tuple(cut.T)]
        quads = np.where(leaves[:, None], quads, quads[:, ::-1])
        parts += [quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]
    return np.concatenate(parts).astype(np.uint32)


def _normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Of each vertex: the area-weighted mean of its triangles."""
    a, b, c = (points[triangles[:, index]] for index in range(3))
    across = np.cross(b - a, c - a)
    sums = np.stack(
        [
            sum(np.bincount(triangles[:, index], across[:, axis], len(points)) for index in range(3))
            for axis in range(3)
        ],
        axis=1,
    )
    return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-20)).astype(np.float32)
