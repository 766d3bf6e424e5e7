"""Atomic file writes: after a crash, a file is complete or missing. Knows nothing of recipes or the index."""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from studio.errors import StorageFailed
from studio.validation import short

log = logging.getLogger(__name__)

TEMPORARY = ".writing-"
"""Prefix of incomplete files."""
SLUG_LENGTH = 40


def private(path: str, flags: int) -> int:
    """For `open(..., opener=private)`: new files are accessible to their owner alone, and links are not followed."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def refuse_link(path: Path) -> None:
    """Raises StorageFailed if a link is in place of one of our files or folders, as it may lead anywhere."""
    if path.is_symlink():
        raise StorageFailed(f"{short(path)} is a link, and links are not followed. Put what it leads to in its place.")


def write_temporary(folder: Path, write: Callable[[BinaryIO], object], *, is_lasting: bool = True) -> Path:
    """Write a new file and flush it to disk. The caller renames or removes it.

    Args:
        is_lasting: False for what can be made again: it is not flushed, so a power cut may damage it.

    Raises:
        OSError, StorageFailed: nothing is left in the folder.
    """
    refuse_link(folder)
    path = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        with open(path, "xb", opener=private) as file:
            write(file)
            if is_lasting:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        remove(path)
        raise
    return path


def sync_folder(folder: Path) -> None:
    """Make renames in the folder survive a power cut."""
    if os.name == "nt":  # Windows opens no folder as a file; NTFS journals its renames
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file if possible; the next start removes the rest."""
    with suppress(OSError):
        path.unlink()


def remove_leftovers(folder: Path) -> None:
    """Remove files that a killed process was writing."""
    with os.scandir(folder) as entries:
        leftovers = [folder / entry.name for entry in entries if entry.name.startswith(TEMPORARY)]
    for leftover in leftovers:
        remove(leftover)


def file_names(created: float, title: str, id: str, suffix: str) -> Iterator[str]:
    """`20261120-141503_a-red-ball_7f3a.png`, in local time; then longer names in case that one is taken.

    Args:
        created: Unix time, seconds.
        title: any text; only its slug is used.
        id: of the asset, 32 hex digits: the first four, then more.
        suffix: ".png".
    """
    start = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(created))}_{slug(title)}"
    for digits in (4, 8, len(id)):
        yield f"{start}_{id[:digits]}{suffix}"


def slug(title: str) -> str:
    """Lower-case ASCII letters, digits and single hyphens; never empty, never more than SLUG_LENGTH."""
    plain = unicodedata.normalize("NFKD", title[: SLUG_LENGTH * 10]).encode("ascii", "ignore").decode().lower()
    words = re.sub("[^a-z0-9]+", "-", plain).strip("-")
    if len(words) > SLUG_LENGTH:
        whole_words = words[: SLUG_LENGTH + 1].rpartition("-")[0]
        words = whole_words or words[:SLUG_LENGTH]
    return words or "picture"


@contextmanager
def storage_errors(folder: Path, fault: str = "") -> Iterator[None]:
    """Turn the system's error about a full, read-only or broken disk into a message for people.

    Args:
        fault: what cannot be done with a folder that may never have existed; "": storing a file in it.
    """
    try:
        yield
    except OSError as error:
        told = f"The folder {folder} {fault}" if fault else f"{short(folder)} did not take the file"
        raise StorageFailed(f"{told}: {_reason(error, is_new=bool(fault))}") from error


def _reason(error: OSError, *, is_new: bool) -> str:
    if is_new and error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        kind = "there is a file in its place" if error.errno in (errno.EEXIST, errno.ENOTDIR) else error.strerror
        return f"{kind}. Use --outputs ANOTHER_FOLDER."
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "the disk is full. Free some space, then try again."
        case errno.EROFS:
            return "the disk is read-only. Start Diorama with --outputs ANOTHER_FOLDER."
        case errno.EACCES | errno.EPERM:
            return "writing is not permitted. Change the folder's permissions, or use --outputs ANOTHER_FOLDER."
        case errno.ELOOP:
            return "a link lies in its place, and links are not followed. Put the file itself there."
        case errno.ENOENT | errno.ENOTDIR:
            return "the folder is gone. Restart Diorama: it is made again."
        case _:
            return f"{error.strerror or type(error).__name__}. Check the disk, or use --outputs ANOTHER_FOLDER."


def write_small(path: Path, image: Image.Image, side: int) -> None:
    """Write a WebP that fits into a square; a failure is only logged."""
    scale = min(1.0, side / max(image.size))
    width, height = (max(1, round(each * scale)) for each in image.size)
    small = image.resize((width, height), reducing_gap=2.0)  # unlike `thumbnail`, without copying the original
    try:
        temporary = write_temporary(path.parent, lambda file: small.save(file, "WEBP", quality=80), is_lasting=False)
        os.replace(temporary, path)
    except OSError as error:
        log.warning("%s is not there for now: %s", path, error)
