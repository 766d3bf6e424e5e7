"""The terminal verb `run`: repeats a recipe. Starts without gradio and torch."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from commands import pictures
from commands.open_studio import studio_in
from commands.sharing.identity import LOCAL_OWNER
from studio.contract import GenerateRequest, IterateRequest, Task, UpscaleRequest
from studio.errors import BadRequest
from studio.imaging import replay
from studio.imaging.settings_from_recipe import fast_of, fit, precision_of
from studio.recipe import Recipe, from_values, is_asset_id
from studio.scheduling.contract import JobView
from studio.service import Studio

Wanted = GenerateRequest | IterateRequest | UpscaleRequest
MOST_BYTES = 2_000_000  # of a recipe's JSON


@dataclass(frozen=True)
class Found:
    """The request in a recipe, and a sentence about everything that cannot be reproduced."""

    request: Wanted
    notes: tuple[str, ...] = ()


def add_verbs(verbs: Any) -> None:
    """Add run to the parser's verbs."""
    again = verbs.add_parser("run", help="make again what a recipe says: the recipe of a picture, or one in JSON")
    again.set_defaults(verb=run)
    again.add_argument("recipe", metavar="RECIPE", help="a picture (a file or an id), or a recipe as .json")
    again.add_argument(
        "--source", default="", metavar="ID|FILE", help="change this picture instead of the recipe's own"
    )
    again.add_argument("--confirm-cost", action="store_true", help="spend more than the daily cap for cloud models")
    pictures.add_output(again, "one JSON line per picture, as `generate` prints it", pictures.TO_PNG)


def run(options: argparse.Namespace) -> int:
    """Repeat it and print the paths, or JSON."""
    pictures.make_way(options.output)
    with studio_in(options.outputs) as studio:
        found = read(studio, options.recipe)
        source = taken_in(studio, options.source) if options.source else ""
        for note in found.notes:
            pictures.notice(note)
        job = submit(studio, on(found.request, source), confirm_cost=options.confirm_cost)
        return pictures.kept(studio, job, options)


def read(studio: Studio, place: str) -> Found:
    """The request in a recipe.

    Raises:
        BadRequest: there is none, or it cannot be repeated.
    """
    path = Path(place)
    if path.suffix.lower() != ".json" or not path.is_file():
        asset_id = taken_in(studio, place)
        return _of(studio, studio.asset(LOCAL_OWNER, asset_id).recipe, place)
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


def taken_in(studio: Studio, place: str) -> str:
    """The id of a picture in the gallery; a file is added to it first."""
    path = Path(place)
    if is_asset_id(place) and not path.exists():
        return studio.asset(LOCAL_OWNER, place).id
    if not path.is_file():
        raise BadRequest(f"There is no file '{place}'. Give a recipe as .json, a picture, or the id of one.")
    return studio.take_in(LOCAL_OWNER, path, path.name).id


def on(request: Wanted, source: str) -> Wanted:
    """The same request for another picture; "": the recipe's own.

    Raises:
        BadRequest: it does not start from a picture.
    """
    if not source:
        return request
    if isinstance(request, GenerateRequest):
        raise BadRequest("This recipe makes pictures from words alone. Give the recipe of a change.")
    if isinstance(request, IterateRequest) and (request.object or request.strokes):
        raise BadRequest("This recipe changes a part of its own picture. Give one that changes all of it.")
    return replace(request, source=source)


def with_prompt(request: GenerateRequest, prompt: str) -> GenerateRequest:
    """The same request with another prompt."""
    return replace(request, prompt=prompt)


def submit(studio: Studio, request: Wanted, *, confirm_cost: bool = False) -> JobView:
    """Queue it; raises what the studio raises."""
    match request:
        case GenerateRequest():
            return studio.generate(LOCAL_OWNER, request, confirm_cost=confirm_cost)
        case IterateRequest():
            return studio.iterate(LOCAL_OWNER, request, confirm_cost=confirm_cost)
        case UpscaleRequest():
            return studio.upscale(LOCAL_OWNER, request)


def _of(studio: Studio, recipe: Recipe, place: str) -> Found:
    if recipe.task == Task.UPSCALE and recipe.parents:
        scale = next((each for each in (2, 4) if _is(studio, recipe, each)), None)
        return Found(UpscaleRequest(recipe.parents[0], recipe.model, scale))
    change = replay.request_of(recipe)
    if change is not None:
        spec, notes = studio.model(change.model), list[str]()
        precision, fast = precision_of(recipe, spec, notes), fast_of(recipe, spec, notes)
        return Found(replace(change, precision=precision, fast=fast), tuple(notes))
    settings = fit(recipe, studio.models(Task.GENERATE), LOCAL_OWNER)
    if settings.request is None:
        raise BadRequest(f"{place} contains nothing that can be made again: {settings.notes[0]}")
    return Found(settings.request, settings.notes)


def _is(studio: Studio, recipe: Recipe, scale: int) -> bool:
    """Whether the picture is this many times as wide as its source."""
    return studio.asset(LOCAL_OWNER, recipe.parents[0]).width * scale == recipe.width
