"""An asset as the index knows it, converted from a recipe to a row in SQLite, and back."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from studio.errors import NotFound
from studio.library.annotations import Note
from studio.recipe import UPLOAD, FoundRecipe, Kind, Recipe, of_row


@dataclass(frozen=True)
class Asset:
    """One thing somebody made."""

    id: str  # 32 random hex digits, unguessable
    kind: Kind
    owner: str
    name: str  # of the file
    width: int
    height: int
    title: str  # the prompt, or the one its owner gave it
    model: str
    seed: int | None
    created: float  # Unix time, seconds
    starred: bool
    deleted: bool  # in the trash
    parents: tuple[str, ...]
    job_id: str  # "" when no job made it
    index: int  # which picture of the job, from 0
    recipe: Recipe = field(repr=False)
    description: str = ""  # what it shows; "": none


_COLUMNS = (
    "id, kind, owner, name, width, height, title, words, description, model, seed, created, starred, deleted, job_id,"
    " idx, category, sha256, recipe"
)
_VALUES = ", ".join("?" * 19)
_MOST_IN_SQLITE = 2**63 - 1


def present(asset: Asset, what: str = "picture") -> Asset:
    """The same; raises NotFound if it is in the trash."""
    if asset.deleted:
        raise NotFound(what, asset.id)
    return asset


def insert(connection: sqlite3.Connection, name: str, found: FoundRecipe, note: Note, *, deleted: bool) -> None:
    """Add the row of a file and its parents.

    Args:
        note: later changes to it.

    Raises:
        sqlite3.IntegrityError: the index already has this asset, or another one in its place in the job.
    """
    recipe = found.recipe
    title, words, description = said_of(recipe, note)
    seed = None if recipe.seed is None or recipe.seed > _MOST_IN_SQLITE else recipe.seed
    size = (found.width, found.height)
    what = (title, words, description, recipe.model, seed, recipe.created, note.starred, deleted)
    where = (recipe.job_id, recipe.index, UPLOAD if recipe.task == UPLOAD else recipe.kind)
    values = (recipe.id, recipe.kind, recipe.owner, name, *size, *what, *where, recipe.sha256, found.text)
    connection.execute(f"INSERT INTO assets ({_COLUMNS}) VALUES ({_VALUES})", values)
    connection.executemany(
        "INSERT OR IGNORE INTO lineage (child, parent) VALUES (?, ?)",
        [(recipe.id, parent) for parent in recipe.parents],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO collected (collection, asset) VALUES (?, ?)",
        [(collection, recipe.id) for collection in note.collections],
    )


def said_of(recipe: Recipe, note: Note) -> tuple[str, str, str]:
    """Title, searchable words, and description of an asset."""
    title = note.title or recipe.title
    description = note.description or ""
    words = dict.fromkeys((title, recipe.title, recipe.prompt, description))
    return title, "\n".join(word for word in words if word), description


def to_asset(row: sqlite3.Row) -> Asset:
    """
    Args:
        row: all columns of `assets`, by name.
    """
    recipe = of_row(row["recipe"])
    return Asset(
        id=row["id"],
        kind=row["kind"],
        owner=row["owner"],
        name=row["name"],
        width=row["width"],
        height=row["height"],
        title=row["title"],
        model=row["model"],
        seed=recipe.seed,
        created=row["created"],
        starred=bool(row["starred"]),
        deleted=bool(row["deleted"]),
        parents=recipe.parents,
        job_id=row["job_id"],
        index=row["idx"],
        recipe=recipe,
        description=row["description"],
    )
