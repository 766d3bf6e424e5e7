"""The little that matters in EXIF data: which side is up, and texts other tools put there. Nothing in it can raise.

Pillow's own reader warns about and allocates for what a broken file says; this one looks at no more than it was given.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MAX_EXIF_BYTES = 1_000_000
"""What is looked at; orientation and texts stand before the thumbnails and maker notes that make EXIF data long."""
_MAX_ENTRIES = 512
_ORIENTATION, _EXIF_FOLDER, _USER_COMMENT = 0x0112, 0x8769, 0x9286
_TEXTS = (0x010E, 0x010F, 0x0110)  # description, make, model: ComfyUI's WebP files use the last two
_BYTES_PER_VALUE = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}  # BYTE, ASCII, SHORT, LONG, UNDEFINED


class Exif(NamedTuple):
    orientation: int  # 1 to 8; 1 where nothing else is said
    comment: str  # UserComment
    texts: tuple[str, ...]  # description, make and model


NOTHING = Exif(1, "", ())


def read_exif(data: bytes) -> Exif:
    """
    Args:
        data: a TIFF structure, with or without "Exif" before it; anything else holds nothing.

    Source: CIPA DC-008 (Exif 2.32), sections 4.5 and 4.6.
    """
    data = data[:MAX_EXIF_BYTES].removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return NOTHING
    try:
        (first,) = struct.unpack_from(f"{order}I", data, 4)
        tags = _folder(data, order, first)
        inner: dict[int, bytes] = {}
        if len(tags.get(_EXIF_FOLDER, b"")) == 4:
            inner = _folder(data, order, *struct.unpack(f"{order}I", tags[_EXIF_FOLDER]))
    except struct.error:
        return NOTHING
    turned = tags.get(_ORIENTATION, b"")
    orientation = int.from_bytes(turned, "little" if order == "<" else "big") if len(turned) in (1, 2, 4) else 1
    return Exif(
        orientation if 1 <= orientation <= 8 else 1,
        _comment(inner.get(_USER_COMMENT, b""), order),
        tuple(tags[tag].split(b"\0", 1)[0].decode("utf-8", "replace") for tag in _TEXTS if tag in tags),
    )


def _folder(data: bytes, order: str, start: int) -> dict[int, bytes]:
    """The values of the tags of interest in one directory; those that lie outside the data are left out."""
    (count,) = struct.unpack_from(f"{order}H", data, start)
    found: dict[int, bytes] = {}
    for number in range(min(count, _MAX_ENTRIES)):
        at = start + 2 + 12 * number
        if at + 12 > len(data):
            break
        tag, kind, length = struct.unpack_from(f"{order}HHI", data, at)
        if tag not in (_ORIENTATION, _EXIF_FOLDER, _USER_COMMENT, *_TEXTS):
            continue
        size = length * _BYTES_PER_VALUE.get(kind, 8)
        place = at + 8 if size <= 4 else struct.unpack_from(f"{order}I", data, at + 8)[0]
        value = data[place : place + size]
        if len(value) == size:
            found.setdefault(tag, value)
    return found


def _comment(value: bytes, order: str) -> str:
    """UserComment says its encoding in eight letters; "UNICODE" is UTF-16, in whose byte order the writers disagree."""
    code, text = value[:8], value[8:]
    if code != b"UNICODE\0":
        return text.decode("utf-8", "replace").strip("\0 ") if code in (b"ASCII\0\0\0", bytes(8)) else ""
    text = text[: len(text) // 2 * 2]
    # Where most code units are below 256, as in every prompt of ours, the half that is zero tells the order.
    big = text[0::2].count(0) > text[1::2].count(0) or (text[0::2].count(0) == text[1::2].count(0) and order == ">")
    return text.decode("utf-16-be" if big else "utf-16-le", "replace").strip("\0 ")
