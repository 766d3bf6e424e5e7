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
"""Of an ICC profile, unpacked; display profiles are below 3 MB, most below 4 kB."""


class PixelArea(NamedTuple):
    """Where in the picture the pixels are that a file has."""

    width: int
    height: int
    x: int
    y: int


@dataclass(frozen=True)
class Header:
    """A picture's file, looked into."""

    format: Format
    size: Size  # before the orientation is applied
    parts: tuple[ByteRange, ...]  # what the decoder gets
    again: tuple[ByteRange, ...] = ()  # what it gets where it fails with the first
    ended: tuple[tuple[ByteRange, ...], ...] = ()  # of a JPEG: with an end, and other bits before it each time
    depth: int = 8  # bits per sample
    place: PixelArea | None = None  # of the pixels; None: they are the whole picture
    checked: Sequence[Chunk] = ()  # whose checksums the decoder does not look at
    pixels: tuple[ByteRange, ...] = ()  # of a PNG: where they are, packed
    pixel_bytes: int = 0  # of a PNG: how many that should be, unpacked
    can_shrink: bool = False  # whether the decoder can make it smaller as it goes
    exif: Exif = NOTHING
    space: ColourSpace | None = None  # what the samples mean; None: sRGB
    texts: Texts = field(default_factory=Texts)  # those that a recipe may be in

    def check(self, file: BinaryIO) -> None:
        """
        Raises:
            Damaged: a checksum is wrong.
        """
        if not all(is_sound(file, chunk) for chunk in self.checked):
            raise Damaged


def check_frames(count: int) -> None:
    """
    Raises:
        BadPicture: there are several.
    """
    if count > 1:
        raise BadPicture(
            "This picture is animated, and Diorama reads only still ones. Save one of its frames as PNG or JPEG."
        )


def read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)
