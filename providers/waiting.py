"""Waiting for a provider on a separate thread, with a deadline, and returning at once on Stop.

What was paid for is never discarded: an answer that nobody waits for any more goes to `late`. Knows no HTTP.
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
    """Callbacks from the calling thread to the waiting one. Neither raises."""

    tell: Callable[[Progress], None]
    is_wanted: Callable[[], bool]  # False once nobody waits: then nothing that costs is started


class Limits(NamedTuple):
    """Limits on the time and size of one call."""

    answer_seconds: float = 300.0  # then the user gets an error; the connection stays open
    late_seconds: float = 900.0  # then it is closed
    connect_seconds: float = 15.0
    most_bytes: int = 200_000_000  # received in one call
    tries: int = 4  # 1 + retries when a provider says "wait"
    longest_wait: float = 90.0  # seconds; no retry if a provider asks for more


def waited(
    ask: Callable[[Hear], Answer],
    tell: Tell,
    *,
    note: str,
    limits: Limits,
    overdue: Callable[[], CloudFault],
    late: Callable[[Answer], None] | None,
) -> Answer:
    """Call a provider on a separate thread and wait for the answer, checking for Stop every LOOK_SECONDS.

    Args:
        ask: does the call; its exceptions are raised here.
        note: what the page shows meanwhile.
        overdue: makes the fault for when `limits.answer_seconds` are over.
        late: gets an answer that comes after Stop, Skip or the deadline.

    Raises:
        Cancelled, Skipped: by `tell`.
    """
    answer: Future[Answer] = Future()
    heard: queue.SimpleQueue[Progress] = queue.SimpleQueue()
    left = threading.Event()

    def run() -> None:
        try:
            answer.set_result(ask(Hear(heard.put, lambda: not left.is_set())))
        except BaseException as error:  # passed to the waiting thread
            answer.set_exception(error)

    deadline = time.monotonic() + limits.answer_seconds
    last = Progress(0, 0, note)
    tell(last)  # raises if Stop was pressed already
    # Not from a pool: Python waits for a pool's threads at exit.
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
        answer.add_done_callback(partial(_deliver, late))  # immediately, if it is already there
        raise
    return answer.result()


def _deliver(late: Callable[[Answer], None] | None, answer: Future[Answer]) -> None:
    """Hand over an answer that nobody waits for any more."""
    if error := answer.exception():
        # Not the text of an unknown exception: it may quote the request.
        log.info("A call that nobody waits for ended: %s", error if isinstance(error, CloudFault) else type(error))
    elif late is not None:
        late(answer.result())


def pause(seconds: float, tell: Tell, note: str) -> None:
    """Wait as long as a provider asked for; Stop ends it."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        tell(Progress(0, 0, f"{note}: {left:.0f} s"))
        time.sleep(min(LOOK_SECONDS, left))
