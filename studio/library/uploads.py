"""Uploaded pictures as assets: checked, kept once, with their recipe. Knows no HTTP."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
import threading
from dataclasses import replace
from pathlib import Path

from PIL import Image

from studio.contract import Size
from studio.errors import BadPicture, NotFound
from studio.intake.picture import MAX_PIXELS, DecodedPicture, check_length, open_upload, read_picture
from studio.intake.settings.any_tool import finding_in
from studio.intake.settings.foreign_values import MAX_SHORT, MAX_TEXT, Finding, bounded
from studio.library.assets import Asset
from studio.library.store import Store
from studio.recipe import APP_VERSION, KEYWORD, NOW, UPLOAD, Recipe, from_text

MAX_PARENTS = 16
_ROWS = 64


class Uploads:
    """Uploads to one store. Thread-safe; reads one picture at a time to limit memory use."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._one_at_a_time = threading.Lock()

    def take_in(self, owner: str, source: bytes | Path, name: str) -> Asset:
        """Keep an uploaded picture.

        Args:
            source: the file, as bytes or a path.
            name: of the file; the title if the picture has no prompt.

        Raises:
            BadPicture: not a picture that Diorama reads.
            StorageFailed
        """
        with self._one_at_a_time:
            sha256 = _sha256(source)
            there = self._store.upload(owner, sha256)
            if there is None or not is_there(self._store, there.owner, there.id):
                taken = read_picture(source)
                brought = from_text(taken.text.get(KEYWORD, ""))
                there = None if brought is None else self._original(owner, brought, taken)
                if there is None:
                    return self._store.save(taken.image, _recipe(owner, taken, brought, name, sha256))
            if there.deleted:
                self._store.restore(owner, [there.id])
            return self._store.asset(owner, there.id)

    def _original(self, owner: str, brought: Recipe, taken: DecodedPicture) -> Asset | None:
        """The owner's own picture, if it comes back unchanged."""
        try:
            asset = self._store.asset(owner, brought.id)
            mine = read_picture(self._store.path(owner, brought.id)).image
        except (NotFound, BadPicture):  # missing or damaged: keep the upload
            return None
        return asset if _is_same(mine, taken.image) else None


def is_there(store: Store, owner: str, asset_id: str) -> bool:
    """Whether the file of an asset is in place."""
    try:
        store.path(owner, asset_id)
    except NotFound:
        return False
    return True


def _is_same(one: Image.Image, other: Image.Image) -> bool:
    """Whether all pixels agree; compares a few rows at a time to avoid large copies."""
    if one.mode != other.mode or one.size != other.size:
        return False
    strips = ((0, top, one.width, min(top + _ROWS, one.height)) for top in range(0, one.height, _ROWS))
    return all(one.crop(strip).tobytes() == other.crop(strip).tobytes() for strip in strips)


def _sha256(source: bytes | Path) -> str:
    with open_upload(source) as file:
        check_length(file.seek(0, io.SEEK_END))
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recipe(owner: str, taken: DecodedPicture, brought: Recipe | None, name: str, sha256: str) -> Recipe:
    """The recipe for our file: the one it came with, within limits, as an upload of this owner."""
    if brought is None:
        brought = _of_finding(finding_in(taken.text, taken.too_long), taken)
    return replace(
        brought,
        id=secrets.token_hex(16),
        kind="image",
        owner=owner,
        job_id="",
        index=0,
        task=UPLOAD,
        model=bounded(brought.model, MAX_SHORT),
        revision=bounded(brought.revision, MAX_SHORT),
        prompt=bounded(brought.prompt),
        prompt_sent=bounded(brought.prompt_sent),
        style=bounded(brought.style, MAX_SHORT),
        negative_prompt=bounded(brought.negative_prompt),
        parents=brought.parents[:MAX_PARENTS],
        created=NOW,
        title=bounded(brought.title, MAX_TEXT) or title_of(name),
        app=bounded(brought.app, MAX_SHORT),
        source=bounded(brought.source, MAX_SHORT) or "Diorama",
        left_out=bounded(brought.left_out, MAX_TEXT),
        notice=_notice(taken) or bounded(brought.notice, MAX_TEXT),
        sha256=sha256,
    )


def _notice(taken: DecodedPicture) -> str:
    if taken.was is None:
        return ""
    most = f"the limit is {MAX_PIXELS / 1e6:.0f} megapixels"
    return f"This picture was {taken.was} pixels and was made smaller, to {Size(*taken.image.size)}: {most}."


def _of_finding(finding: Finding | None, taken: DecodedPicture) -> Recipe:
    """A recipe with another tool's settings, or with just the size if there are none."""
    size = Size(*taken.image.size)
    if finding is None:
        finding = Finding("file")
    if finding.size is not None:
        size = finding.size
    return Recipe(
        kind="image",
        owner="",
        task=UPLOAD,
        model=finding.model,
        prompt=finding.prompt,
        prompt_sent=finding.prompt,
        negative_prompt=finding.negative_prompt,
        width=size.width,
        height=size.height,
        steps=finding.steps,
        guidance=finding.guidance,
        seed=finding.seed,
        clip_skip=finding.clip_skip if finding.clip_skip is None else min(finding.clip_skip, 100),
        title=finding.prompt,
        app=f"Diorama {APP_VERSION}" if finding.tool in ("file", "Diorama") else finding.tool,
        source=finding.tool,
        left_out=", ".join(finding.left_out),
    )


def title_of(name: str) -> str:
    """A file name as a title: without folders and ending, one line."""
    last = re.split(r"[/\\]", bounded(name, 5_000))[-1]
    return " ".join(re.sub(r"\.[A-Za-z0-9]{1,5}$", "", last).split())[:MAX_SHORT] or "Picture"
