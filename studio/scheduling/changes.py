"""Change notifications per owner: one growing number for everything, and a condition to wait on.

Progress, reported many times a second, is not *news*: it grows the number like any other change, but watchers may
react to it a little later.

The lock in here guards everything the lanes share; it is never held during disk or model work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Changes:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._bell = threading.Condition(self.lock)
        # Milliseconds since 1970, so that numbers keep growing across restarts.
        self._start = self._now = int(time.time() * 1000)
        self._of_owner: dict[str, int] = {}
        self._news_of: dict[str, int] = {}
        self._listeners: dict[str, list[Callable[[bool], object]]] = {}  # by owner

    def start_above(self, number: int) -> None:
        """Start above this number, in case the clock was set back since the last start."""
        with self.lock:
            self._start = self._now = max(self._now, number + 1)

    def next_number(self) -> int:
        """A number larger than any before, for changes nobody can see yet; nobody is notified."""
        with self.lock:
            self._now += 1
            return self._now

    def note(self, owner: str, *, is_news: bool = True) -> int:
        """Something of this owner changed, more than a job's progress if `is_news`. Returns its number."""
        with self.lock:
            number = self._of_owner[owner] = self.next_number()
            if is_news:
                self._news_of[owner] = number
            self._bell.notify_all()
            for listener in self._listeners.get(owner, ()):
                listener(is_news)
            return number

    def of(self, owner: str) -> int:
        """The number of the owner's latest change."""
        with self.lock:
            return self._of_owner.get(owner, self._start)

    def news_of(self, owner: str) -> int:
        """The number of the owner's latest news."""
        with self.lock:
            return self._news_of.get(owner, self._start)

    @contextmanager
    def listening(self, owner: str, listener: Callable[[bool], object]) -> Iterator[None]:
        """Call `listener(is_news)` on every change of the owner, on the thread making it; it must return at once."""
        with self.lock:
            self._listeners.setdefault(owner, []).append(listener)
        try:
            yield
        finally:
            with self.lock:
                self._listeners[owner].remove(listener)
                if not self._listeners[owner]:
                    del self._listeners[owner]

    def ring(self) -> None:
        """Wake all waiters although nothing changed, because the studio closes."""
        with self.lock:
            self._bell.notify_all()

    def wait_until(self, true: Callable[[], bool]) -> None:
        """Block until the condition holds; it is checked after every change, under the lock."""
        with self.lock:
            self._bell.wait_for(true)
