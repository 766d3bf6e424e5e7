"""A studio for one terminal verb: it makes what is asked for here, and nothing that others left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import open_studio
from studio.service import Studio


@contextmanager
def studio_in(outputs: Path) -> Iterator[Studio]:
    """The studio of an outputs folder.

    Jobs that another process left stay for the page to make. A verb that is interrupted (Ctrl+C, a pipe that nobody
    reads any more) or stumbles leaves none behind.
    """
    studio = open_studio(outputs, resume=False)
    is_through = False
    try:
        yield studio
        is_through = True
    finally:
        studio.close(give_up=not is_through)
