"""Clicks and objects over HTTP: the endpoints segment, segment_everything and keep_object."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.contract import Size
from studio.errors import BadRequest
from studio.recipe.selection import SegmentRequest, from_json
from studio.segmentation.contract import in_pixels
from ui.api.values import EndpointGroup, describe, picture_of, readable
from ui.routes import segment
from ui.routes.segment import cutout_address, mask_address


class SegmentEndpoints(EndpointGroup):
    @readable
    def segment(
        self,
        picture_id: str = "",
        points: list | None = None,
        labels: list | None = None,
        box: list | None = None,
        mask: str = "",
        model: str = "",
        choice: int | None = None,
        unit: str = "pixel",
        options: dict | None = None,
        file: gr.FileData | None = None,
        token: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Select something: {"picture", "mask", "candidates", "choice", "box", "area", "size", "missed", "name", ...}.

        A candidate is {"score", "box", "area", "thumb"}; the name is what it would be kept under; missed are the points
        that the mask does not follow, as [x, y, label]; "notice" is a sentence where the model does not know such a
        picture, else empty.
        Masks are PNGs as data addresses, 255 = selected; boxes and areas are in pixels of the picture.

        Args:
            picture_id: Id of a picture; or give a file.
            points: [[x, y], ...] from the top-left corner.
            labels: 1 to add, 0 to remove, one for each point; empty adds all.
            box: [left, top, right, bottom].
            mask: Id of an object to begin with.
            model: Model id; empty takes the first that is ready.
            choice: Which of the three masks of a single click, 0 to 2; empty takes the best.
            unit: "pixel", or "fraction" for points and box between 0 and 1.
            options: More of a selection: strokes, snap, grow, feather, fill_holes, largest_part, invert.
            file: A picture to put into the gallery first: `handle_file(PATH)`.
            token: If the app is open to anyone: the secret that owns the picture.
        """
        caller = self._visitors.caller(request, token)
        values = self._values(picture_id, points, labels, box, mask, model, choice, options)
        values |= {"picture": picture_of(self._studio, caller.owner, picture_id, file)}
        wanted = self._request(caller.owner, values, unit)
        found = self._studio.selections.segment(caller.owner, wanted)
        name = self._studio.selections.suggested_name(caller.owner, wanted.picture, found.mask)
        picture = describe(self._studio.asset(caller.owner, wanted.picture), caller)
        notice = self._studio.adviser.of_selection(caller.owner, wanted.picture, wanted.model)
        return {"picture": picture, "name": name, "notice": notice, **segment.described(found)}

    @readable
    def segment_everything(
        self, picture_id: str, model: str = "", token: str = "", request: gr.Request | None = None
    ) -> dict:
        """All regions of a picture: {"labels", "regions", "size", "notice"}.

        The labels are a PNG whose colours number the regions; the notice is as for `segment`.

        Args:
            picture_id: Id of a picture.
            model: Model id; empty takes the first that is ready.
            token: If the app is open to anyone: the secret that owns the picture.
        """
        caller = self._visitors.caller(request, token)
        values = {"picture": picture_id, "model": model}
        found = segment.everything_in(self._studio, caller.owner, values)
        return found | {"notice": self._studio.adviser.of_selection(caller.owner, picture_id, model)}

    @readable
    def keep_object(
        self,
        picture_id: str,
        name: str = "",
        points: list | None = None,
        labels: list | None = None,
        box: list | None = None,
        mask: str = "",
        model: str = "",
        choice: int | None = None,
        unit: str = "pixel",
        options: dict | None = None,
        token: str = "",
        request: gr.Request | None = None,
    ) -> dict:
        """Cut out what is selected and keep it: {"object", "mask_url", "cutout_url"}.

        Args:
            picture_id: Id of a picture.
            name: Of the object; empty takes one from the picture's words that fits its colour.
            points: As for `segment`, and so are all that follow.
            labels: 1 to add, 0 to remove.
            box: [left, top, right, bottom].
            mask: Id of an object to begin with.
            model: Model id.
            choice: Which of three masks.
            unit: "pixel" or "fraction".
            options: More of a selection.
            token: If the app is open to anyone: the secret that owns the picture.
        """
        caller = self._visitors.caller(request, token)
        values = self._values(picture_id, points, labels, box, mask, model, choice, options)
        kept = self._studio.selections.keep(caller.owner, self._request(caller.owner, values, unit), name)
        mask, cutout = caller.link(mask_address(kept.id)), caller.link(cutout_address(kept.id))
        return {"object": describe(kept, caller), "mask_url": mask, "cutout_url": cutout}

    @staticmethod
    def _values(
        picture: Any, points: Any, labels: Any, box: Any, start: Any, model: Any, choice: Any, options: Any
    ) -> dict[str, Any]:
        """The arguments as ``selection.from_json`` takes them."""
        points = points or []
        labels = labels or [1] * (len(points) if isinstance(points, list) else 0)
        if not isinstance(points, list) or not isinstance(labels, list) or len(points) != len(labels):
            raise BadRequest("Give a list of points, and as many labels as points: 1 to add, 0 to remove.")
        if not isinstance(options or {}, dict):
            raise BadRequest('The options must be an object, such as {"grow": 2}.')
        labelled = [
            [*point, label] if isinstance(point, list) and len(point) == 2 else point
            for point, label in zip(points, labels, strict=True)
        ]
        said = {"picture": picture, "points": labelled, "box": box or None, "start": start, "model": model}
        return (options or {}) | said | {"choice": choice}

    def _request(self, owner: str, values: dict[str, Any], unit: str) -> SegmentRequest:
        wanted = from_json(values)
        asset = self._studio.asset(owner, wanted.picture)
        return in_pixels(wanted, Size(asset.width, asset.height), unit)
