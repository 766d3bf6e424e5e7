"""A differentiable Gaussian renderer in plain torch: the published equations of 3D Gaussian splatting.

    project      each Gaussian becomes an ellipse of the picture
    pairs        each ellipse is listed with every tile of 8 x 8 pixels it can reach, nearest first within a tile
    composite    many tiles at once, a slice of their lists at a time, until nothing shines through

A Gaussian reaches as far as its opacity is at least 1/255, so cutting it into tiles changes nothing. In a tile the
logarithm of its opacity is a quadratic in x and y: one matrix product gives it for all pixels. Memory is bounded by
`_PAIRS_AT_ONCE`, `_PAIRS_LISTED` and, with gradients, some hundred bytes for each pair that is drawn; see `blend`.

Knows no network. Where `gsplat` is installed with its CUDA code built and the Gaussians are on a GPU, that draws
instead; it is never compiled here.

Source: Kerbl et al., https://arxiv.org/abs/2308.04079; Zwicker et al., EWA splatting (2001); constants of
graphdeco-inria's rasterizer.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lgm.blend import FAINTEST, SHUT, Blend
from lgm.cameras import Camera, world_to_camera
from lgm.gaussians import Gaussians

NEAREST = 0.2
"""Near plane, world units: nearer Gaussians are skipped."""
LOW_PASS = 0.3
"""Added to the variances of an ellipse, square pixels, so that none is narrower than a pixel."""
_BEYOND = 0.3
"""How far beyond the edge, as a share of half the picture, perspective is linearised at the Gaussian itself."""
_TILE = 8
_SLICE = 32
"""Gaussians of a tile's list that are composited at a time."""
_PAIRS_AT_ONCE = 16_384
"""Composited at a time, each over all pixels of its tile: about 4 MB per array."""
_PAIRS_LISTED = 4_000_000
"""Listed and sorted at a time: about 250 MB."""
_FEATURES = 5

WHITE = (1.0, 1.0, 1.0)

_has_gsplat = importlib.util.find_spec("gsplat") and importlib.util.find_spec("gsplat.csrc")  # csrc: already compiled
_gsplat: Any = importlib.import_module("gsplat") if _has_gsplat else None


class Rendered(NamedTuple):
    """A picture of Gaussians; float32, or float64 if they are."""

    rgb: Tensor  # [H, W, 3] over the background; not clipped: above 1 only if colours are
    alpha: Tensor  # [H, W] in [0, 1]
    depth: Tensor  # [H, W] world units, weighted by alpha; divide by alpha for the mean


class _Ellipses(NamedTuple):
    """Projected Gaussians, nearest first."""

    centres: Tensor  # [M, 2] pixels, x then y
    reach: Tensor  # [M, 2] half width and half height of the visible part, pixels
    parts: list[Tensor]  # [M, 11] in all: centre, inverse covariance xx xy yy, log opacity; red, green, blue, 1, depth


class _Pairs(NamedTuple):
    """Which ellipses each tile draws: a run of `ellipse` for each tile."""

    ellipse: Tensor  # [P]
    start: Tensor  # [T] where the tile's run begins
    length: Tensor  # [T]
    middle: Tensor  # [T, 2] pixels, x then y, of the tile's middle
    place: Tensor  # [T] row-major number of the tile in the picture


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    background: tuple[float, float, float] | Tensor = WHITE,
    scale_modifier: float = 1.0,
) -> Rendered:
    """Draw one splat.

    Args:
        gaussians: [N, ...], floating, on any device; gradients flow to all of them. Half precision is drawn as float32,
            in autocast too: it could not tell neighbouring pixels apart.
        camera: its pose may be on another device and of another dtype.
        background: RGB, or [H, W, 3].
        scale_modifier: makes every Gaussian smaller or larger.
    """
    if gaussians.positions.ndim != 2:
        raise ValueError(f"got positions {tuple(gaussians.positions.shape)}, expected [N, 3]: one splat at a time")
    dtype = torch.promote_types(gaussians.positions.dtype, torch.float32)
    with torch.autocast(gaussians.positions.device.type, enabled=False):
        scaled = gaussians.to(dtype)._replace(scales=gaussians.scales.to(dtype) * scale_modifier)
        if _gsplat is not None and gaussians.positions.is_cuda:
            features = _drawn_by_gsplat(scaled, camera)
        else:
            features = _composite(_project(scaled, camera), camera)
    behind = torch.as_tensor(background).to(features)
    rgb, alpha, depth = features[..., :3], features[..., 3], features[..., 4]
    return Rendered(rgb + (1 - alpha)[..., None] * behind, alpha, depth)


def _drawn_by_gsplat(gaussians: Gaussians, camera: Camera) -> Tensor:
    """[H, W, 5], like `_composite`; gsplat cuts a Gaussian off at three and a third standard deviations."""
    view = world_to_camera(camera.pose).to(gaussians.positions)
    inner = view.new_tensor([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    colours_and_depth, alpha, _ = _gsplat.rasterization(
        *(gaussians.positions, gaussians.rotations, gaussians.scales, gaussians.opacities, gaussians.colours),
        *(view[None], inner[None], camera.width, camera.height),
        near_plane=NEAREST,
        eps2d=LOW_PASS,
        render_mode="RGB+D",
    )
    return torch.cat([colours_and_depth[0, ..., :3], alpha[0], colours_and_depth[0, ..., 3:]], dim=-1)


def _project(gaussians: Gaussians, camera: Camera) -> _Ellipses:
    """The visible ellipses."""
    view = world_to_camera(camera.pose).to(gaussians.positions)
    points = gaussians.positions @ view[:3, :3].T + view[:3, 3]  # OpenCV axes
    with torch.no_grad():
        order = points[:, 2].argsort()
        order = order[(points[order, 2] > NEAREST) & (gaussians.opacities[order] >= FAINTEST)]
    x, y, z = points[order].unbind(-1)
    opacities = gaussians.opacities[order]

    half = rotation_matrices(gaussians.rotations[order]) * gaussians.scales[order, None, :]
    half = view[:3, :3] @ half  # [M, 3, 3]: the covariance is half @ half.T
    across, down = (
        _slopes(x / z, camera.cx, camera.fx, camera.width),
        _slopes(y / z, camera.cy, camera.fy, camera.height),
    )
    row_x = (half[:, 0] - across[:, None] * half[:, 2]) * (camera.fx / z)[:, None]
    row_y = (half[:, 1] - down[:, None] * half[:, 2]) * (camera.fy / z)[:, None]
    xx, xy, yy = (row_x * row_x).sum(-1) + LOW_PASS, (row_x * row_y).sum(-1), (row_y * row_y).sum(-1) + LOW_PASS
    determinant = xx * yy - xy * xy

    centres = torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], dim=-1)
    conics = torch.stack([yy, -xy, xx], dim=-1) / determinant[:, None]
    features = torch.cat([gaussians.colours[order], torch.ones_like(z)[:, None], z[:, None]], dim=-1)
    with torch.no_grad():
        farthest = 2 * (opacities / FAINTEST).log()  # squared distance, in standard deviations
        reach = (farthest[:, None] * torch.stack([xx, yy], dim=-1)).sqrt()
        edges = centres.new_tensor([camera.width, camera.height])
        seen = ((centres + reach > 0) & (centres - reach < edges)).all(-1) & (determinant > 0)
    parts = [centres, conics, opacities.log()[:, None], features]
    return _Ellipses(centres[seen], reach[seen], [part[seen] for part in parts])


def rotation_matrices(rotations: Tensor) -> Tensor:
    """[..., 3, 3] for column vectors, of unit quaternions [..., 4], w first."""
    w, x, y, z = rotations.unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _slopes(slopes: Tensor, principal_px: float, f_px: float, length: int) -> Tensor:
    """Clamped near the picture: far outside, the linearised perspective would give ellipses of any size."""
    beyond = _BEYOND * 0.5 * length / f_px
    return slopes.clamp(-principal_px / f_px - beyond, (length - principal_px) / f_px + beyond)


def _boxes(ellipses: _Ellipses, columns: int, rows: int) -> tuple[Tensor, Tensor]:
    """[M, 2] each: the first and last tile, column and row, that every ellipse can reach."""
    last = torch.tensor([columns, rows], device=ellipses.centres.device) - 1
    low = ((ellipses.centres - ellipses.reach) / _TILE).floor().clamp(min=0).long()
    return low, torch.minimum(((ellipses.centres + ellipses.reach) / _TILE).floor().long(), last)


def _bands(boxes: tuple[Tensor, Tensor], rows: int) -> Iterator[tuple[int, int]]:
    """Ranges of tile rows to list at a time: one unless the ellipses are many and large."""
    low, high = boxes
    count = max(1, min(rows, math.ceil(int((high - low + 1).clamp(min=0).prod(-1).sum()) / _PAIRS_LISTED)))
    edges = [rows * i // count for i in range(count + 1)]
    yield from itertools.pairwise(edges)


def _pairs(boxes: tuple[Tensor, Tensor], columns: int, rows: tuple[int, int]) -> _Pairs:
    """The tiles of some rows with their ellipses, nearest first."""
    low, high = boxes
    top, bottom = low[:, 1].clamp(min=rows[0]), high[:, 1].clamp(max=rows[1] - 1)
    wide, tall = (high[:, 0] - low[:, 0] + 1).clamp(min=0), (bottom - top + 1).clamp(min=0)
    counts = wide * tall
    ellipse = torch.arange(len(counts), device=low.device).repeat_interleave(counts)
    nth = torch.arange(len(ellipse), device=low.device) - (counts.cumsum(0) - counts)[ellipse]
    width = wide[ellipse]
    tile = (top[ellipse] + nth // width) * columns + low[ellipse, 0] + nth % width
    tile, order = tile.sort(stable=True)
    place, length = tile.unique_consecutive(return_counts=True)
    middle = (torch.stack([place % columns, place // columns], dim=-1) + 0.5) * _TILE
    return _Pairs(ellipse[order], length.cumsum(0) - length, length, middle, place)


def _composite(ellipses: _Ellipses, camera: Camera) -> Tensor:
    """[H, W, 5]: the alpha-blended features of all ellipses."""
    columns, rows = math.ceil(camera.width / _TILE), math.ceil(camera.height / _TILE)
    boxes = _boxes(ellipses, columns, rows)
    packed = torch.cat(ellipses.parts, dim=-1)
    whole = packed.new_zeros(rows * columns, _FEATURES, _TILE * _TILE)
    drawn = [
        each
        for band in _bands(boxes, rows)
        for pairs in (_pairs(boxes, columns, band),)
        # tiles with lists of similar length are batched, so that few wait for the longest
        for group in pairs.length.argsort(descending=True).split(_PAIRS_AT_ONCE // _SLICE)
        if len(group)
        for each in _draw(packed, pairs, group)
    ]
    if drawn:
        whole = whole.index_add(0, torch.cat([tiles for tiles, _ in drawn]), torch.cat([seen for _, seen in drawn]))
    picture = whole.unflatten(0, (rows, columns)).unflatten(3, (_TILE, _TILE))  # [rows, columns, 5, y, x]
    return picture.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)[: camera.height, : camera.width]


def _draw(packed: Tensor, pairs: _Pairs, tiles: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Tile numbers in the picture, and [tiles, 5, pixels] to add there, one slice of the lists at a time.

    A tile is dropped when its list ends or it is opaque.
    """
    through = packed.new_ones(len(tiles), _TILE * _TILE)
    basis = _basis(packed)
    nowhere = packed.new_tensor([-math.inf, 0.0, 0.0, 0.0, 0.0, 0.0])
    for begin in range(0, int(pairs.length[tiles[0]]), _SLICE):
        alive = ((pairs.length[tiles] > begin) & (through.detach() >= SHUT).any(-1)).nonzero()[:, 0]
        if not len(alive):
            return
        tiles, through = tiles[alive], through.index_select(0, alive)
        nth = begin + torch.arange(_SLICE, device=tiles.device)
        is_there = nth < pairs.length[tiles, None]
        chosen = pairs.ellipse[torch.where(is_there, pairs.start[tiles, None] + nth, 0)]  # [A, SLICE]
        some = packed.index_select(0, chosen.flatten()).unflatten(0, chosen.shape)
        terms = torch.where(is_there[..., None], _terms(some, pairs.middle[tiles].to(packed)), nowhere)
        answer: Any = Blend.apply(terms, some[..., -_FEATURES:], through, basis)
        seen, through = answer
        yield pairs.place[tiles], seen


def _terms(some: Tensor, middle: Tensor) -> Tensor:
    """[A, K, 6]: log alpha of ellipses over a tile's pixels, as a polynomial of `_basis`.

    At (x, y) it is log o - (a dx^2 + 2 b dx dy + c dy^2) / 2 with dx = x - cx and dy = y - cy.

    Args:
        some: [A, K, 11] packed ellipses.
        middle: [A, 2] of the tiles, pixels.
    """
    cx, cy = (some[..., :2] - middle[:, None]).unbind(-1)
    a, b, c, logarithm = some[..., 2:6].unbind(-1)
    across, down = a * cx + b * cy, c * cy + b * cx
    return torch.stack([logarithm - 0.5 * (cx * across + cy * down), across, down, -0.5 * a, -b, -0.5 * c], dim=-1)


def _basis(like: Tensor) -> Tensor:
    """[6, pixels]: 1, x, y, x^2, xy, y^2 at a tile's pixel centres, relative to its middle."""
    line = torch.arange(_TILE, dtype=like.dtype, device=like.device) + 0.5 - _TILE / 2
    y, x = (each.flatten() for each in torch.meshgrid(line, line, indexing="ij"))
    return torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y])
