"""A private folder for this process's temporary files. Knows nothing about its contents.

gradio's own would be `gradio` in the system's temporary folder: on a shared machine that belongs to whoever came first,
and others may read it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from studio.errors import BadRequest, StudioError
from studio.library.database import FolderLock

PREFIX = "diorama-temporary-"
LOCK = "lock.sqlite"
"""What `FolderLock` keeps in a folder."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Have gradio and `tempfile` put everything into a new folder that only this user can read; gone afterwards.

    It is made where GRADIO_TEMP_DIR says, or in the system's temporary folder. What processes that were killed left
    there is removed first.

    Raises:
        BadRequest: no folder can be made.
    """
    try:
        parent = _parent()
        _remove_leftovers(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # 0700
        lock = FolderLock(folder)
    except (OSError, StudioError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadRequest(
            f"there is no room for temporary files: {reason}. Free some space, or set TMPDIR to a folder that can be "
            "written to."
        ) from error
    outside = tempfile.tempdir, os.environ.get("GRADIO_TEMP_DIR")
    tempfile.tempdir = os.environ["GRADIO_TEMP_DIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = outside[0]
        os.environ.pop("GRADIO_TEMP_DIR")
        if outside[1] is not None:
            os.environ["GRADIO_TEMP_DIR"] = outside[1]
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _parent() -> Path:
    named = os.environ.get("GRADIO_TEMP_DIR")
    if named and os.access(named, os.W_OK | os.X_OK):
        return Path(named).absolute()
    return Path(tempfile.gettempdir())


def _remove_leftovers(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError, StudioError):  # another process removes it now, or its own lives
            is_ours = not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()
            if not folder.is_symlink() and is_ours and (folder / LOCK).is_file():
                FolderLock(folder).release()
                shutil.rmtree(folder, ignore_errors=True)
