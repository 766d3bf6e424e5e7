"""What people change about an asset after it was made (star, title, description, collections), in a journal.

`notes.jsonl` is append-only and on the disk before a change counts; with the files it is the truth, SQLite only an
index. A line that a crash tore is ignored. Unknown keys belong to a newer Diorama and are left alone.
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
    """All that was changed about one asset; the names are those of the journal."""

    starred: bool = False
    title: str | None = None  # "": again the one it was made with; None: never changed
    description: str | None = None  # what is to be seen on it; "": forgotten; None: nobody ever said
    collections: tuple[str, ...] = ()  # names of those that it is in

    def is_kept_in(self, title: str, description: str) -> bool:
        """Whether a row may hold title and description as noted; False for a title that was taken back."""
        if self.title is None and self.description is None:
            return not description
        return description == (self.description or "") and self.title in (None, title)


class Notes:
    """The journal of one outputs folder. Any thread may append."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def write(self, asset_id: str, **change: bool | str | tuple[str, ...]) -> None:
        """Append a change and wait until the disk has it.

        Args:
            change: fields of `Note`.

        Raises:
            StorageFailed: the disk did not take it; the change does not count.
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

    def forget(self, asset_ids: Container[str]) -> None:
        """Leave out, for good, what was said about these.

        Raises:
            StorageFailed: the disk did not take it; the journal is as it was.
        """
        with self._lock, storage_errors(self._path.parent):
            if not self._path.exists():
                return
            with open(self._path, "rb", opener=private) as file:
                kept = [line for line in file if _asset_of(line) not in asset_ids]
            os.replace(write_temporary(self._path.parent, lambda file: file.writelines(kept)), self._path)
            sync_folder(self._path.parent)

    def read(self) -> defaultdict[str, Note]:
        """What holds now, by asset; what nothing was changed about has an empty note."""
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
    """Of a line of the journal; "" where it is none of ours."""
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
    """SQLite takes no surrogates."""
    return isinstance(value, str) and not any("\ud800" <= one <= "\udfff" for one in value)
