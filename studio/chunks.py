"""The chunks of a PNG file, read with bounds: a length, checksum or compression that lies costs nothing.

Knows nothing of pixels, and not what the texts mean.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Container, Iterator
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT_BYTES = 1_000_000
"""Of one text, unpacked: far above any real recipe (two prompts of 10,000 characters), far below what could hurt."""
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


def chunks(file: BinaryIO, wanted: Container[bytes], most: int) -> Iterator[Chunk]:
    """The chunks in their order, IEND included; ends early where the file does. The file may be moved in between.

    Args:
        file: seekable, at any place.
        wanted: kinds whose bodies are read, up to MAX_TEXT_BYTES each; the others are skipped unread.
        most: chunks to look at.
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
        if kind in wanted and length <= MAX_TEXT_BYTES:
            body = file.read(length)
            if file.read(4) != struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))):
                body = None
        chunk = Chunk(kind, start, length, body)
        yield chunk
        if kind == b"IEND":
            return
        start = chunk.end


def is_sound(file: BinaryIO, chunk: Chunk) -> bool:
    """Whether the chunk is there as a whole and its checksum is right; reads it block by block."""
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
    """What a tEXt, zTXt or iTXt chunk is about; costs nothing, however much is packed in it."""
    return (chunk.body or b"").partition(b"\0")[0].decode("latin-1")


def text_of(chunk: Chunk) -> str | None:
    """The text of a tEXt, zTXt or iTXt chunk; None where it is none or cannot be read.

    Source: PNG specification, third edition, sections 11.3.3.2 to 11.3.3.4.
    """
    _, separator, rest = (chunk.body or b"").partition(b"\0")
    if not separator:
        return None
    encoding = "utf-8" if chunk.kind == b"iTXt" else "latin-1"
    packed = False
    if chunk.kind == b"zTXt":
        packed, rest = True, rest[1:]
    elif chunk.kind == b"iTXt":
        parts = rest[2:].split(b"\0", 2)  # language, translated keyword, text
        if len(parts) != 3 or rest[0] > 1:
            return None
        packed, rest = rest[0] == 1, parts[2]
    elif chunk.kind != b"tEXt":
        return None
    data = unpacked(rest, MAX_TEXT_BYTES) if packed else rest
    try:
        return None if data is None else data.decode(encoding)
    except UnicodeDecodeError:
        return None


def unpacked(data: bytes, most: int) -> bytes | None:
    """What zlib data hold; None if they are damaged or hold more than `most` bytes."""
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(data, most)
    except zlib.error:
        return None
    return None if inflate.unconsumed_tail else plain
