"""Converts providers' answers to pictures, and our pictures and masks to their formats.

`studio.intake.picture` reads every picture that arrives, as it reads uploads: providers are not trusted either.
"""

from __future__ import annotations

import base64
import binascii
import io

from PIL import Image

from providers import faults
from providers.keys import Key
from studio.contract import Size
from studio.errors import BadPicture
from studio.intake.picture import read_picture

PREVIEW_SIDE = 1024
"""Longest side of a preview, in pixels."""


def picture(data: bytes, key: Key, *, transparent: bool) -> Image.Image:
    """The decoded picture: RGB, or RGBA if a transparent one was requested and some of it is transparent.

    Raises:
        Unusable: there is none.
    """
    try:
        image = read_picture(data).image
    except BadPicture as error:
        reason = str(error).partition(". ")[0].rstrip(".")
        raise faults.unusable(key, f"something that is not a picture ({reason[:1].lower()}{reason[1:]})") from error
    if image.mode == "RGBA" and not transparent:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image


def preview(data: str, key: Key) -> Image.Image | None:
    """The picture so far; None if it cannot be decoded. A bad preview is no reason to fail."""
    try:
        image = picture(decoded(data, key), key, transparent=False)
    except faults.Unusable:
        return None
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    return image


def decoded(text: str | None, key: Key) -> bytes:
    """The bytes behind a provider's base64.

    Raises:
        Unusable: invalid or truncated.
    """
    if not text:
        raise faults.unusable(key, "an answer without a picture")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise faults.unusable(key, "an incomplete picture") from None


def png(image: Image.Image) -> bytes:
    """The file to send: pixels only, no metadata."""
    file = io.BytesIO()
    plain = image.copy()
    plain.info = {}
    plain.save(file, "PNG", compress_level=4)
    return file.getvalue()


def jpeg(image: Image.Image) -> bytes:
    """A smaller copy: good enough to describe, quick to send."""
    small = image.convert("RGB")
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return file.getvalue()


def data_url(image: Image.Image) -> str:
    """`jpeg` as a data URL."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(image)).decode()}"


def mask_png(mask: Image.Image, size: Size) -> bytes:
    """OpenAI's mask: fully transparent where to paint, so the inverse of ours.

    Args:
        mask: "L", 255 = change here; values between count as "change": the seam is blended afterwards.
        size: of the first picture, which the mask has to match.
    Source: openai 3.52, types/image_edit_params.py, `mask`.
    """
    fitted = mask if mask.size == tuple(size) else mask.resize(size, Image.Resampling.NEAREST)
    alpha = fitted.point([255] + [0] * 255)
    clear = Image.new("RGBA", size, (0, 0, 0, 255))
    clear.putalpha(alpha)
    return png(clear)
