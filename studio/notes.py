"""What people change about an asset after it was made (so far: the star), in a journal beside the pictures.

`notes.jsonl` is append-only and on the disk before a change counts; with the files it is the truth, SQLite only an
index. A line that a crash tore is ignored. Unknown keys belong to a newer Diorama and are left alone.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from studio.files import storage_errors, sync_folder


class Notes:
    """The journal of one outputs folder. Any thread may append."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def star(self, asset_id: str, starred: bool) -> None:
        """Append the change and wait until the disk has it.

        Raises:
            StorageFailed: the disk did not take it; the change does not count.
        """
        line = json.dumps({"asset": asset_id, "starred": starred}).encode() + b"\n"
        with self._lock, storage_errors(self._path.parent), self._path.open("a+b", buffering=0) as file:
            whole = file.seek(0, os.SEEK_END)
            if whole:
                file.seek(whole - 1)
                if file.read(1) != b"\n":
                    line = b"\n" + line  # close the torn line, so that it spoils only itself
            try:
                if file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
                if whole == 0:
                    sync_folder(self._path.parent)
            except OSError:
                os.ftruncate(file.fileno(), whole)
                raise

    def starred(self) -> set[str]:
        """The ids that bear a star now."""
        starred: set[str] = set()
        for asset_id, value in self._changes():
            (starred.add if value else starred.discard)(asset_id)
        return starred

    def _changes(self) -> Iterable[tuple[str, bool]]:
        if not self._path.exists():
            return
        with storage_errors(self._path.parent), self._path.open("rb") as file:
            for line in file:
                try:
                    note = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if (
                    isinstance(note, dict)
                    and isinstance(note.get("asset"), str)
                    and isinstance(note.get("starred"), bool)
                ):
                    yield note["asset"], note["starred"]
