"""File permissions of an outputs folder: only the user of this process may read it, whatever the umask."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from studio.library import files

log = logging.getLogger(__name__)

_INDEX = ("*.sqlite*", "notes.jsonl", "presets.json", "signing.key")
"""Our files beside the folders; other files are left alone."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def prepare(outputs: Path, folders: Iterable[str]) -> None:
    """Create an outputs folder, or remove other users' access to an existing one.

    A file system that does not support this, or a folder of another user or for everybody, is logged once and used.

    Args:
        folders: names of our folders in it.

    Raises:
        StorageFailed: it cannot be created or written to, or something of ours in it was replaced by a link.
    """
    with files.storage_errors(outputs, "cannot be made"):
        outputs.mkdir(mode=0o700, parents=True, exist_ok=True)
    with files.storage_errors(outputs, "cannot be written to"):
        files.remove(files.write_temporary(outputs, lambda _file: None, is_lasting=False))
    ours = [outputs / name for name in folders]
    index = [path for pattern in _INDEX for path in outputs.glob(pattern)]
    for path in (*ours, *index):
        files.refuse_link(path)
    try:
        for path in index:
            _close(path, path.stat(), 0o600)
        for folder in ours:
            if folder.is_dir():
                _close_with_files(folder)
        about = outputs.stat()
        if about.st_mode & stat.S_ISVTX:  # such as /tmp, for everybody
            raise PermissionError(f"{outputs} is a folder that everybody can use")
        _close(outputs, about, 0o700)
    except OSError as error:
        log.warning("Others on this machine may be able to read %s: %s", outputs, error)


def _close_with_files(folder: Path) -> None:
    """Files first: a folder that is already private has only private files, and 100,000 need no check."""
    about = folder.stat()
    if not about.st_mode & _OTHERS:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                _close(entry, entry.stat(follow_symlinks=False), 0o600)
    _close(folder, about, 0o700)


def _close(path: os.PathLike[str], about: os.stat_result, mode: int) -> None:
    if about.st_mode & _OTHERS and os.name != "nt":  # Windows keeps users' folders private
        os.chmod(path, mode)
