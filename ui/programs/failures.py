"""The HTTP status of what went wrong, as clients of other interfaces read it: some try again, some tell a person."""

from __future__ import annotations

from studio.errors import NotFound, NotReady, OverBudget, StorageFailed, StudioError, Superseded, TooLarge, TooManyJobs
from studio.scheduling import failures
from studio.scheduling.contract import JobView
from ui.routes.visitors import NotAdmitted

_STATUSES = (
    *((NotAdmitted, 401), (OverBudget, 402), (NotFound, 404), (Superseded, 409), (TooLarge, 413), (TooManyJobs, 429)),
    *((StorageFailed, 507), (StudioError, 400)),
)


class JobFailed(StudioError):
    """A job that made nothing; the message is what its person reads."""


class JobBroke(JobFailed):
    """The same, where the fault is ours."""


def status_of(error: StudioError) -> int:
    if isinstance(error, JobBroke):
        return 500
    if isinstance(error, NotReady):
        return 400  # it is not ready by itself in a moment, as 503 would promise
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def check(job: JobView) -> JobView:
    """The job, which is over.

    Raises:
        JobFailed: nothing was made.
    """
    if job.state == "failed" and not job.assets:
        raise (JobBroke if job.error == failures.INTERNAL else JobFailed)(job.error)
    if not job.assets:
        raise JobFailed("This job was stopped before a picture was finished. Ask again if you still want it.")
    return job
