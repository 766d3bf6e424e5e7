"""The Iterate tab: a picture, what to change about it, and the tree of its versions. Its scripts draw it.

Frequent requests go to `ui/routes/iterate.py`; this module lays out the tab, and answers one-off requests.
"""

from __future__ import annotations

from dataclasses import asdict

from gradio.events import Dependency

from studio.clouds.spending import estimate
from studio.contract import IterateRequest, ModelSpec, Task
from studio.errors import BadRequest
from studio.library.assets import Asset
from studio.service import Studio
from ui.iterate.fixes import fixes_for
from ui.routes.segment import mask_address
from ui.shared.bridge import Bridge
from ui.shared.model_texts import advice_on, is_offered, known_of, preflight, values_of
from ui.shared.pictures import Answer, picture, text
from ui.shared.shapes import PRECISIONS

LABEL = "Iterate"


def build(bridge: Bridge, arrival: Dependency) -> None:
    """Lay out the tab inside the current Blocks and connect it; see `Bridge.add`."""
    bridge.add("iterate/iterate", arrival)


def models(studio: Studio, owner: str, question: Answer) -> Answer:
    """Every model that changes pictures, with what it supports; cloud models once there is a key for them."""
    return {"models": [_model(studio, spec, owner) for spec in studio.models(Task.ITERATE) if is_offered(spec, owner)]}


def open_picture(studio: Studio, owner: str, question: Answer) -> Answer:
    """What the tab needs to show the picture `id`, except its tree; an object is opened as its picture, limited to it.

    Returns:
        `{picture, objects, limit, advice}`, with the objects of the picture itself and of its ancestors that fit.
    """
    asset = studio.asset(owner, text(question, "id"))
    limit = ""
    if asset.kind == "object" and asset.parents:
        limit, asset = asset.id, studio.asset(owner, asset.parents[0])
    return {
        "picture": picture(studio, asset),
        "objects": [picture(studio, each) | {"mask": mask_address(each.id)} for each in _objects(studio, owner, asset)],
        "limit": limit,
        "advice": advice_on(studio, owner, asset.id, Task.ITERATE),
    }


def settings(studio: Studio, owner: str, question: Answer) -> Answer:
    """The request that made the version `id`: {request, references, control}, the latter two as pictures."""
    request = studio.request_of_version(owner, text(question, "id"))
    if request is None:
        raise BadRequest("This picture was not made by a change. Choose a version that was.")
    references = [picture(studio, studio.asset(owner, each)) for each in request.references]
    control = picture(studio, studio.asset(owner, request.control)) if request.control else None
    return {"request": asdict(request), "references": references, "control": control}


ROUTES = {"iterate/open": open_picture, "iterate/models": models, "iterate/settings": settings}


def _objects(studio: Studio, owner: str, asset: Asset) -> list[Asset]:
    """Objects of the picture, and of earlier versions of the same size, which are in the same place."""
    tree = {node.asset.id: node for node in studio.tree(owner, asset.id).nodes}
    found, node = [*studio.selections.objects_of(owner, asset.id)], tree.get(asset.id)
    while node and node.parent:
        node = tree.get(node.parent)
        if node and (node.asset.width, node.asset.height) == (asset.width, asset.height):
            found += studio.selections.objects_of(owner, node.asset.id)
    return [one for one in found if not one.deleted and (one.width, one.height) == (asset.width, asset.height)]


def _model(studio: Studio, spec: ModelSpec, owner: str) -> Answer:
    ready, fixes = spec.ready_for(owner), [asdict(fix) for fix in fixes_for(spec)]
    return {
        "id": spec.id,
        "label": spec.label,
        "ready": ready.ok,
        "state": ready.label,
        "about": known_of(spec, owner),
        "tokens": spec.text_tokens,
        "preflight": preflight(spec, owner),
        "provider": spec.provider,
        "references": max(0, spec.references - 1),
        "strength": values_of(spec.strength),
        "control": spec.control,
        "follows": studio.model(spec.control).makes if spec.control else "",
        "control_strength": values_of(spec.control_strength),
        "steps": values_of(spec.steps),
        "guidance": values_of(spec.guidance),
        "clip_skip": values_of(spec.clip_skip),
        "samplers": list(spec.samplers),
        "seed": spec.seed,
        "negative": spec.negative_prompt,
        "qualities": list(spec.qualities),
        "transparent": spec.transparent,
        "precisions": [{"id": each, "label": PRECISIONS.get(each, each)} for each in spec.precisions],
        "fast": spec.fast,
        "maskOnly": spec.mask_only,
        "prices": {quality: _price(spec, quality) for quality in spec.qualities or ("",)},
        "fixes": fixes,
        "placeholder": _placeholder(spec, fixes),
    }


def _placeholder(spec: ModelSpec, fixes: list[Answer]) -> str:
    """An example of what this model can do."""
    if spec.demo:
        return f"Say what to change: {spec.demo.change}"
    if spec.mask_only:
        return "Say what should be there: a wooden bench"
    example = next((each["instruction"] for each in fixes if not (each["needs_place"] or any(each["extend"]))), "")
    return f"Say what to change: {example}" if example else "Say what to change"


def _price(spec: ModelSpec, quality: str) -> float | None:
    """Estimate in US dollars for one version; 0 for local models, None if unknown."""
    return estimate(spec, IterateRequest("", "", quality=quality))
