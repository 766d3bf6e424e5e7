"""The Gallery tab: everything ever made, by words, stars, models and kinds. Drawn by its scripts, answered here."""

from __future__ import annotations

from typing import Any

from gradio.events import Dependency

from studio.service import Studio
from ui.shared.bridge import Bridge
from ui.shared.pictures import Answer, model_label, picture, text

LABEL = "Gallery"


def build(bridge: Bridge, arrival: Dependency) -> None:
    """Lay out the tab inside the current Blocks and connect it; see `Bridge.add`."""
    bridge.add("gallery/gallery", arrival)


def find(studio: Studio, owner: str, question: Answer) -> Answer:
    """One page of pictures, newest first.

    Args:
        question: `query`, `meaning`, `starred`, `model`, `kind`, `collection` (may be missing), `limit`, and `after`
            (the `next` of the previous page, "" for the first).

    Returns:
        `{pictures, next}`; with the first page also `count` (in total), `models` and `collections` (to filter by),
        `canMean` (whether search by meaning is available) and `seen` (how many of how many pictures have a vector).
    """
    wanted: dict[str, Any] = {name: text(question, name) for name in ("query", "model", "kind")}
    wanted["collection"] = text({"collection": "", **question}, "collection")
    wanted |= {name: question.get(name) is True for name in ("starred", "meaning")}
    limit: Any = question.get("limit")
    after = text(question, "after")
    page = studio.gallery(owner, **wanted, after=after, limit=limit)
    answer: Answer = {"pictures": [picture(studio, asset) for asset in page.assets], "next": page.next}
    if after:
        return answer
    models = [{"id": model, "label": model_label(studio, model)} for model in studio.models_used(owner) if model]
    collections = [each.name for each in studio.collections(owner)]
    seen = studio.meanings.progress(owner) if wanted["meaning"] else ()
    can = studio.meanings.model() is not None
    told = {"count": studio.count(owner, **wanted), "models": models, "collections": collections}
    return answer | told | {"canMean": can, "seen": seen}


ROUTES = {"pictures/find": find}
