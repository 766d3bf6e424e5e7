"""Some parts of a file as a file of their own, so that a decoder gets what it needs and nothing else.

Knows no format.
"""

from __future__ import annotations

import io
from typing import BinaryIO


class Parts(io.RawIOBase):
    """Reads the parts one after the other; nothing is copied."""

    def __init__(self, file: BinaryIO, parts: tuple[tuple[int, int], ...]) -> None:
        """
        Args:
            parts: start and end of each, in bytes.
        """
        self._file, self._parts = file, parts
        self._length = sum(end - start for start, end in parts)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] # io's Buffer
        before = self._at
        for start, end in self._parts:
            if before < end - start:
                self._file.seek(start + before)
                data = self._file.read(min(len(buffer), end - start - before))
                buffer[: len(data)] = data
                self._at += len(data)
                return len(data)
            before -= end - start
        return 0


def merged(parts: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same parts with those joined that lie side by side."""
    joined = parts[:1]
    for start, end in parts[1:]:
        if start == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)
