"""Turning splats upright by hand: the turned splat replaces the old one, which goes to the trash.

Assets never change, so a turned splat is a new asset. All are made from the first one, so that turning often loses
nothing, and orientations made before are reused: there are 24 at most.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import replace

from studio.errors import NotFound
from studio.geometry import Quaternion
from studio.library.assets import Asset, to_asset
from studio.library.collections.names import collections_of
from studio.library.database import Database
from studio.library.store import Store
from studio.library.uploads import is_there
from studio.splats.any_format import read_splat
from studio.splats.sanitize import without_guess
from studio.splats.splat import Pose, Splat
from studio.splats.transform import placed
from studio.splats.upright import followed, inverse


class Standing:
    """Thread-safe; turns one splat at a time."""

    def __init__(self, store: Store, database: Database) -> None:
        self._store, self._database = store, database
        self._turning = threading.Lock()

    def turn(self, owner: str, asset_id: str, rotation: Quaternion, *, further: bool) -> Asset:
        """The splat that takes its place.

        Args:
            rotation: quarter turns.
            further: relative to its current orientation; False: to that of its file.

        Raises:
            NotFound: it does not exist, or was turned meanwhile.
        """
        with self._turning:
            asset = self._store.asset(owner, asset_id)
            if asset.deleted or asset.kind != "splat":
                raise NotFound("splat", asset_id)
            if further:
                rotation = followed((asset.recipe.splat.turned, rotation))
            ways = self._ways(asset)
            found = next((one for one in ways if one.recipe.splat.turned == rotation), None)
            if found is None:
                found = self._made(ways[-1], asset, rotation)
            if found.id != asset.id:
                self._put_in_place(found, asset)
            return self._store.asset(owner, found.id)

    def _ways(self, asset: Asset) -> list[Asset]:
        """Its existing orientations: the asset itself first, and the original last."""
        first = asset.recipe.splat.origin or asset.id
        rows = self._database.rows(
            "SELECT assets.* FROM lineage JOIN assets ON id = child WHERE parent = ? AND +owner = ?",
            (first, asset.owner),
        )
        ways = [asset, *(one for one in map(to_asset, rows) if one.recipe.splat.origin == first)]
        if first != asset.id and is_there(self._store, asset.owner, first):
            ways.append(self._store.asset(asset.owner, first))
        else:
            ways.append(asset)
        return [one for one in ways if is_there(self._store, asset.owner, one.id)]

    def _made(self, first: Asset, asset: Asset, rotation: Quaternion) -> Asset:
        """The original in another orientation, with the asset's title."""
        splat, said = read_splat(self._store.path(first.owner, first.id), first.name).splat, first.recipe.splat
        splat = turned_by(splat, followed((inverse(said.turned), rotation)))
        said = replace(said, turned=rotation, origin=first.id, fit=None, notes=without_guess(said.notes))
        recipe = replace(
            first.recipe,
            id=secrets.token_hex(16),
            job_id="",
            index=0,
            title=asset.title,
            parents=(*first.parents, first.id),
            splat=said,
        )
        return self._store.save_splat(replace(splat, recipe=recipe))

    def _put_in_place(self, found: Asset, asset: Asset) -> None:
        """Transfer a person's changes (star, title, description, collections) from one to the other."""
        owner = asset.owner
        if found.deleted:
            self._store.restore(owner, [found.id])
        for name in collections_of(self._database, asset.id):
            self._store.collections.put(found.id, name, is_in=True)
        if found.starred != asset.starred:
            self._store.star(owner, found.id, asset.starred)
        if found.title != asset.title:
            self._store.rename(owner, found.id, asset.title)
        if found.description != asset.description:
            self._store.describe(owner, found.id, asset.description)
        self._store.delete(owner, [asset.id])


def turned_by(splat: Splat, rotation: Quaternion) -> Splat:
    """The same splat, rotated about the origin of the world; the camera stays."""
    return placed(replace(placed(splat), pose=Pose(rotation=rotation, camera=splat.pose.camera)))
