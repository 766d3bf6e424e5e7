"""Segmentation over HTTP: selections as JSON in, masks as small PNGs out. Knows no layout.

`POST /diorama/segment`, `/diorama/segment/everything` and `/diorama/objects` with the browser's token in
`X-Diorama-Token`; `GET /diorama/mask/{id}` and `/diorama/cutout/{id}` for objects, to their owner like every picture.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response
from PIL import Image

from studio import masks
from studio.errors import BadRequest, NotFound
from studio.recipe.selection import from_json
from studio.segmentation.contract import Candidate, Everything, Segmentation
from studio.service import Studio
from studio.validation import text_in
from ui.routes.answers import Handler, json_router
from ui.routes.files import made
from ui.routes.visitors import Visitors
from ui.shared.pictures import Answer, picture

_THUMB = 96
"""Longest side of a candidate's mask in the column, in pixels."""


def router(studio: Studio, visitors: Visitors) -> APIRouter:
    """The routes, for `Blocks.launch(app_kwargs={"routes": ...})`."""
    handlers: dict[str, Handler] = {"segment": mask_of, "segment/everything": everything_in, "objects": keep}
    routes = json_router(studio, visitors, handlers, '{"picture": "...", "points": [[120, 80, 1]]}')

    def file(request: Request, asset_id: str, make: Callable[[str, str], bytes], what: str) -> Response:
        """An object's mask or cut-out, to be saved."""
        owner = visitors.reader(request, f"diorama/{what}/{asset_id}")
        asset = studio.asset(owner, asset_id)
        if asset.kind != "object":
            raise NotFound("object", asset_id)
        name = f"{asset.name.removesuffix('.png')}-{what}.png"
        return made(request, make(owner, asset_id), "image/png", name=name)

    @routes.get("/mask/{asset_id}")
    def mask(request: Request, asset_id: str) -> Response:
        return file(request, asset_id, studio.selections.mask_png, "mask")

    @routes.get("/cutout/{asset_id}")
    def cutout(request: Request, asset_id: str) -> Response:
        return file(request, asset_id, studio.selections.cut_out, "cutout")

    return routes


def mask_of(studio: Studio, owner: str, values: Answer) -> Answer:
    """The mask of a selection, with the candidates it was chosen from, and a suggested name."""
    number, wanted = _number(values), from_json(values)
    found = studio.selections.segment(owner, wanted, most=values.get("most", 1024), page=_page(values), number=number)
    name = studio.selections.suggested_name(owner, wanted.picture, found.mask)
    return {"number": number, "name": name, **described(found)}


def described(found: Segmentation) -> Answer:
    """A mask as JSON."""
    return {
        "choice": found.choice,
        "size": list(found.size),
        "candidates": [_candidate(each) | {"thumb": _data(_small(each.mask))} for each in found.candidates],
        "mask": _data(found.mask),
        "box": None if found.box is None else list(found.box),
        "area": found.area,
        "missed": [[point.x, point.y, int(point.add)] for point in found.missed],
        "seconds": round(found.seconds, 4),
    }


def everything_in(studio: Studio, owner: str, values: Answer) -> Answer:
    """All regions of a picture: a PNG whose colours are their numbers (red + 256 green), and facts about each."""
    found: Everything = studio.selections.everything(
        owner,
        text_in(values, "picture"),
        model=text_in(values, "model"),
        most=values.get("most", 1024),
        page=_page(values),
        number=_number(values),
    )
    numbers = np.stack([found.labels & 255, found.labels >> 8, np.zeros_like(found.labels)], axis=-1).astype(np.uint8)
    regions = [_candidate(each) | {"point": list(each.point[:2]) if each.point else None} for each in found.regions]
    return {"labels": _data(numbers), "regions": regions, "size": list(found.size)}


def keep(studio: Studio, owner: str, values: Answer) -> Answer:
    """Keep the selection as an object; `name` in the answer is for the next object of the same selection."""
    wanted = from_json(values)
    asset = studio.selections.keep(owner, wanted, values.get("name") or "")
    name = studio.selections.suggested_name(owner, wanted.picture, studio.selections.mask(owner, asset.id))
    return {"picture": picture(studio, asset), "name": name}


def mask_address(asset_id: str) -> str:
    """The address of an object's mask, relative to the page."""
    return f"diorama/mask/{asset_id}"


def cutout_address(asset_id: str) -> str:
    """The address of an object's cut-out, relative to the page."""
    return f"diorama/cutout/{asset_id}"


def _candidate(candidate: Candidate) -> Answer:
    return {"score": round(candidate.score, 4), "box": list(candidate.box), "area": candidate.area}


def _small(mask: np.ndarray) -> np.ndarray:
    height, width = mask.shape
    scale = min(1.0, _THUMB / max(height, width))
    return masks.resized(mask, (max(1, round(width * scale)), max(1, round(height * scale))))


def _data(pixels: np.ndarray) -> str:
    """A PNG as a data URL, quick to write."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _page(values: Answer) -> str:
    return text_in(values, "page")[:64]


def _number(values: Answer) -> int:
    number = values.get("number", 0)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**53:
        raise BadRequest(f"The number of a click must be a whole number, not {number!r:.60}.")
    return number
