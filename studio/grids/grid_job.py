"""The work of a comparison: each picture in turn, then all of them on one sheet. Runs on a lane's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from studio.catalog import Catalog
from studio.contract import ImageResult, Model, ModelSpec, Progress, Size, Tell
from studio.errors import Skipped
from studio.grids import grid
from studio.imaging import wildcards
from studio.imaging.control import follow, followed
from studio.imaging.generate_job import (
    Kept,
    PicturePlan,
    checked,
    image_request,
    parents_of,
    recipe_of,
    seed_of,
)
from studio.library.store import Store
from studio.recipe import Recipe
from studio.recipe.grid import GridRecipe
from studio.residents import Residents
from studio.scheduling.live_job import PREVIEW_SIDE, LiveJob


def make_grid(
    job: LiveJob, spec: ModelSpec, residents: Residents, store: Store, choices: Path, catalog: Catalog
) -> None:
    """Make one comparison, unless it was made before a crash.

    Args:
        choices: the folder for `wildcards`.
        catalog: has the model that makes control pictures.

    Raises:
        Cancelled: Stop was pressed; nothing is kept.
    """
    if store.made_by_job(job.row.id):
        return
    request = grid.from_json(job.row.request)
    across, down = grid.labels(request.x, spec), grid.labels(request.y, spec) if request.y else ()
    kept: list[Callable[[], object]] = []
    try:
        job.begin(0)
        following = follow(job, spec, catalog, residents)
        path_of, sizes = partial(store.path, job.row.owner), {cell.size for row in request.rows() for cell in row}
        follows = {size: followed(replace(request.base, size=size), spec, path_of, following) for size in sizes}
        with residents.use(spec, job.tell) as model:
            began = time.monotonic()
            pictures, revision = _pictures(job, request, spec, model, choices, follows, kept.append)
            seconds = time.monotonic() - began
        job.check()
        sheet = grid.sheet(pictures, across, down)
        recipe = _recipe(job, request, spec, sheet, revision=revision, seconds=seconds)
        job.patiently(lambda: store.save(sheet, recipe))
    except Skipped:
        return
    finally:
        for tidy in kept:
            tidy()
    job.saved(0)


def _pictures(
    job: LiveJob,
    request: grid.GridRequest,
    spec: ModelSpec,
    model: Model,
    choices: Path,
    follows: dict[Size | None, dict[str, Any]],
    made: Callable[[Callable[[], object]], None],
) -> tuple[list[list[Image.Image | None]], str]:
    """The pictures row by row, previewing the sheet so far; and the revision, if only the model knows it.

    Args:
        follows: what pictures of each size follow, see `control.followed`.
        made: is told of each picture what to call once it is not needed any more.
    """
    rows = request.rows()
    pictures: list[list[Image.Image | None]] = [[None] * len(row) for row in rows]
    count, total, done, revision = sum(map(len, rows)), sum(cell.steps or 1 for row in rows for cell in row), 0, ""
    names = [""] * len(rows[0])  # unreadable at preview size
    for number, (row, column) in enumerate(((i, j) for i in range(len(rows)) for j in range(len(rows[0]))), start=1):
        cell = rows[row][column]
        cell = replace(cell, prompt=wildcards.chosen(cell.prompt, seed_of(cell, 0), choices))
        wanted, note = image_request(cell, spec, 0), f"picture {number} of {count}"
        wanted = replace(wanted, **follows[cell.size], id=f"{job.row.id}-{number}")
        result = model.run(wanted, _teller(job, done, total, note))
        made(result.kept)
        pictures[row][column] = checked(result, wanted, spec)
        revision, done = result.revision, done + (cell.steps or 1)
        preview = grid.sheet(pictures, names, ())
        preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        job.tell(Progress(done, total, note, preview))
    return pictures, revision


def _teller(job: LiveJob, done: int, total: int, note: str) -> Tell:
    """Reports steps of one picture as steps of all; a model's own note, such as a download, has precedence."""
    return lambda progress: job.tell(Progress(done + progress.step, total, progress.note or note))


def _recipe(
    job: LiveJob, request: grid.GridRequest, spec: ModelSpec, sheet: Image.Image, *, revision: str, seconds: float
) -> Recipe:
    base, size = request.base, request.base.size
    plan = PicturePlan(base, job.row.title, lambda index: image_request(base, spec, index), parents=parents_of(base))
    result = ImageResult(sheet, base.seed if spec.seed else None, revision)
    recipe = recipe_of(job, plan, plan.wanted(0), spec, Kept(sheet), index=0, result=result, seconds=seconds)
    compared = GridRecipe(
        x=request.x.field,
        x_values=grid.texts(request.x),
        y=request.y.field if request.y else "",
        y_values=grid.texts(request.y) if request.y else (),
        width=size.width if size else 0,
        height=size.height if size else 0,
    )
    return replace(recipe, transparent=False, grid=compared)
