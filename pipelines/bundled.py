"""Checks the bundled weights: each model's folder lists the SHA-256 of its files.

They are 44 MB and take 45 ms to read, once per process and state of a file. Nothing is cached on disk, so that damage
since the last start is found as well.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from studio.errors import NotReady

LISTING = "SHA256SUMS"
"""In the format of `sha256sum`, which `sha256sum -c` reads; made by `python -m toybox.checksums`."""
KINDS = frozenset({".safetensors", ".json", ".yaml", ".jinja"})
"""Endings of files that models open; all of these in a folder must be listed."""
_LINE = re.compile(r"([0-9a-f]{64})  (?!/)(\S+)")
_POINTER = b"version https://git-lfs"


def check(folder: Path) -> None:
    """Raises NotReady if a file is missing, damaged or unreadable; the message names it and says what to do."""
    if found := fault(folder):
        raise NotReady(found)


def fault(folder: Path) -> str:
    """What is wrong with a folder of bundled weights, as a sentence; "": nothing."""
    if not folder.is_dir():
        return f"The folder {_shown(folder, folder)} is missing: clone the repository again."
    listing = folder / LISTING
    path = listing
    try:
        listed = _listed(listing.read_text(encoding="utf-8"))
        there = (each for each in folder.rglob("*") if each.suffix in KINDS)
        if not listed or any(each.relative_to(folder).as_posix() not in listed for each in there):
            return _damaged(listing, folder)
        for name, sha256 in listed.items():
            path = folder / name
            status = path.stat()
            if _digest(path, status.st_size, status.st_mtime_ns, status.st_ino) != sha256:
                return _damaged(path, folder)
    except FileNotFoundError:
        return f"The file {_shown(path, folder)} is missing: clone the repository again."
    except UnicodeDecodeError:
        return _damaged(listing, folder)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        what = f"The file {_shown(path, folder)} cannot be read ({reason})"
        return f"{what}: give Diorama the right to read it, or clone the repository again."
    return ""


def _listed(text: str) -> dict[str, str]:
    """The sha256 of every file by name; {} if any line is malformed."""
    lines = [_LINE.fullmatch(line) for line in text.splitlines()]
    return {line[2]: line[1] for line in lines if line} if all(lines) else {}


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _mtime_ns: int, _inode: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(path: Path, folder: Path) -> str:
    with path.open("rb") as file:
        is_pointer = file.read(len(_POINTER)) == _POINTER
    way = " It is a Git LFS pointer: `git lfs pull` fetches what it stands for." if is_pointer else ""
    return f"The file {_shown(path, folder)} is damaged: clone the repository again.{way}"


def _shown(path: Path, folder: Path) -> str:
    """The path within the repository, as visitors need not know the rest."""
    return path.relative_to(folder.parents[1]).as_posix()
