"""What the admin of a shared Diorama sees and does: visitors, their jobs and disk use."""

from __future__ import annotations

import shutil
from typing import NamedTuple

from studio.clouds.contract import Clouds
from studio.errors import NotFound
from studio.library.store import Store
from studio.library.usage import Use
from studio.scheduling.changes import Changes
from studio.scheduling.contract import JobView
from studio.scheduling.jobs import Jobs
from studio.settings.presets import Presets


class Disk(NamedTuple):
    """The disk of the outputs folder, in bytes."""

    free: int
    total: int


class Hosting:
    """All owners of one outputs folder."""

    def __init__(self, jobs: Jobs, store: Store, changes: Changes, presets: Presets, clouds: Clouds) -> None:
        self._jobs, self._store, self._changes = jobs, store, changes
        self._presets, self._clouds = presets, clouds
        self.came_from = jobs.addresses.note  # an owner who has not signed in, and their address

    def visitors(self) -> list[Use]:
        """Everybody who has pictures or jobs here, largest disk use first. Checks every file."""
        uses = self._store.usage.by_owner()
        known = {use.owner for use in uses}
        waiting = {job.owner: job.created for job in self._jobs.everybodys() if job.owner not in known}
        return [*uses, *(Use(owner, 0, 0, created) for owner, created in waiting.items())]

    def jobs(self) -> list[JobView]:
        """Everybody's running jobs, then waiting ones in order."""
        return self._jobs.everybodys()

    def disk(self) -> Disk:
        about = shutil.disk_usage(self._store.folder)
        return Disk(about.free, about.total)

    @property
    def is_paused(self) -> bool:
        return self._jobs.is_paused

    def pause(self, is_paused: bool) -> None:
        """Stop starting jobs, or continue; running jobs finish."""
        self._jobs.pause(is_paused)

    def stop(self, job_id: str) -> JobView:
        """Stop anybody's job. Raises NotFound if it is neither waiting nor running."""
        for job in self._jobs.everybodys():
            if job.id == job_id:
                return self._jobs.cancel(job.owner, job_id)
        raise NotFound("job", job_id)

    def remove(self, owner: str) -> int:
        """Stop an owner's jobs and remove everything of theirs for good: pictures (also unfinished ones), requests,
        settings, and their keys at providers. Returns the number of files.

        Raises:
            NotFound: nobody of that name has anything here.
        """
        has_jobs = any(job.owner == owner for job in self._jobs.everybodys())
        if not has_jobs and not self._store.usage.everything_of(owner):
            raise NotFound("visitor", owner)
        for state in self._clouds.keys(owner):
            self._clouds.paste(owner, state.provider, "")
        self._presets.forget(owner)
        count = self._store.remove_all(owner, self._jobs.remove_all(owner))
        self._changes.note(owner)
        return count
