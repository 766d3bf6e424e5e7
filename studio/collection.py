"""What people made, and the jobs that make it, for the page, the API and the terminal.

The part of `Studio` that needs no model. Every call is safe from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Unpack

from studio import validation
from studio.contract import IterateRequest, Task
from studio.errors import NotFound
from studio.imaging import replay, wildcards
from studio.imaging.versions import Versions
from studio.library import permissions, search
from studio.library.assets import Asset
from studio.library.collections import names
from studio.library.database import Database, FolderLock
from studio.library.film import read_film
from studio.library.folders import FOLDERS
from studio.library.search import Filters, GalleryPage, Relatives
from studio.library.store import Store
from studio.library.tree import Tree
from studio.library.uploads import Uploads
from studio.library.zip_stream import Entry, zipped
from studio.scheduling.changes import Changes
from studio.scheduling.contract import Event, JobView
from studio.scheduling.jobs import Jobs
from studio.settings.presets import Presets
from studio.sharing.signing_key import read_key
from studio.words.meaning import Meanings


class Collection:
    """The assets of one outputs folder. `owner` is whoever asks; another owner's assets do not exist for them."""

    _changes: Changes
    _jobs: Jobs
    meanings: Meanings

    def _open_library(
        self,
        opened: ExitStack,
        outputs: Path,
        busy_seconds: float,
        now: Callable[[], float],
        quota_bytes: int | None,
        admits: Callable[[str], bool],
    ) -> None:
        """Open the folder and make its index agree with its files; `opened` closes it again. See `Studio`."""
        permissions.prepare(outputs, FOLDERS)
        self._wildcards = outputs / wildcards.FOLDER
        opened.callback(FolderLock(outputs).release)
        self.signing_key = read_key(outputs)
        self._database = Database(outputs / "diorama.sqlite", busy_seconds)
        opened.callback(self._database.close)
        self._store = Store(outputs, self._database, now, quota_bytes, admits)
        self._uploads = Uploads(self._store)
        self._versions, self.presets = Versions(self._store, self._database), Presets(outputs)
        self._store.reconcile()  # before any job: a picture of a killed job counts as made

    def job(self, owner: str, job_id: str) -> JobView:
        """
        Raises:
            NotFound: there is none, or it is somebody else's. So for all that follow.
        """
        return self._jobs.view(owner, validation.job_id(job_id))

    def jobs(self, owner: str, limit: int = 20) -> list[JobView]:
        """All that wait or run, and the latest that are over up to `limit` in all; newest first."""
        return self._jobs.newest(owner, limit)

    def cancel(self, owner: str, job_id: str) -> JobView:
        """Stop: a waiting job at once, a running one within a step. A job that is over stays as it is."""
        return self._jobs.cancel(owner, validation.job_id(job_id))

    def skip(self, owner: str, job_id: str) -> JobView:
        """Leave out the picture that is being made and go on with the next."""
        return self._jobs.skip(owner, validation.job_id(job_id))

    def events(self, owner: str, job_id: str) -> Iterator[Event]:
        """What happens to a job, as it happens; ends after Done, Failed or Stopped. Blocks in between."""
        return self._jobs.events(owner, validation.job_id(job_id))

    def pulse(self, owner: str) -> int:
        """A number that grows with every change of the owner's jobs or assets, also over restarts; costs nothing."""
        return self._changes.of(owner)

    def news(self, owner: str) -> int:
        """The pulse at the owner's latest change that was more than how far a job has come."""
        return self._changes.news_of(owner)

    def listening(self, owner: str, listener: Callable[[bool], object]) -> AbstractContextManager[None]:
        """Call `listener(is_news)` whenever `pulse` grows, on whatever thread; it must return at once."""
        return self._changes.listening(owner, listener)

    def gallery(
        self, owner: str, *, after: str = "", limit: int = 24, meaning: bool = False, **filters: Unpack[Filters]
    ) -> GalleryPage:
        """One page, newest first; with `meaning`, what is most like the words first where a model for that is here.

        See `search.find` and `Meanings.find`.
        """
        if meaning and (found := self.meanings.find(owner, after=after, limit=limit, **filters)):
            return found
        return search.find(self._database, owner, after=after, limit=limit, **filters)

    def count(self, owner: str, *, meaning: bool = False, **filters: Unpack[Filters]) -> int:
        """How many pictures all pages of `gallery` have together."""
        if meaning and (ids := self.meanings.ranked(owner, filters, ())) is not None:
            return len(ids)
        return search.count(self._database, owner, **filters)

    def models_used(self, owner: str) -> tuple[str, ...]:
        """Ids of the models that made what is in the owner's gallery; a foreign one's name is among them."""
        return search.models_used(self._database, owner)

    def past_words(self, owner: str, task: Task, most: int = 100) -> list[str]:
        """Prompts of the owner, or of Task.ITERATE instructions, as they wrote them; newest first, each once."""
        return self._jobs.words(owner, task, most)

    def relatives(self, owner: str, asset_id: str) -> Relatives:
        """What a picture was made from, and what was made from it."""
        return search.relatives(self._database, self._store.asset(owner, asset_id))

    def bundle(self, owner: str, asset_ids: Iterable[str]) -> Iterator[bytes]:
        """A zip of the PNGs under their own names, made while it is read.

        Raises:
            NotFound: one of them is not there; nothing was begun.
        """
        assets = {asset.id: asset for asset in (self._store.asset(owner, asset_id) for asset_id in asset_ids)}
        for asset_id in assets:
            self._store.path(owner, asset_id)
        return zipped(Entry(asset.name, partial(self._store.path, owner, id)) for id, asset in assets.items())

    def asset(self, owner: str, asset_id: str) -> Asset:
        return self._store.asset(owner, asset_id)

    def path(self, owner: str, asset_id: str) -> Path:
        """The PNG with its recipe, absolute."""
        return self._store.path(owner, asset_id)

    def thumbnail(self, owner: str, asset_id: str) -> Path:
        """A WebP of at most 256 pixels, absolute."""
        return self._store.thumbnail(owner, asset_id)

    def film(self, owner: str, asset_id: str) -> tuple[str, bytes]:
        """The film of how a picture came about: the name of the file, and an MP4.

        Raises:
            NotFound: there is no such picture, or no film of it.
        """
        asset = self._store.asset(owner, asset_id)
        film = read_film(self._store.path(owner, asset_id)) if asset.recipe.course.frames else None
        if asset.deleted or film is None:
            raise NotFound("film of a picture", asset_id)
        return Path(asset.name).with_suffix(".mp4").name, film

    def star(self, owner: str, asset_id: str, starred: bool) -> Asset:
        asset = self._store.star(owner, asset_id, starred)
        self._changes.note(owner)
        return asset

    def rename(self, owner: str, asset_id: str, title: str) -> Asset:
        """Give anything a title of its own; "" gives it back the one it was made with."""
        asset = self._store.rename(owner, asset_id, validation.checked_title(title))
        self._changes.note(owner)
        return asset

    def collections(self, owner: str) -> tuple[names.Named, ...]:
        """The owner's collections that have something in them, by name."""
        return names.named_of(self._database, owner)

    def collect(self, owner: str, asset_ids: Iterable[str], name: str, *, is_in: bool = True) -> str:
        """Put assets into a collection, which need not be there before, or take them out again. Returns its name.

        Raises:
            BadRequest: the name is none, or one of them is in too many.
        """
        name, ids = names.checked_name(name), [self._store.asset(owner, id).id for id in asset_ids]
        for asset_id in ids:
            self._store.collections.put(asset_id, name, is_in=is_in)
        self._changes.note(owner)
        return name

    def delete(self, owner: str, asset_ids: Iterable[str]) -> None:
        """Into the trash, all or, with one that is not there, none; `restore` brings them back."""
        self._store.delete(owner, asset_ids)
        self._changes.note(owner)

    def restore(self, owner: str, asset_ids: Iterable[str]) -> None:
        self._store.restore(owner, asset_ids)
        self._changes.note(owner)

    def rebuild(self) -> None:
        """Make the index again from the files."""
        self._store.rebuild()

    def take_in(self, owner: str, source: bytes | Path, name: str = "") -> Asset:
        """Keep an uploaded picture; one that exists already is not kept twice, see `Uploads.take_in`."""
        asset = self._uploads.take_in(owner, source, name)
        self._changes.note(owner)
        return asset

    def tree(self, owner: str, asset_id: str) -> Tree:
        """All versions of the picture that this one is a version of."""
        return self._versions.tree(owner, asset_id)

    def object_of_mask(self, owner: str, picture: str, mask: bytes | Path, name: str = "") -> Asset:
        """Keep what the file of a mask selects in a picture as an object; see `Versions.object_of_mask`."""
        asset = self._versions.object_of_mask(owner, picture, mask, name)
        self._changes.note(owner)
        return asset

    def request_of_version(self, owner: str, asset_id: str) -> IterateRequest | None:
        """What made a version, to be asked again of another picture, model or seed; None: no change made it."""
        return replay.request_of(self._store.asset(owner, asset_id).recipe)

    def delete_tree(self, owner: str, asset_id: str) -> tuple[str, ...]:
        """A version and all that was made from it into the trash. Returns what `restore` brings back."""
        ids = self._versions.branch(owner, asset_id)
        self.delete(owner, ids)
        return ids
