"""The rows of jobs: what survives a closed tab and a killed process. Knows nothing of threads."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from studio.contract import Task
from studio.errors import TooManyJobs
from studio.library.database import Database
from studio.scheduling.contract import JobState, JobView

MAX_WAITING = 32
"""Per owner."""
MAX_ALL_WAITING = 2_000
"""Of all owners together, since one visitor may use a thousand names."""
MAX_ATTEMPTS = 2
"""A job that was running when the process died is retried once."""


@dataclass(frozen=True)
class JobRow:
    """A stored job."""

    number: int  # the order of the queue
    id: str
    owner: str
    task: Task
    lane: Literal["gpu", "cloud", "words", "workers"]
    model: str
    title: str
    pictures: int
    request: dict[str, Any]
    state: JobState
    attempts: int  # starts without an end
    created: float  # Unix time, seconds
    version: int
    error: str

    @property
    def ways(self) -> tuple[str, bool]:
        """The requested precision, and whether Fast."""
        return self.request.get("precision", ""), self.request.get("fast", False)

    @property
    def turns(self) -> int:
        """How many pictures it makes for its owner's turn: those of a comparison lie on one sheet."""
        axes = self.request.get("grid", {}).values()
        return self.pictures * math.prod(len(axis[1]) for axis in axes if axis)

    def view(self) -> JobView:
        """The job as far as the row knows it: no progress, no assets."""
        return JobView(
            id=self.id,
            owner=self.owner,
            task=self.task,
            title=self.title,
            model=self.model,
            state=self.state,
            created=self.created,
            version=self.version,
            pictures=self.pictures,
            error=self.error,
            source=str(self.request.get("source", "")),
        )


class Ledger:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: JobRow) -> JobRow:
        """Store a new job; its number is assigned here.

        Raises:
            TooManyJobs: the owner's queue is full, or everybody's.
        """
        return self._database.patiently(lambda: self._add(row))

    def _add(self, row: JobRow) -> JobRow:
        values = (row.id, row.owner, row.task, row.lane, row.model, row.title, row.pictures)
        request = json.dumps(row.request, allow_nan=False)
        with self._database.transaction() as connection:
            (waiting,) = connection.execute(
                "SELECT COUNT(*) FROM jobs WHERE owner = ? AND state = 'waiting'", (row.owner,)
            ).fetchone()
            if waiting >= MAX_WAITING:
                raise TooManyJobs(MAX_WAITING)
            (all_waiting,) = connection.execute("SELECT COUNT(*) FROM jobs WHERE state = 'waiting'").fetchone()
            if all_waiting >= MAX_ALL_WAITING:
                raise TooManyJobs(all_waiting, are_all=True)
            cursor = connection.execute(
                "INSERT INTO jobs (id, owner, task, lane, model, title, pictures, request, state, created, version)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?) RETURNING *",
                (*values, request, row.created, row.version),
            )
            return _job_row(cursor.fetchone())

    def get(self, owner: str, job_id: str) -> JobRow | None:
        rows = self._database.rows("SELECT * FROM jobs WHERE id = ? AND owner = ?", (job_id, owner))
        return _job_row(rows[0]) if rows else None

    def newest(self, owner: str, limit: int) -> list[JobRow]:
        rows = self._database.rows("SELECT * FROM jobs WHERE owner = ? ORDER BY number DESC LIMIT ?", (owner, limit))
        return [_job_row(row) for row in rows]

    def words(self, owner: str, task: str, most: int) -> list[str]:
        """The prompts of an owner's jobs for a task, as written; newest first, without repeats."""
        field = "instruction" if task == "iterate" else "prompt"
        written = "SELECT json_extract(request, ?) AS words, MAX(number) AS last FROM jobs WHERE owner = ? AND task = ?"
        given = f"{written} AND words != '' GROUP BY words ORDER BY last DESC LIMIT ?"
        return [row[0] for row in self._database.rows(given, (f"$.{field}", owner, task, most))]

    def unfinished(self) -> list[JobRow]:
        """Jobs that were waiting or running when the last process ended, in queue order."""
        rows = self._database.rows("SELECT * FROM jobs WHERE state IN ('waiting', 'running') ORDER BY number")
        return [_job_row(row) for row in rows]

    def latest(self) -> int:
        """The number of the newest job; 0: there is none."""
        return self._database.rows("SELECT IFNULL(MAX(number), 0) FROM jobs")[0][0]

    def latest_version(self) -> int:
        """The largest version of any job; 0: there is none."""
        return self._database.rows("SELECT IFNULL(MAX(version), 0) FROM jobs")[0][0]

    def start(self, job_id: str, *, is_attempt: bool) -> None:
        """Mark a job as running, unless it was stopped before.

        Args:
            is_attempt: whether it runs in this process, and so could crash it.
        """
        start = "UPDATE jobs SET state = 'running', attempts = attempts + ? WHERE id = ? AND state = 'waiting'"
        self._change(start, [(int(is_attempt), job_id)])

    def wait_again(self, job_ids: Iterable[str]) -> None:
        self._change("UPDATE jobs SET state = 'waiting' WHERE id = ?", [(id,) for id in job_ids])

    def forgive(self, job_ids: Iterable[str]) -> None:
        """Do not count the start of jobs interrupted on purpose."""
        self._change("UPDATE jobs SET attempts = attempts - 1 WHERE id = ?", [(id,) for id in job_ids])

    def stop_after(self, number: int, version: int) -> None:
        """Stop all waiting and running jobs newer than this number."""
        stop = "UPDATE jobs SET state = 'stopped', version = ? WHERE number > ? AND state IN ('waiting', 'running')"
        self._change(stop, [(version, number)])

    def forget(self, owner: str) -> list[str]:
        """Stop an owner's jobs and delete their requests. Returns ids of those that may still make something, because
        a provider may answer after the job has ended.
        """
        open_ones = "SELECT id FROM jobs WHERE owner = ? AND (lane = 'cloud' OR state IN ('waiting', 'running'))"
        ids = [row["id"] for row in self._database.rows(open_ones, (owner,))]
        stopped = "CASE WHEN state IN ('waiting', 'running') THEN 'stopped' ELSE state END"
        self._change(f"UPDATE jobs SET title = '', request = '{{}}', state = {stopped} WHERE owner = ?", [(owner,)])
        return ids

    def finish(self, job_id: str, state: JobState, error: str, version: int) -> None:
        """May be lost to a power cut if done: the job then runs again, and finds its pictures made."""
        self._change(
            "UPDATE jobs SET state = ?, error = ?, version = ? WHERE id = ?",
            [(state, error, version, job_id)],
            can_be_made_again=state == "done",
        )

    def _change(self, sql: str, values: list[tuple[Any, ...]], *, can_be_made_again: bool = False) -> None:
        def change() -> None:
            with self._database.transaction(can_be_made_again=can_be_made_again) as connection:
                connection.executemany(sql, values)

        if values:
            self._database.patiently(change)


def _job_row(row: Any) -> JobRow:
    values = dict(row)
    return JobRow(**values | {"task": Task(values["task"]), "request": json.loads(values["request"])})
