"""Versions of pictures: checks requests to change one, and reads the version tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from studio import completion, masks, validation
from studio.contract import GenerateRequest, IterateRequest, ModelSpec, Size
from studio.errors import BadRequest, NotFound
from studio.imaging import edit_mask, replay
from studio.intake.picture import read_picture
from studio.library.assets import Asset, present
from studio.library.database import Database
from studio.library.store import Store
from studio.library.tree import Tree, tree_of, way_back
from studio.recipe import Recipe
from studio.recipe.selection import Box, SegmentRequest
from studio.segmentation import objects
from studio.segmentation.contract import Segmentation


class Versions:
    """`owner` is whoever asks; the pictures and objects of others do not exist for them."""

    def __init__(self, store: Store, database: Database) -> None:
        self._store, self._database = store, database

    def complete(self, owner: str, request: IterateRequest, spec: ModelSpec) -> IterateRequest:
        """The request with every None decided and everything it names found; raises as `Studio.iterate` does.

        Raises:
            NotFound, BadRequest, NotSupported: see `Studio.iterate`.
        """
        request = completion.completed_edit(request, spec)
        source = self.picture(owner, request.source)
        size = Size(source.width, source.height)
        request = edit_mask.completed(request, size)
        for named in (*request.references, *([request.control] if request.control != "" else [])):
            self.picture(owner, named)
        object_mask = objects.mask_in(self._object(owner, request.object)) if request.object else None
        edit_mask.mask_of(request, size, object_mask)  # reports an empty mask now, not when its turn comes
        return request

    def changes(self, owner: str, asset_id: str, last: int) -> list[IterateRequest]:
        """The changes that led to a version; see `replay.requests_of`."""
        way = way_back(self._database, self._store.asset(owner, asset_id))
        return replay.requests_of(way[::-1], last)

    def chained(
        self, owner: str, requests: Sequence[IterateRequest], spec: ModelSpec, *, source: str, new_seed: bool
    ) -> list[IterateRequest]:
        """The changes for another picture or model. The first is checked fully, the others when their turn comes."""
        fitted = [replay.fitted(request, spec, new_seed=new_seed) for request in requests]
        first = self.complete(owner, replace(fitted[0], source=source or fitted[0].source), spec)
        return [first, *(replace(request, source=first.source) for request in fitted[1:])]

    def tree(self, owner: str, asset_id: str) -> Tree:
        """Raises NotFound."""
        return tree_of(self._database, self._store.asset(owner, asset_id))

    def branch(self, owner: str, asset_id: str) -> tuple[str, ...]:
        """Ids of a version and all its descendants that are not deleted; for an object, just its own."""
        asset = self._store.asset(owner, asset_id)
        if asset.kind != "image":
            return () if asset.deleted else (asset.id,)
        return tree_of(self._database, asset).under(asset.id)

    def object_of_mask(self, owner: str, picture: str, source: bytes | Path, name: str) -> Asset:
        """Keep what a mask selects in a picture as an object.

        Args:
            source: a PNG, JPEG or WebP of the picture's size, whose opaque part counts or,
                if it is all opaque, its white part.
            name: of the object; "": "mask".

        Raises:
            NotFound, BadPicture, BadRequest, StorageFailed: nothing was kept.
        """
        asset, name = self.picture(owner, picture), objects.checked_name(name) or "mask"
        size = Size(asset.width, asset.height)
        image = read_picture(source).image
        if image.size != size:
            raise BadRequest(
                f"The mask has {Size(*image.size)} pixels, and the picture {size}. Make them the same size."
            )
        mask = np.asarray(image.getchannel("A") if image.mode == "RGBA" else image.convert("L"))
        box = masks.box_of(mask)
        if box is None:
            raise BadRequest("The mask is empty: nothing in it is white. Paint what to select in white, on black.")
        area = int((mask >= masks.HALF).sum())
        found = Segmentation((), 0, mask, size, Box(*box), area, seconds=0.0)
        recipe = objects.recipe(asset, None, SegmentRequest(asset.id), found, name)
        cut = objects.cut_out(read_picture(self._store.path(owner, asset.id)).image, mask)
        return self._store.save(cut, replace(recipe, selection=None))  # not made by clicks

    def picture(self, owner: str, asset_id: str) -> Asset:
        """An asset that is a picture: made, uploaded, or an object."""
        asset = present(self._store.asset(owner, asset_id))
        if asset.kind not in ("image", "object", "view"):
            raise BadRequest(f"{validation.shown(asset.title)} is a {asset.kind}, not a picture. Choose a picture.")
        return asset

    def check_followed(self, owner: str, request: GenerateRequest) -> None:
        """Raises NotFound or BadRequest if the control picture does not exist."""
        if request.control:
            self.picture(owner, request.control)

    def recipe_of(self, owner: str, asset_id: str) -> Recipe:
        """The recipe, without its control picture if that is gone."""
        recipe = self._store.asset(owner, asset_id).recipe
        try:
            if recipe.control:
                self.picture(owner, recipe.control)
        except (NotFound, BadRequest):
            return replace(recipe, control="", control_strength=None)
        return recipe

    def _object(self, owner: str, asset_id: str) -> Path:
        asset = present(self._store.asset(owner, asset_id), "object")
        if asset.kind not in ("object", "mask"):
            raise BadRequest(
                f"{validation.shown(asset.title)} is a whole picture, not an object. Cut an object out in Segment."
            )
        return self._store.path(owner, asset_id)
