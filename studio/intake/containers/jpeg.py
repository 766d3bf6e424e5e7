"""The header of a JPEG, before a pixel is decoded.

Not left to Pillow, so that declared sizes are limited before anything is allocated or decoded.

Source: ITU-T T.81, annex B; ICC.1:2022, annex B.4 (profiles in APP2).
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from studio.contract import Size
from studio.errors import CutOff, Damaged
from studio.intake.colour.icc import read_profile
from studio.intake.containers.byte_ranges import ByteRange, merged
from studio.intake.containers.exif import NOTHING, read_exif
from studio.intake.containers.header import MAX_CHUNKS, MAX_PROFILE_BYTES, Header, read
from studio.intake.containers.texts import Texts

_SCAN, _END, _COMMENT, _APP1, _APP2 = 0xDA, 0xD9, 0xFE, 0xE1, 0xE2
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE = (0xC0, 0xC1)
_WITHOUT_BODY = (0x01, *range(0xD0, 0xD8))
_METADATA = (*range(0xE1, 0xEE), 0xEF, _COMMENT)  # all but JFIF's and Adobe's, which say how the samples are meant
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"
_MAX_SCANS = 100
"""Of a progressive JPEG; encoders make about ten."""
_MAX_MARKERS = 2_000
_BEYOND = 64  # bytes
_BLOCK = 1 << 16


def jpeg_box(file: BinaryIO) -> Header:
    """Raises CutOff or Damaged."""
    size, depth, exif, texts, can_shrink = Size(0, 0), 8, NOTHING, Texts(), False
    profile: list[bytes] = []
    parts: list[ByteRange] = [(0, 2)]
    for marker, start, end in _segments(file):
        if marker == _SCAN:  # from here on, everything is pixels
            _check_scans(file, start)
        elif marker in _FRAMES:
            body = read(file, start + 4, 5)
            if len(body) == 5 and size == (0, 0):
                depth, height, width = struct.unpack(">BHH", body)
                size, can_shrink = Size(width, height), marker in _BASELINE
        elif marker == _APP1:
            body = read(file, start + 4, end - start - 4)
            if body.startswith(b"Exif\0\0") and exif is NOTHING:
                exif = read_exif(body)
            elif body.startswith(_XMP):
                texts.add_xmp(body.removeprefix(_XMP).decode("utf-8", "replace"))
        elif marker == _COMMENT:
            texts.add("comment", read(file, start + 4, end - start - 4).decode("utf-8", "replace"))
        elif marker == _APP2:
            profile.append(read(file, start + 4, end - start - 4))
        if marker not in _METADATA:
            parts.append((start, end))
    if size == (0, 0):
        raise CutOff
    texts.add_exif(exif)
    return Header(
        "JPEG",
        size,
        merged(parts),
        ended=_ended(file, parts),
        depth=depth,
        can_shrink=can_shrink,
        exif=exif,
        space=read_profile(_profile(profile)),
        texts=texts,
    )


def _ended(file: BinaryIO, parts: list[ByteRange]) -> tuple[tuple[ByteRange, ...], tuple[ByteRange, ...]]:
    """The parts with an end added, after different bits each: a complete picture does not depend on those."""
    *before, (start, end) = (part for part in parts if isinstance(part, tuple))
    last = read(file, max(start, end - _BEYOND), min(_BEYOND, end - start))
    end -= len(last) - len(last.rstrip(b"\xff"))  # the beginning of a marker
    first, second = (merged([*before, (start, end), bits * _BEYOND + bytes((0xFF, _END))]) for bits in (b"\0", b"\x55"))
    return first, second


def _profile(bodies: list[bytes]) -> bytes:
    """The profile whose parts are in these segments, in any order; empty if one is missing or repeated."""
    parts = [body.removeprefix(_ICC) for body in bodies if body.startswith(_ICC) and len(body) > len(_ICC) + 2]
    is_whole = sorted(part[0] for part in parts) == list(range(1, len(parts) + 1))
    if not is_whole or any(part[1] != len(parts) for part in parts) or sum(map(len, parts)) > MAX_PROFILE_BYTES:
        return b""
    return b"".join(part[2:] for part in sorted(parts))


def _segments(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of every segment up to the first scan, which ends with the file.

    Bytes between segments are skipped, as libjpeg and the browsers do.

    Raises:
        CutOff: the file ends before it.
        Damaged: the picture does.
    """
    start = 2
    end = file.seek(0, io.SEEK_END)
    for _ in range(MAX_CHUNKS):
        marker, start = _next_marker(file, start)
        if marker in _WITHOUT_BODY:
            start += 2
            continue
        if marker == _END:
            raise Damaged
        length = max(
            2, int.from_bytes(read(file, start + 2, 2), "big")
        )  # the least there is: that of the length itself
        segment_end = end if marker == _SCAN else start + 2 + length
        if segment_end > end or start + 4 > end:
            break
        yield marker, start, segment_end
        if marker == _SCAN:
            return
        start = segment_end
    raise CutOff


def _next_marker(file: BinaryIO, start: int) -> tuple[int, int]:
    """The next marker and its position. Raises CutOff if there is none."""
    size = 16  # mostly it is right here
    while len(block := read(file, start, size)) > 1:
        found = re.search(rb"\xff[^\x00\xff]", block, re.DOTALL)
        if found is not None:
            return block[found.start() + 1], start + found.start()
        start += len(block) - 1  # a marker may lie across the edge
        size = _BLOCK
    raise CutOff


def _check_scans(file: BinaryIO, start: int) -> None:
    """Count the scans of a progressive JPEG: each costs as much as a picture, and a small file can have thousands.

    Args:
        start: of the first one.

    Raises:
        Damaged: there are more than any encoder makes.
    """
    scans = 0
    for _ in range(_MAX_MARKERS):
        block = read(file, start, _BLOCK)
        found = re.search(rb"\xff[^\x00\xd0-\xd7\xff]", block, re.DOTALL)
        if found is None:
            if len(block) < _BLOCK:
                return
            start += len(block) - 1  # a marker may lie across the edge
            continue
        marker, start = block[found.start() + 1], start + found.start()
        scans += marker == _SCAN
        if marker == _END:
            return
        if scans > _MAX_SCANS:
            break
        start += 2 + int.from_bytes(read(file, start + 2, 2), "big")
    raise Damaged
