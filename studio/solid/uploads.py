"""Uploaded splats as assets: checked, kept once, with their recipe. Knows no HTTP."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from studio.errors import BadSplat, NotFound
from studio.geometry import NOT_TURNED, Quaternion
from studio.intake.settings.foreign_values import MAX_SHORT, MAX_TEXT, bounded
from studio.library.assets import Asset
from studio.library.store import Store
from studio.library.uploads import MAX_PARENTS, is_there, title_of
from studio.recipe import Recipe
from studio.recipe.solid import SplatRecipe
from studio.solid.orientation import turned_by
from studio.solid.recipe import splat_recipe
from studio.splats.any_format import DecodedSplat, read_splat
from studio.splats.sanitize import without_guess
from studio.splats.splat import ARRAYS, Splat
from studio.splats.upright import UPRIGHT, Axis, followed, inverse


class TakenIn(NamedTuple):
    """An uploaded splat, and how it is to be turned."""

    asset: Asset
    turned: Quaternion | None  # relative to the asset's file; None: not specified


class SplatUploads:
    """Uploads to one store. Thread-safe; reads one splat at a time to limit memory use."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._one_at_a_time = threading.Lock()

    def take_in(self, owner: str, source: bytes | Path, name: str, up: Axis | None = None) -> TakenIn:
        """See `Splats.take_in`. One that exists keeps its orientation."""
        with self._one_at_a_time:
            taken = read_splat(source, name)
            taken.splat.pruned()  # refuses invisible splats; faint ones are kept unchanged
            wanted = None if up is None else followed((inverse(UPRIGHT[taken.up]), UPRIGHT[up]))
            sha256 = _sha256(source)
            there = self._store.upload(owner, sha256)
            if there is None or not is_there(self._store, there.owner, there.id):
                there = self._original(owner, taken.splat)
                if there is not None and wanted is not None:
                    wanted = followed((there.recipe.splat.turned, wanted))
            if there is None:
                return TakenIn(self._keep(owner, taken, name, sha256, wanted), wanted)
            if there.deleted:
                self._store.restore(owner, [there.id])
            return TakenIn(self._store.asset(owner, there.id), wanted)

    def _keep(self, owner: str, taken: DecodedSplat, name: str, sha256: str, wanted: Quaternion | None) -> Asset:
        splat = taken.splat if wanted is None else turned_by(taken.splat, wanted)
        recipe = _recipe(owner, taken, name, sha256, wanted)
        return self._store.save_splat(replace(splat, recipe=recipe))

    def _original(self, owner: str, splat: Splat) -> Asset | None:
        """The owner's own splat, if it comes back unchanged."""
        if splat.recipe is None:
            return None
        try:
            asset = self._store.asset(owner, splat.recipe.id)
            mine = read_splat(self._store.path(owner, asset.id)).splat
        except (NotFound, BadSplat):  # missing or damaged: keep the upload
            return None
        return asset if _is_same(mine, splat) else None


def _is_same(one: Splat, other: Splat) -> bool:
    if (one.sh_rest is None) != (other.sh_rest is None) or one.pose != other.pose:
        return False
    names = ARRAYS if one.sh_rest is None else (*ARRAYS, "sh_rest")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def _sha256(source: bytes | Path) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recipe(owner: str, taken: DecodedSplat, name: str, sha256: str, wanted: Quaternion | None) -> Recipe:
    """The recipe for our file: the one it came with, within limits, as an upload of this owner."""
    splat, brought = taken.splat, taken.splat.recipe
    notes = " ".join(taken.notes)
    said = SplatRecipe(
        splat.count, notes=notes if wanted is None else without_guess(notes), turned=wanted or NOT_TURNED
    )
    plain = splat_recipe(owner, title_of(name), splat, said)
    if brought is None:
        return replace(plain, source="file", sha256=sha256)
    return replace(
        plain,
        model=bounded(brought.model, MAX_SHORT),
        revision=bounded(brought.revision, MAX_SHORT),
        seed=brought.seed,
        parents=brought.parents[:MAX_PARENTS],
        title=bounded(brought.title, MAX_TEXT) or plain.title,
        views=brought.views,
        splat=replace(said, fit=brought.splat.fit),
        source="Diorama",
        sha256=sha256,
    )
