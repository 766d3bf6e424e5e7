"""One thread that answers clicks; only the newest click of each page counts. Knows nothing of masks or models.

A click is not a job: it is answered at once or dropped, and never stored.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from studio.contract import Progress, Tell
from studio.errors import Cancelled, StudioError, Superseded

T = TypeVar("T")
log = logging.getLogger(__name__)
MAX_WAITING, MAX_CHORES = 64, 8
"""Limits for waiting clicks and waiting preparations, of all owners together."""


class Clicks:
    """Callers wait for their answer. Thread-safe; the work is done on one thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="click")
        self._newest: dict[tuple[str, str], int] = {}  # of the pages that wait
        self._waiting = self._chores = 0
        self._closing = False

    def ask(self, owner: str, page: str, number: int, work: Callable[[Tell], T]) -> T:
        """The result of `work`, which gets a `tell` that raises once the same page has asked something newer.

        Args:
            page: which of the owner's pages asks; "" for a caller that wants every answer.
            number: grows with every click of a page.

        Raises:
            Superseded: the same page asked something newer meanwhile.
        """
        who = (owner, page)

        def tell(_progress: Progress) -> None:
            if self._closing or (page and self._newest.get(who, number) > number):
                raise Cancelled

        def answer() -> T:
            tell(Progress(0, 0))
            return work(tell)

        with self._lock:
            if self._closing:
                raise StudioError("Diorama is closing. Start it again and click once more.")
            if self._waiting >= MAX_WAITING:
                raise StudioError(f"{MAX_WAITING} clicks are waiting already. Try again in a moment.")
            self._waiting += 1
            self._newest[who] = max(number, self._newest.get(who, number))
            answered = self._thread.submit(contextvars.copy_context().run, answer)  # see LiveJob.context
        try:
            return answered.result()
        except Cancelled:
            raise Superseded from None
        finally:
            with self._lock:
                self._waiting -= 1
                if self._newest.get(who) == number:
                    del self._newest[who]

    def later(self, chore: Callable[[], object]) -> None:
        """Do something on the same thread, such as loading the model before the first click.

        Skipped while much is waiting: clicks come first, and do the same themselves.
        """

        def work() -> None:
            try:
                if not self._closing:
                    chore()
            except (StudioError, Cancelled):
                log.info("Nothing was prepared for the next click.", exc_info=True)
            except Exception:  # a bug
                log.exception("Nothing was prepared for the next click.")
            finally:
                with self._lock:
                    self._chores -= 1

        with self._lock:
            if not self._closing and self._waiting + self._chores < MAX_CHORES:
                self._chores += 1
                self._thread.submit(contextvars.copy_context().run, work)

    def close(self) -> None:
        """Finish the current answer, and nothing more."""
        with self._lock:
            self._closing = True
        self._thread.shutdown(wait=True)
