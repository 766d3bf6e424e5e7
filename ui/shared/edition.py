"""Which edition of the page this is. A page that was opened before an update cannot talk to the new one: it says so."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fastapi import APIRouter

_KINDS = {".py", ".js", ".html", ".css"}


def edition_of(folder: Path) -> str:
    """A short text that is another one as soon as a file of the page is."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _KINDS):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


EDITION = edition_of(Path(__file__).parents[1])
"""Of the files this process was started with."""


def router(edition: str) -> APIRouter:
    """GET /diorama/edition."""
    routes = APIRouter(prefix="/diorama")

    @routes.get("/edition")
    def tell() -> dict[str, str]:
        return {"edition": edition}

    return routes
