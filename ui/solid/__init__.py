"""The 3D tab: an object, four views of it, and its splat. Files and jobs go straight to `ui/routes/solid.py`."""

from __future__ import annotations

from gradio.events import Dependency

from studio.contract import ModelSpec, Task
from studio.errors import NotFound
from studio.service import Studio
from ui.shared import solid_facts
from ui.shared.bridge import Bridge
from ui.shared.model_texts import advice_on, choice, values_of
from ui.shared.pictures import Answer, picture, text

LABEL = "3D"
_SHOWN = 24
"""Splats, objects and pictures, each, offered for a start."""


def build(bridge: Bridge, arrival: Dependency) -> None:
    """Lay out the tab inside the current Blocks and connect it; see `Bridge.add`."""
    bridge.add("solid/splat", arrival, lambda studio: {"models": _models(studio)})


def open_in_3d(studio: Studio, owner: str, question: Answer) -> Answer:
    """What the tab needs to show `id`: an object, a splat, or a picture whose objects are to choose from.

    Returns:
        `{object, picture, objects, views, splats, splat, advice, models}`; what does not apply is None or empty.
    """
    asset = studio.asset(owner, text(question, "id"))
    if asset.deleted:
        raise NotFound("picture", asset.id)
    answer: Answer = {"object": None, "picture": None, "objects": [], "views": [None] * 4, "splats": [], "splat": None}
    answer |= {"advice": {}, "models": _models(studio)}
    if asset.kind == "view" and asset.parents:
        asset = studio.asset(owner, asset.parents[0])
    if asset.kind == "splat":
        answer["splat"] = solid_facts.splat_of(studio, owner, asset)
        thing = solid_facts.object_under(studio, owner, asset)
    else:
        thing = solid_facts.as_object(studio, asset)
        if thing is None:
            found = studio.selections.objects_of(owner, asset.id)
            objects = [solid_facts.object_of(studio, one) for one in found]
            return answer | {"picture": picture(studio, asset), "objects": objects}
    if thing is not None:
        answer["object"] = solid_facts.object_of(studio, thing)
        answer["advice"] = advice_on(studio, owner, thing.id, Task.VIEWS, Task.SPLAT)
        answer["views"] = solid_facts.four_views(studio, owner, thing.id)
        answer["splats"] = solid_facts.splats_of(studio, owner, thing.id)
    return answer


def recent_in_3d(studio: Studio, owner: str, question: Answer) -> Answer:
    """The newest `splats`, `objects` and `pictures`."""
    kinds = ("splat", "object", "image", "upload")
    splats, objects, made, uploads = (studio.gallery(owner, kind=kind, limit=_SHOWN).assets for kind in kinds)
    brought = sorted((*made, *splats, *uploads), key=lambda one: (one.created, one.id), reverse=True)
    splats = [one for one in brought if one.kind == "splat"]
    images = [one for one in brought if one.kind == "image"]
    return {
        "splats": [picture(studio, one) for one in splats[:_SHOWN]],
        "objects": [solid_facts.object_of(studio, one) for one in objects],
        "pictures": [picture(studio, one) for one in images[:_SHOWN]],
    }


def four(studio: Studio, owner: str, question: Answer) -> Answer:
    """The newest view of each side of the object `id`."""
    return {"views": solid_facts.four_views(studio, owner, text(question, "id"))}


ROUTES = {"3d/open": open_in_3d, "3d/recent": recent_in_3d, "3d/views": four}


def _models(studio: Studio) -> Answer:
    """The models for 3D in their current state, which changes with a download."""
    kinds = {"views": Task.VIEWS, "splat": Task.SPLAT}
    return {name: [_model(spec) for spec in studio.models(task)] for name, task in kinds.items()}


def _model(spec: ModelSpec) -> Answer:
    controls = {"steps": values_of(spec.steps), "guidance": values_of(spec.guidance), "seed": spec.seed}
    return choice(spec) | controls | {"elevation": spec.elevation_deg}
