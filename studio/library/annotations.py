"""What people change about an asset after it was made (star, title, description, collections), in a journal.

`notes.jsonl` is append-only, and a change counts once it is on disk; together with the files it is the truth, SQLite
only an index. A line torn by a crash is ignored. Unknown keys belong to a newer Diorama and are left alone.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections import defaultdict
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from studio.library.files import private, storage_errors, sync_folder, write_temporary


class Note(NamedTuple):
    """All changes to one asset; the names are those of the journal."""

    starred: bool = False
    title: str | None = None  # "": reset to the original; None: never changed
    description: str | None = None  # what it shows; "": removed; None: never set
    collections: tuple[str, ...] = ()  # names of the collections it is in

    def is_kept_in(self, title: str, description: str) -> bool:
        """Whether a row with this title and description is up to date; False after a title was reset."""
        if self.title is None and self.description is None:
            return not description
        return description == (self.description or "") and self.title in (None, title)


class Notes:
    """The journal of one outputs folder. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def write(self, asset_id: str, **change: bool | str | tuple[str, ...]) -> None:
        """Append a change and flush it to disk.

        Args:
            change: fields of `Note`.

        Raises:
            StorageFailed: the change does not count.
        """
        line = json.dumps({"asset": asset_id} | change).encode() + b"\n"
        with (
            self._lock,
            storage_errors(self._path.parent),
            open(self._path, "a+b", buffering=0, opener=private) as file,
        ):
            whole = file.seek(0, os.SEEK_END)
            if whole:
                file.seek(whole - 1)
                if file.read(1) != b"\n":
                    line = b"\n" + line  # end the torn line, so that it spoils only itself
            try:
                if file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
                if whole == 0:
                    sync_folder(self._path.parent)
            except OSError:
                os.ftruncate(file.fileno(), whole)
                raise

    def forget(self, asset_ids: Container[str]) -> None:
        """Remove all changes to these assets for good.

        Raises:
            StorageFailed: the journal is unchanged.
        """
        with self._lock, storage_errors(self._path.parent):
            if not self._path.exists():
                return
            with open(self._path, "rb", opener=private) as file:
                kept = [line for line in file if _asset_of(line) not in asset_ids]
            os.replace(write_temporary(self._path.parent, lambda file: file.writelines(kept)), self._path)
            sync_folder(self._path.parent)

    def read(self) -> defaultdict[str, Note]:
        """The current state by asset; unchanged assets have an empty note."""
        notes: defaultdict[str, Note] = defaultdict(Note)
        for asset_id, change in self._changes():
            notes[asset_id] = notes[asset_id]._replace(**change)
        return notes

    def _changes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if not self._path.exists():
            return
        with storage_errors(self._path.parent), open(self._path, "rb", opener=private) as file:
            for line in file:
                try:
                    note = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(note, dict) and isinstance(note.get("asset"), str):
                    right = {name: note[name] for name in Note._fields if _is_right(name, note.get(name))}
                    yield (
                        note["asset"],
                        {name: tuple(said) if name == "collections" else said for name, said in right.items()},
                    )


def _asset_of(line: bytes) -> str:
    """The asset of a line in the journal; "" if the line is invalid."""
    try:
        return str(json.loads(line)["asset"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""


def _is_right(name: str, value: Any) -> bool:
    if name == "starred":
        return isinstance(value, bool)
    if name == "collections":
        return isinstance(value, list) and all(map(_is_text, value))
    return _is_text(value)


def _is_text(value: Any) -> bool:
    """SQLite accepts no surrogates."""
    return isinstance(value, str) and not any("\ud800" <= one <= "\udfff" for one in value)
