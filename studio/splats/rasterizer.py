"""A splat painted as a picture, in numpy: for thumbnails, silhouettes and quick looks. Knows no files and no torch.

Colours that differ by direction are painted as seen from everywhere.
Source: Kerbl et al., "3D Gaussian Splatting" (2023) and Zwicker et al., "EWA Splatting" (2002).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from studio.splats.splat import Camera, Crop, Splat, rotation_matrices
from studio.splats.transform import placed

MAX_PAIRS = 12_000_000
"""Pairs of a splat and a pixel it touches, in a small picture: where there are more, only every second, third, ...
splat is painted."""
_PAIRS_AT_ONCE = 1_000_000
_PIXELS_AT_ONCE = 1 << 16  # numpy sorts 16-bit numbers in linear time
_FAINTEST = 1 / 255
_MOST_OPAQUE = 0.99
_BLUR = 0.3
"""Pixels squared that are added to every footprint, so that none falls between two pixels."""
_NEAREST = 0.13
"""Of the camera's distance: what is nearer is not painted. LGM's renderer leaves out what is nearer than 0.2 of 1.5."""


class Painted(NamedTuple):
    """A painted splat."""

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


def through(camera: Camera, window: Crop, side: int) -> Camera:
    """The same camera, whose picture is a square of what it saw.

    Args:
        window: of the picture, may reach beyond it.
        side: pixels of the new picture.
    """
    scale = side / window.side
    left, top, across = camera.crop
    crop = Crop((left - window.left) * scale, (top - window.top) * scale, across * scale)
    return replace(camera, width=side, height=side, crop=crop)


def within(camera: Camera, most: int) -> Camera:
    """The same camera, whose picture has a longest side of `most` pixels at most."""
    scale = min(1.0, most / max(camera.width, camera.height))
    crop = Crop(*(value * scale for value in camera.crop))
    width, height = (max(1, round(side * scale)) for side in (camera.width, camera.height))
    return replace(camera, width=width, height=height, crop=crop)


def facing(splat: Splat) -> Camera:
    """A camera in front of a splat that has none, so that nearly all of it is in the picture."""
    low, high = splat.bounds(0.98)
    radius = 1.5 * max(float((high - low).max()), 1e-6)
    centre = (low + high) / 2
    return Camera(
        512, 512, Crop(0, 0, 512), radius=radius, target=(float(centre[0]), float(centre[1]), float(centre[2]))
    )


def portrait(splat: Splat, side: int) -> Image.Image:
    """RGBA, square: the splat as it is seen at its reset pose, or from in front."""
    camera = splat.pose.camera
    if camera is None:
        splat = placed(splat)
        camera = facing(splat)
    return painted(splat, through(camera, camera.crop, side)).image()


def painted(splat: Splat, camera: Camera, most_pairs: int = MAX_PAIRS) -> Painted:
    """The splat at its pose as a camera sees it, as large as the camera's picture.

    Args:
        most_pairs: of a splat and a pixel it touches; the work and the time grow with them.
    """
    marks = _marks(placed(replace(splat, sh_rest=None)), camera)
    marks = marks.only(slice(None, None, 1 + int(_areas(marks.boxes).sum()) // most_pairs))
    rgb = np.zeros((camera.height * camera.width, 3), np.float32)
    alpha = np.zeros(camera.height * camera.width, np.float32)
    for top, bottom in _bands(marks, camera):
        pixels = slice(top * camera.width, bottom * camera.width)
        rgb[pixels], alpha[pixels] = _band(marks, camera.width, top, bottom)
    return Painted(rgb.reshape(camera.height, camera.width, 3), alpha.reshape(camera.height, camera.width))


class _Marks(NamedTuple):
    """The splats that touch the picture, nearest first. A pixel j has its centre at j."""

    centres: np.ndarray  # (N, 2) float32
    inverses: np.ndarray  # (N, 3) float32: xx, xy and yy of the inverse covariance
    boxes: np.ndarray  # (N, 4) int64: left, top, right and bottom, within the picture, the last two one past it
    opacities: np.ndarray  # (N,) float32
    colours: np.ndarray  # (N, 3) float32 [0, 1]

    def only(self, kept: np.ndarray | slice) -> _Marks:
        return _Marks(*(one[kept] for one in self))


def _marks(splat: Splat, camera: Camera) -> _Marks:
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
        inverses=(np.stack([yy, -xy, xx], axis=1) / determinant[:, None]).astype(np.float32),
        boxes=np.concatenate([low, high], axis=1),
        opacities=opacities,
        colours=np.clip(splat.colours[order], 0, 1),
    )
    return marks.only(np.flatnonzero((low < high).all(axis=1)))


def _covariances(splat: Splat, camera: Camera, flat: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """(N, 3) float64: xx, xy and yy of each footprint, pixels squared.

    Args:
        flat: (N, 2) x and y over depth, y down.
    """
    f = camera.f_px
    edges = np.array([camera.centre_px, (camera.width - camera.centre_px[0], camera.height - camera.centre_px[1])])
    most = 1.3 * np.abs(edges).max(axis=0) / f  # far outside of the picture the flat approximation blows up
    steep = np.clip(flat, -most, most) * f / depths[:, None]
    right, up, backward = camera.axes()
    across = right * (f / depths)[:, None] + backward * steep[:, :1]
    down = -up * (f / depths)[:, None] + backward * steep[:, 1:]
    axes = rotation_matrices(splat.rotations.astype(np.float64)) * splat.scales[:, None, :]
    x, y = (np.einsum("ni,nij->nj", one, axes) for one in (across, down))
    return np.stack([(x * x).sum(1) + _BLUR, (x * y).sum(1), (y * y).sum(1) + _BLUR], axis=1)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _bands(marks: _Marks, camera: Camera) -> Iterator[tuple[int, int]]:
    """Rows that are painted at once, as the memory for their pairs allows."""
    share = max(1, int(_areas(marks.boxes).sum())) / _PAIRS_AT_ONCE
    rows = max(1, min(round(camera.height / share), _PIXELS_AT_ONCE // camera.width))
    for top in range(0, camera.height, rows):
        yield top, min(top + rows, camera.height)


def _band(marks: _Marks, width: int, top: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    """Colours times alpha (pixels, 3) and alphas (pixels,) of some rows."""
    rgb, alpha = np.zeros(((bottom - top) * width, 3), np.float32), np.zeros((bottom - top) * width, np.float32)
    marks = marks.only((marks.boxes[:, 1] < bottom) & (marks.boxes[:, 3] > top))
    boxes = marks.boxes.copy()
    boxes[:, [1, 3]] = np.clip(boxes[:, [1, 3]], top, bottom)
    areas = _areas(boxes)
    which = np.repeat(np.arange(len(areas)), areas)  # pairs, nearest splat first
    if not len(which):
        return rgb, alpha
    within = np.arange(len(which)) - np.repeat(np.cumsum(areas) - areas, areas)
    row, column = np.divmod(within, (boxes[:, 2] - boxes[:, 0])[which])
    column += boxes[which, 0]
    row += boxes[which, 1]
    dx = column.astype(np.float32) - marks.centres[which, 0]
    dy = row.astype(np.float32) - marks.centres[which, 1]
    xx, xy, yy = marks.inverses[which].T
    opacity = marks.opacities[which] * np.exp(-0.5 * (xx * dx * dx + yy * dy * dy) - xy * dx * dy)
    kept = opacity >= _FAINTEST
    pixel = ((row - top) * width + column)[kept].astype(np.uint16)
    order = np.argsort(pixel, kind="stable")
    pixel, which, opacity = pixel[order], which[kept][order], np.minimum(opacity[kept][order], _MOST_OPAQUE)
    if not len(pixel):
        return rgb, alpha
    first = np.flatnonzero(np.diff(pixel, prepend=np.uint16(pixel[0] ^ 1)))
    let_through = np.log1p(-opacity.astype(np.float64))
    before = np.cumsum(let_through) - let_through
    before -= np.repeat(before[first], np.diff(first, append=len(pixel)))
    weights = (opacity * np.exp(before)).astype(np.float32)
    rgb[pixel[first]] = np.add.reduceat(weights[:, None] * marks.colours[which], first, axis=0)
    alpha[pixel[first]] = np.add.reduceat(weights, first)
    return rgb, np.minimum(alpha, 1)


def _image(values: np.ndarray) -> Image.Image:
    return Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))
