"""A studio for one terminal verb: it runs only this verb's jobs, not those other processes left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import open_studio
from commands.programs.remote import workers_at
from studio.service import Studio


@contextmanager
def studio_in(outputs: Path) -> Iterator[Studio]:
    """The studio of an outputs folder.

    Jobs that another process left stay queued for the page. A verb that is interrupted (Ctrl+C, a closed pipe) or fails
    leaves none behind.
    """
    with workers_at() as workers:
        studio = open_studio(outputs, resume=False, workers=workers)
        is_through = False
        try:
            yield studio
            is_through = True
        finally:
            studio.close(give_up=not is_through)
