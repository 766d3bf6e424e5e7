"""Where a picture may change: masks of objects and strokes, the space an extension adds, and the limits.

Masks are HW uint8 of the canvas, the picture with its extension: 255 = may change. Knows no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from studio import masks
from studio.contract import IterateRequest, Size, Stroke
from studio.errors import BadRequest
from studio.imaging.edit_codec import SIDES
from studio.intake.picture import MAX_PIXELS
from studio.validation import shown

MAX_FEATHER = 128.0
MAX_EXTENSION = 4096
"""Pixels on one side."""
MAX_POINTS = 20_000
"""Of all strokes together, since they are stored in the recipe."""
_FEATHER_SHARE, _MAX_DEFAULT_FEATHER = 1 / 100, 24.0
_FARTHEST = 100_000.0


class Extension(NamedTuple):
    """Pixels added on each side."""

    left: int
    top: int
    right: int
    bottom: int

    def around(self, size: Size) -> Size:
        """The size of a picture's canvas."""
        return Size(size.width + self.left + self.right, size.height + self.top + self.bottom)


def completed(request: IterateRequest, size: Size) -> IterateRequest:
    """The request with mask and extension checked, and the feather decided.

    Args:
        size: of the source.

    Raises:
        BadRequest: an invalid extension, stroke or feather.
    """
    for name in ("object", "source"):
        if not isinstance(getattr(request, name), str):
            raise BadRequest(f"The {name} must be the id of a picture, not {shown(getattr(request, name))}.")
    if not isinstance(request.invert, bool):
        raise BadRequest(f"invert is true or false, not {shown(request.invert)}.")
    extension = _extension(request.extend, size)
    strokes = _strokes(request.strokes)
    if request.invert and not (request.object or strokes):
        raise BadRequest("To change everything else, first select what stays: an object or brush strokes.")
    is_limited = bool(request.object or strokes or any(extension))
    return replace(request, strokes=strokes, extend=tuple(extension), feather=_feather(request, size, is_limited))


def mask_of(request: IterateRequest, size: Size, object_mask: np.ndarray | None) -> np.ndarray | None:
    """Where the picture may change: 0 or 255; None for everywhere.

    Args:
        request: complete.
        size: of the source.
        object_mask: HW uint8 of the object's file; None without an object.

    Raises:
        BadRequest: nothing is selected, or the object belongs to a picture of another size.
    """
    extension = Extension(*request.extend)
    if object_mask is None and not request.strokes and not any(extension):
        return None
    inside = np.zeros((size.height, size.width), np.uint8)
    if object_mask is not None:
        if object_mask.shape != inside.shape:
            height, width = object_mask.shape
            raise BadRequest(
                f"The object is of a picture of {Size(width, height)} pixels, and this one has {size}. "
                "Choose an object of this picture, or paint over what to change."
            )
        inside = np.where(object_mask >= masks.HALF, 255, 0).astype(np.uint8)
    for stroke in request.strokes:
        inside = masks.draw_stroke(inside, stroke.points, stroke.radius, add=stroke.add)
    if request.invert:
        inside = 255 - inside
    canvas = np.full(extension.around(size)[::-1], 255, np.uint8)
    canvas[extension.top : extension.top + size.height, extension.left : extension.left + size.width] = inside
    if not canvas.any():
        raise BadRequest("Nothing is selected: the mask is empty. Click on an object, or paint over what to change.")
    return canvas


def feathered(mask: np.ndarray, feather: float) -> np.ndarray:
    """The opacity of the change: 255 inside the mask, falling to 0 at a distance of `feather` pixels.

    Args:
        mask: HW uint8, 0 or 255.
    """
    if feather <= 1 or not mask.any() or mask.all():
        return mask
    nearness = 1 - masks.distances(mask > 0) / np.float32(feather)
    return np.where(mask > 0, 255, np.clip(nearness * 255, 0, 255)).astype(np.uint8)


def _extension(value: Any, size: Size) -> Extension:
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise BadRequest(f"To extend, give four numbers: left, top, right and bottom; got {shown(value)}.")
    for side, pixels in zip(SIDES, value, strict=True):
        if isinstance(pixels, bool) or not isinstance(pixels, int) or not 0 <= pixels <= MAX_EXTENSION:
            raise BadRequest(
                f"The picture can be extended at the {side} by 0 to {MAX_EXTENSION} pixels, not {shown(pixels)}."
            )
    extension = Extension(*value)
    canvas = extension.around(size)
    if canvas.width * canvas.height > MAX_PIXELS:
        raise BadRequest(
            f"Extended, this picture has {canvas} pixels, more than {MAX_PIXELS / 1e6:.0f} megapixels. Extend it less."
        )
    return extension


def _strokes(value: Sequence[Stroke]) -> tuple[Stroke, ...]:
    """The strokes, rounded to a tenth of a pixel."""
    count = sum(len(stroke.points) for stroke in value)
    if count > MAX_POINTS:
        raise BadRequest(f"The brush strokes have {count:,} points; {MAX_POINTS:,} is the most. Clear some of them.")
    for stroke in value:
        for x, y in stroke.points:
            if not (abs(x) <= _FARTHEST and abs(y) <= _FARTHEST):
                raise BadRequest(f"A brush stroke goes through ({x:g}, {y:g}), far from the picture. Paint on it.")
    return tuple(
        replace(stroke, points=tuple((round(x, 1), round(y, 1)) for x, y in stroke.points)) for stroke in value
    )


def _feather(request: IterateRequest, size: Size, is_limited: bool) -> float:
    value = request.feather
    if value is None:
        share = min(max(size) * _FEATHER_SHARE, _MAX_DEFAULT_FEATHER)
        return round(max(1.0, share), 1) if is_limited else 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_FEATHER:
        raise BadRequest(f"The feather goes from 0 to {MAX_FEATHER:g} pixels, not {shown(value)}.")
    return float(value)
