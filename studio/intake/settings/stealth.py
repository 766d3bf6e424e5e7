"""Settings that NovelAI, and an extension of A1111, hide in the lowest bits of the pixels, column by column.

Source: ashen-sensored/sd_webui_stealth_pnginfo scripts/stealth_pnginfo.py; NovelAI's novelai-image-metadata.
"""

from __future__ import annotations

import zlib

import numpy as np
from PIL import Image

MAX_PACKED_BYTES = 1_000_000
_MAX_TEXT_BYTES = 1_000_000
_MARK_BYTES = 15


def hidden_text(image: Image.Image) -> str:
    """Text hidden in the alpha channel, or else in the colours; "" if there is none."""
    layers = (("A", b"stealth_png"), ("RGB", b"stealth_rgb"))
    for bands, mark in layers:
        if not set(bands) <= set(image.getbands()):
            continue
        places = [image.getbands().index(band) for band in bands]
        columns = -(-8 * (_MARK_BYTES + 4) // (image.height * len(places)))
        head = _bytes(image, places, columns, _MARK_BYTES + 4)
        if head[:11] != mark or head[11:_MARK_BYTES] not in (b"comp", b"info"):
            continue
        length = int.from_bytes(head[_MARK_BYTES:], "big") // 8
        if not 0 < length <= MAX_PACKED_BYTES:
            continue
        columns = -(-8 * (_MARK_BYTES + 4 + length) // (image.height * len(places)))
        packed = _bytes(image, places, columns, _MARK_BYTES + 4 + length)[_MARK_BYTES + 4 :]
        return _text(packed, is_packed=head[11:_MARK_BYTES] == b"comp")
    return ""


def _bytes(image: Image.Image, places: list[int], columns: int, length: int) -> bytes:
    """The lowest bits of the first columns."""
    values = np.asarray(image.crop((0, 0, min(columns, image.width), image.height)))[:, :, places]
    return np.packbits(values.transpose(1, 0, 2).reshape(-1) & 1).tobytes()[:length]


def _text(data: bytes, *, is_packed: bool) -> str:
    if is_packed:
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, _MAX_TEXT_BYTES)
        except zlib.error:
            return ""
    return data.decode("utf-8", "replace")
