"""Selected byte ranges of a file as a file, so that a decoder gets only what it needs.

Knows no format.
"""

from __future__ import annotations

import bisect
import io
import itertools
from collections.abc import Iterable
from typing import BinaryIO

ByteRange = tuple[int, int] | bytes
"""Start and end in the file, or other bytes."""


class ByteRanges(io.RawIOBase):
    """Reads the ranges one after the other, without copying."""

    def __init__(self, file: BinaryIO, parts: tuple[ByteRange, ...]) -> None:
        self._file, self._parts = file, parts
        self._ends = list(itertools.accumulate(_length(part) for part in parts))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._ends[-1] if self._ends else 0}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] # io's Buffer
        number = bisect.bisect_right(self._ends, self._at)
        if number == len(self._parts):
            return 0
        start = self._at - (self._ends[number] - _length(self._parts[number]))
        data = self._read(self._parts[number], start, min(len(buffer), self._ends[number] - self._at))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _read(self, part: ByteRange, start: int, length: int) -> bytes:
        if isinstance(part, bytes):
            return part[start : start + length]
        self._file.seek(part[0] + start)
        return self._file.read(length)


def merged(parts: Iterable[ByteRange]) -> tuple[ByteRange, ...]:
    """The same ranges with adjacent ones joined."""
    joined: list[ByteRange] = []
    for part in parts:
        last = joined[-1] if joined else b""
        if isinstance(part, tuple) and isinstance(last, tuple) and part[0] == last[1]:
            joined[-1] = (last[0], part[1])
        else:
            joined.append(part)
    return tuple(joined)


def _length(part: ByteRange) -> int:
    return len(part) if isinstance(part, bytes) else part[1] - part[0]
