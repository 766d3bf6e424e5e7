"""Versions of pictures in one studio: what a request to change one means there, and the tree it grows on."""

from __future__ import annotations

from pathlib import Path

from studio import checks, objects, regions
from studio.assets import Asset
from studio.contract import IterateRequest, ModelSpec, Size
from studio.database import Database
from studio.errors import BadRequest, NotFound
from studio.store import Store
from studio.tree import Tree, tree_of


class Versions:
    """`owner` is whoever asks; another owner's pictures and objects do not exist for them."""

    def __init__(self, store: Store, database: Database) -> None:
        self._store, self._database = store, database

    def complete(self, owner: str, request: IterateRequest, spec: ModelSpec) -> IterateRequest:
        """The request with every None decided and everything it names found.

        Raises:
            NotFound, BadRequest, NotSupported: see `Studio.iterate`.
        """
        request = checks.completed_edit(request, spec)
        source = self._picture(owner, request.source)
        size = Size(source.width, source.height)
        request = regions.completed(request, size)
        for reference in request.references:
            self._picture(owner, reference)
        object_mask = objects.mask_in(self._object(owner, request.object)) if request.object else None
        regions.mask_of(request, size, object_mask)  # an empty mask is found now, not when its turn comes
        return request

    def tree(self, owner: str, asset_id: str) -> Tree:
        """
        Raises:
            NotFound: it is not there.
        """
        return tree_of(self._database, self._store.asset(owner, asset_id))

    def _picture(self, owner: str, asset_id: str) -> Asset:
        """What may be looked at as a picture: one that was made or brought, or an object."""
        asset = self._store.asset(owner, asset_id)
        if asset.deleted:
            raise NotFound("picture", asset_id)
        if asset.kind not in ("image", "object", "view"):
            raise BadRequest(f"{checks.shown(asset.title)} is a {asset.kind} and no picture. Choose a picture.")
        return asset

    def _object(self, owner: str, asset_id: str) -> Path:
        asset = self._store.asset(owner, asset_id)
        if asset.deleted:
            raise NotFound("object", asset_id)
        if asset.kind not in ("object", "mask"):
            raise BadRequest(
                f"{checks.shown(asset.title)} is a whole picture and no object. Cut an object out in the Segment tab."
            )
        return self._store.path(owner, asset_id)
