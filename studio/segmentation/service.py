"""Masks and objects of one studio: selections in pictures, and the objects cut out of them.

Thread-safe; calls that need a model wait for the one thread that answers clicks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from studio import masks, validation
from studio.contract import ModelSpec, Size, Task
from studio.errors import BadRequest, NotReady, UnknownModel
from studio.intake.picture import read_picture
from studio.library import search
from studio.library.assets import Asset, present
from studio.library.database import Database
from studio.library.store import Store
from studio.library.tree import way_back
from studio.recipe.selection import Point, SegmentRequest
from studio.residents import Residents, unheard
from studio.scheduling.changes import Changes
from studio.segmentation import colour_names, objects
from studio.segmentation.click_queue import Clicks
from studio.segmentation.contract import MAX_SIDE, Everything, Segmentation, check
from studio.segmentation.engine import Segmenting


class Selections:
    """`owner` is whoever asks; the pictures and objects of others do not exist for them."""

    def __init__(
        self,
        store: Store,
        database: Database,
        residents: Residents,
        changes: Changes,
        ready: Callable[[str, Task], ModelSpec],
    ) -> None:
        """
        Args:
            ready: the model with this id, or for "" the first that can do the task.
        """
        self._store, self._database, self._changes, self._ready = store, database, changes, ready
        self._segmenting, self._residents = Segmenting(residents, store.path), residents
        self._clicks = Clicks()

    def segment(
        self, owner: str, request: SegmentRequest, *, most: int | None = 1024, page: str = "", number: int = 0
    ) -> Segmentation:
        """The mask of a selection; waits for it.

        Args:
            most: longest side of the returned masks, in pixels; None: MAX_SIDE.
            page: one of the owner's pages; of its waiting calls only the one with the highest number is answered.

        Raises:
            BadRequest, UnknownModel, NotReady, NotFound: like all methods that follow.
            Superseded: the page asked something newer.
        """
        asset = self._there(owner, request.picture)
        check(request, Size(asset.width, asset.height))
        spec = self._asked(request)
        start = self.mask(owner, request.start) if request.start else None
        side = validation.side(most, MAX_SIDE)
        return self._clicks.ask(
            owner,
            page,
            number,
            lambda tell: self._segmenting.mask(asset, spec, request, start=start, most=side, tell=tell),
            self._leaving(spec),
        )

    def _asked(self, request: SegmentRequest) -> ModelSpec | None:
        """The model a selection needs; None if it is only painted."""
        if request.box or (request.points and (request.start or any(point.add for point in request.points))):
            return self._ready(request.model, Task.SEGMENT)
        if not any(stroke.add for stroke in request.strokes):
            return None
        try:
            spec = self._ready(request.model, Task.SEGMENT)
        except (NotReady, UnknownModel):  # painting needs none
            return None
        return spec if spec.strokes else None

    def expect(self, owner: str, picture: str) -> None:
        """Prepare for clicks on this picture: let the default model encode it, unless it would be downloaded first."""
        asset = self._there(owner, picture)
        try:
            spec = self._ready("", Task.SEGMENT)
        except NotReady:
            return
        if not spec.readiness().download_gb:
            middle = SegmentRequest(asset.id, points=(Point(asset.width / 2, asset.height / 2, add=True),))
            look = partial(self._segmenting.mask, asset, spec, middle, start=None, most=1, tell=unheard)
            self.later(look, spec)

    def everything(
        self, owner: str, picture: str, *, model: str = "", most: int | None = 1024, page: str = "", number: int = 0
    ) -> Everything:
        """All regions a model finds in a picture; waits for it. Arguments as for `segment`."""
        asset = self._there(owner, picture)
        spec = self._ready(model, Task.SEGMENT)
        side = validation.side(most, MAX_SIDE)
        work = partial(self._segmenting.everything, asset, spec, side)
        return self._clicks.ask(owner, page, number, work, self._leaving(spec))

    def keep(self, owner: str, request: SegmentRequest, name: str = "") -> Asset:
        """Cut out the selection at full size and store it under a name; "" takes the suggested one."""
        name = objects.checked_name(name)
        found = self.segment(owner, request, most=None)
        if found.box is None:
            raise BadRequest("Nothing is selected yet: click on an object first.")
        name = name or self.suggested_name(owner, request.picture, found.mask)
        picture = self._store.asset(owner, request.picture)
        spec = self._ready(request.model, Task.SEGMENT) if found.candidates else None
        image = objects.cut_out(read_picture(self._store.path(owner, picture.id)).image, found.mask)
        asset = self._store.save(image, objects.recipe(picture, spec, request, found, name))
        self._changes.note(owner)
        return asset

    def suggested_name(self, owner: str, picture: str, mask: np.ndarray | None = None) -> str:
        """A short name for the next object of a picture.

        Args:
            mask: HW uint8 of any size, the selection; None if there is none yet.
        """
        asset = self._store.asset(owner, picture)
        taken = [each.title for each in self.objects_of(owner, picture)]
        colour = None if mask is None else self._colour(asset, mask)
        said = []
        for version in way_back(self._database, asset):
            if version.recipe.task != Task.ITERATE or version.title != version.recipe.title:
                return objects.suggested_name(version.title, taken, said, colour)
            said.append(version.title)
        return objects.suggested_name("", taken, said, colour)

    def objects_of(self, owner: str, picture: str) -> tuple[Asset, ...]:
        """The objects cut out of a picture and not deleted, newest first."""
        children = search.relatives(self._database, self._store.asset(owner, picture)).children
        return tuple(child for child in children if child.kind == "object")

    def request_of(self, owner: str, object_id: str) -> SegmentRequest | None:
        """The selection an object was made with; None if unknown."""
        selection = self._store.asset(owner, object_id).recipe.selection
        return selection and selection.request

    def mask(self, owner: str, object_id: str) -> np.ndarray:
        """HW uint8 of the picture's size, 255 = selected. A picture without alpha is fully selected."""
        return objects.mask_in(self._store.path(owner, object_id))

    def mask_png(self, owner: str, object_id: str) -> bytes:
        """The mask as a grey PNG of the full frame."""
        return objects.png(Image.fromarray(self.mask(owner, self._there(owner, object_id).id)))

    def cut_out(self, owner: str, object_id: str) -> bytes:
        """An object as a PNG, without the empty frame around it."""
        path = self._store.path(owner, self._there(owner, object_id).id)
        return objects.png(objects.cropped(read_picture(path).image))

    def _colour(self, asset: Asset, mask: np.ndarray) -> np.ndarray | None:
        """The mean colour of the selection, from the thumbnail: called on every click."""
        small = objects.flat(read_picture(self._store.thumbnail(asset.owner, asset.id)).image)
        return colour_names.mean_inside(np.asarray(small), masks.resized(mask, small.size))

    def _there(self, owner: str, picture: str) -> Asset:
        """The picture, if it is not deleted."""
        return present(self._store.asset(owner, picture))

    def later(self, chore: Callable[[], object], spec: ModelSpec) -> None:
        """Do something with a model on the click thread, such as loading it."""
        self._clicks.later(chore, self._leaving(spec))

    def _leaving(self, spec: ModelSpec | None) -> Callable[[], object]:
        return lambda: spec and self._residents.leave(spec.id)

    def close(self) -> None:
        """Finish the current answer, and nothing more."""
        self._clicks.close()
