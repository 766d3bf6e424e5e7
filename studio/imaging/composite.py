"""Composites a change into its picture: exactly where it is allowed, and nowhere else. Knows no models and no disk.

Outside the feathered mask every pixel stays the same, whatever the model did to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from studio import masks
from studio.contract import ModelSpec, Size
from studio.imaging import align
from studio.imaging.align import Drift
from studio.imaging.crop import Frame, Rectangle, framed
from studio.imaging.edit_mask import Extension, feathered
from studio.segmentation.objects import flat

PREVIEW_SIDE = 512
_SPARED = 0.02
"""Of the longest side: this close to the mask, where the model may have changed something, nothing is compared."""


@dataclass(frozen=True)
class Finished:
    """A picture as it is stored."""

    image: Image.Image  # RGB or RGBA
    drift: Drift | None = None  # how the model distorted the frame, in pixels of the source; None: not at all


@dataclass(frozen=True)
class EditView:
    """A picture to change, and what its model sees of it."""

    canvas: Image.Image  # RGB or RGBA: the source, with its extension
    frame: Frame
    alpha: np.ndarray | None  # HW uint8 of the frame's box: opacity of the change; None: everything changes
    shown: Image.Image  # RGB, of the model's size
    shown_mask: Image.Image | None  # "L", 0 or 255, of the same size: wherever the change is visible


def scene(
    source: Image.Image, extension: Extension, mask: np.ndarray | None, feather: float, spec: ModelSpec
) -> EditView:
    """
    Args:
        source: RGB or RGBA.
        mask: see `edit_mask.mask_of`.
        feather: see `edit_mask.feathered`.
    """
    canvas = extended(source, extension)
    box = None if mask is None else masks.box_of(mask)
    frame = framed(Size(*canvas.size), spec, None if box is None else Rectangle(*box), margin=int(feather) + 2)
    shown = _shown(flat(canvas.crop(frame.box)), frame, "edge")
    if mask is None:
        return EditView(canvas, frame, None, shown, None)
    alpha = feathered(np.asarray(Image.fromarray(mask).crop(frame.box)), feather)
    seen = Image.fromarray(np.where(alpha > 0, 255, 0).astype(np.uint8))
    shown_mask = _shown(seen, frame, "constant").point(lambda value: 255 if value else 0)
    return EditView(canvas, frame, alpha, shown, shown_mask)


def seen_as(scene: EditView, other: Image.Image) -> Image.Image:
    """Another picture in place of the canvas, as the model sees it: RGB; cropped to fit."""
    whole = ImageOps.fit(flat(other), scene.canvas.size, Image.Resampling.LANCZOS)
    return _shown(whole.crop(scene.frame.box), scene.frame, "edge")


def extended(source: Image.Image, extension: Extension) -> Image.Image:
    """The picture with space around it, filled with blurred edge colours."""
    if not any(extension):
        return source
    left, top, right, bottom = extension
    pixels = np.pad(np.asarray(source), ((top, bottom), (left, right), (0, 0)), mode="edge")
    canvas = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(max(extension) / 8))
    canvas.paste(source, (left, top))
    return canvas


def finished(scene: EditView, answer: Image.Image) -> Finished:
    """The model's result, ready to be stored.

    Args:
        answer: RGB or RGBA, of any size.
    """
    if scene.alpha is None or scene.shown_mask is None:
        return Finished(_inner_part(answer, scene.frame))
    kept = _compared(scene.shown_mask, scene.frame)
    aligned, drift = align.align(answer, scene.shown, kept)
    patch = aligned.crop(scene.frame.inner).resize(scene.frame.box.size, Image.Resampling.LANCZOS)
    image = blended(scene.canvas, patch, scene.frame.box, scene.alpha)
    scale = scene.frame.box.size.width / scene.frame.inner.size.width
    return Finished(image, drift and drift._replace(x=drift.x * scale, y=drift.y * scale))


def forming(scene: EditView) -> Callable[[Image.Image], Image.Image]:
    """Shows a preview in its place in the picture, at most PREVIEW_SIDE pixels long.

    Without alignment, which would take longer than a step.
    """
    if scene.alpha is None:
        return lambda preview: _inner_part(preview.convert("RGB"), scene.frame)
    scale = min(1.0, PREVIEW_SIDE / max(scene.canvas.size))
    small = flat(scene.canvas.resize(_scaled(scene.canvas.size, scale), Image.Resampling.BILINEAR, reducing_gap=2.0))
    box = scene.frame.box
    size = _scaled(box.size, scale)
    alpha = Image.fromarray(scene.alpha).resize(size, Image.Resampling.BILINEAR)
    place = (round(box.left * scale), round(box.top * scale))

    def shown(preview: Image.Image) -> Image.Image:
        patch = _inner_part(preview.convert("RGB"), scene.frame).resize(size, Image.Resampling.BILINEAR)
        picture = small.copy()
        picture.paste(patch, place, alpha)
        return picture

    return shown


def blended(canvas: Image.Image, patch: Image.Image, box: Rectangle, alpha: np.ndarray) -> Image.Image:
    """The canvas with a patch blended in; where the mask is 0, every byte of the canvas stays.

    Args:
        canvas: RGB or RGBA.
        patch: RGB or RGBA, of the size of the box.
        alpha: HW uint8 of the size of the box.
    """
    if canvas.mode == patch.mode == "RGB":
        result = canvas.copy()
        result.paste(patch, box, Image.fromarray(alpha))
        return result
    result = canvas.convert("RGBA")
    below, above = (np.asarray(each.convert("RGBA")).astype(np.float32) for each in (result.crop(box), patch))
    share = alpha[..., None].astype(np.float32) / 255
    low, high = below[..., 3:] * (1 - share), above[..., 3:] * share
    opacity = low + high  # colours are weighted by their opacity
    colours = (below[..., :3] * low + above[..., :3] * high) / np.maximum(opacity, 1e-6)
    mixed = np.concatenate([colours, opacity], axis=2).round().astype(np.uint8)
    result.paste(Image.fromarray(np.where(alpha[..., None] == 0, below.astype(np.uint8), mixed)), box)
    return result


def _shown(part: Image.Image, frame: Frame, border: str) -> Image.Image:
    """A part of the canvas at the model's size, padded."""
    size = frame.inner.size
    part = part if part.size == size else part.resize(size, Image.Resampling.LANCZOS)
    left, top, right, bottom = frame.inner
    around = ((top, frame.size.height - bottom), (left, frame.size.width - right), (0, 0))
    pixels = np.asarray(part)
    return Image.fromarray(np.pad(pixels, around[: pixels.ndim], mode=border))  # pyright: ignore[reportCallIssue, reportArgumentType]


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _inner_part(answer: Image.Image, frame: Frame) -> Image.Image:
    """An answer without its padding."""
    across, down = answer.width / frame.size.width, answer.height / frame.size.height
    left, top, right, bottom = frame.inner
    if (left, top, right, bottom) == (0, 0, *frame.size):
        return answer
    return answer.crop((round(left * across), round(top * down), round(right * across), round(bottom * down)))


def _compared(shown_mask: Image.Image, frame: Frame) -> np.ndarray:
    """Where the answer must be unchanged: HW bool of the model's size."""
    spared = np.ones((frame.size.height, frame.size.width), bool)
    left, top, right, bottom = frame.inner
    spared[top:bottom, left:right] = False
    around = max(2.0, _SPARED * max(frame.size))
    return ~(spared | (masks.grown(np.asarray(shown_mask), around) > 0))
