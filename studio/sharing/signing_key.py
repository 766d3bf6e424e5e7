"""The key of an outputs folder that signs cookies and links: random, and kept across restarts."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from studio.library import files

log = logging.getLogger(__name__)

KEY_BYTES = 32


def read_key(folder: Path) -> bytes:
    """The key of a folder, created if missing or damaged; if the folder is not writable, a key for this process."""
    path = folder / "signing.key"
    try:
        key = _kept(path)
        if len(key) != KEY_BYTES:
            key = secrets.token_bytes(KEY_BYTES)
            os.replace(files.write_temporary(folder, lambda file: file.write(key)), path)
            files.sync_folder(folder)
        return key
    except OSError as error:
        log.warning("%s cannot be used (%s): links to files end with this process.", path, error)
        return secrets.token_bytes(KEY_BYTES)


def _kept(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=files.private) as file:
            return file.read(KEY_BYTES + 1)
    except FileNotFoundError:
        return b""
