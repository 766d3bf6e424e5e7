"""Collections over HTTP: the endpoints collect and collection."""

from __future__ import annotations

import gradio as gr

from studio.errors import BadRequest
from studio.library.search import MAX_PAGE
from studio.validation import shown, text
from ui.api.values import EndpointGroup, describe, readable


class CollectionEndpoints(EndpointGroup):
    @readable
    def collect(
        self, picture_ids: list, name: str, remove: bool = False, token: str = "", request: gr.Request | None = None
    ) -> dict:
        """Add pictures to a collection, or remove them: {"collections": [{"name", "pictures"}]}, all of them.

        Args:
            picture_ids: Ids of pictures, objects and splats, at most 200; an empty list changes nothing.
            name: Of the collection; one that is not there yet is made.
            remove: Take them out of it instead.
            token: If the app is open to anyone: the secret that owns the pictures.
        """
        owner = self._visitors.caller(request, token).owner
        if not isinstance(picture_ids, list) or len(picture_ids) > MAX_PAGE:
            raise BadRequest(f"The pictures must be a list of at most {MAX_PAGE} ids, not {shown(picture_ids)}.")
        self._studio.collect(owner, picture_ids, name, is_in=remove is not True)
        return self._every(owner)

    @readable
    def collection(
        self, name: str = "", after: str = "", limit: int = 24, token: str = "", request: gr.Request | None = None
    ) -> dict:
        """The contents of a collection, as `gallery` lists them, or all collections, as `collect` does.

        Args:
            name: Of a collection; empty lists all.
            after: The "next" of the page before; empty for the first page.
            limit: Pictures per page, 1 to 200.
            token: The secret the pictures were made with, if the app is open to anyone.
        """
        caller = self._visitors.caller(request, token)
        if not text("name", name):
            return self._every(caller.owner)
        page = self._studio.gallery(caller.owner, collection=name, after=after, limit=limit)
        return {"pictures": [describe(asset, caller) for asset in page.assets], "next": page.next}

    def _every(self, owner: str) -> dict:
        return {"collections": [each._asdict() for each in self._studio.collections(owner)]}
