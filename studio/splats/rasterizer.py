"""Renders a splat in numpy: for thumbnails, silhouettes and previews. Knows no files and no torch.

View-dependent colours are averaged.

Source: Kerbl et al., "3D Gaussian Splatting" (2023) and Zwicker et al., "EWA Splatting" (2002).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from studio.geometry import Crop, PictureCamera
from studio.splats.splat import Splat, rotation_matrices
from studio.splats.transform import placed

MAX_PAIRS = 12_000_000
"""Pairs of a Gaussian and a pixel it touches, in a small picture; beyond that, only every second, third, ... Gaussian
is drawn."""
_PAIRS_AT_ONCE = 50_000
_PIXELS_AT_ONCE = 1 << 16
_FAINTEST = 1 / 255
_MOST_OPAQUE = 0.99
_COVERED = 1 / 1000
"""Transmittance below which nothing more is drawn behind."""
_BLUR = 0.3
"""Pixels squared added to every footprint, so that none falls between pixels."""
_NEAREST = 0.13
"""Near plane over the camera's distance. LGM's renderer uses 0.2 of 1.5."""


class Painted(NamedTuple):
    """A rendered splat."""

    rgb: np.ndarray  # (H, W, 3) float32, times alpha
    alpha: np.ndarray  # (H, W) float32 [0, 1]

    def over(self, ground: Image.Image) -> Image.Image:
        """RGB: the splat in front of a picture of the same size."""
        behind = np.asarray(ground.convert("RGB"), np.float32) / 255
        return _image(self.rgb + (1 - self.alpha[..., None]) * behind)

    def image(self) -> Image.Image:
        """RGBA."""
        plain = _image(self.rgb / np.maximum(self.alpha, 1e-6)[..., None])
        plain.putalpha(_image(self.alpha))
        return plain


def through(camera: PictureCamera, window: Crop, side: int) -> PictureCamera:
    """The same camera, looking at a square of its picture.

    Args:
        window: of the picture, may reach beyond it.
        side: pixels of the new picture.
    """
    scale = side / window.side
    left, top, across = camera.crop
    crop = Crop((left - window.left) * scale, (top - window.top) * scale, across * scale)
    return replace(camera, width=side, height=side, crop=crop)


def within(camera: PictureCamera, most: int) -> PictureCamera:
    """The same camera, whose picture has a longest side of at most `most` pixels."""
    scale = min(1.0, most / max(camera.width, camera.height))
    crop = Crop(*(value * scale for value in camera.crop))
    width, height = (max(1, round(side * scale)) for side in (camera.width, camera.height))
    return replace(camera, width=width, height=height, crop=crop)


def facing(splat: Splat) -> PictureCamera:
    """A camera in front of a splat without one, with nearly all of it in view."""
    low, high = splat.bounds(0.98)
    radius = 1.5 * max(float((high - low).max()), 1e-6)
    centre = (low + high) / 2
    return PictureCamera(
        512, 512, Crop(0, 0, 512), radius=radius, target=(float(centre[0]), float(centre[1]), float(centre[2]))
    )


def portrait(splat: Splat, side: int) -> Image.Image:
    """RGBA, square: the splat at its reset pose, or from the front."""
    camera = splat.pose.camera
    if camera is None:
        splat = placed(splat)
        camera = facing(splat)
    return painted(splat, through(camera, camera.crop, side)).image()


def painted(splat: Splat, camera: PictureCamera, most_pairs: int = MAX_PAIRS) -> Painted:
    """The splat at its pose as a camera sees it, as large as the camera's picture.

    Args:
        most_pairs: limit on pairs of a Gaussian and a pixel it touches, which determine the time.
    """
    marks = _marks(placed(replace(splat, sh_rest=None)), camera)
    marks = marks.only(np.arange(0, len(marks.boxes), 1 + int(_areas(marks.boxes).sum()) // most_pairs))
    rgb = np.zeros((camera.height * camera.width, 3), np.float32)
    alpha = np.zeros(camera.height * camera.width, np.float32)
    rows = max(1, _PIXELS_AT_ONCE // camera.width)
    for top in range(0, camera.height, rows):
        bottom = min(top + rows, camera.height)
        pixels = slice(top * camera.width, bottom * camera.width)
        rgb[pixels], alpha[pixels] = _band(marks, camera.width, top, bottom)
    return Painted(rgb.reshape(camera.height, camera.width, 3), alpha.reshape(camera.height, camera.width))


def pairs_of(splat: Splat, camera: PictureCamera) -> int:
    """How many pairs of a Gaussian and a pixel it may touch a picture has: the work of rendering it."""
    return int(_areas(_marks(placed(replace(splat, sh_rest=None)), camera).boxes).sum())


class _Marks(NamedTuple):
    """The Gaussians that touch the picture, nearest first. Pixel j has its centre at j."""

    centres: np.ndarray  # (N, 2) float32
    falls: np.ndarray  # (N, 3) float32: 1 / variance down; columns that the middle moves per row; 1 / variance in a row
    boxes: np.ndarray  # (N, 4) int64: left, top, right and bottom, within the picture, the last two one past it
    opacities: np.ndarray  # (N,) float32
    colours: np.ndarray  # (N, 3) float32 [0, 1]

    def only(self, kept: np.ndarray) -> _Marks:
        """Args: kept: (K,) int."""
        return _Marks(*(one.take(kept, axis=0) for one in self))


def _marks(splat: Splat, camera: PictureCamera) -> _Marks:
    """Args: splat: placed."""
    seen = (splat.positions.astype(np.float64) - camera.position()) @ camera.axes().T
    depths = -seen[:, 2]
    kept = (depths > _NEAREST * camera.radius) & (splat.opacities > _FAINTEST)
    order = np.flatnonzero(kept)[np.argsort(depths[kept], kind="stable")]
    seen, depths, opacities = seen[order], depths[order], splat.opacities[order]
    f, centre = camera.f_px, np.array(camera.centre_px)
    flat = seen[:, :2] / depths[:, None] * (1, -1)
    centres = f * flat + centre - 0.5
    covariance = _covariances(splat.only(order), camera, flat, depths)
    reach = 2 * np.log(opacities / _FAINTEST)  # squared, in standard deviations
    half = np.sqrt(reach[:, None] * covariance[:, [0, 2]])
    most = (camera.width, camera.height)
    low = np.clip(np.ceil(centres - half), 0, most).astype(np.int64)
    high = np.clip(np.floor(centres + half) + 1, 0, most).astype(np.int64)
    xx, xy, yy = covariance.T
    determinant = np.maximum(xx * yy - xy * xy, 1e-12)
    marks = _Marks(
        centres=centres.astype(np.float32),
        falls=np.stack([1 / yy, xy / yy, yy / determinant], axis=1).astype(np.float32),
        boxes=np.concatenate([low, high], axis=1),
        opacities=opacities,
        colours=np.clip(splat.colours[order], 0, 1),
    )
    return marks.only(np.flatnonzero((low < high).all(axis=1)))


def _covariances(splat: Splat, camera: PictureCamera, flat: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """(N, 3) float64: xx, xy and yy of each footprint, pixels squared.

    Args:
        flat: (N, 2) x and y over depth, y down.
    """
    f = camera.f_px
    edges = np.array([camera.centre_px, (camera.width - camera.centre_px[0], camera.height - camera.centre_px[1])])
    most = 1.3 * np.abs(edges).max(axis=0) / f  # far outside the picture the linear approximation blows up
    steep = np.clip(flat, -most, most) * f / depths[:, None]
    right, up, backward = camera.axes()
    across = right * (f / depths)[:, None] + backward * steep[:, :1]
    down = -up * (f / depths)[:, None] + backward * steep[:, 1:]
    axes = rotation_matrices(splat.rotations.astype(np.float64)) * splat.scales[:, None, :]
    x, y = (np.einsum("ni,nij->nj", one, axes) for one in (across, down))
    return np.stack([(x * x).sum(1) + _BLUR, (x * y).sum(1), (y * y).sum(1) + _BLUR], axis=1)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _band(marks: _Marks, width: int, top: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    """Colours times alpha (pixels, 3) and alphas (pixels,) of some rows."""
    marks = marks.only(np.flatnonzero((marks.boxes[:, 1] < bottom) & (marks.boxes[:, 3] > top)))
    rows = np.clip(marks.boxes[:, [1, 3]] - top, 0, bottom - top)
    boxes = np.stack([marks.boxes[:, 0], rows[:, 0], marks.boxes[:, 2], rows[:, 1]], axis=1)
    marks = marks._replace(boxes=boxes, centres=marks.centres - np.array([0, top], np.float32))
    rgb = np.zeros((3, (bottom - top) * width), np.float32)
    clear = np.ones(rgb.shape[1], np.float32)  # transmittance
    groups = np.cumsum(_areas(boxes)) // _PAIRS_AT_ONCE
    for group in np.split(np.arange(len(groups)), np.flatnonzero(np.diff(groups)) + 1):
        near = marks.only(group)
        _lay(near.only(_unhidden(near.boxes, clear.reshape(-1, width))), width, rgb, clear)
    return rgb.T, 1 - clear


def _unhidden(boxes: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Indices of boxes that have a pixel not yet covered: (K,) int."""
    counts = cv2.integral((clear > _COVERED).view(np.uint8))
    left, top, right, bottom = boxes.T
    return np.flatnonzero(counts[bottom, right] - counts[top, right] - counts[bottom, left] + counts[top, left])


def _lay(marks: _Marks, width: int, rgb: np.ndarray, clear: np.ndarray) -> None:
    """Add Gaussians behind those already drawn. Args: rgb: (3, pixels)."""
    pixel, opacity, which = _pairs(marks, width)
    pairs = np.sort(pixel.astype(np.uint64) << 32 | np.arange(len(pixel), dtype=np.uint64))  # faster than argsort
    order, pixel = (pairs & 0xFFFFFFFF).astype(np.int64), (pairs >> 32).astype(np.int64)
    opacity, which = opacity.take(order), which.take(order)
    if not len(pixel):
        return
    first = np.concatenate([[0], np.flatnonzero(pixel[1:] != pixel[:-1]) + 1])
    let_through = np.concatenate([[0.0], np.cumsum(np.log1p(-opacity), dtype=np.float64)])
    before = let_through[:-1] - np.repeat(let_through[first], np.diff(first, append=len(pixel)))
    weights = opacity * np.exp(before.astype(np.float32)) * clear.take(pixel)
    touched = pixel[first]
    for plane, colours in zip(rgb, np.ascontiguousarray(marks.colours.T), strict=True):
        plane[touched] += np.add.reduceat(weights * colours.take(which), first)
    clear[touched] -= np.add.reduceat(weights, first)


def _pairs(marks: _Marks, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each pixel that each Gaussian touches, nearest first: pixels (P,), opacities (P,) float32, Gaussians (P,).

    Row by row, where a Gaussian is one-dimensional and its ends are known.
    """
    left, top, right, bottom = marks.boxes.T
    splat = np.repeat(np.arange(len(top)), bottom - top)
    row = np.arange(len(splat)) + (bottom - np.cumsum(bottom - top)).take(splat)
    down, slope, across = np.ascontiguousarray(marks.falls.T).take(splat, axis=1)
    beside = row.astype(np.float32) - marks.centres[splat, 1]
    middle = marks.centres[splat, 0] + slope * beside
    peak = marks.opacities[splat] * np.exp(-0.5 * down * beside * beside)
    half = np.sqrt(np.maximum(2 * np.log(peak / _FAINTEST), 0) / across)
    low = np.maximum(np.ceil(middle - half).astype(np.int64), left[splat])
    counts = np.maximum(np.minimum(np.floor(middle + half).astype(np.int64) + 1, right[splat]) - low, 0)
    counts[peak < _FAINTEST] = 0
    run = np.repeat(np.arange(len(counts)), counts)
    column = np.arange(len(run)) + (low - np.cumsum(counts) + counts).take(run)
    beside = column.astype(np.float32) - middle.take(run)
    opacity = peak.take(run) * np.exp((-0.5 * across).take(run) * beside * beside)
    return (row * width).take(run) + column, np.minimum(opacity, _MOST_OPAQUE), splat.take(run)


def _image(values: np.ndarray) -> Image.Image:
    return Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))
