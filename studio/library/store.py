"""The store: files that carry their recipe, and an index over them that can be rebuilt.

The files are the truth: `images/`, `splats/` and `trash/` hold them, `notes.jsonl` later changes; `thumbs/` is a cache.
Knows nothing of jobs or models, and of kinds of files only what `kinds` says.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from studio.errors import BadPicture, BadSplat, LinkNotFollowed, NotFound, OwnerRemoved
from studio.library import files, kinds
from studio.library.annotations import Note, Notes
from studio.library.assets import Asset, insert, said_of, to_asset
from studio.library.clock import Clock
from studio.library.collections import names as collections
from studio.library.database import Database
from studio.library.film import with_film
from studio.library.folders import Folders
from studio.library.usage import DiskUsage
from studio.recipe import NOW, FoundRecipe, Recipe, is_asset_id, png_text, to_text
from studio.splats.rasterizer import portrait
from studio.splats.splat import Splat

log = logging.getLogger(__name__)

PNG_LEVEL = 1
"""zlib level: 1024 x 1024 with noise takes 0.08 s and 1.9 MB, against 0.19 s and 1.6 MB at the default, 6 (2 cores)."""
THUMBNAIL_SIDE = 256


class Store:
    """The assets of one outputs folder. Thread-safe; for one process (see `FolderLock`)."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        now: Callable[[], float] = time.time,
        quota_bytes: int | None = None,
        admits: Callable[[str], bool] = lambda _owner: True,
    ) -> None:
        """
        Args:
            now: Unix time, seconds; may go backwards.
            quota_bytes: per owner; None: unlimited.
            admits: whether anything is still stored for an owner.
        """
        self._database, self._admits = database, admits
        self._ended: set[str] = set()  # ids of jobs of removed owners
        self.clock = Clock(database, now)
        self._notes = Notes(folder / "notes.jsonl")
        self.folder, self._folders = folder, Folders(folder)
        self.usage = DiskUsage(database, self._folders, quota_bytes)
        self._changing = threading.Lock()  # held while files and rows change together
        self.collections = collections.Collections(database, self._notes, self._changing)

    def save(self, image: Image.Image, recipe: Recipe, film: bytes = b"") -> Asset:
        """Write a picture and its row; when this returns, the picture survives a power cut, and so can its row.

        Args:
            image: RGB or RGBA.
            recipe: complete, with an id of its own.
            film: an MP4 of how it formed.

        Raises:
            StorageFailed: nothing is left behind.
        """
        recipe = self._dated(recipe)
        found = FoundRecipe(recipe, to_text(recipe), image.width, image.height)
        text = with_film(png_text(recipe), film)
        self._keep(".png", found, lambda file: image.save(file, "PNG", pnginfo=text, compress_level=PNG_LEVEL))
        self._make_thumbnail(image, recipe.id)
        return self.asset(recipe.owner, recipe.id)

    def save_splat(self, splat: Splat) -> Asset:
        """Write a splat and its row, like `save`.

        Args:
            splat: with a complete recipe that has an id of its own.
        """
        recipe = None if splat.recipe is None else self._dated(splat.recipe)
        data, found = kinds.splat_file(replace(splat, recipe=recipe))
        self._keep(".ply", found, lambda file: file.write(data))
        self._make_thumbnail(portrait(splat, THUMBNAIL_SIDE), found.recipe.id)
        return self.asset(found.recipe.owner, found.recipe.id)

    def _keep(self, ending: str, found: FoundRecipe, write: Callable[[BinaryIO], object]) -> None:
        """Write a new file with this ending, then its row."""
        folder = self._folders.of(ending)
        with files.storage_errors(folder):
            temporary = files.write_temporary(folder, write)
            size = temporary.stat().st_size
            try:
                self.usage.make_room(found.recipe.owner, size)
                self._database.patiently(lambda: self._enter(temporary, found, ending))
                self.usage.added(found.recipe.owner, size)
            except BaseException:
                files.remove(temporary)
                raise

    def _dated(self, recipe: Recipe) -> Recipe:
        """The recipe with its creation time, if it has none."""
        return recipe if recipe.created != NOW else replace(recipe, created=self.clock.made_now())

    def _enter(self, temporary: Path, found: FoundRecipe, ending: str) -> None:
        """Give a complete file its name and its row, or leave it as it is."""
        path = temporary
        with self._changing:
            if found.recipe.job_id in self._ended or not self._admits(found.recipe.owner):
                raise OwnerRemoved
            try:
                with self._database.transaction(can_be_made_again=True) as connection:
                    path = self._folders.give_name(temporary, found.recipe, ending)
                    files.sync_folder(path.parent)
                    insert(connection, path.name, found, Note(), deleted=False)
            except BaseException:
                if path != temporary:
                    files.remove(path)
                raise

    def asset(self, owner: str, asset_id: str) -> Asset:
        """Raises NotFound if it does not exist or belongs to somebody else."""
        if is_asset_id(asset_id):
            for row in self._database.rows("SELECT * FROM assets WHERE id = ? AND owner = ?", (asset_id, owner)):
                return to_asset(row)
        raise NotFound("picture", str(asset_id))

    def upload(self, owner: str, sha256: str) -> Asset | None:
        """The asset of an uploaded file with these bytes, also from the trash."""
        where = "owner = ? AND sha256 = ? AND sha256 != '' ORDER BY deleted, number DESC LIMIT 1"
        rows = self._database.rows(f"SELECT * FROM assets WHERE {where}", (owner, sha256))
        return to_asset(rows[0]) if rows else None

    def made_by_job(self, job_id: str) -> dict[int, str]:
        """Index -> id of a job's assets, in order, deleted ones included: none is made again."""
        rows = self._database.rows("SELECT idx, id FROM assets WHERE job_id = ? ORDER BY idx", (job_id,))
        return {row["idx"]: row["id"] for row in rows}

    def kept_of_job(self, job_id: str) -> tuple[str, ...]:
        """Ids of a job's assets that are not deleted, in order."""
        rows = self._database.rows("SELECT id FROM assets WHERE job_id = ? AND NOT deleted ORDER BY idx", (job_id,))
        return tuple(row["id"] for row in rows)

    def path(self, owner: str, asset_id: str) -> Path:
        """The file itself, also from the trash.

        Raises:
            NotFound: it is missing. LinkNotFollowed: a link is in its place.
        """
        asset = self.asset(owner, asset_id)
        folder = self._folders.of(asset.name, deleted=asset.deleted)
        path = folder / asset.name
        if folder.is_symlink() or path.is_symlink():
            raise LinkNotFollowed(asset.name)
        if not path.is_file():
            raise NotFound("picture", asset_id)
        return path

    def thumbnail(self, owner: str, asset_id: str) -> Path:
        """A WebP of at most THUMBNAIL_SIDE pixels, remade if missing; or else the picture itself.

        For a damaged splat, a grey square.
        """
        source = self.path(owner, asset_id)
        files.refuse_link(self._folders.thumbnails)
        path = self._folders.thumbnails / f"{asset_id}.webp"
        if not kinds.is_whole(path):
            try:
                self._make_thumbnail(kinds.picture_of(source, THUMBNAIL_SIDE), asset_id)
            except BadPicture as error:  # replaced by somebody, or damaged
                log.warning("%s has no thumbnail: %s", source, error)
            except BadSplat as error:
                log.warning("%s has no thumbnail: %s", source, error)
                if source.is_file():  # else it has just moved, and is not damaged
                    self._make_thumbnail(Image.new("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE), "grey"), asset_id)
        if not kinds.is_whole(path):
            return source  # one picture must not break the page
        return path

    def star(self, owner: str, asset_id: str, starred: bool) -> Asset:
        def change() -> None:
            with self._changing, self._database.transaction() as connection:
                self._notes.write(asset_id, starred=starred)
                connection.execute("UPDATE assets SET starred = ? WHERE id = ?", (starred, asset_id))

        self.asset(owner, asset_id)
        self._database.patiently(change)
        return self.asset(owner, asset_id)

    def describe(self, owner: str, asset_id: str, description: str) -> Asset:
        """Store what it shows, for the search; "" removes that."""
        return self._say(owner, asset_id, description=description)

    def rename(self, owner: str, asset_id: str, title: str) -> Asset:
        """Give it a title; "" restores the original one."""
        return self._say(owner, asset_id, title=title)

    def delete(self, owner: str, asset_ids: Iterable[str]) -> None:
        """Move the files to the trash, all or none; `restore` brings them back."""
        self._move(owner, list(asset_ids), deleted=True)

    def restore(self, owner: str, asset_ids: Iterable[str]) -> None:
        self._move(owner, list(asset_ids), deleted=False)

    def remove_all(self, owner: str, job_ids: Iterable[str]) -> int:
        """Remove everything of an owner for good, and store nothing more from these jobs. Returns how many."""
        with self._changing:  # a write in progress ends first, and is removed too
            self._ended.update(job_ids)
        ids = self.usage.everything_of(owner)
        self.usage.purge(owner, ids)
        self._notes.forget(set(ids))
        return len(ids)

    def rebuild(self) -> None:
        """Rebuild the index from the files."""
        with self._changing:
            self._agree_with_files([])

    def reconcile(self) -> None:
        """Bring the index in line with the folder after a crash or changes with a file manager."""
        self._folders.remove_leftovers()
        with self._changing:
            self._agree_with_files(
                self._database.rows("SELECT id, name, deleted, starred, title, description FROM assets")
            )

    def _agree_with_files(self, rows: Sequence[sqlite3.Row]) -> None:
        """
        Args:
            rows: of the index: all of them, or none to rebuild it.
        """
        there = self._folders.names()
        known = {row["name"]: bool(row["deleted"]) for row in rows}
        gone = [(name,) for name in known if name not in there]
        moved = [(deleted, name) for name, deleted in there.items() if known.get(name, deleted) != deleted]
        notes = self._notes.read()
        noted = [(row, notes[row["id"]]) for row in rows]
        wrong_stars = [(note.starred, row["id"]) for row, note in noted if note.starred != row["starred"]]
        new = sorted((deleted, name) for name, deleted in there.items() if name not in known)
        said_otherwise = [row["id"] for row, note in noted if not note.is_kept_in(row["title"], row["description"])]
        elsewhere = collections.wrong(self._database, notes, [row["id"] for row in rows])
        if rows and not (gone or moved or wrong_stars or new or said_otherwise or elsewhere):
            return  # nearly always: no write, no waiting for disk or lock
        with self._database.transaction() as connection:
            if not rows:
                connection.execute("DELETE FROM assets")
            connection.executemany("DELETE FROM assets WHERE name = ?", gone)
            connection.executemany("UPDATE assets SET deleted = ? WHERE name = ?", moved)
            connection.executemany("UPDATE assets SET starred = ? WHERE id = ?", wrong_stars)
            for deleted, name, found in self._recipes_of(new):
                try:
                    insert(connection, name, found, notes[found.recipe.id], deleted=deleted)
                except sqlite3.IntegrityError:
                    log.warning("%s is a copy of a picture that is in the gallery already; it is left alone.", name)
            for asset_id, names in elsewhere.items():
                collections.put(connection, asset_id, names)
            for asset_id in said_otherwise:
                self._say_again(connection, asset_id, notes[asset_id])

    def _say(self, owner: str, asset_id: str, **change: str) -> Asset:
        def write_down() -> None:
            with self._changing, self._database.transaction() as connection:
                asset = self.asset(owner, asset_id)  # as it is now: what is not changed here may just have been
                title = None if asset.title == asset.recipe.title else asset.title
                self._notes.write(asset_id, **change)
                note = Note(title=title, description=asset.description)._replace(**change)
                self._say_again(connection, asset_id, note)

        self._database.patiently(write_down)
        return self.asset(owner, asset_id)

    def _say_again(self, connection: sqlite3.Connection, asset_id: str, note: Note) -> None:
        """Update title, words and description of a row from the note."""
        for row in connection.execute("SELECT * FROM assets WHERE id = ?", (asset_id,)).fetchall():
            said = said_of(to_asset(row).recipe, note)
            connection.execute(
                "UPDATE assets SET title = ?, words = ?, description = ? WHERE id = ?", (*said, asset_id)
            )

    def _recipes_of(self, names: Iterable[tuple[bool, str]]) -> Iterator[tuple[bool, str, FoundRecipe]]:
        for deleted, name in names:
            path = self._folders.of(name, deleted=deleted) / name
            try:
                found = kinds.read_recipe(path)
            except OSError as error:
                log.warning("%s cannot be read (%s); it is left out of the gallery.", path, error)
                continue
            if found is None:
                log.info("%s has no recipe of Diorama; it is left out of the gallery.", path)
                continue
            yield deleted, name, found

    def _move(self, owner: str, asset_ids: Sequence[str], deleted: bool) -> None:
        def change() -> OSError | None:
            with self._changing, self._database.transaction() as connection:
                names = [self.asset(owner, id).name for id in asset_ids]
                moved, refused = self._folders.move(names, deleted=deleted)
                connection.executemany("UPDATE assets SET deleted = ? WHERE name = ?", ((deleted, it) for it in moved))
                return refused

        with files.storage_errors(self._folders.of("", deleted=True)):
            if refused := self._database.patiently(change):
                raise refused

    def _make_thumbnail(self, image: Image.Image, asset_id: str) -> None:
        """Best effort: `thumbnail` tries again."""
        files.write_small(self._folders.thumbnails / f"{asset_id}.webp", image, THUMBNAIL_SIDE)
