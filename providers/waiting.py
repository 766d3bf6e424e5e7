"""Waiting for a provider: on a thread of its own, within a deadline, and left at once when Stop is pressed.

What was paid for is never thrown away: an answer that nobody waits for any more goes to `late`. Knows nothing of HTTP.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import NamedTuple, TypeVar

from studio.contract import Progress, Tell
from studio.errors import CloudFault

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
"""How often a waiting thread checks for Stop."""

Answer = TypeVar("Answer")


class Hear(NamedTuple):
    """The asking thread's way to the one that waits. Neither raises."""

    tell: Callable[[Progress], None]
    is_wanted: Callable[[], bool]  # False once nobody waits: then nothing that costs is begun any more


class Limits(NamedTuple):
    """How long and how much one call may take."""

    answer_seconds: float = 300.0  # then the person is told; the connection stays open
    late_seconds: float = 900.0  # then it is cut
    connect_seconds: float = 15.0
    most_bytes: int = 200_000_000  # of everything that comes back in one call
    tries: int = 4  # 1 + how often a provider that says "wait" is asked again
    longest_wait: float = 90.0  # seconds; a provider that wants more is not waited for


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
    answer: Future[Answer] = Future()
    heard: queue.SimpleQueue[Progress] = queue.SimpleQueue()
    left = threading.Event()

    def run() -> None:
        try:
            answer.set_result(ask(Hear(heard.put, lambda: not left.is_set())))
        except BaseException as error:  # handed on to the thread that waits
            answer.set_exception(error)

    deadline = time.monotonic() + limits.answer_seconds
    last = Progress(0, 0, note)
    tell(last)  # Stop may have been pressed before: then nothing is asked
    # Not of a pool: Python waits for the threads of a pool when it ends.
    threading.Thread(target=run, name="provider", daemon=True).start()
    try:
        while True:
            is_over = bool(wait([answer], LOOK_SECONDS).done)
            while not heard.empty():
                last = heard.get()
                tell(last)
            if is_over:
                break
            tell(Progress(last.step, last.steps, last.note))
            if time.monotonic() > deadline:
                raise overdue()
    except BaseException:
        left.set()
        answer.add_done_callback(partial(_deliver, late))  # at once, where it lies there already
        raise
    return answer.result()


def _deliver(late: Callable[[Answer], None] | None, answer: Future[Answer]) -> None:
    """What becomes of an answer that nobody waits for any more."""
    if error := answer.exception():
        # Not the text of a stranger's exception: it may quote the request.
        log.info("A call that nobody waits for ended: %s", error if isinstance(error, CloudFault) else type(error))
    elif late is not None:
        late(answer.result())


def pause(seconds: float, tell: Tell, note: str) -> None:
    """Wait as long as a provider asked for; Stop ends it."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        tell(Progress(0, 0, f"{note}: {left:.0f} s"))
        time.sleep(min(LOOK_SECONDS, left))
