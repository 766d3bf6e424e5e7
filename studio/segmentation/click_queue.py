"""One thread that answers clicks; only the newest click of each page counts. Knows nothing of masks or models.

A click is not a job: it is answered at once or dropped, and never stored.
"""

from __future__ import annotations

import contextvars
import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from studio.contract import Progress, Tell
from studio.errors import Cancelled, NotReady, StudioError, Superseded

T = TypeVar("T")
log = logging.getLogger(__name__)
MAX_WAITING, MAX_CHORES = 64, 8
"""Limits for waiting clicks and waiting preparations, of all owners together."""
HUNG_SECONDS = 300.0
"""Work that reports nothing for so long has hung; a large picture takes half a minute on a slow CPU."""
MOST_HUNG = 3
"""Threads to leave behind; each keeps its model in memory."""
CLOSING_SECONDS = 8.0
_LOOK_SECONDS = 1.0
_HUNG = "The model did not answer this click for five minutes. Click again, or choose another model."
_STUCK = f"The models did not answer {MOST_HUNG} clicks for five minutes each. Restart Diorama."


def _nothing() -> None:
    """For work that holds nothing."""


class Clicks:
    """Callers wait for their answer. Thread-safe; the work is done on one thread. If it hangs, another takes over."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, threading.RLock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="click")
        self._heard = math.inf  # when the work on the thread began or last reported; inf: there is none
        self._leave: Callable[[], object] = _nothing  # of that work
        self._newest: dict[tuple[str, str], int] = {}  # of the pages that wait
        self._waiting = self._chores = self._hung = 0
        self._closing = False

    def ask(
        self, owner: str, page: str, number: int, work: Callable[[Tell], T], leave: Callable[[], object] = _nothing
    ) -> T:
        """The result of `work`, which gets a `tell` that raises once the same page has asked something newer.

        Args:
            page: which of the owner's pages asks; "" for a caller that wants every answer.
            number: grows with every click of a page.
            leave: called if the work hangs, to keep others from what it holds. Must return at once.

        Raises:
            Superseded: the same page asked something newer meanwhile.
            NotReady: the work hangs, or too much before it does.
        """
        who = (owner, page)

        def is_old() -> bool:
            return bool(page) and self._newest.get(who, number) > number

        def answer(tell: Tell) -> T:
            def tell_unless_old(progress: Progress) -> None:
                tell(progress)
                if is_old():
                    raise Cancelled

            tell_unless_old(Progress(0, 0))
            return work(tell_unless_old)

        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise StudioError(f"{MAX_WAITING} clicks are waiting already. Try again in a moment.")
            self._waiting += 1
            self._newest[who] = max(number, self._newest.get(who, number))
        try:
            while True:
                with self._lock:
                    thread, answered = self._submit(answer, leave)
                while not answered.done():
                    wait([answered], _LOOK_SECONDS)
                    if is_old() and answered.cancel():
                        raise Superseded
                    self._look()
                    if thread is not self._thread and not answered.done():
                        raise NotReady(_HUNG)
                if not answered.cancelled():  # else it waited behind work that hangs
                    return answered.result()
        except Cancelled:
            raise Superseded from None
        finally:
            with self._lock:
                self._waiting -= 1
                if self._newest.get(who) == number:
                    del self._newest[who]

    def later(self, chore: Callable[[], object], leave: Callable[[], object] = _nothing) -> None:
        """Do something on the same thread, such as loading the model before the first click.

        Skipped while much is waiting: clicks come first, and do the same themselves. `leave` as for `ask`.
        """

        def work(_tell: Tell) -> None:
            try:
                chore()
            except (StudioError, Cancelled):
                log.info("Nothing was prepared for the next click.", exc_info=True)
            except Exception:  # a bug
                log.exception("Nothing was prepared for the next click.")

        def done(_future: Future[None]) -> None:
            with self._lock:
                self._chores -= 1

        with self._lock:
            if self._closing or self._hung >= MOST_HUNG or self._waiting + self._chores >= MAX_CHORES:
                return
            self._chores += 1
            _, prepared = self._submit(work, leave)
        prepared.add_done_callback(done)

    def close(self) -> None:
        """Finish the current answer, unless it hangs, and nothing more."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            last = self._thread.submit(_nothing)
        self._thread.shutdown(wait=bool(wait([last], CLOSING_SECONDS).done))

    def _submit(self, work: Callable[[Tell], T], leave: Callable[[], object]) -> tuple[ThreadPoolExecutor, Future[T]]:
        """Called with the lock. The work's `tell` raises once the work is given up."""
        if self._closing:
            raise StudioError("Diorama is closing. Start it again and click once more.")
        if self._hung >= MOST_HUNG:
            raise NotReady(_STUCK)
        thread = self._thread

        def tell(_progress: Progress) -> None:
            with self._lock:
                if self._closing or thread is not self._thread:
                    raise Cancelled
                self._heard, self._leave = self._now(), leave

        def do() -> T:
            try:
                tell(Progress(0, 0))
                return work(tell)
            finally:
                with self._lock:
                    if thread is self._thread:
                        self._heard = math.inf
                    else:  # it did end
                        self._hung -= 1

        return thread, thread.submit(contextvars.copy_context().run, do)  # see LiveJob.context

    def _look(self) -> None:
        """If the work hangs, leave its thread behind; those who wait ask again."""
        with self._lock:
            if self._now() - self._heard < HUNG_SECONDS:
                return
            log.error("The work on the click thread hangs; another thread takes over.")
            self._heard, self._hung = math.inf, self._hung + 1
            self._leave()
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="click")
