"""HTTP statuses for failures, as clients of other APIs expect them: some retry, some tell a person."""

from __future__ import annotations

from studio.errors import StudioError
from studio.scheduling import failures
from studio.scheduling.contract import JobView
from ui.routes import answers


class JobFailed(StudioError):
    """A job that made nothing; the message is for people."""


class JobBroke(JobFailed):
    """The same, because of a bug."""


def status_of(error: StudioError) -> int:
    return 500 if isinstance(error, JobBroke) else answers.status_of(error)


def check(job: JobView) -> JobView:
    """The job, which is over. Raises JobFailed if it made nothing."""
    if job.state == "failed" and not job.assets:
        raise (JobBroke if job.error == failures.INTERNAL else JobFailed)(job.error)
    if not job.assets:
        raise JobFailed("This job was stopped before a picture was finished. Ask again if you still want it.")
    return job
