"""Finding assets: newest first, page by page, by words, stars, model and kind, or by their relatives.

Reads the index, changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from studio.errors import BadRequest
from studio.library.assets import Asset, to_asset
from studio.library.database import Database
from studio.recipe import is_asset_id
from studio.validation import shown

MAX_PAGE = 200
MAX_TERMS = 16


MAX_CHILDREN = 200
TRASH = "trash"
"""The kind of everything deleted."""
_FEW = 2_000
"""Pictures that can be looked up and sorted in a few milliseconds."""


@dataclass(frozen=True)
class GalleryPage:
    assets: tuple[Asset, ...]
    next: str  # cursor of the next page; "" after the last one


@dataclass(frozen=True)
class Relatives:
    """What a picture was made from and what was made from it, without deleted assets."""

    parents: tuple[Asset, ...]  # in the order of the recipe
    children: tuple[Asset, ...]  # the newest MAX_CHILDREN, newest first


class Filters(TypedDict, total=False):
    """Which assets; what is missing or empty does not filter."""

    query: str  # words in the prompt, the last as a prefix; without those after a minus
    starred: bool
    model: str
    collection: str
    kind: str
    """ "image" (made here), "upload", or another kind; TRASH for what is deleted; "" for all but views, which are
    intermediate results."""


def find(
    database: Database, owner: str, *, after: str = "", limit: int = 24, **filters: Unpack[Filters]
) -> GalleryPage:
    """One page of an owner's assets, or of their trash.

    Args:
        after: `GalleryPage.next` of the previous page; new pictures in between shift nothing.
        limit: assets per page, 1 to MAX_PAGE.

    Raises:
        BadRequest: an invalid `after` or `limit`, or a filter that is not text.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"A page holds 1 to {MAX_PAGE} pictures, not {shown(limit)}.")
    where, values = condition(database, owner, **filters)
    if not isinstance(after, str):
        raise _not_text()
    if after:
        where += " AND (created, id) < (?, ?)"
        values.extend(_from_cursor(after))
    rows = database.rows(
        f"SELECT * FROM assets WHERE {where} ORDER BY created DESC, id DESC LIMIT ?", (*values, limit + 1)
    )
    assets = tuple(to_asset(row) for row in rows[:limit])
    return GalleryPage(assets, _to_cursor(assets[-1]) if len(rows) > limit else "")


def count(database: Database, owner: str, **filters: Unpack[Filters]) -> int:
    """How many assets all pages of `find` have together."""
    where, values = condition(database, owner, **filters)
    # SQLite would otherwise check every picture for its star.
    index = "INDEXED BY newest_starred" if filters.get("starred") and not filters.get("query", "").strip() else ""
    return database.rows(f"SELECT COUNT(*) FROM assets {index} WHERE {where}", tuple(values))[0][0]


def models_used(database: Database, owner: str) -> tuple[str, ...]:
    """Ids of the models that made an owner's assets, without the trash, in alphabetical order."""
    # One index lookup per model: SQLite's DISTINCT would read every picture.
    smallest = "SELECT MIN(model) AS model FROM assets WHERE owner = ? AND deleted = 0 AND model >"
    rows = database.rows(
        f"WITH RECURSIVE used AS ({smallest} '' UNION ALL SELECT ({smallest} used.model) FROM used WHERE model != '')"
        " SELECT model FROM used WHERE model != ''",
        (owner, owner),
    )
    return tuple(row["model"] for row in rows)


def relatives(database: Database, asset: Asset) -> Relatives:
    """The parents and children of an asset that its owner still has."""
    mine = "+owner = ? AND +deleted = 0"  # the plus makes SQLite look up by id
    parents = {}
    if asset.parents:
        places = ", ".join("?" * len(asset.parents))
        rows = database.rows(f"SELECT * FROM assets WHERE {mine} AND id IN ({places})", (asset.owner, *asset.parents))
        parents = {row["id"]: to_asset(row) for row in rows}
    children = database.rows(
        f"SELECT assets.* FROM lineage JOIN assets ON id = child WHERE parent = ? AND {mine}"
        " ORDER BY created DESC, id DESC LIMIT ?",
        (asset.id, asset.owner, MAX_CHILDREN),
    )
    return Relatives(
        tuple(parents[id] for id in dict.fromkeys(asset.parents) if id in parents),
        tuple(to_asset(row) for row in children if row["id"] != asset.id),
    )


def terms(query: str) -> tuple[str, str]:
    """A search query as two FTS5 expressions that are never syntax errors: what must match, and what must not.

    Words and "quoted phrases" must match, the last one as a prefix; those after a minus must not. An expression without
    words is "".
    """
    pieces = re.findall(r'(?<!\S)-?"[^"]*"|(?<!\S)-[^\s"]+|\w+', query)[:MAX_TERMS]
    read = [(piece.startswith("-"), " ".join(re.findall(r"\w+", piece))) for piece in pieces]
    wanted = [f'"{words}"' for isnt, words in read if words and not isnt]
    unwanted = [f'"{words}"' for isnt, words in read if words and isnt]
    return " ".join(wanted) + "*" * bool(wanted), " OR ".join(unwanted)


def condition(
    database: Database,
    owner: str,
    query: str = "",
    starred: bool = False,
    model: str = "",
    kind: str = "",
    collection: str = "",
    *,
    one_by_one: bool = False,
) -> tuple[str, list[Any]]:
    """The WHERE clause and its values.

    Args:
        one_by_one: for looking up a few pictures by id.
    """
    if not all(isinstance(text, str) for text in (query, model, kind, collection)):
        raise _not_text()
    conditions: list[str] = []
    values: list[Any] = []
    # The plus keeps SQLite from using that column's index, as it cannot know how many pictures have a word. A few are
    # looked up one by one; otherwise the gallery is scanned from the newest picture on until the page is full.
    column, number = "+" * one_by_one, "+number"
    if query.strip():
        wanted, unwanted = terms(query)
        if wanted or not unwanted:
            wanted = wanted or '""'  # only punctuation: matches nothing
            some = "SELECT COUNT(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)"
            if database.rows(some, (wanted, _FEW))[0][0] < _FEW:
                column, number = "+", "number"
            conditions.append(f"{number} IN (SELECT rowid FROM search WHERE search MATCH ?)")
            values.append(wanted)
        if unwanted:
            conditions.append("+number NOT IN (SELECT rowid FROM search WHERE search MATCH ?)")
            values.append(unwanted)
    conditions += [f"{column}owner = ?", f"{column}deleted = {int(kind == TRASH)}"]
    values.append(_storable(owner))
    if starred:
        conditions.append(f"{column}starred")
    if model:
        conditions.append(f"{column}model = ?")
        values.append(_storable(model))
    if collection:
        conditions.append("+id IN (SELECT asset FROM collected WHERE collection = ?)")
        values.append(_storable(collection))
    if kind and kind != TRASH:
        conditions.append(f"{column}category = ?")
        values.append(_storable(kind))
    else:
        conditions.append(f"{column}category != 'view'")
    return " AND ".join(conditions), values


def _not_text() -> BadRequest:
    return BadRequest("What to look for (query, model, kind, collection, page) must be text. Leave it empty for all.")


def _to_cursor(asset: Asset) -> str:
    return base64.urlsafe_b64encode(f"{asset.created!r} {asset.id}".encode()).decode()


def _from_cursor(cursor: str) -> tuple[float, str]:
    try:
        created, asset_id = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii").split(" ")
        if math.isfinite(float(created)) and is_asset_id(asset_id):
            return float(created), asset_id
    except (ValueError, binascii.Error):  # a UnicodeError is a ValueError
        pass
    raise BadRequest("This place in the gallery is not known. Reload the page to begin at the newest picture.")


def _storable(text: str) -> str:
    """SQLite accepts no lone surrogates."""
    return text.encode("utf-8", "replace").decode()
