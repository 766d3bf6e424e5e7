"""Views of objects, and splats out of them, in one studio: jobs are asked for here, and views are kept in order.

What is done with a splat that is there is in `splat_service`. Every call is safe from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from studio import validation
from studio.contract import JobView, ModelSpec, Task
from studio.errors import BadRequest, NotFound
from studio.intake.picture import read_picture
from studio.library import search
from studio.library.assets import Asset
from studio.library.database import Database
from studio.library.store import Store
from studio.scheduling.changes import Changes
from studio.segmentation import objects
from studio.solid import codec, recipe as solid_recipe
from studio.solid.contract import (
    AZIMUTHS_DEG,
    INPUT_SIDE,
    SIDES,
    Four,
    SplatRequest,
    ViewsRequest,
    crop_of,
    mask_of,
    square,
    view_square,
)
from studio.splats.splat import Crop


class Submit(Protocol):
    """Queue a job; see `Studio`."""

    def __call__(
        self, owner: str, spec: ModelSpec, task: Task, title: str, pictures: int, request: dict[str, Any]
    ) -> JobView: ...


class Turnings:
    """`owner` is whoever asks; another owner's objects and views do not exist for them."""

    def __init__(
        self,
        store: Store,
        database: Database,
        changes: Changes,
        ready: Callable[[str, Task, str], ModelSpec],
        submit: Submit,
        job: Callable[[str, str], JobView],
    ) -> None:
        """
        Args:
            ready: the model with this id, or for "" the first that can do the task for this owner.
            job: the owner's job with this id.
        """
        self._store, self._database, self._changes = store, database, changes
        self._ready, self._submit, self._job = ready, submit, job
        self._following = threading.Lock()  # two pages that ask for the same splat get one

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def views(self, owner: str, request: ViewsRequest) -> JobView:
        """Queue a job that makes four views of an object, or some of them anew; it is written down when this returns.

        Its assets are the new views, each with its place as `Asset.index`.

        Raises:
            NotFound: the object is not there, is deleted, or is somebody else's. So for all that follow.
            BadRequest, UnknownModel, NotSupported, NotReady, TooManyJobs, StorageFailed: nothing was queued.
        """
        spec = self._ready(request.model, Task.VIEWS, owner)
        complete = codec.completed_views(request, spec)
        asset = self.object(owner, complete.object)
        self.crop(owner, asset.id)
        for view in filter(None, complete.keep):
            self.picture(owner, view)
        return self._submit(owner, spec, Task.VIEWS, asset.title, 1, codec.to_json(complete))

    def splat(self, owner: str, request: SplatRequest) -> JobView:
        """Queue a job that makes a splat of four views; where one follows `request.after` already, it is that one.

        Raises:
            NotFound, BadRequest, UnknownModel, NotSupported, NotReady, TooManyJobs, StorageFailed: as `views`.
        """
        spec = self._ready(request.model, Task.SPLAT, owner)
        complete = codec.completed_splat(request, spec)
        asset = self.object(owner, complete.object)
        self.crop(owner, asset.id)
        first, *_ = [self.picture(owner, view) for view in complete.views]
        if complete.elevation_deg is None:
            complete = replace(complete, elevation_deg=solid_recipe.from_text(first.recipe["turning"]).elevation_deg)
        with self._following:
            return self._follower(owner, complete.after) or self._submit(
                owner, spec, Task.SPLAT, asset.title, 1, codec.to_json(complete)
            )

    # --- objects ------------------------------------------------------------------------------------------------------

    def object(self, owner: str, asset_id: str) -> Asset:
        """What can be turned: an object, or a picture with a transparent background.

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
        """The square around an object that models see, in pixels of its picture.

        Raises:
            BadRequest: nothing of it can be seen.
        """
        return crop_of(self._opened(owner, object_id)[1])

    def crop_png(self, owner: str, object_id: str) -> bytes:
        """An object as models see it, INPUT_SIDE pixels square."""
        image, mask = self._opened(owner, object_id)
        return objects.png(square(image, crop_of(mask), INPUT_SIDE))

    def picture(self, owner: str, asset_id: str) -> Asset:
        """What can be looked at and is not in the trash.

        Raises:
            BadRequest: it is a splat.
        """
        asset = self._store.asset(owner, asset_id)
        if asset.deleted:
            raise NotFound("picture", asset_id)
        if asset.kind == "splat":
            raise BadRequest(f"{validation.shown(asset.title)} is a splat, not a picture. Choose an object.")
        return asset

    def picture_of(self, owner: str, asset_id: str) -> Asset:
        """The picture an object was cut out of, where that is still there; else what was asked for itself."""
        asset = self.picture(owner, asset_id)
        if asset.kind == "object":
            for parent in search.relatives(self._database, asset).parents:
                if parent.kind == "image" and (parent.width, parent.height) == (asset.width, asset.height):
                    return parent
        return asset

    # --- views --------------------------------------------------------------------------------------------------------

    def views_made(self, owner: str, object_id: str) -> tuple[Asset, ...]:
        """All views of an object that are still there, newest first; `Asset.index` says which of the four each is."""
        asset = self._store.asset(owner, object_id)
        return tuple(one for one in search.relatives(self._database, asset).children if one.kind == "view")

    def views_of(self, owner: str, object_id: str) -> Four:
        """The newest view of each side, "" where there is none."""
        newest = {view.index: view.id for view in reversed(self.views_made(owner, object_id))}
        return codec.four([newest.get(index, "") for index in range(len(AZIMUTHS_DEG))])

    def replace_view(
        self, owner: str, object_id: str, index: int, picture_id: str, *, elevation_deg: float = 0.0
    ) -> Asset:
        """Take a picture of one's own for a view of an object; the object itself is taken as the models see it.

        Args:
            index: which of the four.
        """
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(SIDES):
            raise BadRequest(f"The number of a view is 0 (front) to 3 (left), not {validation.shown(index)}.")
        asset, picture = self.object(owner, object_id), self.picture(owner, picture_id)
        if picture.id == asset.id:
            image, mask = self._opened(owner, object_id)
            image = square(image, crop_of(mask), INPUT_SIDE)
        else:
            image = view_square(read_picture(self._store.path(owner, picture_id)).image)
        said = solid_recipe.Turning(codec.elevation(elevation_deg), AZIMUTHS_DEG[index])
        recipe = solid_recipe.view_recipe(asset, image, index, said)
        kept = self._store.save(image, replace(recipe, parents=tuple(dict.fromkeys((asset.id, picture.id)))))
        self._changes.note(owner)
        return kept

    # --- inside -------------------------------------------------------------------------------------------------------

    def _follower(self, owner: str, job_id: str) -> JobView | None:
        """The splat's job that was asked for after this one."""
        if not job_id:
            return None
        first = self._job(owner, job_id)
        rows = self._database.rows(
            "SELECT id FROM jobs WHERE owner = ? AND task = ? AND json_extract(request, '$.after') = ?",
            (owner, Task.SPLAT, first.id),
        )
        return self._job(owner, rows[0]["id"]) if rows else None

    def _opened(self, owner: str, object_id: str) -> tuple[Image.Image, np.ndarray]:
        """What an object's file shows, and its mask."""
        image = read_picture(self._path(owner, object_id)).image
        return image, mask_of(image)

    def _path(self, owner: str, object_id: str) -> Path:
        return self._store.path(owner, self.picture(owner, object_id).id)
