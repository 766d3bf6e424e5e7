"""Named presets per owner: one JSON file next to the pictures, written atomically."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

from studio.errors import BadRequest, NotFound
from studio.library import files
from studio.validation import shown

MOST = 100
"""Per owner."""
LONGEST_NAME = 80
MOST_BYTES = 20_000
"""Of one preset as JSON."""
MOST_BYTES_OF_ALL = 20_000_000
"""Of all owners together: the file is read and written as a whole, and a new visitor costs nobody anything."""

Values = dict[str, Any]
"""Settings by name, as JSON; their meaning is up to the caller."""


class Presets:
    """The presets of one outputs folder. Thread-safe."""

    def __init__(self, outputs: Path) -> None:
        self._path = outputs / "presets.json"
        self._lock = threading.Lock()

    def of(self, owner: str) -> dict[str, Values]:
        """By name, in alphabetical order."""
        with self._lock:
            mine = self._read().get(owner, {})
        return {name: mine[name] for name in sorted(mine, key=str.casefold)}

    def get(self, owner: str, name: str) -> Values:
        """Raises NotFound."""
        found = self.of(owner).get(name) if isinstance(name, str) else None
        if found is None:
            raise NotFound("preset", name)
        return found

    def save(self, owner: str, name: str, values: Values) -> str:
        """Store settings, replacing those of the same name. Returns the name as stored.

        Raises:
            BadRequest: a missing or overlong name, too many presets, or too much in one.
            StorageFailed: the previous file is unchanged.
        """
        if not isinstance(name, str) or not 1 <= len(name := " ".join(name.split())) <= LONGEST_NAME:
            raise BadRequest(f"Name the preset with 1 to {LONGEST_NAME} characters, not {shown(name)}.")
        if len(json.dumps(values)) > MOST_BYTES:
            raise BadRequest(f"These settings are longer than {MOST_BYTES} bytes. Shorten the texts in them.")
        with self._lock:
            everybody = self._read()
            mine = everybody.get(owner, {}) | {name: values}
            if len(mine) > MOST:
                raise BadRequest(f"There are {MOST} presets already. Delete one, then save this one.")
            if len(json.dumps(everybody | {owner: mine})) > MOST_BYTES_OF_ALL:
                raise BadRequest("There is no room for more presets here. Delete one of yours, then save this one.")
            self._write(everybody | {owner: mine})
        return name

    def delete(self, owner: str, name: str) -> None:
        """Raises NotFound or StorageFailed."""
        with self._lock:
            everybody = self._read()
            mine = everybody.get(owner, {})
            if not isinstance(name, str) or name not in mine:
                raise NotFound("preset", name)
            self._write(everybody | {owner: {each: mine[each] for each in mine if each != name}})

    def forget(self, owner: str) -> None:
        """Delete all presets of an owner. Raises StorageFailed."""
        with self._lock:
            everybody = self._read()
            if everybody.pop(owner, None):
                self._write(everybody)

    def _read(self) -> dict[str, dict[str, Values]]:
        """A file that is not ours counts as empty, and stays until something is saved."""
        files.refuse_link(self._path)
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError, RecursionError):
            return {}
        except OSError as error:
            with files.storage_errors(self._path.parent):
                raise error
        if not isinstance(read, dict):
            return {}
        return {owner: _right(mine) for owner, mine in read.items() if isinstance(mine, dict)}

    def _write(self, everybody: dict[str, dict[str, Values]]) -> None:
        content = json.dumps({owner: mine for owner, mine in everybody.items() if mine}).encode()
        folder = self._path.parent
        with files.storage_errors(folder):
            os.replace(files.write_temporary(folder, lambda file: file.write(content)), self._path)
            files.sync_folder(folder)


def _right(mine: dict[str, Any]) -> dict[str, Values]:
    return {name: values for name, values in mine.items() if isinstance(values, dict)}
