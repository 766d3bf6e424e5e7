"""Files as they are uploaded: real pictures of every kind, written by hand where Pillow cannot write them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6
"""Colour types of PNG."""
FORMATS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}
"""What comes in, with the options that keep the pixels as they are, or nearly so."""


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width: int, height: int, depth: int = 8, colour: int = RGB) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG of these rows, without the filter bytes; `extra` chunks stand before the pixels."""
    stride = len(rows) // height
    filtered = b"".join(b"\0" + rows[at : at + stride] for at in range(0, len(rows), stride))
    pixels = chunk(b"IDAT", zlib.compress(filtered))
    return SIGNATURE + header(width, height, depth, colour) + b"".join(extra) + pixels + chunk(b"IEND", b"")


def with_chunks(file: bytes, *extra: bytes) -> bytes:
    """A PNG with more chunks after its header."""
    at = len(SIGNATURE) + 25
    return file[:at] + b"".join(extra) + file[at:]


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def exif(orientation: int, comment: bytes = b"", tags: dict[int, Any] | None = None) -> bytes:
    """EXIF data as cameras and tools write them, with "Exif" in front."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010F] = "Camera"
    for tag, value in (tags or {}).items():
        data[tag] = value
    if comment:
        data.get_ifd(0x8769)[0x9286] = comment
    return data.tobytes()


def corners() -> Image.Image:
    """48 x 32, each quarter in a colour of its own: no turn or flip looks like another."""
    image = Image.new("RGB", (48, 32), (230, 30, 30))
    image.paste((30, 200, 40), (24, 0, 48, 16))
    image.paste((40, 50, 220), (0, 16, 24, 32))
    image.paste((240, 220, 60), (24, 16, 48, 32))
    return image


def swapped_profile() -> bytes:
    """sRGB with red and green exchanged, under another name."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = (profile.index(tag, 128) for tag in (b"rXYZ", b"gXYZ"))
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB", b"swap")


def assert_like(image: Image.Image, expected: Image.Image, tolerance: int = 0) -> None:
    assert (image.mode, image.size) == (expected.mode, expected.size)
    difference = np.abs(np.asarray(image).astype(int) - np.asarray(expected).astype(int))
    assert difference.max() <= tolerance
