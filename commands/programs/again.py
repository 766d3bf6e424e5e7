"""The request in a recipe, whatever it made."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from commands.pictures import opened
from commands.sharing.identity import LOCAL_OWNER
from studio.contract import GenerateRequest, IterateRequest, Task, UpscaleRequest
from studio.errors import BadRequest
from studio.grids import grid
from studio.grids.grid import GridRequest
from studio.imaging import replay
from studio.imaging.settings_from_recipe import fast_of, fit, precision_of
from studio.library.assets import Asset
from studio.recipe import Recipe, from_values
from studio.recipe.selection import SegmentRequest
from studio.scheduling.contract import JobView
from studio.service import Studio
from studio.solid.contract import SolidRequest

MOST_BYTES = 2_000_000  # of a recipe's JSON


@dataclass(frozen=True)
class ControlRequest:
    """The outlines or the depth of a picture."""

    source: str  # asset id
    model: str


@dataclass(frozen=True)
class ViewRequest:
    """A picture as one of the views of an object."""

    object: str  # asset id
    index: int
    picture: str  # asset id; the object's: as the models see it
    elevation_deg: float


Queued = GenerateRequest | IterateRequest | UpscaleRequest | GridRequest | ControlRequest | SolidRequest
Wanted = Queued | SegmentRequest | ViewRequest
W = TypeVar("W", bound=Wanted)


@dataclass(frozen=True)
class Found:
    """The request in a recipe, and a sentence about everything that cannot be reproduced."""

    request: Wanted
    notes: tuple[str, ...] = ()


def read(studio: Studio, place: str) -> Found:
    """The request in a recipe.

    Raises:
        BadRequest: there is none, or it cannot be repeated.
    """
    path = Path(place)
    if path.suffix.lower() == ".ply" and path.is_file():
        return _of(studio, studio.splats.take_in(LOCAL_OWNER, path, path.name).recipe, place)
    if path.suffix.lower() != ".json" or not path.is_file():
        asset = opened(studio, place, give="a recipe as .json, a picture, or the id of one")
        return _of(studio, asset.recipe, place)
    if path.stat().st_size > MOST_BYTES:
        raise BadRequest(f"{path} is not a recipe: it is larger than {MOST_BYTES:,} bytes.")
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{path} is not JSON. Give a recipe, or a picture that carries one.") from error
    recipe = from_values(values)
    if recipe is None:
        raise BadRequest(f"{path} is not a recipe of Diorama. Give a picture that carries one.")
    return _of(studio, recipe, place)


def on(request: W, source: str) -> W:
    """The same request for another picture; "": the recipe's own.

    Raises:
        BadRequest: it does not start from a whole picture.
    """
    if not source:
        return request
    if isinstance(request, GenerateRequest | GridRequest):
        raise BadRequest("This recipe makes pictures from words alone. Give the recipe of a change.")
    if isinstance(request, SolidRequest | ViewRequest | SegmentRequest):
        raise BadRequest("This recipe is about an object in its own picture. Give the recipe of a change.")
    if isinstance(request, IterateRequest) and (request.object or request.strokes):
        raise BadRequest("This recipe changes a part of its own picture. Give one that changes all of it.")
    return replace(request, source=source)


def submit(studio: Studio, request: Queued, *, confirm_cost: bool = False) -> JobView:
    """Queue it; raises what the studio raises."""
    match request:
        case GenerateRequest():
            return studio.generate(LOCAL_OWNER, request, confirm_cost=confirm_cost)
        case IterateRequest():
            return studio.iterate(LOCAL_OWNER, request, confirm_cost=confirm_cost)
        case UpscaleRequest():
            return studio.upscale(LOCAL_OWNER, request)
        case GridRequest():
            return studio.compare(LOCAL_OWNER, request)
        case ControlRequest():
            return studio.control(LOCAL_OWNER, request.source, request.model)
        case SolidRequest():
            return studio.solids.make(LOCAL_OWNER, request)


def keep(studio: Studio, request: SegmentRequest | ViewRequest) -> Asset:
    """Make what takes no job; raises what the studio raises."""
    if isinstance(request, SegmentRequest):
        return studio.selections.keep(LOCAL_OWNER, request)
    place = (request.object, request.index, request.picture)
    return studio.solids.replace_view(LOCAL_OWNER, *place, elevation_deg=request.elevation_deg)


def _of(studio: Studio, recipe: Recipe, place: str) -> Found:
    if recipe.task == Task.UPSCALE and recipe.parents:
        scale = next((each for each in (2, 4) if _is(studio, recipe, each)), None)
        return Found(UpscaleRequest(recipe.parents[0], recipe.model, scale))
    if recipe.task == Task.CONTROL and recipe.parents:
        return Found(ControlRequest(recipe.parents[0], recipe.model))
    if recipe.selection is not None:
        asked = recipe.selection.request
        return Found(replace(asked, model=recipe.model or asked.model))
    if solid := _solid(recipe):
        return Found(solid)
    change = replay.request_of(recipe)
    if change is not None:
        spec, notes = studio.model(change.model), list[str]()
        precision, fast = precision_of(recipe, spec, notes), fast_of(recipe, spec, notes)
        return Found(replace(change, precision=precision, fast=fast), tuple(notes))
    settings = fit(recipe, studio.models(Task.GENERATE), LOCAL_OWNER)
    if settings.request is None:
        raise BadRequest(f"{place} contains nothing that can be made again: {settings.notes[0]}")
    if recipe.grid.x:
        return Found(grid.again(recipe.grid, settings.request), settings.notes)
    return Found(settings.request, settings.notes)


def _is(studio: Studio, recipe: Recipe, scale: int) -> bool:
    """Whether the picture is this many times as wide as its source."""
    return studio.asset(LOCAL_OWNER, recipe.parents[0]).width * scale == recipe.width


def _solid(recipe: Recipe) -> SolidRequest | ViewRequest | None:
    """The request for a view, or for a splat as a model made it from its views."""
    views, angle = recipe.views, recipe.views.elevation_deg
    if recipe.kind == "view" and recipe.parents and not recipe.model:
        return ViewRequest(recipe.parents[0], recipe.index, recipe.parents[-1], angle)
    if recipe.kind == "view" and recipe.parents:
        said = {"seed": recipe.seed, "steps": recipe.steps, "guidance": recipe.guidance, "elevation_deg": angle}
        return SolidRequest(recipe.parents[0], False, only=(recipe.index,), views_model=recipe.model, **said)
    if recipe.kind == "splat" and all(views.ids) and recipe.parents[1:] == views.ids:
        return SolidRequest(recipe.parents[0], views=views.ids, splat_model=recipe.model, elevation_deg=angle)
    return None
