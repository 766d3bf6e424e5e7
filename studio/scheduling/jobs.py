"""Jobs: stored before they run, independent of any tab. Stop, skip, watch, and recovery after a crash.

Knows nothing of pictures: what a job does is one function, given by the service.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from studio.contract import Task
from studio.errors import Cancelled, IndexBusy, NotFound, OutOfMemory, OwnerRemoved, StorageFailed, StudioError
from studio.library.clock import Clock
from studio.library.database import Database
from studio.scheduling import failures
from studio.scheduling.changes import Changes
from studio.scheduling.contract import Event, JobState, JobView, NoWorkers, Workers, event_of
from studio.scheduling.known_addresses import KnownAddresses
from studio.scheduling.lanes import LaneName, Lanes
from studio.scheduling.ledger import MAX_ATTEMPTS, JobRow, Ledger
from studio.scheduling.live_job import LiveJob

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""How long a job retries to store its result while another program has locked the index."""
CLOSING_SECONDS, GIVING_UP_SECONDS = 8.0, 0.4
"""How long `close` waits for the running step to end."""


class Jobs:
    """All jobs of one outputs folder: waiting and running ones are in memory, the others are rows."""

    def __init__(
        self,
        database: Database,
        changes: Changes,
        clock: Clock,
        *,
        work: Callable[[LiveJob], None],
        made: Callable[[str], tuple[str, ...]],
        drop: Callable[[str], None],
        admit: Callable[[str], None] = lambda _owner: None,
        admits: Callable[[str], bool] = lambda _owner: True,
        workers: Workers | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """
        Args:
            work: does one job, on a thread of its lane; `Cancelled` from the job's `tell` passes through it.
            made: job id -> ids of the assets it has made.
            drop: unloads the model with this id, after it ran out of memory.
            admit: raises the reason why this owner may not queue another job.
            admits: whether an owner is still allowed in.
            workers: other machines; None: there are none.
            patience_seconds: how long a job retries to store its result.
        """
        self._ledger, self.addresses = Ledger(database), KnownAddresses()
        self._changes, self._clock, self._work, self._made, self._drop = changes, clock, work, made, drop
        self._admit, self._admits, self._patience_seconds = admit, admits, patience_seconds
        workers = workers or NoWorkers()
        self._lanes = Lanes(changes, self._run, lambda row: workers.places(row.model, *row.ways))
        self._live: dict[str, LiveJob] = {}  # guarded by changes.lock
        self._closing = False
        changes.start_above(self._ledger.latest_version())
        self._before = self._ledger.latest()  # jobs up to this number are not ours
        workers.listen(self._lanes.hand_out)

    # --- what people do -----------------------------------------------------------------------------------------------

    def submit(
        self, owner: str, *, task: Task, lane: LaneName, model: str, title: str, pictures: int, request: dict[str, Any]
    ) -> JobView:
        """Store the job, then queue it.

        Raises:
            TooManyJobs, StorageFailed, OwnerRemoved: it was not accepted.
        """
        if not self._admits(owner):
            raise OwnerRemoved
        self._admit(owner)
        self.addresses.admit(owner, self._lanes.waiting_of)
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
                created=self._clock.made_now(),
                version=self._changes.next_number(),
                error="",
            )
        )
        self._enqueue(row)
        self._changes.note(owner)
        return self.view(owner, row.id)

    def resume(self) -> None:
        """Queue again what the last process left: waiting jobs, and running ones that may be retried.

        Jobs at a provider are not retried: they may have been charged.
        """
        again = []
        self._before = 0
        for row in self._ledger.unfinished():
            if row.state == "running" and row.lane == "cloud":  # may have been charged
                self._ledger.finish(row.id, "failed", failures.LEFT_AT_PROVIDER, self._changes.note(row.owner))
            elif row.state == "running" and row.attempts >= MAX_ATTEMPTS:
                self._ledger.finish(row.id, "failed", failures.CRASHED, self._changes.note(row.owner))
            else:
                again.append(replace(row, state="waiting"))
        self._ledger.wait_again(row.id for row in again)
        for row in again:
            self._enqueue(row)

    def cancel(self, owner: str, job_id: str) -> JobView:
        """Stop a waiting job at once, a running one at its next report."""
        with self._changes.lock:
            job = self._live_of(owner, job_id)
            waited = job is not None and self._lanes.take_out(job)
            if job is not None and not waited and not job.is_over:
                job.stop()
        if job is not None and waited:
            self._stop_waiting(job)
        return self.view(owner, job_id)

    def skip(self, owner: str, job_id: str) -> JobView:
        """Skip the picture a running job is making; other jobs are left alone."""
        with self._changes.lock:
            job = self._live_of(owner, job_id)
            if job is not None:
                job.skip()
        return self.view(owner, job_id)

    def when_idle(self, lane: LaneName, what: str, chore: Callable[[], object]) -> None:
        """Do something on the lane's thread once no job waits there; repeated requests run once."""
        self._lanes.when_idle(lane, what, lambda: self._guarded(chore))

    # --- what people see ----------------------------------------------------------------------------------------------

    def view(self, owner: str, job_id: str) -> JobView:
        """Raises NotFound if it does not exist or belongs to somebody else."""
        with self._changes.lock:
            job = self._live_of(owner, job_id)
            view = None if job is None else job.view(self._lanes.position(job))
        if view is None:
            row = self._ledger.get(owner, job_id)
            if row is None:
                raise NotFound("job", job_id)
            view = row.view()
        return replace(view, assets=self._made(job_id))

    def newest(self, owner: str, limit: int) -> list[JobView]:
        """All waiting and running jobs, and the latest finished ones up to `limit` in total; newest first."""
        with self._changes.lock:
            mine = [job for job in self._live.values() if job.row.owner == owner]
            views = {job.row.number: job.view(self._lanes.position(job)) for job in mine}
        for row in self._ledger.newest(owner, limit):
            if len(views) < limit:
                views.setdefault(row.number, row.view())
        return [replace(views[number], assets=self._made(views[number].id)) for number in sorted(views, reverse=True)]

    def words(self, owner: str, task: str, most: int) -> list[str]:
        """The prompts of an owner's jobs for a task; newest first, without repeats."""
        return self._ledger.words(owner, task, most)

    def events(self, owner: str, job_id: str) -> Iterator[Event]:
        """A job's events until it is over. A slow listener may miss steps, but never the end."""
        while True:
            view = self.view(owner, job_id)
            yield event_of(view)
            if view.is_over:
                return
            self._changes.wait_until(lambda seen=view.version: self._closing or self._is_newer(job_id, seen))
            if self._closing:
                return

    def close(self, *, give_up: bool = False) -> None:
        """Accept nothing new, let the running steps end, keep the rest for the next start.

        Args:
            give_up: stop all jobs instead, and hardly wait for running ones.
        """
        with self._changes.lock:
            if self._closing:
                return
            self._closing = True
            running = self._lanes.close()
        if give_up:  # first, and in one write: there may be little time
            self._guarded(lambda: self._ledger.stop_after(self._before, self._changes.next_number()))
        with self._changes.lock:
            for job in running:
                if give_up:
                    job.stop()
                job.leave()
            self._changes.ring()
        if not give_up:
            self._guarded(lambda: self._ledger.forgive(job.row.id for job in running if not job.is_away))
        busy = self._lanes.join(GIVING_UP_SECONDS if give_up else CLOSING_SECONDS)
        if busy and not give_up:
            log.warning("Still busy after %g s: %s; its job runs again.", CLOSING_SECONDS, ", ".join(busy))

    # --- on the lane's thread -----------------------------------------------------------------------------------------

    def _run(self, job: LiveJob) -> None:
        state: JobState = "done"
        error, out_of_memory = "", False
        try:
            job.patiently(lambda: self._ledger.start(job.row.id, is_attempt=not job.is_away))
            job.context.run(self._work, job)
        except Cancelled:
            state = "stopped"
        except StudioError as problem:
            state, error, out_of_memory = "failed", str(problem), isinstance(problem, OutOfMemory)
            log.info("Job %s failed: %s", job.row.id, problem)
        except (Exception, SystemExit) as problem:
            out_of_memory = failures.is_out_of_memory(problem)
            state, error = "failed", failures.OUT_OF_MEMORY if out_of_memory else failures.INTERNAL
            log.exception("Job %s failed", job.row.id)
        if out_of_memory:  # only now, as the traceback held the model's arrays
            self._guarded(lambda: self._drop(job.model))
        # Interrupted because the process ends: the row stays, and the job runs again at the next start.
        if not (state == "stopped" and self._closing and not job.was_stopped):
            self._guarded(lambda: self._finish(job, state, error))

    def _guarded(self, chore: Callable[[], object]) -> None:
        """Run what must not end a lane's thread."""
        try:
            chore()
        except StudioError as problem:
            log.info("A chore failed: %s", problem)
        except (Exception, SystemExit):
            log.exception("A chore failed")

    def _stop_waiting(self, job: LiveJob) -> None:
        """End a job taken out of its lane; if another program has locked the index, it goes back and keeps waiting."""
        try:
            self._ledger.finish(job.row.id, "stopped", "", self._changes.next_number())
        except IndexBusy:
            self._lanes.add(job)
            raise
        except StorageFailed:
            self._ended(job, "stopped", "", is_written=False)
            raise
        self._ended(job, "stopped", "", is_written=True)

    def _finish(self, job: LiveJob, state: JobState, error: str) -> None:
        """Store the end, then announce it."""
        is_written = False
        try:
            number = self._changes.next_number()
            job.patiently(lambda: self._ledger.finish(job.row.id, state, error, number), is_end=True)
            is_written = True
        finally:
            self._ended(job, state, error, is_written=is_written)

    def _ended(self, job: LiveJob, state: JobState, error: str, *, is_written: bool) -> None:
        with self._changes.lock:
            job.finish(state, error)
            if is_written:  # else the row is out of date, and memory is not
                del self._live[job.row.id]
            self._lanes.left(job)

    # --- small things -------------------------------------------------------------------------------------------------

    def _enqueue(self, row: JobRow) -> None:
        with self._changes.lock:
            if not self._closing:  # else it is stored, and the next start queues it
                self._live[row.id] = job = LiveJob(row, self._changes, self._patience_seconds, self._admits)
                self._lanes.add(job)

    def _live_of(self, owner: str, job_id: str) -> LiveJob | None:
        job = self._live.get(job_id)
        return job if job is not None and job.row.owner == owner else None

    # --- what the host does -------------------------------------------------------------------------------------------

    @property
    def is_paused(self) -> bool:
        return self._lanes.is_paused

    def pause(self, is_paused: bool) -> None:
        """Stop starting jobs, or continue; running jobs finish."""
        self._lanes.pause(is_paused)
        for owner in {job.owner for job in self.everybodys()}:
            self._changes.note(owner)

    def remove_all(self, owner: str) -> list[str]:
        """Stop an owner's jobs and delete their requests. Returns ids of those that may still make something."""
        for job in self.everybodys():
            if job.owner == owner:
                self.cancel(owner, job.id)
        return self._ledger.forget(owner)

    def everybodys(self) -> list[JobView]:
        """All running jobs, then all waiting ones in order."""
        with self._changes.lock:
            return [job.view(self._lanes.position(job)) for jobs in self._lanes.all() for job in jobs]

    def _is_newer(self, job_id: str, seen: int) -> bool:
        job = self._live.get(job_id)
        return job is None or job.version > seen
