"""The Segment tab: a picture, clicks on it, and the object they cut out. Its scripts draw it; this lays it out.

Clicks go straight to `ui/routes/segment.py`.
"""

from __future__ import annotations

from contextlib import suppress

from gradio.events import Dependency

from studio.contract import Task
from studio.errors import NotFound, UnknownModel
from studio.recipe.selection import to_json
from studio.service import Studio
from ui.routes.segment import cutout_address, mask_address
from ui.shared.bridge import Bridge
from ui.shared.model_texts import advice_on, choice
from ui.shared.pictures import Answer, picture, text

LABEL = "Segment"
_RECENT = 24
"""Pictures offered for a start."""


def build(bridge: Bridge, arrival: Dependency) -> None:
    """Lay out the tab inside the current Blocks and connect it; see `Bridge.add`."""
    bridge.add("segment/segment", arrival, _told)


def open_picture(studio: Studio, owner: str, question: Answer) -> Answer:
    """What the tab needs to show the picture `id`; an object is opened as its picture with the clicks that made it.

    Returns:
        `{picture, objects, name, advice}`, and for an object `selection`: its request, or a start from its mask.
    """
    asset = studio.asset(owner, text(question, "id"))
    if asset.deleted:
        raise NotFound("picture", asset.id)
    answer: Answer = {}
    if asset.kind == "object" and asset.parents:
        made = studio.selections.request_of(owner, asset.id)
        parent = asset.parents[0]
        answer["selection"] = to_json(made) if made else {"picture": parent, "start": asset.id}
        asset = studio.asset(owner, parent)
    studio.selections.expect(owner, asset.id)
    return answer | {
        "picture": picture(studio, asset),
        "objects": [_object(studio, owner, each.id) for each in studio.selections.objects_of(owner, asset.id)],
        "name": studio.selections.suggested_name(owner, asset.id),
        "advice": advice_on(studio, owner, asset.id, Task.SEGMENT),
    }


def recent(studio: Studio, owner: str, question: Answer) -> Answer:
    """The newest pictures to cut something out of."""
    page = studio.gallery(owner, limit=4 * _RECENT)
    found = [asset for asset in page.assets if asset.kind == "image"]
    return {"pictures": [picture(studio, asset) for asset in found[:_RECENT]]}


def warm(studio: Studio, _owner: str, question: Answer) -> Answer:
    """The tab was opened, or another `model` chosen: load it before the first click."""
    with suppress(UnknownModel):  # the user's own, which may have left
        studio.warm(text(question, "model"))
    return {}


ROUTES = {"segment/open": open_picture, "segment/recent": recent, "segment/warm": warm}


def _told(studio: Studio) -> Answer:
    return {"models": [choice(spec) for spec in studio.models(Task.SEGMENT)]}


def _object(studio: Studio, owner: str, asset_id: str) -> Answer:
    asset = studio.asset(owner, asset_id)
    files = {"mask": mask_address(asset_id), "cutout": cutout_address(asset_id)}
    return picture(studio, asset) | files
