"""Warns before a model gets a kind of picture it was not trained on, and names a better one. Never refuses anything."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from studio.catalog import Catalog, in_gb
from studio.contract import IterateRequest, ModelSpec, Task
from studio.errors import BadPicture, NotFound
from studio.intake.picture import read_picture
from studio.library.store import Store
from studio.solid.contract import SolidRequest
from studio.toy_world import is_toy

_KEPT = 4096


@dataclass(frozen=True)
class Instead:
    """A model that was trained on such pictures."""

    id: str
    label: str
    note: str  # "0.2 GB", "no download", "at a provider"


@dataclass(frozen=True)
class Advice:
    text: str
    instead: tuple[Instead, ...] = ()


class Adviser:
    """Tells which pictures show the toy world. Thread-safe."""

    def __init__(self, catalog: Catalog, store: Store) -> None:
        self._catalog, self._store = catalog, store
        self.is_toy = lru_cache(maxsize=_KEPT)(self._look)  # assets never change

    def about(self, owner: str, asset_id: str, task: Task) -> dict[str, Advice]:
        """By model id, the advice about each model of a task that was not trained on this picture.

        Raises:
            NotFound: there is no such picture.
        """
        asset = self._store.asset(owner, asset_id)
        models = self._catalog.models(task)
        strangers = [spec for spec in models if spec.toys_only]
        if not strangers or asset.kind == "splat" or self.is_toy(owner, asset_id):
            return {}
        instead = _instead([spec for spec in models if not spec.toys_only], owner)
        return {spec.id: Advice(_sentence(spec, task, instead), instead) for spec in strangers}

    def of_change(self, owner: str, request: IterateRequest, model: str) -> str:
        """The advice about a change; "" for none. If the change has a limit, the rest of the picture stays as it is."""
        if request.object or request.strokes or any(request.extend):
            return ""
        return self._notice(owner, request.source, Task.ITERATE, model)

    def of_selection(self, owner: str, picture: str, model: str) -> str:
        """The advice about selecting something in a picture; "" for none."""
        return self._notice(owner, picture, Task.SEGMENT, model)

    def of_solid(self, owner: str, request: SolidRequest) -> str:
        """The advice about turning an object into 3D; "" for none."""
        is_given = all(request.views) and not request.only
        notice = "" if is_given else self._notice(owner, request.object, Task.VIEWS, request.views_model)
        if notice or not request.splat:
            return notice
        return self._notice(owner, request.object, Task.SPLAT, request.splat_model)

    def _notice(self, owner: str, asset_id: str, task: Task, model: str) -> str:
        """The advice about one model, or about the default model if it is ""."""
        model = model or self._catalog.ready("", task, owner).id
        advice = self.about(owner, asset_id, task).get(model)
        return advice.text if advice else ""

    def _look(self, owner: str, asset_id: str) -> bool:
        asset = self._store.asset(owner, asset_id)
        if asset.kind == "object" and asset.parents:  # the whole picture says more than the cut-out
            with suppress(NotFound):
                return self.is_toy(owner, self._store.asset(owner, asset.parents[0]).id)
        try:
            return is_toy(read_picture(self._store.thumbnail(owner, asset_id)).image)
        except (BadPicture, NotFound):  # reported elsewhere
            return True


def _instead(models: Sequence[ModelSpec], owner: str) -> tuple[Instead, ...]:
    """The model that takes the smallest download, all that need none, and one in a cloud."""
    able = [(spec, ready) for spec in models if (ready := spec.ready_for(owner)).ok and not spec.retired_on]
    here = [(spec, ready) for spec, ready in able if not spec.provider]
    weighty = sorted((pair for pair in here if pair[0].download_gb), key=lambda pair: pair[1].download_gb)[:1]
    light = [pair for pair in here if not pair[0].download_gb]
    found = [
        Instead(spec.id, spec.label, in_gb(ready.download_gb) if ready.download_gb else "no download")
        for spec, ready in (*weighty, *light)
    ]
    clouds = [Instead(spec.id, spec.label, f"at {spec.provider}") for spec, _ in able if spec.provider]
    return (*found, *clouds[:1])


def _sentence(spec: ModelSpec, task: Task, instead: tuple[Instead, ...]) -> str:
    first = f"{instead[0].label} ({instead[0].note})" if instead else ""
    match task:
        case Task.ITERATE:
            side = spec.sizes[0].width
            more = f", or use {first}" if first else ""
            return f"{spec.label} repaints the whole photo at {side} px. Limit it to an object{more}."
        case Task.SEGMENT:
            return f"This model does not know photos. {first} does." if first else "This model does not know photos."
    more = f" {first} knows any object." if first else ""
    return f"{spec.label} knows only toys: what it makes of a photo looks different.{more}"
