"""Waiting for a provider: on a thread of its own, within a deadline, and left at once when Stop is pressed.

What was paid for is never thrown away: an answer that nobody waits for any more goes to `late`. Knows nothing of HTTP.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from studio.contract import Progress, Tell
from studio.errors import CloudFault

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
"""How often a waiting thread looks whether Stop was pressed."""

Answer = TypeVar("Answer")


class Hear(NamedTuple):
    """The asking thread's way to the one that waits. Neither raises."""

    tell: Callable[[Progress], None]
    is_wanted: Callable[[], bool]  # False once nobody waits: then nothing that costs is begun any more


class Limits(NamedTuple):
    """How long and how much one call may take."""

    answer_seconds: float = 300.0  # then the person is told; the line stays open
    late_seconds: float = 900.0  # then the line is cut
    connect_seconds: float = 15.0
    most_bytes: int = 200_000_000  # of everything that comes back in one call
    tries: int = 4  # 1 + how often a provider that says "wait" is asked again
    longest_wait: float = 90.0  # seconds; a provider that wants more is not waited for


@dataclass(frozen=True)
class _Failed:
    error: BaseException


@dataclass(frozen=True)
class _Done(Generic[Answer]):
    value: Answer


class _Call(Generic[Answer]):
    """One question on its way. The thread that asks and the one that waits share it."""

    def __init__(self, ask: Callable[[Hear], Answer], late: Callable[[Answer], None] | None) -> None:
        self.letters: queue.SimpleQueue[Progress | _Failed | _Done[Answer]] = queue.SimpleQueue()
        self._ask, self._late = ask, late
        self._lock = threading.Lock()
        self._left = False  # nobody waits any more
        self._arrived: _Done[Answer] | None = None

    def run(self) -> None:
        try:
            answer = _Done(self._ask(Hear(self.letters.put, lambda: not self._left)))
        except BaseException as error:  # handed on to the thread that waits
            self._failed(error)
            return
        with self._lock:
            self._arrived = answer
            if not self._left:
                self.letters.put(answer)
                return
        self._deliver(answer)

    def leave(self) -> None:
        """Wait no longer; an answer that lies there already is delivered now."""
        with self._lock:
            self._left = True
            arrived = self._arrived
        if arrived is not None:
            self._deliver(arrived)

    def _failed(self, error: BaseException) -> None:
        with self._lock:
            if self._left:
                # Not the text of a stranger's exception: it may quote the request.
                log.info(
                    "A call that nobody waits for ended: %s", error if isinstance(error, CloudFault) else type(error)
                )
            else:
                self.letters.put(_Failed(error))

    def _deliver(self, answer: _Done[Answer]) -> None:
        if self._late is not None:
            self._late(answer.value)


def waited(
    ask: Callable[[Hear], Answer],
    tell: Tell,
    *,
    note: str,
    limits: Limits,
    overdue: Callable[[], CloudFault],
    late: Callable[[Answer], None] | None,
) -> Answer:
    """Ask on a thread of its own and wait for the answer, hearing Stop within LOOK_SECONDS.

    Args:
        ask: does the call; what it raises is raised here.
        note: what the page shows meanwhile.
        overdue: makes the fault for when `limits.answer_seconds` are over.
        late: gets an answer that comes after Stop, Skip or the deadline.

    Raises:
        Cancelled, Skipped: of `tell`.
    """
    call = _Call(ask, late)
    deadline = time.monotonic() + limits.answer_seconds
    last = Progress(0, 0, note)
    tell(last)  # Stop may have been pressed before: then nothing is asked
    threading.Thread(target=call.run, name="provider", daemon=True).start()
    try:
        while True:
            try:
                letter = call.letters.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                letter = Progress(last.step, last.steps, last.note)
            if isinstance(letter, _Done):
                return letter.value
            if isinstance(letter, _Failed):
                raise letter.error
            last = letter
            tell(letter)
            if time.monotonic() > deadline:
                raise overdue()
    except BaseException:
        call.leave()
        raise


def pause(seconds: float, tell: Tell, note: str) -> None:
    """Wait as long as a provider asked for; Stop ends it."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        tell(Progress(0, 0, f"{note}: {left:.0f} s"))
        time.sleep(min(LOOK_SECONDS, left))
