"""PNG, JPEG and WebP as boxes: the size they announce, the text and profile they carry, and where the pixels are.

Reads headers, decodes no pixel. What it hands on for decoding is the part of the file a decoder needs and nothing else.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from studio.chunks import SIGNATURE, chunks, is_sound, unpacked
from studio.contract import Size
from studio.errors import BadPicture
from studio.exif import MAX_EXIF_BYTES, NOTHING, Exif, read_exif
from studio.parts import merged
from studio.texts import MAX_TEXTS_BYTES, Texts

Format = Literal["PNG", "JPEG", "WEBP"]

MAX_PROFILE_BYTES = 4_000_000
"""Of an ICC profile, unpacked; display profiles are below 3 MB, most below 4 kB."""
_MAX_CHUNKS = 200_000
_MAX_SCANS = 100
"""Of a progressive JPEG; encoders make about ten."""
_MAX_MARKERS = 2_000
_BLOCK = 1 << 16
_WITH_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_LONGEST_KEYWORD = 79
_XMP = b"http://ns.adobe.com/xap/1.0/\0"  # before XMP in a JPEG
_NEEDED_TO_DECODE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
CUT_OFF = "This picture is cut off: a part of the file is missing. Copy or download it again."
DAMAGED = "This picture is damaged and cannot be decoded. Copy or download it again, or save it anew as PNG or JPEG."
_ANIMATED = "This picture is animated, and Diorama takes still ones only. Save one of its frames as PNG or JPEG."


@dataclass(frozen=True)
class Box:
    """What a file says about the picture in it."""

    format: Format
    size: Size  # before the orientation is applied
    parts: tuple[tuple[int, int], ...]  # start and end of what the decoder gets, in bytes
    depth: int = 8  # bits per sample
    exif: Exif = NOTHING
    profile: bytes = b""  # ICC; empty: none, or one that is too large
    texts: Texts = field(default_factory=Texts)  # those that a recipe may be in

    def check(self, file: BinaryIO) -> None:
        """Compare the checksums of a PNG, which Pillow does not do for the pixels.

        Raises:
            BadPicture: one is wrong.
        """
        if self.format == "PNG" and not all(
            is_sound(file, chunk) for chunk in chunks(file, (), _MAX_CHUNKS) if chunk.kind in _NEEDED_TO_DECODE
        ):
            raise BadPicture(DAMAGED)


def unbox(file: BinaryIO) -> Box | None:
    """Look into a file; None if it is no PNG, JPEG or WebP.

    Raises:
        BadPicture: it is one, but animated, damaged or cut off.
    """
    file.seek(0)
    head = file.read(16)
    if head.startswith(SIGNATURE):
        return _png(file)
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(file)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(file)
    return None


# --- PNG --------------------------------------------------------------------------------------------------------------


def _png(file: BinaryIO) -> Box:
    size, depth, profile, exif = Size(0, 0), 8, b"", NOTHING
    texts = Texts()
    parts = [(0, len(SIGNATURE))]
    kinds: set[bytes] = set()
    for chunk in chunks(file, (b"IHDR", b"iCCP", b"eXIf", *_WITH_TEXT), _MAX_CHUNKS, MAX_TEXTS_BYTES):
        is_first = chunk.kind not in kinds  # of thousands that are packed a thousandfold, one is unpacked
        kinds.add(chunk.kind)
        if chunk.kind in _NEEDED_TO_DECODE:
            parts.append((chunk.start, chunk.end))
        if chunk.kind == b"acTL":
            raise BadPicture(_ANIMATED)
        if chunk.kind in _WITH_TEXT and chunk.length > MAX_TEXTS_BYTES:
            chunk = chunk._replace(body=_read(file, chunk.start + 8, _LONGEST_KEYWORD + 1))
        if chunk.body is None:
            continue
        if chunk.kind in _WITH_TEXT:
            texts.add_chunk(chunk)
        elif not is_first:
            continue
        elif chunk.kind == b"IHDR" and len(chunk.body) == 13:
            width, height, depth = struct.unpack(">IIB", chunk.body[:9])
            size = Size(width, height)
        elif chunk.kind == b"iCCP":
            profile = unpacked(chunk.body.partition(b"\0")[2][1:], MAX_PROFILE_BYTES) or b""
        elif chunk.kind == b"eXIf":
            exif = read_exif(chunk.body)
    if b"IHDR" not in kinds or size == (0, 0):
        raise BadPicture(DAMAGED)
    if not {b"IDAT", b"IEND"} <= kinds:
        raise BadPicture(CUT_OFF)
    texts.add_exif(exif)
    return Box("PNG", size, merged(parts), depth, exif, profile, texts)


# --- JPEG -------------------------------------------------------------------------------------------------------------


def _jpeg(file: BinaryIO) -> Box:
    """
    Source: ITU-T T.81, annex B; ICC.1:2022, annex B.4 (profiles in APP2).
    """
    size, depth, exif, texts = Size(0, 0), 8, NOTHING, Texts()
    profile: dict[int, bytes] = {}
    parts = [(0, 2)]
    for marker, start, end in _segments(file):
        if marker == 0xDA:  # start of scan: from here on, everything is pixels
            parts.append((start, end))
            _check_scans(file, start)
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # start of frame
            body = _read(file, start + 4, 5)
            if len(body) == 5 and size == (0, 0):
                depth, height, width = struct.unpack(">BHH", body)
                size = Size(width, height)
        elif marker == 0xE1:
            body = _read(file, start + 4, end - start - 4)
            if body.startswith(b"Exif\0\0") and exif is NOTHING:
                exif = read_exif(body)
            elif body.startswith(_XMP):
                texts.add_xmp(body.removeprefix(_XMP).decode("utf-8", "replace"))
        elif marker == 0xFE:
            texts.add("comment", _read(file, start + 4, end - start - 4).decode("utf-8", "replace"))
        elif marker == 0xE2:
            body = _read(file, start + 4, end - start - 4)
            if body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
                profile.setdefault(body[12], body[14:])
        if marker not in range(0xE1, 0xEE) and marker not in (0xEF, 0xFE, 0xDA):  # no metadata but JFIF's and Adobe's
            parts.append((start, end))
    if size == (0, 0):
        raise BadPicture(CUT_OFF)
    whole = b"".join(profile[number] for number in sorted(profile))
    profile_bytes = whole if len(whole) <= MAX_PROFILE_BYTES else b""
    texts.add_exif(exif)
    return Box("JPEG", size, merged(parts), depth, exif, profile_bytes, texts)


def _segments(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of every segment up to the first scan, which ends with the file.

    Raises:
        BadPicture: the file ends before it.
    """
    start = 2
    end = file.seek(0, io.SEEK_END)
    for _ in range(_MAX_CHUNKS):
        head = _read(file, start, 4)
        if len(head) < 4:
            break
        if head[0] != 0xFF:
            raise BadPicture(DAMAGED)
        if head[1] == 0xFF:  # padding
            start += 1
            continue
        if head[1] in (0x01, *range(0xD0, 0xD8)):  # markers without a body
            start += 2
            continue
        length = end - start if head[1] == 0xDA else 2 + int.from_bytes(head[2:], "big")
        if head[1] == 0xD9 or length < 4:  # the end, or a body that is none
            raise BadPicture(DAMAGED)
        yield head[1], start, start + length
        if head[1] == 0xDA:
            return
        start += length
    raise BadPicture(CUT_OFF)


def _check_scans(file: BinaryIO, start: int) -> None:
    """Count the scans of a progressive JPEG: each costs as much as a picture, and thousands fit into a small file.

    Args:
        start: of the first one.

    Raises:
        BadPicture: there are more than any encoder makes.
    """
    scans = 0
    for _ in range(_MAX_MARKERS):
        block = _read(file, start, _BLOCK)
        found = re.search(rb"\xff[^\x00\xd0-\xd7\xff]", block, re.DOTALL)
        if found is None:
            if len(block) < _BLOCK:
                return
            start += len(block) - 1  # a marker may lie across the edge
            continue
        marker, start = block[found.start() + 1], start + found.start()
        scans += marker == 0xDA
        if marker == 0xD9:
            return
        if scans > _MAX_SCANS:
            break
        start += 2 + int.from_bytes(_read(file, start + 2, 2), "big")
    raise BadPicture(DAMAGED)


# --- WebP -------------------------------------------------------------------------------------------------------------


def _webp(file: BinaryIO) -> Box:
    """
    Source: RFC 9649, sections 2 and 3.
    """
    length = file.seek(0, io.SEEK_END)
    end = 8 + int.from_bytes(_read(file, 4, 4), "little")
    if length < end:
        raise BadPicture(CUT_OFF)
    size, exif, profile, texts = Size(0, 0), NOTHING, b"", Texts()
    at = 12
    for _ in range(_MAX_CHUNKS):
        head = _read(file, at, 8)
        if len(head) < 8 or at + 8 > end:
            break
        kind, body_length = head[:4], int.from_bytes(head[4:], "little")
        if kind == b"ANIM" or kind == b"ANMF":
            raise BadPicture(_ANIMATED)
        if kind in (b"VP8X", b"VP8 ", b"VP8L") and size == (0, 0):
            size = _webp_size(kind, _read(file, at + 8, 10))
        elif kind == b"EXIF":
            exif = read_exif(_read(file, at + 8, min(body_length, MAX_EXIF_BYTES)))
        elif kind == b"XMP " and body_length <= MAX_TEXTS_BYTES:
            texts.add_xmp(_read(file, at + 8, body_length).decode("utf-8", "replace"))
        elif kind == b"ICCP" and body_length <= MAX_PROFILE_BYTES:
            profile = _read(file, at + 8, body_length)
        at += 8 + body_length + body_length % 2
    if size == (0, 0):
        raise BadPicture(DAMAGED)
    texts.add_exif(exif)
    return Box("WEBP", size, ((0, end),), exif=exif, profile=profile, texts=texts)


def _webp_size(kind: bytes, body: bytes) -> Size:
    if len(body) < 10:
        return Size(0, 0)
    if kind == b"VP8X":
        return Size(1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    return Size(int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF)


# --- all of them ------------------------------------------------------------------------------------------------------


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)
