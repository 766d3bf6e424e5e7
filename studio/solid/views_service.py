"""Objects that become 3D: queues jobs for views and splats, and manages the views.

Existing splats are handled in `splat_service`. Thread-safe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from PIL import Image

from studio import validation
from studio.contract import ModelSpec, Task
from studio.errors import BadRequest
from studio.geometry import Crop
from studio.intake.picture import read_picture
from studio.library import search
from studio.library.assets import Asset, present
from studio.library.database import Database
from studio.library.store import Store
from studio.recipe.solid import ViewsRecipe, four
from studio.scheduling.changes import Changes
from studio.scheduling.contract import JobView
from studio.segmentation import objects
from studio.solid import codec
from studio.solid.contract import (
    AZIMUTHS_DEG,
    INPUT_SIDE,
    Four,
    SolidRequest,
    crop_of,
    square,
)
from studio.solid.own_view import own_view
from studio.solid.recipe import view_recipe


class Submit(Protocol):
    """Queue a job; see `Studio`."""

    def __call__(
        self, owner: str, spec: ModelSpec, task: Task, title: str, pictures: int, request: dict[str, Any]
    ) -> JobView: ...


class Solids:
    """`owner` is whoever asks; the objects and views of others do not exist for them."""

    def __init__(
        self,
        store: Store,
        database: Database,
        changes: Changes,
        ready: Callable[[str, Task, str], ModelSpec],
        submit: Submit,
    ) -> None:
        """
        Args:
            ready: the model with this id, or for "" the first that can do the task for this owner.
        """
        self._store, self._database, self._changes = store, database, changes
        self._ready, self._submit = ready, submit

    def make(self, owner: str, request: SolidRequest) -> JobView:
        """Queue one job that makes views of an object, a splat, or both; it is stored when this returns.

        Its assets are the new views, in their places by `Asset.index`, and then the splat.

        Raises:
            NotFound: no such object, as for all methods that follow.
            BadRequest, UnknownModel, NotSupported, NotReady, TooManyJobs, StorageFailed: nothing was queued.
        """
        wanted, specs = codec.checked(request), list[ModelSpec]()
        if makes_views := bool(codec.views_to_make(wanted)):
            specs.append(self._ready(wanted.views_model, Task.VIEWS, owner))
            wanted = codec.completed(wanted, specs[0])
        if wanted.splat:
            specs.append(self._ready(wanted.splat_model, Task.SPLAT, owner))
            wanted = replace(wanted, splat_model=specs[-1].id)
        asset = self.object(owner, wanted.object)
        self.crop(owner, asset.id)
        front, *_ = [self.picture(owner, view) if view else None for view in wanted.views]
        if front and not makes_views and wanted.elevation_deg is None:
            angle = front.recipe.views.elevation_deg
            wanted = replace(wanted, elevation_deg=angle)
        task = Task.SPLAT if wanted.splat else Task.VIEWS
        return self._submit(owner, specs[-1], task, asset.title, 1, codec.to_json(wanted))

    # --- objects ------------------------------------------------------------------------------------------------------

    def object(self, owner: str, asset_id: str) -> Asset:
        """An object, or a picture with a transparent background.

        Raises:
            BadRequest: it is a whole picture, or no picture at all.
        """
        asset = self.picture(owner, asset_id)
        if asset.kind != "object" and read_picture(self._store.path(owner, asset_id)).image.mode != "RGBA":
            raise BadRequest(
                f"{validation.shown(asset.title)} is a whole picture, not an object. Cut an object out in Segment."
            )
        return asset

    def crop(self, owner: str, object_id: str) -> Crop:
        """The square around an object that models see, in pixels of its picture. Raises BadRequest if it is empty."""
        return crop_of(self._opened(owner, object_id)[1])

    def crop_png(self, owner: str, object_id: str) -> bytes:
        """An object as models see it, INPUT_SIDE pixels square."""
        image, mask = self._opened(owner, object_id)
        return objects.png(square(image, crop_of(mask), INPUT_SIDE))

    def picture(self, owner: str, asset_id: str) -> Asset:
        """Anything but a splat that is not deleted. Raises BadRequest for a splat."""
        asset = present(self._store.asset(owner, asset_id))
        if asset.kind == "splat":
            raise BadRequest(f"{validation.shown(asset.title)} is a splat, not a picture. Choose an object.")
        return asset

    def picture_of(self, owner: str, asset_id: str) -> Asset:
        """The picture an object was cut out of, if that still exists; else the object itself."""
        asset = self.picture(owner, asset_id)
        if asset.kind == "object":
            for parent in search.relatives(self._database, asset).parents:
                if parent.kind == "image" and (parent.width, parent.height) == (asset.width, asset.height):
                    return parent
        return asset

    # --- views --------------------------------------------------------------------------------------------------------

    def views_made(self, owner: str, object_id: str) -> tuple[Asset, ...]:
        """All views of an object that are not deleted, newest first; `Asset.index` says which of the four each is."""
        asset = self._store.asset(owner, object_id)
        return tuple(one for one in search.relatives(self._database, asset).children if one.kind == "view")

    def views_of(self, owner: str, object_id: str) -> Four:
        """The newest view of each side, "" if there is none."""
        newest = {view.index: view.id for view in reversed(self.views_made(owner, object_id))}
        return four([newest.get(index, "") for index in range(len(AZIMUTHS_DEG))])

    def replace_view(
        self, owner: str, object_id: str, index: int, picture_id: str, *, elevation_deg: float = 0.0
    ) -> Asset:
        """Use your own picture as a view of an object; the object itself is used as the models see it.

        If it has a background, as photos have, its object is cut out first.

        Args:
            index: which of the four.
        """
        index = codec.view_number(index)
        asset, picture = self.object(owner, object_id), self.picture(owner, picture_id)
        if picture.id == asset.id:
            image, mask = self._opened(owner, object_id)
            image = square(image, crop_of(mask), INPUT_SIDE)
        else:
            image = own_view(read_picture(self._store.path(owner, picture_id)).image)
        seen = ViewsRecipe(codec.elevation(elevation_deg), AZIMUTHS_DEG[index])
        recipe = view_recipe(asset, image, index, seen)
        kept = self._store.save(image, replace(recipe, parents=tuple(dict.fromkeys((asset.id, picture.id)))))
        self._changes.note(owner)
        return kept

    # --- inside -------------------------------------------------------------------------------------------------------

    def _opened(self, owner: str, object_id: str) -> tuple[Image.Image, np.ndarray]:
        """An object's image and mask."""
        image = read_picture(self._store.path(owner, self.picture(owner, object_id).id)).image
        return image, objects.mask_of(image)
