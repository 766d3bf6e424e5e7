"""The film of how a picture formed, stored in the picture's own file, after its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.png_chunks import chunks

CHUNK = b"diFm"
"""Ancillary, private, safe to copy. Source: PNG specification, third edition, section 5.4."""
_MOST_BYTES = 100_000_000
_MOST_CHUNKS = 10_000
_LAST_FRAME_FOR = 24  # frames: a second


def write_film(frames: Sequence[Image.Image], note: str) -> bytes:
    """An MP4 of frames of one size, which stays on the last one for a while.

    Args:
        note: stored as its comment, such as a recipe as JSON.
    """
    from studio.splats.video import write_mp4  # PyAV takes 0.1 s to load, a fifth of the command line's start

    width, height = (side // 2 * 2 for side in frames[0].size)
    even = [frame.crop((0, 0, width, height)) for frame in frames]
    return write_mp4([*even, *even[-1:] * _LAST_FRAME_FOR], note, width, height)


def with_film(text: PngInfo, film: bytes) -> PngInfo:
    """The PNG's texts, with the film, if there is one, after the pixels."""
    if film:
        text.add(CHUNK, film, after_idat=True)
    return text


def read_film(path: Path) -> bytes | None:
    """The film in a PNG file; None if there is none, or it is damaged."""
    with path.open("rb") as file:
        found = (chunk.body for chunk in chunks(file, (CHUNK,), _MOST_CHUNKS, _MOST_BYTES) if chunk.kind == CHUNK)
        return next(found, None)
