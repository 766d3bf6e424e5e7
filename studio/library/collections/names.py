"""Named collections of assets; membership is recorded in the journal of annotations."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from studio.errors import BadRequest
from studio.library.annotations import Note, Notes
from studio.library.database import Database
from studio.validation import cleaned, says_something, shown

LONGEST_NAME = 60
MOST_OF_ONE = 100
"""Collections per asset."""


class Named(NamedTuple):
    """A collection."""

    name: str
    pictures: int  # without the trash


def checked_name(value: Any) -> str:
    """The name of a collection, as stored. Raises BadRequest."""
    if not isinstance(value, str):
        raise BadRequest(f"The name of a collection must be text, not {shown(value)}.")
    name = " ".join(cleaned(value).split())
    if not says_something(name):
        raise BadRequest("A collection needs a name: type one.")
    if len(name) > LONGEST_NAME:
        raise BadRequest(f"The name has {len(name):,} characters; {LONGEST_NAME} is the most. Shorten it.")
    return name


def named_of(database: Database, owner: str) -> tuple[Named, ...]:
    """An owner's non-empty collections, by name."""
    rows = database.rows(
        "SELECT collection, COUNT(*) AS count FROM collected JOIN assets ON id = asset"
        " WHERE owner = ? AND deleted = 0 GROUP BY collection ORDER BY collection COLLATE NOCASE, collection",
        (owner,),
    )
    return tuple(Named(row["collection"], row["count"]) for row in rows)


def collections_of(database: Database, asset_id: str) -> tuple[str, ...]:
    """Names of an asset's collections."""
    rows = database.rows("SELECT collection FROM collected WHERE asset = ? ORDER BY collection", (asset_id,))
    return tuple(row["collection"] for row in rows)


def changed(database: Database, asset_id: str, name: str, *, is_in: bool) -> tuple[str, ...] | None:
    """Names of an asset's collections after adding or removing one; None if nothing changes.

    Raises:
        BadRequest: it would be in too many.
    """
    before = collections_of(database, asset_id)
    if (name in before) == is_in:
        return None
    if is_in and len(before) >= MOST_OF_ONE:
        raise BadRequest(f"A picture can be in {MOST_OF_ONE} collections. Remove it from another one first.")
    return tuple(sorted({*before, name} if is_in else {*before} - {name}))


class Collections:
    """Changes are journaled with their assets. Thread-safe."""

    def __init__(self, database: Database, notes: Notes, changing: AbstractContextManager[Any]) -> None:
        """
        Args:
            changing: held while journal and index change together.
        """
        self._database, self._notes, self._changing = database, notes, changing

    def put(self, asset_id: str, name: str, *, is_in: bool) -> None:
        """Add an asset to a collection, or remove it. Raises BadRequest if it is in too many."""

        def change() -> None:
            with self._changing, self._database.transaction() as connection:
                now = changed(self._database, asset_id, name, is_in=is_in)
                if now is not None:
                    self._notes.write(asset_id, collections=now)
                    put(connection, asset_id, now)

        self._database.patiently(change)


def put(connection: sqlite3.Connection, asset_id: str, names: Iterable[str]) -> None:
    """Bring an asset's rows in line with its note."""
    connection.execute("DELETE FROM collected WHERE asset = ?", (asset_id,))
    connection.executemany(
        "INSERT OR IGNORE INTO collected (asset, collection) VALUES (?, ?)", [(asset_id, name) for name in names]
    )


def wrong(database: Database, notes: Mapping[str, Note], ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The noted collections, by asset id, where the index differs."""
    there: defaultdict[str, set[str]] = defaultdict(set)
    for row in database.rows("SELECT asset, collection FROM collected"):
        there[row["asset"]].add(row["collection"])
    return {id: notes[id].collections for id in ids if set(notes[id].collections) != there[id]}
