"""The orientation in EXIF data, and texts from other tools. Never raises.

Pillow's own reader warns about broken files, which a thread cannot silence for itself alone, allocates as they
demand, and does not decode UserComment.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MAX_EXIF_BYTES = 4_000_000
"""Read at most; orientation and texts come before the thumbnails and maker notes that make EXIF data long."""
_MAX_ENTRIES = 512
_ORIENTATION, _EXIF_FOLDER, _USER_COMMENT = 0x0112, 0x8769, 0x9286
_TEXTS = (
    0x010E,
    0x010F,
    0x0110,
    0x0131,
)  # description, make, model, software: ComfyUI's WebP files use the first three
_XP_COMMENT = 0x9C9C  # of Windows, UTF-16
_BYTES_PER_VALUE = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 129: 1}  # BYTE, ASCII, SHORT, LONG, UNDEFINED, UTF-8
_CODES = {b"ASCII\0\0\0": "", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", bytes(8): ""}
"""How UserComment says its encoding. Source: CIPA DC-008, table 9."""


class Exif(NamedTuple):
    orientation: int  # 1 to 8; 1 where nothing else is said
    comment: str  # UserComment, or that of Windows
    texts: tuple[str, ...]  # description, make, model and software


NOTHING = Exif(1, "", ())


def read_exif(data: bytes) -> Exif:
    """
    Args:
        data: a TIFF structure, with or without "Exif" before it; anything else is empty.

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
    comments = (
        inner.get(_USER_COMMENT, b""),
        tags.get(_USER_COMMENT, b""),
    )  # Pillow by itself writes it into the first
    comment = next((text for value in comments if (text := _comment(value, order))), "")
    orientation = int.from_bytes(turned, "little" if order == "<" else "big") if len(turned) in (1, 2, 4) else 1
    return Exif(
        orientation if 1 <= orientation <= 8 else 1,
        comment or _utf16(tags.get(_XP_COMMENT, b""), "<"),
        tuple(tags[tag].split(b"\0", 1)[0].decode("utf-8", "replace") for tag in _TEXTS if tag in tags),
    )


def _folder(data: bytes, order: str, start: int) -> dict[int, bytes]:
    """The values of relevant tags in one directory, except those outside the data."""
    (count,) = struct.unpack_from(f"{order}H", data, start)
    found: dict[int, bytes] = {}
    for number in range(min(count, _MAX_ENTRIES)):
        at = start + 2 + 12 * number
        if at + 12 > len(data):
            break
        tag, kind, length = struct.unpack_from(f"{order}HHI", data, at)
        if tag not in (_ORIENTATION, _EXIF_FOLDER, _USER_COMMENT, _XP_COMMENT, *_TEXTS):
            continue
        size = length * _BYTES_PER_VALUE.get(kind, 8)
        place = at + 8 if size <= 4 else struct.unpack_from(f"{order}I", data, at + 8)[0]
        value = data[place : place + size]
        if len(value) == size:
            found.setdefault(tag, value)
    return found


def _comment(value: bytes, order: str) -> str:
    """UserComment starts with an encoding of eight letters; many programs omit or misstate it."""
    code = value[:8].upper()
    encoding, text = (_CODES[code], value[8:]) if code in _CODES else ("", value)
    if encoding == "iso2022_jp":
        try:
            return text.decode(encoding).strip("\0 ")
        except UnicodeDecodeError:
            pass
    is_utf16 = text[:2] in (b"\xff\xfe", b"\xfe\xff") or text[:40].strip(b"\0").count(0) > 3
    if is_utf16 or (encoding == "utf-16" and (0 in text or not _is_utf8(text))):
        return _utf16(text, order)
    return text.removeprefix(b"\xef\xbb\xbf").decode("utf-8" if _is_utf8(text) else "latin-1").strip("\0 ")


def _utf16(text: bytes, order: str) -> str:
    """UTF-16 with or without a byte order mark. Without one, writers disagree about the order."""
    text = text[: len(text) // 2 * 2]
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text.decode("utf-16", "replace").strip("\0 ")
    # If most code units are below 256, as in our prompts, the zero bytes reveal the order.
    big = text[0::2].count(0) > text[1::2].count(0) or (text[0::2].count(0) == text[1::2].count(0) and order == ">")
    return text.decode("utf-16-be" if big else "utf-16-le", "replace").strip("\0 ")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
