"""The files of one download on this disk: fetched, measured, deleted. Imports nothing heavy before it fetches."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.hub.cache import Download, HubCache
from studio.contract import Tell
from studio.errors import StorageFailed
from studio.validation import short


@dataclass(frozen=True)
class Stored:
    """For `ModelSpec.weights`. Only deletes files in the Hub cache."""

    download: Download
    hub: HubCache
    others: Callable[[], Iterable[Download]]  # of all models, whose files must stay

    def fetch(self, tell: Tell) -> None:
        """Raises NotReady or StorageFailed, see `hub.fetch`."""
        pkgutil.resolve_name("pipelines.hub.fetch:fetch")(self.download, self.hub, tell)

    def is_complete(self) -> bool:
        return self.hub.snapshot(self.download) is not None

    def kept_gb(self) -> float:
        """Its size on this disk, partial downloads included."""
        files = {path.resolve() for each in _all(self.download) for path in _files(each, self.hub)}
        partial = {path for each in _all(self.download) for path in _partial(each, self.hub)}
        return sum(path.stat().st_size for path in files | partial if path.is_file()) / 1e9

    def remove(self) -> None:
        """Delete the files that no other model needs. Raises StorageFailed."""
        needed = {
            path.resolve()
            for other in self.others()
            if replace(other, label="") != replace(self.download, label="") and self.hub.snapshot(other)
            for each in _all(other)
            for path in _files(each, self.hub)
        }
        cache = self.hub.cache.resolve()
        try:
            for each in _all(self.download):
                for path in [*_files(each, self.hub), *_partial(each, self.hub)]:
                    blob = path.resolve()
                    if blob in needed or not blob.is_relative_to(cache):
                        continue
                    path.unlink(missing_ok=True)
                    blob.unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed(
                f"{self.download.label} cannot be deleted from {short(self.hub.cache)}: {error.strerror}."
            ) from error


def _all(download: Download) -> Iterable[Download]:
    """A download with those of its parts."""
    yield download
    for _, part in download.parts:
        yield from _all(part)


def _files(download: Download, hub: HubCache) -> list[Path]:
    """In its snapshot: the one file, or all required ones."""
    commit = hub.commit(download.repo, download.revision)
    folder = hub.folder(download.repo) / "snapshots" / (commit or "none")
    if download.file:
        return [folder / download.file] if (folder / download.file).is_file() else []
    return [path for path in folder.rglob("*") if path.is_file()]


def _partial(download: Download, hub: HubCache) -> list[Path]:
    return [*hub.folder(download.repo).glob("blobs/*.incomplete")]
