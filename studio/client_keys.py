"""API keys for programs: one file each, holding only the key's hash. Knows no HTTP.

The files lie beside the pictures, so keys added or removed take effect at once, even while Diorama runs.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.errors import BadRequest
from studio.library import files
from studio.validation import shown

FOLDER = "keys"
PREFIX = "diorama-"
_NAME = re.compile(r"[\w][\w.-]{0,63}", re.ASCII)
_LONGEST_KEY = 200  # characters; longer keys are not looked up


@dataclass(frozen=True)
class ClientKey:
    """A stored key."""

    name: str  # of the program it was made for
    owner: str  # whose pictures it makes and sees
    created: float  # Unix time, seconds
    sha256: str  # of the key: 256 random bits, so no salt is needed


class ClientKeys:
    """The keys of one outputs folder. Safe from any thread and process."""

    def __init__(self, outputs: Path, admits: Callable[[str], bool] = lambda _owner: True) -> None:
        """
        Args:
            admits: whether an owner is still allowed in; keys of others are refused.
        """
        self._folder, self._admits = outputs / FOLDER, admits

    def add(self, name: str, owner: str) -> str:
        """Create a key. It is returned once and never stored.

        Raises:
            BadRequest: the name is invalid or taken.
            StorageFailed
        """
        if not _NAME.fullmatch(name):
            raise BadRequest(f"The name of a key is 1 to 64 letters, digits and any of . _ -, not {shown(name)}.")
        key = PREFIX + secrets.token_urlsafe(32)
        kept = {"owner": owner, "created": round(time.time(), 3), "sha256": _hash(key)}
        with files.storage_errors(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = files.write_temporary(self._folder, lambda file: file.write(json.dumps(kept).encode()))
            try:
                os.link(temporary, self._path(name))  # unlike a rename, never overwrites
            except FileExistsError as error:
                raise BadRequest(f"There is a key '{name}' already. Remove it, or choose another name.") from error
            finally:
                files.remove(temporary)
            files.sync_folder(self._folder)
        return key

    def remove(self, name: str) -> None:
        """
        Raises:
            BadRequest: there is no such key.
            StorageFailed
        """
        if not _NAME.fullmatch(name) or not self._path(name).is_file():
            known = ", ".join(key.name for key in self.all())
            raise BadRequest(f"There is no key {shown(name)}. {f'There are: {known}.' if known else 'There are none.'}")
        with files.storage_errors(self._folder):
            self._path(name).unlink()

    def remove_of(self, owner: str) -> list[str]:
        """Remove all keys of an owner, and return their names. Raises StorageFailed."""
        names = [key.name for key in self.all() if key.owner == owner]
        for name in names:
            self.remove(name)
        return names

    def all(self) -> list[ClientKey]:
        """All keys, sorted by name."""
        return sorted(self._read(), key=lambda key: key.name)

    def find(self, key: str) -> ClientKey | None:
        """The record of this key; None if it is unknown, removed, or its owner was."""
        if not key.startswith(PREFIX) or len(key) > _LONGEST_KEY:
            return None
        sought = _hash(key)
        known = next((known for known in self._read() if hmac.compare_digest(known.sha256, sought)), None)
        return known if known and self._admits(known.owner) else None

    def _read(self) -> Iterator[ClientKey]:
        for path in self._folder.glob("*.json"):
            try:
                kept = json.loads(path.read_bytes())
                yield ClientKey(path.stem, str(kept["owner"]), float(kept["created"]), str(kept["sha256"]))
            except (OSError, ValueError, TypeError, KeyError):  # just removed, or not one of ours
                continue

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
