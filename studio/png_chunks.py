"""Reads PNG chunks within bounds, so that false lengths, checksums or compressed data do no harm.

Knows nothing of pixels or of what the texts mean.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Container, Iterator
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT_BYTES = 1_000_000
"""Of one text, decompressed: far above any real recipe (two prompts of 10,000 characters), yet harmless."""
_BLOCK = 1 << 16


class Chunk(NamedTuple):
    kind: bytes  # four letters
    start: int  # where its length stands in the file
    length: int  # of its body, bytes
    body: bytes | None  # None: not wanted, too long, cut off, or its checksum is wrong

    @property
    def end(self) -> int:
        """Where the next chunk begins."""
        return self.start + self.length + 12


def chunks(file: BinaryIO, wanted: Container[bytes], most: int, longest: int = MAX_TEXT_BYTES) -> Iterator[Chunk]:
    """The chunks in order, IEND included; ends early if the file does. The file may be moved in between.

    Args:
        file: seekable, at any position.
        wanted: kinds whose bodies are read; others are skipped.
        most: maximum number of chunks.
        longest: maximum bytes of a body.
    """
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return
    start = len(SIGNATURE)
    for _ in range(most):
        file.seek(start)
        header = file.read(8)
        if len(header) < 8:
            return
        length, kind = struct.unpack(">I4s", header)
        body = None
        if kind in wanted and length <= longest:
            body = file.read(length)
            if file.read(4) != struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))):
                body = None
        chunk = Chunk(kind, start, length, body)
        yield chunk
        if kind == b"IEND":
            return
        start = chunk.end


def is_sound(file: BinaryIO, chunk: Chunk) -> bool:
    """Whether the chunk is complete and its checksum right; reads block by block."""
    file.seek(chunk.start + 4)
    left, checksum = chunk.length + 4, 0
    while left:
        block = file.read(min(left, _BLOCK))
        if not block:
            return False
        checksum = zlib.crc32(block, checksum)
        left -= len(block)
    return file.read(4) == struct.pack(">I", checksum)


def keyword_of(chunk: Chunk) -> str:
    """The keyword of a tEXt, zTXt or iTXt chunk, without decompressing anything."""
    return (chunk.body or b"").partition(b"\0")[0].decode("latin-1")


def text_of(chunk: Chunk, most: int = MAX_TEXT_BYTES) -> str | None:
    """The text of a tEXt, zTXt or iTXt chunk; None if it is invalid or longer than `most` bytes.

    Many programs write UTF-8 where the standard says Latin-1: Latin-1 is used only for what is not UTF-8.

    Source: PNG specification, third edition, sections 11.3.3.2 to 11.3.3.4.
    """
    data, packed = _text_data(chunk)
    plain = unpacked(data, most) if packed and data is not None else data
    if plain is None or len(plain) > most:
        return None
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        return None if chunk.kind == b"iTXt" else plain.decode("latin-1")


def is_too_long(chunk: Chunk, most: int) -> bool:
    """Whether the text of a tEXt, zTXt or iTXt chunk has more than `most` bytes."""
    data, packed = _text_data(chunk)
    if data is None or not packed:
        return data is not None and len(data) > most
    inflate = zlib.decompressobj()
    try:
        inflate.decompress(data, most)
    except zlib.error:
        return False
    return bool(inflate.unconsumed_tail)


def _text_data(chunk: Chunk) -> tuple[bytes | None, bool]:
    """The bytes of the text, None if there is none, and whether they are compressed."""
    _, separator, rest = (chunk.body or b"").partition(b"\0")
    if not separator or chunk.kind not in (b"tEXt", b"zTXt", b"iTXt"):
        return None, False
    if chunk.kind == b"iTXt":
        parts = rest[2:].split(b"\0", 2)  # language, translated keyword, text
        return (parts[2], rest[0] == 1) if len(parts) == 3 and rest[0] <= 1 else (None, False)
    return (rest[1:], True) if chunk.kind == b"zTXt" else (rest, False)


def unpacked(data: bytes, most: int) -> bytes | None:
    """Decompressed zlib data; None if damaged or longer than `most` bytes."""
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(data, most)
    except zlib.error:
        return None
    return None if inflate.unconsumed_tail else plain
