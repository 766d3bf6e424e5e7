"""The work of jobs that make views and splats. Runs on a lane's thread; what was made before a crash is not made again.

A job's model works once: what it makes comes all together.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from studio.contract import ModelSpec, Progress, Size, Task
from studio.errors import Skipped
from studio.intake.picture import read_picture
from studio.library.assets import Asset
from studio.library.store import Store
from studio.residents import Residents
from studio.scheduling.live_job import LiveJob
from studio.solid import fit, recipe as solid_recipe
from studio.solid.codec import four, splat_from_json, views_from_json, wanted
from studio.solid.contract import (
    AZIMUTHS_DEG,
    INPUT_SIDE,
    SplatOrder,
    ViewsOrder,
    ViewsResult,
    camera_of,
    crop_of,
    mask_of,
    mask_square,
    square,
    view_square,
)
from studio.splats.splat import Splat


def work(job: LiveJob, spec: ModelSpec, residents: Residents, store: Store) -> None:
    """Do a job of either task.

    Raises:
        Cancelled: Stop was pressed; nothing was made.
    """
    (_make_views if job.row.task == Task.VIEWS else _make_splat)(job, spec, residents, store)


def _make_views(job: LiveJob, spec: ModelSpec, residents: Residents, store: Store) -> None:
    request = views_from_json(job.row.request)
    missing = [index for index in wanted(request) if index not in store.indexes_of_job(job.row.id)]
    if not missing:
        return
    asset, image, mask = _object(job, store, request.object)
    order = ViewsOrder(
        square(image, crop_of(mask), INPUT_SIDE),
        elevation_deg=request.elevation_deg or 0.0,
        seed=request.seed or 0,
        steps=request.steps or 0,
        guidance=request.guidance or 0.0,
    )
    result, seconds = _ask(job, spec, residents, order)
    if result is None:
        return
    images = _checked(result)
    for index in missing:
        said = solid_recipe.Turning(order.elevation_deg, AZIMUTHS_DEG[index], views=four(request.keep))
        if index == 0 and not request.only:  # in front it is known what it looks like
            recipe = replace(solid_recipe.view_recipe(asset, order.image, index, said), job_id=job.row.id)
            job.patiently(partial(store.save, order.image, recipe))
            continue
        recipe = replace(
            solid_recipe.view_recipe(asset, images[index], index, said),
            job_id=job.row.id,
            model=spec.id,
            revision=result.revision or spec.revision,
            steps=request.steps,
            guidance=request.guidance,
            seed=result.seed,
            seconds=round(seconds, 3),
            notice=result.notice,
        )
        job.patiently(partial(store.save, images[index], recipe))
    job.saved()


def _make_splat(job: LiveJob, spec: ModelSpec, residents: Residents, store: Store) -> None:
    if store.indexes_of_job(job.row.id):
        return
    request = splat_from_json(job.row.request)
    asset, _, mask = _object(job, store, request.object)
    paths = (store.path(job.row.owner, view) for view in request.views)
    views = tuple(view_square(read_picture(path).image) for path in paths)
    order = SplatOrder(views, request.elevation_deg or 0.0, _front_mask(store, asset, request.views[0], mask))
    splat, seconds = _ask(job, spec, residents, order)
    if splat is None:
        return
    if not isinstance(splat, Splat):
        raise ValueError(f"got {type(splat).__name__} from the model, expected a Splat")
    camera = camera_of(crop_of(mask), Size(asset.width, asset.height), order.elevation_deg)
    splat = replace(splat.pruned(), pose=replace(splat.pose, camera=camera))
    said = solid_recipe.Turning(order.elevation_deg, views=request.views, fit=fit.fit(splat, mask), splats=splat.count)
    recipe = replace(
        solid_recipe.splat_recipe(asset, splat, said, parents=(asset.id, *request.views)),
        job_id=job.row.id,
        model=spec.id,
        revision=spec.revision,
        seconds=round(seconds, 3),
    )
    job.patiently(partial(store.save_splat, replace(splat, recipe=recipe)))
    job.saved()


def _object(job: LiveJob, store: Store, asset_id: str) -> tuple[Asset, Image.Image, np.ndarray]:
    """The object, what its file shows, and its mask; also out of the trash: a job that was taken is done."""
    image = read_picture(store.path(job.row.owner, asset_id)).image
    return store.asset(job.row.owner, asset_id), image, mask_of(image)


def _front_mask(store: Store, asset: Asset, view: str, mask: np.ndarray) -> Image.Image | None:
    """What the object covers of a view that is the object itself; None: the view is another picture."""
    front = store.asset(asset.owner, view)
    is_itself = front.kind == "view" and not front.model and front.parents == (asset.id,)
    return Image.fromarray(mask_square(mask, crop_of(mask), INPUT_SIDE)) if is_itself else None


def _ask(job: LiveJob, spec: ModelSpec, residents: Residents, order: ViewsOrder | SplatOrder) -> tuple[Any, float]:
    """The model's answer, None where it is not wanted any more, and the seconds it took."""
    job.begin(0)
    try:
        if not residents.has(spec.id):
            job.tell(Progress(0, 0, f"loading {spec.label}"))
        with residents.use(spec, job.tell) as model:
            job.tell(Progress(0, 0))
            began = time.monotonic()
            result = model.run(order, job.tell)
            seconds = time.monotonic() - began
        job.check()  # pressed after the last report: it is not wanted either
    except Skipped:
        return None, 0.0
    return result, seconds


def _checked(result: Any) -> tuple[Image.Image, ...]:
    """The views, if the model kept its word."""
    images = result.images if isinstance(result, ViewsResult) else ()
    if len(images) != 4 or any(one.mode != "RGB" or one.width != one.height for one in images):
        raise ValueError(f"got {images or type(result).__name__} from the model, expected four RGB squares")
    return images
