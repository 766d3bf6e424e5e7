"""Converts providers' answers to pictures, and our pictures and masks to their formats.

`studio.intake.picture` reads every picture that comes back, as it reads an upload: a provider is not trusted, either.
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
"""Longest side of a preview that is handed on, in pixels."""


def picture(data: bytes, key: Key, *, transparent: bool) -> Image.Image:
    """The picture in these bytes: RGB, or RGBA where a transparent one was asked for and something shows through.

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
    """What a picture looks like so far; None where this one cannot be shown. A preview is no reason to fail."""
    try:
        image = picture(decoded(data, key), key, transparent=False)
    except faults.Unusable:
        return None
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    return image


def decoded(text: str | None, key: Key) -> bytes:
    """The bytes behind a provider's base64.

    Raises:
        Unusable: it is none, or not whole.
    """
    if not text:
        raise faults.unusable(key, "an answer without a picture")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise faults.unusable(key, "an incomplete picture") from None


def png(image: Image.Image) -> bytes:
    """The bytes that are sent: pixels alone, nothing about who, where and with what."""
    file = io.BytesIO()
    plain = image.copy()
    plain.info = {}
    plain.save(file, "PNG", compress_level=4)
    return file.getvalue()


def jpeg(image: Image.Image) -> bytes:
    """A smaller copy to look at: enough to be described, quick to be sent."""
    small = image.convert("RGB")
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return file.getvalue()


def data_url(image: Image.Image) -> str:
    """`jpeg` as an address."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(image)).decode()}"


def mask_png(mask: Image.Image, size: Size) -> bytes:
    """OpenAI's mask: where it is fully transparent may be painted, so the inverse of ours.

    Args:
        mask: "L", 255 = change here; anything between counts as "change": the seam is blended afterwards.
        size: of the first picture, which the mask has to match.

    Source: openai 3.52, types/image_edit_params.py, `mask`.
    """
    fitted = mask if mask.size == tuple(size) else mask.resize(size, Image.Resampling.NEAREST)
    alpha = fitted.point([255] + [0] * 255)
    clear = Image.new("RGBA", size, (0, 0, 0, 255))
    clear.putalpha(alpha)
    return png(clear)
