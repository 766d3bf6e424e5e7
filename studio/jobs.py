"""Lanes: who works when, on our own threads. A job is a row before it is work, and nobody's tab keeps it alive.

A lane serves its jobs first come, first served; the next one starts when the one before has really left, however long
that takes after Stop. Knows nothing of pictures: what a job does is one function, given by the service.
"""

from __future__ import annotations

import io
import logging
import secrets
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from PIL import Image

from studio.changes import Changes
from studio.contract import Done, Event, Failed, JobState, JobView, Progress, Stopped, Task, Waiting
from studio.database import Database
from studio.errors import Cancelled, NotFound, StudioError
from studio.ledger import MAX_ATTEMPTS, JobRow, LaneName, Ledger
from studio.livejob import LiveJob

log = logging.getLogger(__name__)

THREADS: dict[LaneName, int] = {"gpu": 1, "click": 1, "cloud": 8}
CLOSING_SECONDS = 8.0
"""How long `close` waits for the running step to end."""


class _Lane:
    def __init__(self, threads: int) -> None:
        self.most_threads = threads
        self.threads: list[threading.Thread] = []
        self.idle = 0
        self.waiting: list[LiveJob] = []  # by number
        self.running: list[LiveJob] = []
        self.chores: dict[str, Callable[[], object]] = {}  # done when no job waits


class Jobs:
    """The queue of every lane, and the memory of what is in it."""

    def __init__(
        self,
        database: Database,
        changes: Changes,
        *,
        work: Callable[[LiveJob], None],
        made: Callable[[str], tuple[str, ...]],
        drop: Callable[[str], None],
    ) -> None:
        """
        Args:
            work: does one job, on a thread of its lane; `Cancelled` of the job's `tell` passes through it.
            made: job id -> ids of the assets it has made.
            drop: model id -> nothing; gives back the memory of a model that ran out of it.
        """
        self._ledger = Ledger(database)
        self._changes, self._work, self._made, self._drop = changes, work, made, drop
        self._lock = changes.lock
        self._arrived = threading.Condition(self._lock)
        self._lanes = {name: _Lane(threads) for name, threads in THREADS.items()}
        self._live: dict[str, LiveJob] = {}
        self._closing = False

    # --- what people do -----------------------------------------------------------------------------------------------

    def submit(
        self, owner: str, *, task: Task, lane: LaneName, model: str, title: str, pictures: int, request: dict[str, Any]
    ) -> JobView:
        """Write the job down, then queue it.

        Raises:
            TooManyJobs, StorageFailed: it was not taken.
        """
        row = self._ledger.add(
            JobRow(
                number=0,
                id=secrets.token_hex(16),
                owner=owner,
                task=task,
                lane=lane,
                model=model,
                title=title,
                pictures=pictures,
                request=request,
                state="waiting",
                attempts=0,
                created=round(time.time(), 3),
                version=self._changes.note(owner),
                error="",
            )
        )
        self._enqueue(row)
        return self.view(owner, row.id)

    def resume(self) -> None:
        """Queue again what the last process left: waiting jobs, and the running ones if they may try once more."""
        again = []
        for row in self._ledger.unfinished():
            if row.state == "running" and row.attempts >= MAX_ATTEMPTS:
                self._ledger.finish(row.id, "failed", _CRASHED, self._changes.note(row.owner))
            else:
                again.append(replace(row, state="waiting"))
        self._ledger.wait_again(row.id for row in again)
        for row in again:
            self._enqueue(row)

    def cancel(self, owner: str, job_id: str) -> JobView:
        """Stop a waiting job at once, a running one at its next report."""
        with self._lock:
            job = self._live_of(owner, job_id)
            waited = job is not None and job in self._lane(job).waiting
            if job is not None and waited:
                self._lane(job).waiting.remove(job)
                self._moved(self._lane(job))
            elif job is not None and not job.is_over:
                job.stop()
        if job is not None and waited:
            self._finish(job, "stopped", "")
        return self.view(owner, job_id)

    def skip(self, owner: str, job_id: str) -> JobView:
        """Leave out the picture a running job is making; a job that is not running is left alone."""
        with self._lock:
            job = self._live_of(owner, job_id)
            if job is not None and job in self._lane(job).running:
                job.skip()
        return self.view(owner, job_id)

    def when_idle(self, lane: LaneName, name: str, chore: Callable[[], object]) -> None:
        """Do something on the lane's thread once no job waits there. Asked for twice, it is done once."""
        with self._lock:
            if not self._closing:
                self._lanes[lane].chores.setdefault(name, chore)
                self._call_thread(self._lanes[lane])

    # --- what people see ----------------------------------------------------------------------------------------------

    def view(self, owner: str, job_id: str) -> JobView:
        """
        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        with self._lock:
            job = self._live_of(owner, job_id)
            view = None if job is None else job.view(self._position(job))
        if view is None:
            row = self._ledger.get(owner, job_id)
            if row is None:
                raise NotFound("job", job_id)
            view = row.view()
        return replace(view, assets=self._made(job_id))

    def newest(self, owner: str, limit: int) -> list[JobView]:
        """All that wait or run, and the latest that are over up to `limit` in all; newest first."""
        with self._lock:
            live = {id: job.view(self._position(job)) for id, job in self._live.items() if job.row.owner == owner}
            numbers = {id: self._live[id].row.number for id in live}
        for row in self._ledger.newest(owner, limit):
            if len(live) < limit:
                live.setdefault(row.id, row.view())
                numbers.setdefault(row.id, row.number)
        views = sorted(live.values(), key=lambda view: numbers[view.id], reverse=True)
        return [replace(view, assets=self._made(view.id)) for view in views]

    def events(self, owner: str, job_id: str) -> Iterator[Event]:
        """What happens to a job, until it is over. A slow listener misses steps in between, never the end."""
        while True:
            view = self.view(owner, job_id)
            yield _event(view)
            if view.is_over:
                return
            self._changes.wait_until(lambda seen=view.version: self._closing or self._is_newer(job_id, seen))
            if self._closing:
                return

    def close(self) -> None:
        """Take nothing new, let the running steps end, keep the rest for the next start."""
        with self._lock:
            self._closing = True
            running = [job for lane in self._lanes.values() for job in lane.running]
            for job in running:
                job.leave()
            self._arrived.notify_all()
            self._changes.ring()
        self._ledger.forgive(job.row.id for job in running if not job.was_stopped)
        deadline = time.monotonic() + CLOSING_SECONDS
        for thread in [thread for lane in self._lanes.values() for thread in lane.threads]:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning(
                    "The lane %s is still busy after %g s; its job runs again next time.", thread.name, CLOSING_SECONDS
                )

    # --- the lanes ----------------------------------------------------------------------------------------------------

    def _enqueue(self, row: JobRow) -> None:
        with self._lock:
            if self._closing:
                return  # it is written down: the next start takes it
            job = self._live[row.id] = LiveJob(row, self._changes)
            lane = self._lane(job)
            insort(lane.waiting, job, key=lambda one: one.row.number)
            self._call_thread(lane)

    def _call_thread(self, lane: _Lane) -> None:
        wanted = len(lane.waiting) + len(lane.chores)
        if wanted > lane.idle and len(lane.threads) < lane.most_threads:
            name = next(name for name, one in self._lanes.items() if one is lane)
            thread = threading.Thread(target=self._serve, args=(lane,), name=name, daemon=True)
            lane.threads.append(thread)
            thread.start()
        self._arrived.notify_all()

    def _serve(self, lane: _Lane) -> None:
        while True:
            with self._lock:
                while not (lane.waiting or lane.chores or self._closing):
                    lane.idle += 1
                    self._arrived.wait()
                    lane.idle -= 1
                if self._closing:
                    return
                job = lane.waiting.pop(0) if lane.waiting else None
                chore = None if job else lane.chores.pop(next(iter(lane.chores)))
                if job is not None:
                    lane.running.append(job)
                    job.start()
                    self._moved(lane)
            if job is not None:
                self._run(job)
            elif chore is not None:
                self._guarded(chore)

    def _run(self, job: LiveJob) -> None:
        state: JobState = "done"
        error, out_of_memory = "", False
        try:
            self._ledger.start(job.row.id)
            self._work(job)
        except Cancelled:
            state = "stopped"
        except StudioError as problem:
            state, error = "failed", str(problem)
            log.info("Job %s failed: %s", job.row.id, problem)
        except (Exception, SystemExit) as problem:
            out_of_memory = is_out_of_memory(problem)
            state, error = "failed", _OUT_OF_MEMORY if out_of_memory else _INTERNAL
            log.exception("Job %s failed", job.row.id)
        if out_of_memory:  # only now: the traceback, which held the model's arrays, is gone
            self._guarded(lambda: self._drop(job.row.model))
        # Made to leave because the process ends: the row stays as it is, and the job runs again at the next start.
        if not (state == "stopped" and self._closing and not job.was_stopped):
            self._guarded(lambda: self._finish(job, state, error))

    def _guarded(self, chore: Callable[[], object]) -> None:
        """What must not end a lane's thread."""
        try:
            chore()
        except (Exception, SystemExit):
            log.exception("A chore of the lane failed")

    def _finish(self, job: LiveJob, state: JobState, error: str) -> None:
        """Write the end down, then let everybody see it."""
        lane = self._lane(job)
        written = False
        try:
            self._ledger.finish(job.row.id, state, error, self._changes.note(job.row.owner))
            written = True
        finally:
            with self._lock:
                job.finish(state, error)
                if job in lane.running:
                    lane.running.remove(job)
                if written:
                    del self._live[job.row.id]
                self._moved(lane)

    def _moved(self, lane: _Lane) -> None:
        for job in lane.waiting:
            job.moved()

    # --- small questions ----------------------------------------------------------------------------------------------

    def _lane(self, job: LiveJob) -> _Lane:
        return self._lanes[job.row.lane]

    def _live_of(self, owner: str, job_id: str) -> LiveJob | None:
        job = self._live.get(job_id)
        return job if job is not None and job.row.owner == owner else None

    def _position(self, job: LiveJob) -> int:
        lane = self._lane(job)
        return lane.waiting.index(job) + len(lane.running) if job in lane.waiting else 0

    def _is_newer(self, job_id: str, seen: int) -> bool:
        job = self._live.get(job_id)
        return job is None or job.version > seen


def is_out_of_memory(error: BaseException) -> bool:
    """Python's own, and torch's on any device: known by name, because torch is not at home here."""
    return any(kind.__name__ in ("MemoryError", "OutOfMemoryError") for kind in type(error).__mro__)


_CRASHED = (
    "Diorama ended twice while it worked on this, so it was not tried again. "
    "Ask again with a smaller size or another model."
)
_OUT_OF_MEMORY = (
    "The model ran out of memory and was unloaded. Try a smaller size or another model, or close other programs."
)
_INTERNAL = "Something went wrong inside Diorama (the log has the details). Try again, or try another model."


def _event(view: JobView) -> Event:
    match view.state:
        case "waiting":
            return Waiting(view.position)
        case "running":
            preview = None if view.preview is None else Image.open(io.BytesIO(view.preview))
            return Progress(view.step, view.steps, view.note, preview)
        case "done":
            return Done(view.assets)
        case "failed":
            return Failed(view.error, view.assets)
        case "stopped":
            return Stopped(view.assets)
