"""A picture file's header, before a pixel is decoded. Knows no format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, NamedTuple

from studio.contract import Size
from studio.errors import BadPicture, Damaged
from studio.intake.colour.colour_space import ColourSpace
from studio.intake.containers.byte_ranges import ByteRange
from studio.intake.containers.exif import NOTHING, Exif
from studio.intake.containers.texts import Texts
from studio.png_chunks import Chunk, is_sound

Format = Literal["PNG", "JPEG", "WEBP"]

MAX_CHUNKS = 200_000
MAX_PROFILE_BYTES = 4_000_000
"""Of an ICC profile, decompressed; display profiles are below 3 MB, most below 4 kB."""


class PixelArea(NamedTuple):
    """The part of the picture for which a file has pixels."""

    width: int
    height: int
    x: int
    y: int


@dataclass(frozen=True)
class Header:
    """A picture's file, parsed."""

    format: Format
    size: Size  # before the orientation is applied
    parts: tuple[ByteRange, ...]  # for the decoder
    again: tuple[ByteRange, ...] = ()  # for a second try
    ended: tuple[tuple[ByteRange, ...], ...] = ()  # of a JPEG: with an added end, and different bits before it
    depth: int = 8  # bits per sample
    place: PixelArea | None = None  # of the pixels; None: the whole picture
    checked: Sequence[Chunk] = ()  # whose checksums the decoder ignores
    pixels: tuple[ByteRange, ...] = ()  # of a PNG: where they are, compressed
    pixel_bytes: int = 0  # of a PNG: their expected decompressed size
    can_shrink: bool = False  # whether the decoder can scale it down
    exif: Exif = NOTHING
    space: ColourSpace | None = None  # None: sRGB
    texts: Texts = field(default_factory=Texts)  # those that may contain a recipe

    def check(self, file: BinaryIO) -> None:
        """Raises Damaged if a checksum is wrong."""
        if not all(is_sound(file, chunk) for chunk in self.checked):
            raise Damaged


def check_frames(count: int) -> None:
    """Raises BadPicture if there are several."""
    if count > 1:
        raise BadPicture(
            "This picture is animated, and Diorama reads only still ones. Save one of its frames as PNG or JPEG."
        )


def read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)
