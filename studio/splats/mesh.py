"""A splat as a mesh with coloured corners, approximately: its density on a grid, and the surface where that is half.

What is enclosed counts as full, so that the mesh has an outside only. Knows no file format.
Source: Gibson, "Constrained Elastic Surface Nets" (1998), here without the elastic part.
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
"""Of the surface on the grid."""
MOST_TRIANGLES = 20_000
"""Of the mesh: what tools for games and the web take without a thought."""
_LEVEL = 0.5
_MARGIN = 2
"""Empty cells around the splat."""
_SHARE = 0.998
"""Of the splats on each axis; the strays beyond would only make the cells large."""
_MOST_CELLS_WIDE = 8
"""How far from its centre a splat is followed: a larger one is cut off there."""
_LEAST_SPREAD = np.float32(0.5)
"""Standard deviation in cells: a smaller splat would fall through the grid."""
_MOST_POINTS = 20_000_000
"""Grid points looked at in all: some seconds."""
_CHUNK = 4_000_000
"""Grid points looked at together."""


class Mesh(NamedTuple):
    """Triangles with the outside where they run anticlockwise."""

    corners: np.ndarray  # (V, 3) float32, world units
    normals: np.ndarray  # (V, 3) float32, of unit length, outwards
    colours: np.ndarray  # (V, 3) float32 RGB [0, 1] as shown on a screen (sRGB)
    triangles: np.ndarray  # (T, 3) uint32, indexes of corners


class _VoxelGrid(NamedTuple):
    """Values on points of a regular grid in the world."""

    origin: np.ndarray  # (3,) float64: the first point
    step: float  # world units
    density: np.ndarray  # (X, Y, Z) float32
    colours: np.ndarray  # (X, Y, Z, 3) float32, times the density


def mesh_of(splat: Splat, resolution: int = RESOLUTION) -> Mesh:
    """The surface of a splat, with at most MOST_TRIANGLES triangles.

    On the grid, whose cells become larger until it has no more than MAX_TRIANGLES; then simplified where that changes
    its shape least.

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
    """A closed mesh stays closed: only edges are drawn together. Corners have the mean colour of those they replace.

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
    """How much there is at each point: opacities times Gaussians, added up."""
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
    """The side of a cell: so large that looking around all splats stays affordable."""
    largest = splat.scales.max(axis=1)
    while ((2 * _reach(largest / (extent / resolution)) + 1.0) ** 3).sum() > _MOST_POINTS and resolution > 8:
        resolution = resolution * 3 // 4
    return extent / resolution


def _reach(spread: np.ndarray) -> np.ndarray:
    """How many cells around its centre a splat of such a standard deviation, in cells, is followed."""
    return np.clip(np.ceil(2 * np.maximum(spread, _LEAST_SPREAD)), 1, _MOST_CELLS_WIDE).astype(int)


def _shares(
    splat: Splat, origin: np.ndarray, step: float, shape: tuple[int, ...]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What each splat adds to the grid points around it: flat indexes, weights and colours, in chunks."""
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
    """What cannot be reached from the border through what is not full: (X, Y, Z) bool.

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
    """One corner in each cell that the surface passes through; four cells around an edge that it cuts make two
    triangles."""
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
"""The corners of a cell, from its lowest."""
_EDGES = [(one, one | bit) for bit in (4, 2, 1) for one in range(8) if not one & bit]
"""Its twelve edges, by the numbers of their corners."""


def _crossings(values: np.ndarray) -> np.ndarray:
    """Where in its cell the surface passes: the middle of the places where it cuts edges.

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
        inside: of every grid point; nothing at the border is.
        number: of the corner in every cell, -1 where there is none.

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
    """Of each corner: of its triangles together, the larger ones more."""
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
