"""A fair queue for a lane: each owner's jobs in order, owners in turn. Knows no threads.

Turns are counted in pictures: next is whoever has had the fewest since they began to wait, so that an owner with a
thousand jobs gets every second picture at most while somebody else waits.

Source: start-time fair queuing, Goyal, Vin and Cheng 1996, https://doi.org/10.1145/248157.248171
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Callable, Iterator

from studio.scheduling.live_job import LiveJob


class FairQueue:
    """The jobs waiting on one lane. Its user guards it with a lock."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[LiveJob]] = {}  # by owner, sorted by number
        self._had: dict[str, int] = {}  # pictures an owner had, relative to when they began to wait
        self._now = 0  # what the owner of the latest started job had before it
        self._places: dict[str, int] | None = None  # by job id, until something changes

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __contains__(self, job: LiveJob) -> bool:
        return job in self._waiting.get(job.row.owner, ())

    def __iter__(self) -> Iterator[LiveJob]:
        """All waiting jobs, in no particular order."""
        for jobs in self._waiting.values():
            yield from jobs

    def add(self, job: LiveJob) -> None:
        insort(self._waiting.setdefault(job.row.owner, []), job, key=lambda one: one.row.number)
        self._places = None

    def remove(self, job: LiveJob) -> None:
        jobs = self._waiting[job.row.owner]
        jobs.remove(job)
        if not jobs:
            del self._waiting[job.row.owner]
        self._places = None

    def pop(self, may: Callable[[LiveJob], bool] = lambda _job: True) -> LiveJob | None:
        """Take out the next job among those that may start; None if there is none."""
        first = {owner: job for owner, jobs in self._waiting.items() if (job := next(filter(may, jobs), None))}
        if not first:
            return None
        owner = min(first, key=self._turn)
        job = first[owner]
        self._now = self._start_of(owner)
        self._had[owner] = self._now + job.row.turns
        self._had = {each: had for each, had in self._had.items() if had > self._now}  # the others start over
        self.remove(job)
        return job

    def place(self, job: LiveJob) -> int:
        """How many waiting jobs come before it, if no more arrive."""
        if self._places is None:
            self._places = {each.row.id: place for place, each in enumerate(self._in_turn())}
        return self._places[job.row.id]

    def _in_turn(self) -> Iterator[LiveJob]:
        turns = [(*self._turn(owner), 0) for owner in self._waiting]
        heapq.heapify(turns)
        while turns:
            start, _, owner, index = heapq.heappop(turns)
            jobs = self._waiting[owner]
            yield jobs[index]
            if index + 1 < len(jobs):
                later = (start + jobs[index].row.turns, jobs[index + 1].row.number, owner, index + 1)
                heapq.heappush(turns, later)

    def _start_of(self, owner: str) -> int:
        return max(self._had.get(owner, 0), self._now)

    def _turn(self, owner: str) -> tuple[int, int, str]:
        return self._start_of(owner), self._waiting[owner][0].row.number, owner
