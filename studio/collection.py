"""What people made, and the jobs that make it: the part of `Studio` that needs no model. Thread-safe."""

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
    """The assets of one outputs folder. `owner` is whoever asks; the assets of others do not exist for them."""

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
        """Open the folder and bring its index up to date with its files; `opened` closes it. See `Studio`."""
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
        """Raises NotFound, as do all methods that follow, if it does not exist or belongs to somebody else."""
        return self._jobs.view(owner, validation.job_id(job_id))

    def jobs(self, owner: str, limit: int = 20) -> list[JobView]:
        """All waiting and running jobs, and the latest finished ones up to `limit` in total; newest first."""
        return self._jobs.newest(owner, limit)

    def cancel(self, owner: str, job_id: str) -> JobView:
        """Stop: a waiting job at once, a running one within a step. A finished job is left as it is."""
        return self._jobs.cancel(owner, validation.job_id(job_id))

    def skip(self, owner: str, job_id: str) -> JobView:
        """Skip the picture being made and go on with the next."""
        return self._jobs.skip(owner, validation.job_id(job_id))

    def events(self, owner: str, job_id: str) -> Iterator[Event]:
        """A job's events as they happen; ends after Done, Failed or Stopped. Blocks in between."""
        return self._jobs.events(owner, validation.job_id(job_id))

    def pulse(self, owner: str) -> int:
        """A number that grows with every change of the owner's jobs or assets, across restarts; cheap."""
        return self._changes.of(owner)

    def news(self, owner: str) -> int:
        """The pulse at the owner's latest change other than a job's progress."""
        return self._changes.news_of(owner)

    def listening(self, owner: str, listener: Callable[[bool], object]) -> AbstractContextManager[None]:
        """Call `listener(is_news)` whenever `pulse` grows, on any thread; it must return at once."""
        return self._changes.listening(owner, listener)

    def gallery(
        self, owner: str, *, after: str = "", limit: int = 24, meaning: bool = False, **filters: Unpack[Filters]
    ) -> GalleryPage:
        """One page, newest first; with `meaning`, best match first if a model for that is here.

        See `search.find` and `Meanings.find`.
        """
        if meaning and (found := self.meanings.find(owner, after=after, limit=limit, **filters)):
            return found
        return search.find(self._database, owner, after=after, limit=limit, **filters)

    def count(self, owner: str, *, meaning: bool = False, **filters: Unpack[Filters]) -> int:
        """How many assets all pages of `gallery` have together."""
        if meaning and (ids := self.meanings.ranked(owner, filters, ())) is not None:
            return len(ids)
        return search.count(self._database, owner, **filters)

    def models_used(self, owner: str) -> tuple[str, ...]:
        """Ids of the models that made what is in the owner's gallery, including names from other programs."""
        return search.models_used(self._database, owner)

    def past_words(self, owner: str, task: Task, most: int = 100) -> list[str]:
        """The owner's prompts (Task.ITERATE: instructions) as written; newest first, without repeats."""
        return self._jobs.words(owner, task, most)

    def relatives(self, owner: str, asset_id: str) -> Relatives:
        """What a picture was made from, and what was made from it."""
        return search.relatives(self._database, self._store.asset(owner, asset_id))

    def bundle(self, owner: str, asset_ids: Iterable[str]) -> Iterator[bytes]:
        """A zip of the files under their own names, produced while it is read. Raises NotFound before it starts."""
        assets = {asset.id: asset for asset in (self._store.asset(owner, asset_id) for asset_id in asset_ids)}
        for asset_id in assets:
            self._store.path(owner, asset_id)
        return zipped(Entry(asset.name, partial(self._store.path, owner, id)) for id, asset in assets.items())

    def asset(self, owner: str, asset_id: str) -> Asset:
        return self._store.asset(owner, asset_id)

    def path(self, owner: str, asset_id: str) -> Path:
        """The file with its recipe, absolute."""
        return self._store.path(owner, asset_id)

    def thumbnail(self, owner: str, asset_id: str) -> Path:
        """A WebP of at most 256 pixels, absolute."""
        return self._store.thumbnail(owner, asset_id)

    def film(self, owner: str, asset_id: str) -> tuple[str, bytes]:
        """The film of how a picture formed: a file name and an MP4. Raises NotFound if there is none."""
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
        """Give an asset a title; "" restores the original one."""
        asset = self._store.rename(owner, asset_id, validation.checked_title(title))
        self._changes.note(owner)
        return asset

    def collections(self, owner: str) -> tuple[names.Named, ...]:
        """The owner's non-empty collections, by name."""
        return names.named_of(self._database, owner)

    def collect(self, owner: str, asset_ids: Iterable[str], name: str, *, is_in: bool = True) -> str:
        """Add assets to a collection, creating it if needed, or remove them. Returns its name.

        Raises:
            BadRequest: the name is invalid, or an asset is in too many collections.
        """
        name, ids = names.checked_name(name), [self._store.asset(owner, id).id for id in asset_ids]
        for asset_id in ids:
            self._store.collections.put(asset_id, name, is_in=is_in)
        self._changes.note(owner)
        return name

    def delete(self, owner: str, asset_ids: Iterable[str]) -> None:
        """Move to the trash, all or none; `restore` brings them back."""
        self._store.delete(owner, asset_ids)
        self._changes.note(owner)

    def restore(self, owner: str, asset_ids: Iterable[str]) -> None:
        self._store.restore(owner, asset_ids)
        self._changes.note(owner)

    def rebuild(self) -> None:
        """Rebuild the index from the files."""
        self._store.rebuild()

    def take_in(self, owner: str, source: bytes | Path, name: str = "") -> Asset:
        """Keep an uploaded picture, once; see `Uploads.take_in`."""
        asset = self._uploads.take_in(owner, source, name)
        self._changes.note(owner)
        return asset

    def tree(self, owner: str, asset_id: str) -> Tree:
        """All versions of the picture that this one is a version of."""
        return self._versions.tree(owner, asset_id)

    def object_of_mask(self, owner: str, picture: str, mask: bytes | Path, name: str = "") -> Asset:
        """Keep what a mask file selects in a picture as an object; see `Versions.object_of_mask`."""
        asset = self._versions.object_of_mask(owner, picture, mask, name)
        self._changes.note(owner)
        return asset

    def request_of_version(self, owner: str, asset_id: str) -> IterateRequest | None:
        """The request that made a version, to repeat on another picture, model or seed; None if no change made it."""
        return replay.request_of(self._store.asset(owner, asset_id).recipe)

    def delete_tree(self, owner: str, asset_id: str) -> tuple[str, ...]:
        """Move a version and all its descendants to the trash. Returns the ids for `restore`."""
        ids = self._versions.branch(owner, asset_id)
        self.delete(owner, ids)
        return ids
