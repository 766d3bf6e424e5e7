"""The edition of the page: a page opened before an update cannot talk to the new server, and says so."""

from __future__ import annotations

import hashlib
from pathlib import Path

_KINDS = {".py", ".js", ".html", ".css", ".webp", ".png"}


ROOT = Path(__file__).parents[2]
PARTS = (ROOT / "ui", ROOT / "studio" / "splats" / "viewer")
"""The folders that make up the page."""


def edition_of(*folders: Path) -> str:
    """A short string that changes whenever a file of the page does."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in _KINDS):
        digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


EDITION = edition_of(*PARTS)
"""Of the files this process started with."""
