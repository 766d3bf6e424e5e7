"""A waiting or running job in memory: its latest progress, and whether Stop or Skip was pressed.

`tell` and `check` are for the model, `view` is for watchers. Nothing in here touches the disk.
"""

from __future__ import annotations

import contextvars
import io
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from PIL import Image

from studio.contract import Progress, Task
from studio.errors import Cancelled, IndexBusy, Skipped
from studio.scheduling.changes import Changes
from studio.scheduling.contract import JobState, JobView
from studio.scheduling.eta import Eta
from studio.scheduling.ledger import JobRow

_Answer = TypeVar("_Answer")
PREVIEW_SIDE = 512
"""Longest side of a preview, in pixels: sharp enough to show, small enough to send at every step."""


class LiveJob:
    """`tell`, `check` and `begin` are for the working thread, the rest for any thread.

    `patiently` and `saved` may be called by the thread that saves its pictures meanwhile.
    """

    def __init__(
        self,
        row: JobRow,
        changes: Changes,
        patience_seconds: float,
        admits: Callable[[str], bool] = lambda _owner: True,
    ) -> None:
        """
        Args:
            patience_seconds: for `patiently`.
            admits: whether its owner is still allowed in.
        """
        self.row, self._admits = row, admits
        self.is_away = False  # another machine does the work
        self.context = contextvars.copy_context()  # of the request, for what depends on it
        self._patience_seconds = patience_seconds
        self._changes = changes
        self._view = row.view()
        self._eta = Eta()
        self._stop = False  # the person pressed Stop
        self._leave = False  # the process wants to end
        self._has_begun = False  # its first picture
        self._skip: int | None = None  # the picture to skip

    @property
    def is_over(self) -> bool:
        return self._view.is_over

    @property
    def version(self) -> int:
        return self._view.version

    @property
    def model(self) -> str:
        """The id of the model working on it."""
        return self._view.model

    @property
    def was_stopped(self) -> bool:
        return self._stop

    def view(self, position: int) -> JobView:
        """A snapshot, without its assets."""
        with self._changes.lock:
            view = self._view
            running = view.state == "running"
            left = self._eta.seconds_left(view.pictures - view.picture - 1, time.monotonic()) if running else None
            return replace(view, position=position, seconds_left=left)

    # --- the worker's side --------------------------------------------------------------------------------------------

    def begin(self, picture: int, task: Task | None = None, model: str = "") -> None:
        """Start the next picture. Raises `Cancelled` like `tell`.

        Args:
            task: the current step of a job with several. With it:
            model: the id of the model that does it.
        """
        with self._changes.lock:
            doing = {"task": task, "model": model} if task else {}
            is_another = bool(task) and task != self._view.task
            if is_another:
                self._eta = Eta()
            self._eta.begin(time.monotonic())
            self._has_begun = True
            self._change(is_news=is_another, picture=picture, step=0, steps=0, note="", preview=None, **doing)
        self.tell(Progress(0, 0))

    def tell(self, progress: Progress) -> None:
        """See `contract.Tell`."""
        if self._leave:
            raise Cancelled
        self.check()
        view = self._view
        if progress.preview is None and _said(view) == _said(progress):
            return  # nothing new
        preview = view.preview if progress.preview is None else jpeg_of(progress.preview)
        with self._changes.lock:
            self._eta.told(progress.step, progress.steps, time.monotonic())
            self._change(is_news=False, step=progress.step, steps=progress.steps, note=progress.note, preview=preview)

    def check(self, picture: int | None = None) -> None:
        """Raise `Cancelled` or `Skipped` if that was pressed during this picture; None: the current one."""
        if self._stop or not self._admits(self.row.owner):
            raise Cancelled
        if self._skip == (self._view.picture if picture is None else picture):
            raise Skipped

    def saved(self, picture: int) -> None:
        """A picture was stored: notify the watchers, except for the last one, after which the job ends."""
        self._change(is_news=picture + 1 < self._view.pictures)

    def patiently(self, write: Callable[[], _Answer], *, is_end: bool = False, picture: int | None = None) -> _Answer:
        """Write something, retrying while another program has locked the index; the job's note says so.

        Args:
            is_end: cannot be stopped any more: the job is over, or its result was paid for.
            picture: the index of the picture being written, while the next one may be in progress.

        Raises:
            Cancelled: as `tell`.
            IndexBusy: out of patience.
        """
        deadline = time.monotonic() + self._patience_seconds
        while True:
            try:
                return write()
            except IndexBusy:
                if time.monotonic() >= deadline or (is_end and self._leave):
                    raise
            if not is_end and self._leave:
                raise Cancelled
            if not is_end:
                self.check(picture)
            if self._view.note != _BUSY:
                self._change(is_news=False, note=_BUSY)

    # --- everybody's side ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Its turn has come. Not news: watchers have seen it next in line, or the previous job end."""
        self._change(is_news=False, state="running")

    def stop(self) -> None:
        self._stop = True
        self._change(stopping=True)

    def skip(self) -> None:
        """Skip the picture being made now, if there is one."""
        with self._changes.lock:
            if self._view.state == "running" and self._has_begun:
                self._skip = self._view.picture

    def leave(self) -> None:
        self._leave = True

    def finish(self, state: JobState, error: str) -> None:
        self._change(state=state, error=error, stopping=False, preview=None, note="")

    def moved(self) -> None:
        """Fewer jobs are before it."""
        self._change()

    def _change(self, *, is_news: bool = True, **values: Any) -> None:
        with self._changes.lock:
            version = self._changes.note(self.row.owner, is_news=is_news)
            self._view = replace(self._view, version=version, **values)


_BUSY = "waiting for another program to let go of the index"


def _said(of: JobView | Progress) -> tuple[int, int, str]:
    return of.step, of.steps, of.note


def jpeg_of(image: Image.Image) -> bytes:
    """A preview as it is shown."""
    small = image.convert("RGB")
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
