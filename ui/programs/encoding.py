"""Pictures to base64 in the format a program asks for, and files from base64."""

from __future__ import annotations

import base64
import binascii
import io
from pathlib import Path
from typing import Literal

from PIL import Image

from studio.errors import BadRequest

Format = Literal["png", "jpeg", "webp"]
QUALITY = 90
"""Default for JPEG and WebP, 0 to 100."""


def file_base64(path: Path, format: Format = "png", quality: int | None = None) -> str:
    """One of our pictures as base64. A PNG is the file itself, with its recipe.

    Args:
        quality: of a JPEG or WebP, 0 to 100; None: QUALITY.
    """
    if format == "png":
        return base64.b64encode(path.read_bytes()).decode()
    with Image.open(path) as image:
        return image_base64(image, format, quality)


def image_base64(image: Image.Image, format: Format, quality: int | None = None) -> str:
    """A picture in memory as base64; transparent pixels are white in a JPEG."""
    if format == "jpeg" and image.mode != "RGB":
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        image = white.convert("RGB")
    buffer = io.BytesIO()
    quality = QUALITY if quality is None else quality
    image.save(buffer, format.upper(), **({} if format == "png" else {"quality": quality}))
    return base64.b64encode(buffer.getvalue()).decode()


def preview_base64(jpeg: bytes, format: Format) -> str:
    """A job's preview in this format."""
    if format == "jpeg":
        return base64.b64encode(jpeg).decode()
    with Image.open(io.BytesIO(jpeg)) as image:
        return image_base64(image, format)


def content_of(name: str, text: str) -> bytes:
    """The file in base64, with or without `data:image/png;base64,` before it.

    Raises:
        BadRequest: it is not base64. Addresses are not fetched.
    """
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"{name} must be a file in base64; URLs are not fetched.") from error
    if not content:
        raise BadRequest(f"{name} is empty. Send a PNG, JPEG or WebP file in base64.")
    return content
