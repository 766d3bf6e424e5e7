"""Disk use per owner, and what is removed when it exceeds the quota. Knows no recipes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studio.errors import QuotaReached, StorageFailed
from studio.library.database import Database
from studio.library.folders import Folders

SPARE_BYTES = 1_000_000_000
"""Of a shared disk to keep free, since a visitor with ever new names also gets ever new quotas."""
_MOST_IN_STATEMENT = 500


@dataclass(frozen=True)
class Use:
    """One owner's disk use."""

    owner: str
    files: int  # without those in the trash
    bytes: int  # with those in the trash
    newest: float  # when the newest was made; Unix time, seconds


class DiskUsage:
    """The files of an outputs folder, by owner. Thread-safe."""

    def __init__(
        self, database: Database, folders: Folders, most_bytes: int | None = None, spare_bytes: int = SPARE_BYTES
    ) -> None:
        """
        Args:
            most_bytes: per owner; None: unlimited, whatever the disk holds.
            spare_bytes: of the disk, kept free.
        """
        self._database, self._folders, self._most = database, folders, most_bytes
        self._spare = spare_bytes
        self._lock = threading.Lock()
        self._bytes: dict[str, int] = {}  # cache by owner

    def by_owner(self) -> list[Use]:
        """All owners with files, largest first. Checks every file."""
        rows = self._database.rows(
            "SELECT owner, COUNT(*) FILTER (WHERE NOT deleted) AS files, MAX(created) AS newest"
            " FROM assets GROUP BY owner"
        )
        uses = [Use(row["owner"], row["files"], self._look(row["owner"]), row["newest"]) for row in rows]
        return sorted(uses, key=lambda use: -use.bytes)

    def make_room(self, owner: str, needed: int = 1) -> None:
        """Make sure an owner may store this many more bytes, removing their trash for good, oldest first, if needed.

        Raises:
            QuotaReached: there is not enough trash.
            StorageFailed: the disk is nearly full, of others' files too.
        """
        if self._most is not None and shutil.disk_usage(self._folders.thumbnails).free < needed + self._spare:
            raise StorageFailed("The disk of this Diorama is nearly full, so it keeps nothing more. Tell its admin.")
        if self._most is None or self._of(owner) + needed <= self._most:
            return
        # The row of a picture keeps its job from making it again, so those of unfinished jobs stay.
        trash = self._database.rows(
            "SELECT id, name FROM assets WHERE owner = ? AND deleted AND job_id NOT IN"
            " (SELECT id FROM jobs WHERE state IN ('waiting', 'running')) ORDER BY created, id",
            (owner,),
        )
        free, given = self._most - self._of(owner), list[str]()
        for row in trash:
            if free >= needed:
                break
            free += _size(self._folders.of(row["name"], deleted=True) / row["name"])
            given.append(row["id"])
        self.purge(owner, given)
        if free < needed:
            raise QuotaReached(self._most)

    def added(self, owner: str, more: int) -> None:
        with self._lock:
            if owner in self._bytes:
                self._bytes[owner] += more

    def everything_of(self, owner: str) -> list[str]:
        """Ids of all assets of an owner, the trash included."""
        return [row["id"] for row in self._database.rows("SELECT id FROM assets WHERE owner = ?", (owner,))]

    def purge(self, owner: str, asset_ids: Iterable[str]) -> None:
        """Remove assets for good: files first, so that after a crash the next start removes the rows."""
        ids = list(asset_ids)
        for start in range(0, len(ids), _MOST_IN_STATEMENT):
            part = ids[start : start + _MOST_IN_STATEMENT]
            where = f"owner = ? AND id IN ({', '.join('?' * len(part))})"
            for row in self._database.rows(f"SELECT id, name, deleted FROM assets WHERE {where}", (owner, *part)):
                for deleted in (True, False):  # wherever it is now
                    (self._folders.of(row["name"], deleted=deleted) / row["name"]).unlink(missing_ok=True)
                (self._folders.thumbnails / f"{row['id']}.webp").unlink(missing_ok=True)
            self._database.patiently(lambda where=where, part=part: self._forget(where, (owner, *part)))
        with self._lock:
            self._bytes.pop(owner, None)

    def _forget(self, where: str, values: tuple[str, ...]) -> None:
        with self._database.transaction(can_be_made_again=True) as connection:
            connection.execute(f"DELETE FROM assets WHERE {where}", values)

    def _of(self, owner: str) -> int:
        with self._lock:
            known = self._bytes.get(owner)
        return self._look(owner) if known is None else known

    def _look(self, owner: str) -> int:
        rows = self._database.rows("SELECT name, deleted FROM assets WHERE owner = ?", (owner,))
        total = sum(_size(self._folders.of(row["name"], deleted=bool(row["deleted"])) / row["name"]) for row in rows)
        with self._lock:
            self._bytes[owner] = total
        return total


def _size(path: Path) -> int:
    try:
        return path.stat(follow_symlinks=False).st_size
    except OSError:  # somebody removed it
        return 0
