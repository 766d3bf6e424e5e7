"""Streams many files as one zip, with at most one block in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from studio.library.files import private

_BLOCK = 1 << 18


class Entry(NamedTuple):
    name: str  # in the zip; unique
    path: Callable[[], Path]  # called when its turn comes: it may have moved to the trash


def zipped(entries: Iterable[Entry]) -> Iterator[bytes]:
    """A zip archive, piece by piece. Stored, not compressed, since PNG files do not shrink."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for entry in entries:
            path = entry.path()
            about = zipfile.ZipInfo.from_file(path, entry.name, strict_timestamps=False)
            with open(path, "rb", opener=private) as file, archive.open(about, "w") as target:
                while block := file.read(_BLOCK):
                    target.write(block)
                    yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Holds what is written until it is taken. Not seekable, so `zipfile` never goes back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] # io's Buffer
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data
