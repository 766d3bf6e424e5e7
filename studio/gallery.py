"""Finding assets: newest first, page by page, by words, stars and model. Reads the index, changes nothing."""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from typing import Any

from studio.database import Database
from studio.errors import BadRequest
from studio.recipe import is_asset_id
from studio.store import Asset, to_asset

MAX_PAGE = 200
MAX_TERMS = 16


@dataclass(frozen=True)
class GalleryPage:
    assets: tuple[Asset, ...]
    next: str  # where the next page begins; "" after the last one


def find(
    database: Database,
    owner: str,
    *,
    query: str = "",
    starred: bool = False,
    model: str = "",
    after: str = "",
    limit: int = 24,
) -> GalleryPage:
    """One page of what an owner has made and not deleted.

    Args:
        query: words that must all be in the prompt; the last one may be a beginning. Any text is allowed.
        after: `GalleryPage.next` of the page before; new pictures in between shift nothing.
        limit: assets per page, 1 to MAX_PAGE.

    Raises:
        BadRequest: `after` or `limit` is not what it should be.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"A page holds 1 to {MAX_PAGE} pictures, not {limit!r}.")
    if not all(isinstance(text, str) for text in (query, model, after)):
        raise BadRequest("The query, the model and the page of the gallery must be text. Leave them empty for all.")
    conditions = ["owner = ?", "deleted = 0"]
    values: list[Any] = [owner]
    if starred:
        conditions.append("starred")
    if model:
        conditions.append("model = ?")
        values.append(_storable(model))
    if after:
        conditions.append("(created, id) < (?, ?)")
        values.extend(_from_cursor(after))
    if query.strip():
        conditions.append("number IN (SELECT rowid FROM search WHERE search MATCH ?)")
        values.append(match(query))
    where = " AND ".join(conditions)
    rows = database.rows(
        f"SELECT * FROM assets WHERE {where} ORDER BY created DESC, id DESC LIMIT ?", (*values, limit + 1)
    )
    assets = tuple(to_asset(row) for row in rows[:limit])
    return GalleryPage(assets, _to_cursor(assets[-1]) if len(rows) > limit else "")


def match(query: str) -> str:
    """What a person typed as an FTS5 expression that is never a syntax error: every word quoted, the last a prefix."""
    words = re.findall(r"\w+", query)[:MAX_TERMS]
    if not words:
        return '""'  # matches nothing
    return " ".join(f'"{word}"' for word in words) + "*"


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
    """SQLite takes no lone surrogates."""
    return text.encode("utf-8", "replace").decode()
