"""Worker threads and their queues. Knows nothing of rows, models or pictures.

A lane serves owners in turn; its next job starts when the previous one has really ended, however long that takes
after Stop.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Container
from typing import Literal

from studio.scheduling.changes import Changes
from studio.scheduling.fair_queue import FairQueue
from studio.scheduling.ledger import JobRow
from studio.scheduling.live_job import LiveJob

LaneName = Literal["gpu", "cloud", "words", "workers"]
THREADS: dict[LaneName, int] = {"gpu": 1, "cloud": 8, "words": 1, "workers": 0}
"""Threads of each lane on this machine; the last lane is for other machines alone."""


class _Lane:
    def __init__(self, name: LaneName) -> None:
        self.name: LaneName = name
        self.threads: list[threading.Thread] = []
        self.away: list[threading.Thread] = []  # each waiting for another machine
        self.idle = 0
        self.waiting = FairQueue()
        self.running: list[LiveJob] = []
        self.chores: dict[str, Callable[[], object]] = {}  # run when no job waits


class Lanes:
    """Guarded by the lock of `Changes`; jobs and chores run without it."""

    def __init__(
        self, changes: Changes, run: Callable[[LiveJob], None], places: Callable[[JobRow], int] = lambda _row: 0
    ) -> None:
        """
        Args:
            run: does one job, on a thread of its lane or, if it `is_away`, on its own thread.
            places: how many jobs like this one other machines can take at once; returns at once.
        """
        self._places = places
        self._lock = changes.lock
        self._arrived = threading.Condition(self._lock)
        self._run = run
        self._lanes = {name: _Lane(name) for name in THREADS}
        self._closing = self._paused = False

    def add(self, job: LiveJob) -> None:
        with self._lock:
            lane = self._lane(job)
            lane.waiting.add(job)
            self._call_thread(lane)
            self._hand_out(lane)

    def take_out(self, job: LiveJob) -> bool:
        """Remove a waiting job. False: it was not waiting."""
        with self._lock:
            lane = self._lane(job)
            if job not in lane.waiting:
                return False
            lane.waiting.remove(job)
            self._tell_waiting(lane)
            return True

    def left(self, job: LiveJob) -> None:
        """A job's work has ended."""
        with self._lock:
            lane = self._lane(job)
            if job in lane.running:
                lane.running.remove(job)
                self._tell_waiting(lane)
                self.hand_out()

    def hand_out(self) -> None:
        """Give jobs to other machines that have places, if no thread of the lane is free."""
        with self._lock:
            for lane in self._lanes.values():
                self._hand_out(lane)

    def position(self, job: LiveJob) -> int:
        """Jobs before it, the running ones included; 0 once it runs."""
        with self._lock:
            lane = self._lane(job)
            return lane.waiting.place(job) + len(lane.running) if job in lane.waiting else 0

    def when_idle(self, name: LaneName, what: str, chore: Callable[[], object]) -> None:
        """Do something on the lane's thread once no job waits there; repeated requests run once."""
        with self._lock:
            lane = self._lanes[name]
            lane.chores.setdefault(what, chore)
            self._call_thread(lane)

    def close(self) -> list[LiveJob]:
        """Start nothing more. Returns the running jobs."""
        with self._lock:
            self._closing = True
            self._arrived.notify_all()
            return [job for lane in self._lanes.values() for job in lane.running]

    def join(self, seconds: float) -> list[str]:
        """Wait at most this long for the threads to end. Returns the names of those that have not."""
        deadline = time.monotonic() + seconds
        threads = [thread for lane in self._lanes.values() for thread in (*lane.threads, *lane.away)]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return [thread.name for thread in threads if thread.is_alive()]

    @property
    def is_paused(self) -> bool:
        return self._paused

    def pause(self, is_paused: bool) -> None:
        """Stop starting jobs, or continue; running jobs finish."""
        with self._lock:
            self._paused = is_paused
            self._arrived.notify_all()
            self.hand_out()

    def waiting_of(self, owners: Container[str]) -> int:
        """How many jobs of these owners are waiting."""
        with self._lock:
            return sum(job.row.owner in owners for lane in self._lanes.values() for job in lane.waiting)

    def all(self) -> tuple[list[LiveJob], list[LiveJob]]:
        """Running jobs, and waiting ones in order."""
        with self._lock:
            lanes = self._lanes.values()
            waiting = [job for lane in lanes for job in sorted(lane.waiting, key=lane.waiting.place)]
            return [job for lane in lanes for job in lane.running], waiting

    def _has_work(self, lane: _Lane) -> bool:
        return bool(lane.chores or (lane.waiting and not self._paused))

    def _lane(self, job: LiveJob) -> _Lane:
        return self._lanes[job.row.lane]

    def _call_thread(self, lane: _Lane) -> None:
        wanted = len(lane.waiting) + len(lane.chores)
        if wanted > lane.idle and len(lane.threads) < THREADS[lane.name] and not self._closing:
            thread = threading.Thread(target=self._serve, args=(lane,), name=lane.name, daemon=True)
            thread.start()
            lane.threads.append(thread)
        self._arrived.notify_all()

    def _serve(self, lane: _Lane) -> None:
        while True:
            with self._lock:
                lane.idle += 1
                self._arrived.wait_for(lambda: self._has_work(lane) or self._closing)
                lane.idle -= 1
                if self._closing:
                    return
                job = lane.waiting.pop() if lane.waiting and not self._paused else None
                chore = None if job else lane.chores.pop(next(iter(lane.chores)))
                if job is not None:
                    self._start(lane, job)
                    self._hand_out(lane)
            if job is not None:
                self._run(job)
            elif chore is not None:
                chore()

    def _hand_out(self, lane: _Lane) -> None:
        free = THREADS[lane.name] - sum(not job.is_away for job in lane.running)
        if self._closing or self._paused or len(lane.waiting) <= free:
            return
        busy = Counter(job.row.model for each in self._lanes.values() for job in each.running if job.is_away)
        has_place = lambda job: busy[job.row.model] < self._places(job.row)  # noqa: E731
        lane.away = [thread for thread in lane.away if thread.is_alive()]
        while len(lane.waiting) > free and (job := lane.waiting.pop(has_place)):
            busy[job.row.model] += 1
            job.is_away = True
            self._start(lane, job)
            thread = threading.Thread(target=self._run, args=(job,), name="worker", daemon=True)
            lane.away.append(thread)
            thread.start()

    def _start(self, lane: _Lane, job: LiveJob) -> None:
        lane.running.append(job)
        job.start()
        self._tell_waiting(lane)

    def _tell_waiting(self, lane: _Lane) -> None:
        for job in lane.waiting:
            job.moved()
