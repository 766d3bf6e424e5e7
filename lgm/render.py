"""Gaussians to a picture, differentiably, in plain torch: the published equations of 3D Gaussian splatting.

    project      each Gaussian becomes an ellipse of the picture
    pairs        each ellipse is listed with every tile of 8 x 8 pixels it can reach, nearest first within a tile
    composite    all tiles at once, a slice of their lists at a time, until nothing shines through

A Gaussian reaches as far as its opacity is at least 1/255, so cutting it into tiles changes nothing. In a tile the
logarithm of its opacity is a quadratic in x and y: one matrix product gives it for all pixels. Memory is bounded by
`_PAIRS_AT_ONCE` without gradients, and with them by recomputing each slice on the way back.

Knows no network. Where `gsplat` is installed with its CUDA code built and the Gaussians are on a GPU, that draws
instead; it is never compiled here.

Source: Kerbl et al., https://arxiv.org/abs/2308.04079; Zwicker et al., EWA splatting (2001); constants of
graphdeco-inria's rasterizer.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from lgm.cameras import Camera, world_to_camera
from lgm.gaussians import Gaussians

NEAREST = 0.2
"""Depth before the camera, world units, under which a Gaussian is left out."""
LOW_PASS = 0.3
"""Added to the variances of an ellipse, square pixels: nothing is narrower than a pixel."""
OPAQUEST = 0.99
FAINTEST = 1 / 255
"""The most and the least a Gaussian covers of a pixel; below it is left out."""
SHUT = 1e-4
"""What shines through a pixel that is done."""
_BEYOND = 0.3
"""Share of the half picture beyond its edge up to which perspective is linearised in its place."""
_TILE = 8
_SLICE = 32
"""Gaussians of a tile's list that are composited at a time."""
_PAIRS_AT_ONCE = 32_768

WHITE = (1.0, 1.0, 1.0)

_has_gsplat = importlib.util.find_spec("gsplat") and importlib.util.find_spec("gsplat.csrc")  # csrc: already compiled
_gsplat: Any = importlib.import_module("gsplat") if _has_gsplat else None


class Rendered(NamedTuple):
    """A picture of Gaussians; floating, of their dtype."""

    rgb: Tensor  # [H, W, 3] over the background; not clipped: above 1 only if colours are
    alpha: Tensor  # [H, W] in [0, 1], what the Gaussians cover
    depth: Tensor  # [H, W] world units before the camera, weighed by what each covers; divide by alpha for the mean


class _Ellipses(NamedTuple):
    """Gaussians in the picture, the nearest first."""

    centres: Tensor  # [M, 2] pixels, x then y
    conics: Tensor  # [M, 3] inverse covariance: xx, xy, yy
    reach: Tensor  # [M, 2] half width and half height of what is not too faint, pixels
    opacities: Tensor  # [M]
    features: Tensor  # [M, 5] red, green, blue, 1, depth


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
        gaussians: [N, ...], float32 or float64, on any device; gradients flow to all of them.
        camera: its pose may be on another device and of another dtype.
        background: RGB, or [H, W, 3].
        scale_modifier: makes every Gaussian smaller or larger.
    """
    if gaussians.positions.ndim != 2:
        raise ValueError(f"got positions {tuple(gaussians.positions.shape)}, expected [N, 3]: one splat at a time")
    behind = torch.as_tensor(background).to(gaussians.positions)
    scaled = gaussians._replace(scales=gaussians.scales * scale_modifier)
    if _gsplat is not None and gaussians.positions.is_cuda:
        features = _drawn_by_gsplat(scaled, camera)
    else:
        features = _composite(_project(scaled, camera), camera)
    rgb, alpha, depth = features[..., :3], features[..., 3], features[..., 4]
    return Rendered(rgb + (1 - alpha)[..., None] * behind, alpha, depth)


def render_views(
    gaussians: Gaussians, cameras: list[Camera], *, background: tuple[float, float, float] | Tensor = WHITE
) -> Tensor:
    """RGB and alpha of several pictures of one size: [V, H, W, 4]."""
    views = [render(gaussians, camera, background=background) for camera in cameras]
    return torch.stack([torch.cat([view.rgb, view.alpha[..., None]], dim=-1) for view in views])


def _drawn_by_gsplat(gaussians: Gaussians, camera: Camera) -> Tensor:
    """[H, W, 5], as `_composite`; gsplat ends a Gaussian at three standard deviations and a third."""
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
    """The ellipses that can be seen."""
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
    return _Ellipses(centres[seen], conics[seen], reach[seen], opacities[seen], features[seen])


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
    """Kept near the picture: far outside, the linearised perspective would make ellipses of any size."""
    beyond = _BEYOND * 0.5 * length / f_px
    return slopes.clamp(-principal_px / f_px - beyond, (length - principal_px) / f_px + beyond)


def _pairs(ellipses: _Ellipses, camera: Camera) -> _Pairs:
    """Tiles with their ellipses, the nearest first."""
    device = ellipses.centres.device
    columns, rows = math.ceil(camera.width / _TILE), math.ceil(camera.height / _TILE)
    last = torch.tensor([columns, rows], device=device) - 1
    low = ((ellipses.centres - ellipses.reach) / _TILE).floor().clamp(min=0).long()
    high = torch.minimum(((ellipses.centres + ellipses.reach) / _TILE).floor().long(), last)
    wide, tall = (high - low + 1).clamp(min=0).unbind(-1)
    counts = wide * tall
    ellipse = torch.arange(len(counts), device=device).repeat_interleave(counts)
    nth = torch.arange(len(ellipse), device=device) - (counts.cumsum(0) - counts)[ellipse]
    width = wide[ellipse]
    tile = (low[ellipse, 1] + nth // width) * columns + low[ellipse, 0] + nth % width
    tile, order = tile.sort(stable=True)
    place, count = tile.unique_consecutive(return_counts=True)
    middle = (torch.stack([place % columns, place // columns], dim=-1) + 0.5) * _TILE
    return _Pairs(ellipse[order], count.cumsum(0) - count, count, middle.to(ellipses.centres), place)


def _composite(ellipses: _Ellipses, camera: Camera) -> Tensor:
    """[H, W, 5]: features of all ellipses, each weighed by what it covers and what shines through those before it."""
    with torch.no_grad():
        pairs = _pairs(ellipses, camera)
    columns, rows = math.ceil(camera.width / _TILE), math.ceil(camera.height / _TILE)
    whole = ellipses.features.new_zeros(rows * columns, _TILE * _TILE, ellipses.features.shape[1])
    drawn = [
        (group, _draw(ellipses, pairs, group))
        # tiles with lists of like length go together, so that few wait for the longest
        for group in pairs.length.argsort(descending=True).split(_PAIRS_AT_ONCE // _SLICE)
        if len(group)
    ]
    if drawn:
        places = torch.cat([pairs.place[group] for group, _ in drawn])
        whole = whole.index_copy(0, places, torch.cat([features for _, features in drawn]))
    picture = whole.unflatten(0, (rows, columns)).unflatten(2, (_TILE, _TILE)).transpose(1, 2)
    return picture.flatten(2, 3).flatten(0, 1)[: camera.height, : camera.width]


def _draw(ellipses: _Ellipses, pairs: _Pairs, tiles: Tensor) -> Tensor:
    """[len(tiles), pixels, 5]; a tile is left when its list ends or nothing shines through it any more."""
    features = ellipses.features.new_zeros(len(tiles), _TILE * _TILE, ellipses.features.shape[1])
    through = features.new_ones(len(tiles), _TILE * _TILE)
    alive = torch.arange(len(tiles), device=tiles.device)
    learns = torch.is_grad_enabled() and any(part.requires_grad for part in ellipses)
    for begin in range(0, int(pairs.length[tiles].max()), _SLICE):
        with torch.no_grad():
            alive = alive[(pairs.length[tiles[alive]] > begin) & (through[alive] >= SHUT).any(-1)]
            if not len(alive):
                break
            some = tiles[alive]
            nth = begin + torch.arange(_SLICE, device=tiles.device)
            is_there = nth < pairs.length[some, None]
            chosen = pairs.ellipse[torch.where(is_there, pairs.start[some, None] + nth, 0)]  # [A, SLICE]
        arguments = (
            *(ellipses.centres[chosen], ellipses.conics[chosen], ellipses.opacities[chosen], ellipses.features[chosen]),
            *(is_there, pairs.middle[some], through[alive]),
        )
        added, left = checkpoint(_slice, *arguments, use_reentrant=False) if learns else _slice(*arguments)
        features = features.index_add(0, alive, added)
        through = through.index_copy(0, alive, left)
    return features


def _slice(
    centres: Tensor,
    conics: Tensor,
    opacities: Tensor,
    features: Tensor,
    is_there: Tensor,
    middle: Tensor,
    through: Tensor,
) -> tuple[Tensor, Tensor]:
    """Composite K ellipses in each of A tiles.

    Args:
        centres: [A, K, 2]; conics: [A, K, 3]; opacities: [A, K]; features: [A, K, 5].
        is_there: [A, K] bool.
        middle: [A, 2].
        through: [A, pixels] what shines through all before.

    Returns:
        [A, pixels, 5] to add, and [A, pixels] what shines through now.
    """
    # log opacity at (x, y) = log o - (a dx^2 + 2 b dx dy + c dy^2) / 2 with dx = x - cx, as a polynomial in x and y
    cx, cy = (centres - middle[:, None]).unbind(-1)
    a, b, c = conics.unbind(-1)
    constant = opacities.log() - 0.5 * (a * cx * cx + c * cy * cy) - b * cx * cy
    terms = torch.stack([constant, a * cx + b * cy, c * cy + b * cx, -0.5 * a, -b, -0.5 * c], dim=-1)
    alpha = (terms @ _basis(terms)).exp().clamp(max=OPAQUEST)  # [A, K, pixels]
    alpha = alpha.where((alpha >= FAINTEST) & is_there[..., None], 0.0)
    after = through[:, None] * (1 - alpha).cumprod(dim=1)
    before = torch.cat([through[:, None], after[:, :-1]], dim=1)
    weights = (alpha * before).where(after >= SHUT, 0.0)
    return weights.transpose(1, 2) @ features, after[:, -1]


def _basis(like: Tensor) -> Tensor:
    """[6, pixels]: 1, x, y, x^2, xy, y^2 at the centres of a tile's pixels, from its middle."""
    line = torch.arange(_TILE, dtype=like.dtype, device=like.device) + 0.5 - _TILE / 2
    y, x = (each.flatten() for each in torch.meshgrid(line, line, indexing="ij"))
    return torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y])
