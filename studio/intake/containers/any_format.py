"""The structure of PNG, JPEG and WebP: declared size, colours, texts, and where the pixels are.

Reads headers, decodes no pixel. A decoder later gets only the parts of the file it needs. Accepts what every browser
shows completely, ignoring what they all ignore.
"""

from __future__ import annotations

from typing import BinaryIO

from studio.intake.containers.header import Header
from studio.intake.containers.jpeg import jpeg_box
from studio.intake.containers.png import png_box
from studio.intake.containers.webp import webp_box
from studio.png_chunks import SIGNATURE


def unbox(file: BinaryIO) -> Header | None:
    """Parse a file's headers; None if it is not a PNG, JPEG or WebP.

    Raises:
        BadPicture: it is animated, damaged or cut off.
    """
    file.seek(0)
    head = file.read(16)
    if head.startswith(SIGNATURE):
        return png_box(file)
    if head.startswith(b"\xff\xd8\xff"):
        return jpeg_box(file)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return webp_box(file)
    return None
