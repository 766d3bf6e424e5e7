"""The header of a WebP, before a pixel is decoded.

Not left to Pillow, so that declared sizes are limited before anything is allocated or decoded.

Source: RFC 9649, sections 2 and 3.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from studio.contract import Size
from studio.errors import CutOff, Damaged
from studio.intake.colour.icc import read_profile
from studio.intake.containers.byte_ranges import ByteRange
from studio.intake.containers.exif import MAX_EXIF_BYTES, NOTHING, read_exif
from studio.intake.containers.header import MAX_CHUNKS, MAX_PROFILE_BYTES, Header, check_frames, read
from studio.intake.containers.texts import MAX_TEXTS_BYTES, Texts

_HAS_PROFILE, _HAS_ALPHA = 0x20, 0x10
_FLAGS_AT = 20  # of the extended header, which is the first chunk


def webp_box(file: BinaryIO) -> Header:
    """Raises BadPicture if it is animated, damaged or cut off."""
    length = file.seek(0, io.SEEK_END)
    end = 8 + int.from_bytes(read(file, 4, 4), "little")
    if length < end:
        raise CutOff
    size, exif, profile, texts = Size(0, 0), NOTHING, b"", Texts()
    flags = frames = 0
    at = 12
    for _ in range(MAX_CHUNKS):
        head = read(file, at, 8)
        if len(head) < 8 or at + 8 > end:
            break
        kind, body_length = head[:4], int.from_bytes(head[4:], "little")
        frames += kind == b"ANMF"
        if kind in (b"VP8X", b"VP8 ", b"VP8L") and size == (0, 0):
            body = read(file, at + 8, 10)
            size, flags = _size(kind, body), body[0] if kind == b"VP8X" and body else 0
        elif kind == b"EXIF":
            exif = read_exif(read(file, at + 8, min(body_length, MAX_EXIF_BYTES)))
        elif kind == b"XMP " and body_length <= MAX_TEXTS_BYTES:
            texts.add_xmp(read(file, at + 8, body_length).decode("utf-8", "replace"))
        elif kind == b"ICCP" and flags & _HAS_PROFILE and body_length <= MAX_PROFILE_BYTES:
            profile = read(file, at + 8, body_length)
        at += 8 + body_length + body_length % 2
    if size == (0, 0):
        raise Damaged
    check_frames(frames)
    parts: tuple[ByteRange, ...] = ((0, end),)
    if frames:  # areas outside the frame are transparent, whatever the header says
        parts = ((0, _FLAGS_AT), bytes([flags | _HAS_ALPHA]), (_FLAGS_AT + 1, end))
    texts.add_exif(exif)
    return Header("WEBP", size, parts, exif=exif, space=read_profile(profile), texts=texts)


def _size(kind: bytes, body: bytes) -> Size:
    if len(body) < 10:
        return Size(0, 0)
    if kind == b"VP8X":
        return Size(1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    return Size(int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF)
