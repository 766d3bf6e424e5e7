"""Saves pictures on a thread of its own, while the next ones are made."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any

from studio.errors import Skipped


class Saving:
    """Saves pictures in order on its own thread, so that the GPU need not wait a third of a second for each.

    One at a time; leaving the block waits for the last.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="save")
        self._last: Future[Any] | None = None

    def __enter__(self) -> Saving:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            self.wait()
        finally:
            self._thread.shutdown()

    def begin(self, *chores: Callable[[], None]) -> None:
        """Start these, one after another; first waits for the previous ones, and raises as `wait` does."""
        self.wait()
        self._last = self._thread.submit(lambda: [chore() for chore in chores])

    def wait(self) -> None:
        """Wait until all are saved.

        Raises:
            StorageFailed, Cancelled: the last one failed.
        """
        last, self._last = self._last, None
        if last is not None:
            with suppress(Skipped):
                last.result()
