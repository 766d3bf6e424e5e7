"""The page's requests about pictures. Knows no layout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from studio.clouds.spending import estimate, in_dollars
from studio.contract import GenerateRequest, IterateRequest, ModelSpec, Task, UpscaleRequest
from studio.errors import BadRequest, NotFound, UnknownModel
from studio.imaging.settings_from_recipe import Settings, has_settings
from studio.library.assets import Asset
from studio.service import Studio
from studio.validation import says_something
from ui.routes.files import picture_address, thumb_address
from ui.shared.recipe_facts import facts_of

Answer = dict[str, Any]
"""JSON: a request of the page, or the response."""

MOST_AT_ONCE = 200
"""Pictures per request; the page splits larger selections."""
_DECIDED = 2
_LONGEST_TITLE = 400
"""In characters; the viewer shows the whole prompt."""


def star(studio: Studio, owner: str, question: Answer) -> Answer:
    """Star the pictures `ids`, or unstar them."""
    starred = question.get("starred") is True
    return {"pictures": [picture(studio, studio.star(owner, id, starred)) for id in _ids(question)]}


def collect(studio: Studio, owner: str, question: Answer) -> Answer:
    """Add the pictures `ids` to the collection `name`, or remove them if `is_in` is false."""
    name = studio.collect(owner, _ids(question), text(question, "name"), is_in=question.get("is_in") is not False)
    return {"name": name, "collections": [each.name for each in studio.collections(owner)]}


def delete(studio: Studio, owner: str, question: Answer) -> Answer:
    """Move the pictures `ids` to the trash."""
    studio.delete(owner, _ids(question))
    return {}


def restore(studio: Studio, owner: str, question: Answer) -> Answer:
    """Restore the pictures `ids` from the trash."""
    studio.restore(owner, _ids(question))
    return {}


def vary(studio: Studio, owner: str, question: Answer) -> Answer:
    """Make the picture `id` again with another seed; a version, from the same source.

    At once if it is free; else only with `confirm_cost`.

    Returns:
        `{notes}`; or `{confirm}`, a question, if nothing was started.
    """
    id, confirmed = text(question, "id"), question.get("confirm_cost") is True
    change = studio.request_of_version(owner, id)
    settings = Settings(None, ()) if change else studio.settings_of(owner, id)
    request = change or settings.request
    if request is None:
        raise BadRequest("This picture does not say how it was made. Write what you want to see instead.")
    if isinstance(request, GenerateRequest) and not says_something(request.prompt):
        raise BadRequest("This picture has no prompt. Use its settings, and write what you want to see.")
    spec = studio.model(request.model)
    if spec.provider and not confirmed:
        return {"confirm": f"Another one: {cost_in_words(studio, owner, spec, request)}."}
    if isinstance(request, IterateRequest):
        studio.iterate(owner, replace(request, seed=None), confirm_cost=confirmed)
    else:
        studio.generate(owner, replace(request, seed=None), confirm_cost=confirmed)
    return {"notes": settings.notes}


def upscale(studio: Studio, owner: str, question: Answer) -> Answer:
    """Enlarge the picture `id`: `{job}`, its id. Without a `model`, the picture decides which."""
    model = text(question, "model") if "model" in question else ""
    return {"job": studio.upscale(owner, UpscaleRequest(text(question, "id"), model)).id}


def cost_in_words(studio: Studio, owner: str, spec: ModelSpec, request: GenerateRequest | IterateRequest) -> str:
    """For example: "about $0.053 at a provider, more than the daily cap of $5.00 leaves"."""
    cost, spent = estimate(spec, request), studio.spending.today(owner)
    if cost is None:
        return f"billed by usage at {spec.provider}; the price is not known in advance"
    is_over = spent.cap is not None and spent.total + cost > spent.cap
    over = f", more than the daily cap of {in_dollars(spent.cap or 0.0)} leaves" if is_over else ""
    return f"about {in_dollars(cost)} at {spec.provider}{over}"


def look(studio: Studio, owner: str, question: Answer) -> Answer:
    """Everything about the picture `id`: its recipe in words, its description and who could write one, relatives."""
    asset = studio.asset(owner, text(question, "id"))
    if asset.deleted:
        raise NotFound("picture", asset.id)
    relatives = studio.relatives(owner, asset.id)
    return {
        "picture": picture(studio, asset),
        "prompt": asset.recipe.prompt,
        "facts": [fact._asdict() for fact in facts_of(asset, _spec(studio, asset.model))],
        "description": asset.description,
        "upscalers": _upscalers(studio) if asset.kind != "splat" else [],
        "reader": studio.describing.reader(owner, asset.id) if asset.kind in ("image", "object") else "",
        "parents": [picture(studio, parent) for parent in relatives.parents],
        "children": [picture(studio, child) for child in relatives.children],
    }


def _upscalers(studio: Studio) -> list[Answer]:
    """The upscalers to choose from; none if there are only the two bundled ones, which the picture decides between."""
    ready = [spec for spec in studio.models(Task.UPSCALE) if spec.readiness().ok]
    return [{"id": spec.id, "label": spec.label} for spec in ready] if len(ready) > _DECIDED else []


ROUTES = {
    "pictures/star": star,
    "pictures/collect": collect,
    "pictures/delete": delete,
    "pictures/restore": restore,
    "pictures/vary": vary,
    "pictures/upscale": upscale,
    "pictures/look": look,
}


def picture(studio: Studio, asset: Asset) -> Answer:
    """A picture as the page's lists need it."""
    return {
        "id": asset.id,
        "file": picture_address(asset.id, trash=asset.deleted),
        "thumb": thumb_address(asset.id, trash=asset.deleted),
        "title": asset.title if len(asset.title) <= _LONGEST_TITLE else asset.title[: _LONGEST_TITLE - 1] + "…",
        "model": model_label(studio, asset.model),
        "seed": asset.seed,
        "width": asset.width,
        "height": asset.height,
        "created": asset.created,
        "starred": asset.starred,
        "kind": asset.kind,
        "parents": list(asset.parents[:1]),  # an object belongs to its picture
        "again": has_settings(asset.recipe),  # can be made again
        "prompted": says_something(asset.recipe.prompt),
        "change": bool(asset.recipe.edit),  # made in the Iterate tab
    }


def model_label(studio: Studio, model_id: str) -> str:
    """The model's name for people; its id if it is not in the catalog."""
    spec = _spec(studio, model_id)
    return spec.label if spec else model_id


def text(question: Answer, name: str) -> str:
    """The text `name` of a question. Raises BadRequest."""
    value = question.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"The page sent {value!r:.60} as '{name}', which is not text. Reload the page.")
    return value


def _spec(studio: Studio, model_id: str) -> ModelSpec | None:
    try:
        return studio.model(model_id)
    except UnknownModel:
        return None


def _ids(question: Answer) -> list[str]:
    ids = question.get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_AT_ONCE or not all(isinstance(id, str) for id in ids):
        raise BadRequest(f"The page sent {ids!r:.60} as pictures. Reload the page.")
    return ids
