"""The header of a PNG, before a pixel is decoded, and whether the file is complete.

Not left to Pillow, so that declared sizes are limited before anything is allocated or decoded.

Source: PNG specification, third edition.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, BinaryIO

from studio.contract import Size
from studio.errors import CutOff, Damaged
from studio.intake.colour.colour_space import ColourSpace, of_codes, of_gamma
from studio.intake.colour.icc import read_profile
from studio.intake.containers.byte_ranges import ByteRange, ByteRanges, merged
from studio.intake.containers.exif import NOTHING, read_exif
from studio.intake.containers.header import MAX_CHUNKS, MAX_PROFILE_BYTES, Header, PixelArea, check_frames, read
from studio.intake.containers.texts import MAX_TEXTS_BYTES, Texts
from studio.png_chunks import SIGNATURE, Chunk, chunks, is_sound, unpacked

_WITH_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_WITH_COLOURS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
_OF_PIXELS = (b"PLTE", b"tRNS", b"IDAT", b"fcTL", b"fdAT")
_LONGEST_KEYWORD = 79
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By type of colour. Source: table 8."""
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, and steps, of the seven passes of an interlaced picture. Source: section 8.1."""
_CHECKSUM = 4  # bytes at the end of packed pixels
_BLOCK = 1 << 16


def png_box(file: BinaryIO) -> Header:
    """Raises BadPicture if it is animated, damaged or cut off."""
    exif, texts = NOTHING, Texts()
    first: dict[bytes, bytes] = {}  # by kind; decompress just one, as a file may have thousands
    drawn: list[Chunk] = []
    kinds: set[bytes] = set()
    wanted = (b"IHDR", b"acTL", b"fcTL", b"eXIf", *_WITH_COLOURS, *_WITH_TEXT)
    for chunk in chunks(file, wanted, MAX_CHUNKS, MAX_TEXTS_BYTES):
        is_late = b"IDAT" in kinds
        if chunk.kind in _OF_PIXELS:
            drawn.append(chunk)
        if chunk.kind in _WITH_TEXT:
            if chunk.length > MAX_TEXTS_BYTES:
                chunk = chunk._replace(body=read(file, chunk.start + 8, _LONGEST_KEYWORD + 1))
            if chunk.body is not None:
                texts.add_chunk(chunk)
        elif chunk.kind not in kinds and chunk.body is not None and not (is_late and chunk.kind != b"eXIf"):
            first[chunk.kind] = chunk.body
        kinds.add(chunk.kind)
    if len(first.get(b"IHDR", b"")) != 13:
        raise Damaged
    if b"IDAT" not in kinds:
        raise CutOff
    exif = read_exif(first.get(b"eXIf", b""))
    texts.add_exif(exif)
    return _box(file, first, drawn, exif=exif, space=_space(first), texts=texts)


def has_all_pixels(file: BinaryIO, box: Header) -> bool:
    """Whether it has as many pixels as its header says; decoders fill in missing ones."""
    inflate, left = zlib.decompressobj(), box.pixel_bytes
    source = io.BufferedReader(ByteRanges(file, box.pixels))
    try:
        while left > 0 and (block := source.read(_BLOCK)):
            while block and left > 0:
                left -= len(inflate.decompress(block, 16 * _BLOCK))
                block = inflate.unconsumed_tail
    except zlib.error:
        return False
    return left <= 0


def _box(file: BinaryIO, first: dict[bytes, bytes], drawn: list[Chunk], **known: Any) -> Header:
    header = first[b"IHDR"]
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    place, pixels = _frame(first, drawn)
    if place is not None:
        header = struct.pack(">II", place.width, place.height) + header[8:]
        if place.x + place.width > width or place.y + place.height > height:
            raise Damaged
    length = file.seek(0, io.SEEK_END)
    skipped = 8 if pixels[0].kind == b"IDAT" else 12  # fdAT begins with a number
    ranges = [(chunk.start + skipped, min(chunk.end - 4, length)) for chunk in pixels]
    ranges = [(start, end) for start, end in ranges if start < end]
    palettes = [chunk for chunk in drawn if chunk.kind == b"PLTE"]
    keys = [chunk for chunk in drawn if _is_key(chunk, colour) and is_sound(file, chunk)]
    beside = sorted(palettes + keys, key=lambda chunk: chunk.start)
    head = SIGNATURE + _chunk(b"IHDR", header)
    before = merged([head, *((chunk.start, chunk.end) for chunk in beside)])
    return Header(
        "PNG",
        Size(width, height),
        (*before, *_packed(ranges)),
        again=(*before, *_packed(_shortened(ranges))),
        depth=depth,
        place=place,
        # Not the last one's, since all pixels are shown before it.
        checked=[*palettes, *pixels[:-1]],
        pixels=merged(ranges),
        pixel_bytes=_unpacked_bytes(*struct.unpack(">II", header[:8]), depth * _SAMPLES.get(colour, 4), interlaced),
        **known,
    )


def _frame(first: dict[bytes, bytes], drawn: list[Chunk]) -> tuple[PixelArea | None, list[Chunk]]:
    """The area of the only frame, None for the whole picture, and its chunks.

    If the animation's only frame follows a picture for older programs, browsers show the frame.

    Source: section 11.3.6.
    """
    pixels = [chunk for chunk in drawn if chunk.kind == b"IDAT"]
    controls = [chunk for chunk in drawn if chunk.kind == b"fcTL"]
    told = first.get(b"acTL", b"")
    if len(told) != 8 or not controls:
        return None, pixels
    check_frames(min(int.from_bytes(told[:4], "big"), len(controls)))
    frame = [chunk for chunk in drawn if chunk.kind == b"fdAT" and chunk.start > controls[0].start]
    body = controls[0].body or b""
    if controls[0].start < pixels[0].start or not frame or len(body) != 26:
        return None, pixels
    later = controls[1].start if len(controls) > 1 else frame[-1].end
    return PixelArea(*struct.unpack_from(">4I", body, 4)), [chunk for chunk in frame if chunk.start < later]


def _is_key(chunk: Chunk, colour: int) -> bool:
    """Whether this is a valid tRNS chunk. Source: section 11.3.1.1."""
    return chunk.kind == b"tRNS" and chunk.length in {0: (2,), 2: (6,), 3: range(1, 257)}.get(colour, ())


def _packed(ranges: list[tuple[int, int]]) -> tuple[ByteRange, ...]:
    """All pixels as one chunk, with an unchecked checksum, and the end."""
    length = sum(end - start for start, end in ranges)
    return (struct.pack(">I4s", length, b"IDAT"), *merged(ranges), bytes(4), _chunk(b"IEND", b""))


def _shortened(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without the checksum at the end of the compressed pixels, which browsers ignore."""
    ranges, left = list(ranges), _CHECKSUM
    while ranges and left:
        start, end = ranges.pop()
        taken = min(left, end - start)
        left -= taken
        if end - taken > start:
            ranges.append((start, end - taken))
    return ranges


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _unpacked_bytes(width: int, height: int, bits: int, interlaced: int) -> int:
    """Of all pixels, with the filter byte of each row."""
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


# --- colours ----------------------------------------------------------------------------------------------------------


def _space(first: dict[bytes, bytes]) -> ColourSpace | None:
    """The colour space of the first valid chunk. Source: section 4.3."""
    codes = first.get(b"cICP", b"")
    if len(codes) == 4 and codes[2:] == b"\0\1":  # RGB of full range
        space = of_codes(codes[0], codes[1])
        if space is not None:
            return space
    name, _, packed = first.get(b"iCCP", b"").partition(b"\0")
    if 1 <= len(name) <= 79:
        space = read_profile(unpacked(packed[1:], MAX_PROFILE_BYTES) or b"")
        if space is not None:
            return space
    intent, gamma, corners = (first.get(kind, b"") for kind in (b"sRGB", b"gAMA", b"cHRM"))
    if (len(intent) == 1 and intent[0] < 4) or len(gamma) != 4:
        return None
    chromaticities = None
    if len(corners) == 32:
        white, *primaries = ((x / 100_000, y / 100_000) for x, y in struct.iter_unpack(">II", corners))
        chromaticities = (*primaries, white)
    return of_gamma(int.from_bytes(gamma, "big") / 100_000, chromaticities)
