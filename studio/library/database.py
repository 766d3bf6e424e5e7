"""The SQLite file in the outputs folder: one guarded connection, numbered migrations, one process at a time.

Knows the tables but not what the app does with them. The file is an index and a queue: a damaged one is moved aside,
and `Store` fills the new one from the pictures.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from studio.errors import IndexBusy, OutputsInUse, StorageFailed
from studio.library.collections.schema import COLLECTED

log = logging.getLogger(__name__)

BUSY_SECONDS = 5.0
"""How long to wait for another program (a backup, an SQLite browser) to unlock the file."""
_RETRY_SECONDS = 0.02
_Answer = TypeVar("_Answer")

MIGRATIONS = (
    """
    CREATE TABLE assets (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        owner TEXT NOT NULL,
        name TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        title TEXT NOT NULL,
        words TEXT NOT NULL,     -- what a search looks into
        model TEXT NOT NULL,
        seed INTEGER,
        created REAL NOT NULL,   -- Unix time, seconds
        starred INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER NOT NULL DEFAULT 0,
        job_id TEXT NOT NULL,    -- '' for a picture that no job made
        idx INTEGER NOT NULL,    -- which picture of the job
        recipe TEXT NOT NULL     -- the JSON inside the file, byte for byte
    );
    CREATE UNIQUE INDEX one_result ON assets (job_id, idx) WHERE job_id != '';
    CREATE INDEX newest ON assets (owner, deleted, created, id);
    CREATE INDEX newest_of_model ON assets (owner, deleted, model, created, id);
    CREATE INDEX newest_starred ON assets (owner, deleted, created, id) WHERE starred;

    CREATE VIRTUAL TABLE search USING fts5 (
        words, content = 'assets', content_rowid = 'number', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
    );
    CREATE TRIGGER search_insert AFTER INSERT ON assets BEGIN
        INSERT INTO search (rowid, words) VALUES (new.number, new.words);
    END;
    CREATE TRIGGER search_delete AFTER DELETE ON assets BEGIN
        INSERT INTO search (search, rowid, words) VALUES ('delete', old.number, old.words);
    END;
    CREATE TRIGGER search_update AFTER UPDATE OF words ON assets BEGIN
        INSERT INTO search (search, rowid, words) VALUES ('delete', old.number, old.words);
        INSERT INTO search (rowid, words) VALUES (new.number, new.words);
    END;

    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of the queue
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        task TEXT NOT NULL,
        lane TEXT NOT NULL,
        model TEXT NOT NULL,
        title TEXT NOT NULL,
        pictures INTEGER NOT NULL,
        request TEXT NOT NULL,   -- JSON, complete
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,  -- starts that have not come to an end
        created REAL NOT NULL,
        version INTEGER NOT NULL,
        error TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX jobs_of_owner ON jobs (owner, number);
    CREATE INDEX jobs_to_do ON jobs (state) WHERE state IN ('waiting', 'running');
    """,
    """
    ALTER TABLE assets ADD COLUMN shelf TEXT NOT NULL DEFAULT '';   -- the kind, or 'upload'
    ALTER TABLE assets ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';  -- of the uploaded file
    UPDATE assets SET shelf = kind;
    CREATE INDEX newest_of_shelf ON assets (owner, deleted, shelf, created, id);
    CREATE INDEX uploads ON assets (owner, sha256) WHERE sha256 != '';

    CREATE TABLE lineage (
        child TEXT NOT NULL,     -- id of an asset
        parent TEXT NOT NULL,    -- id of what it was made from, which may not exist
        UNIQUE (parent, child)
    );
    CREATE INDEX parents_of ON lineage (child);
    CREATE TRIGGER lineage_delete AFTER DELETE ON assets BEGIN
        DELETE FROM lineage WHERE child = old.id;
    END;
    """,
    """
    ALTER TABLE assets ADD COLUMN description TEXT NOT NULL DEFAULT '';
    """,
    """
    DROP INDEX newest_of_shelf;
    ALTER TABLE assets RENAME COLUMN shelf TO category;
    CREATE INDEX newest_of_category ON assets (owner, deleted, category, created, id);
    """,
    """
    CREATE TABLE embeddings (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they were made
        asset TEXT NOT NULL,
        embedder TEXT NOT NULL,  -- id of a model and the revision of its weights
        vector BLOB NOT NULL,    -- float16, of length 1; empty where the model does not know such pictures
        UNIQUE (asset, embedder)
    );
    CREATE TRIGGER embeddings_delete AFTER DELETE ON assets BEGIN
        DELETE FROM embeddings WHERE asset = old.id;
    END;
    """,
    COLLECTED,
)


class FolderLock:
    """Holds a folder for this process: an SQLite lock, so it works on every system and ends with the process."""

    def __init__(self, folder: Path) -> None:
        _make_private(folder / "lock.sqlite")
        try:
            self._connection = sqlite3.connect(
                folder / "lock.sqlite", timeout=0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.OperationalError as error:
            raise _failed(folder / "lock.sqlite", error) from error
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            self._connection.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise OutputsInUse(folder) from error
            raise _failed(folder / "lock.sqlite", error) from error

    def release(self) -> None:
        self._connection.close()


class Database:
    """A connection for any thread; a transaction has it exclusively."""

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open or create the file and apply the missing migrations.

        Raises:
            StorageFailed: the folder is not writable, or a newer Diorama made the file.
            IndexBusy: another program has locked the file.
        """
        self._path, self._busy_seconds = path, busy_seconds
        self._lock = threading.RLock()
        try:
            self._connection: sqlite3.Connection | None = _open(path)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise _failed(path, error) from error
            _move_aside(path)
            self._connection = _open(path)

    @contextmanager
    def transaction(self, *, can_be_made_again: bool = False) -> Iterator[sqlite3.Connection]:
        """All of the block's changes reach the disk, or none.

        Args:
            can_be_made_again: a power cut may lose them, a killed process may not: what follows from the files anyway
                need not be flushed, which takes up to 30 ms while others write.

        Raises:
            IndexBusy: at once, and nothing was done; see `patiently`.
        """
        with self._lock, self._readable_errors() as connection:
            try:
                if can_be_made_again:
                    connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            finally:
                if can_be_made_again:
                    connection.execute("PRAGMA synchronous = FULL")

    def patiently(self, action: Callable[[], _Answer]) -> _Answer:
        """Do something with the index, retrying while another program has locked it, for BUSY_SECONDS.

        Args:
            action: takes its locks itself, so that other threads get their turn in between.

        Raises:
            IndexBusy: it is still locked.
        """
        deadline = time.monotonic() + self._busy_seconds
        while True:
            try:
                return action()
            except IndexBusy:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_RETRY_SECONDS)

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        return self.patiently(lambda: self._rows(sql, parameters))

    def _rows(self, sql: str, parameters: tuple[Any, ...]) -> list[sqlite3.Row]:
        with self._lock, self._readable_errors() as connection:
            return connection.execute(sql, tuple(map(_comparable, parameters))).fetchall()

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _readable_errors(self) -> Iterator[sqlite3.Connection]:
        if self._connection is None:
            raise StorageFailed("Diorama is shutting down and takes nothing new. Start it again.")
        try:
            yield self._connection
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                raise StorageFailed(
                    f"The index {self._path} is damaged. Restart Diorama: it is rebuilt from the pictures."
                ) from error
            if isinstance(error, sqlite3.OperationalError):
                raise _failed(self._path, error) from error
            raise


def _comparable(value: Any) -> Any:
    """SQLite accepts no lone surrogates; as bytes, such a string equals no text in the file."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode(errors="surrogatepass")
    return value


def _make_private(path: Path) -> None:
    """Create a file that only its owner can access. An existing one is not opened: closing it would end our locks."""
    with suppress(OSError):  # SQLite will report the same error
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _open(path: Path) -> sqlite3.Connection:
    _make_private(path)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            damage = sqlite3.DatabaseError(verdict)
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
        _migrate(connection, path)
        connection.execute("PRAGMA busy_timeout = 0")  # from now on `patiently` waits, without holding a lock
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    if done > len(MIGRATIONS):
        raise StorageFailed(f"A newer Diorama made {path}. Update Diorama, or start it with --outputs ANOTHER_FOLDER.")
    for number, script in enumerate(MIGRATIONS[done:], done + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")


def _move_aside(path: Path) -> None:
    """Keep a damaged file for inspection, under a name that nothing opens."""
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    log.warning(
        "The index %s is damaged. It was kept as %s and is rebuilt from the pictures; waiting jobs are lost.",
        path,
        aside.name,
    )
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    # Errors raised by Python's wrapper have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF  # the low byte is the kind
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _failed(path: Path, error: sqlite3.Error) -> StorageFailed:
    if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return IndexBusy(path)
    return StorageFailed(
        f"The index in {path.parent} could not be used ({error}). Check that the folder can be written and has free "
        "space."
    )
