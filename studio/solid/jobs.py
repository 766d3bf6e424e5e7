"""Jobs that make views and splats. Runs on a lane's thread; after a crash, finished parts are not made again.

Each model runs once per job, and makes all its results together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
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
from studio.recipe.solid import SplatRecipe, ViewsRecipe, four
from studio.residents import Residents
from studio.scheduling.live_job import LiveJob
from studio.segmentation.objects import mask_of
from studio.solid import codec, fit
from studio.solid.contract import (
    AZIMUTHS_DEG,
    INPUT_SIDE,
    SolidRequest,
    SplatRequest,
    ViewsRequest,
    ViewsResult,
    camera_of,
    crop_of,
    mask_square,
    square,
    view_square,
)
from studio.solid.recipe import splat_recipe, view_recipe
from studio.splats.splat import Splat


def work(job: LiveJob, model: Callable[[str], ModelSpec], residents: Residents, store: Store) -> None:
    """Do a job: make the views it needs, then the splat.

    Args:
        model: looks up a model by id.

    Raises:
        Cancelled: Stop was pressed; what was made before is kept.
    """
    request = codec.from_json(job.row.request)
    with suppress(Skipped):
        if codec.views_to_make(request):
            _make_views(job, request, model(request.views_model), residents, store)
        if request.splat:
            _make_splat(job, request, model(request.splat_model), residents, store)


def _make_views(job: LiveJob, request: SolidRequest, spec: ModelSpec, residents: Residents, store: Store) -> None:
    made = store.made_by_job(job.row.id)
    missing = [index for index in codec.views_to_make(request) if index not in made]
    if not missing:
        return
    asset, image, mask = _object(job, store, request.object)
    asked = ViewsRequest(
        square(image, crop_of(mask), INPUT_SIDE),
        elevation_deg=request.elevation_deg or 0.0,
        seed=request.seed or 0,
        steps=request.steps or 0,
        guidance=request.guidance or 0.0,
    )
    result, seconds = _ask(job, Task.VIEWS, spec, residents, asked)
    images = _checked(result)
    for index in missing:
        seen = ViewsRecipe(asked.elevation_deg, AZIMUTHS_DEG[index], request.views)
        if index == 0 and not request.only:  # its front is known
            recipe = replace(view_recipe(asset, asked.image, index, seen), job_id=job.row.id)
            job.patiently(partial(store.save, asked.image, recipe))
            continue
        recipe = replace(
            view_recipe(asset, images[index], index, seen),
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


def _make_splat(job: LiveJob, request: SolidRequest, spec: ModelSpec, residents: Residents, store: Store) -> None:
    made = store.made_by_job(job.row.id)
    fresh = codec.views_to_make(request)
    index = len(AZIMUTHS_DEG) if fresh else 0  # after the job's views
    if index in made:
        return
    ids = four([made[side] if side in fresh else one for side, one in enumerate(request.views)])
    asset, _, mask = _object(job, store, request.object)
    views = tuple(view_square(read_picture(store.path(job.row.owner, one)).image) for one in ids)
    asked = SplatRequest(views, request.elevation_deg or 0.0, _front_mask(store, asset, ids[0], mask))
    splat, seconds = _ask(job, Task.SPLAT, spec, residents, asked)
    if not isinstance(splat, Splat):
        raise ValueError(f"got {type(splat).__name__} from the model, expected a Splat")
    crop, size = crop_of(mask), Size(asset.width, asset.height)
    found = splat.pose.camera or camera_of(crop, size, asked.elevation_deg)
    camera = replace(found, width=size.width, height=size.height, crop=crop)
    splat = replace(splat.pruned(), pose=replace(splat.pose, camera=camera))
    said = SplatRecipe(splat.count, fit.fit(splat, mask))
    recipe = replace(
        splat_recipe(asset.owner, asset.title, splat, said, parents=(asset.id, *ids)),
        views=ViewsRecipe(asked.elevation_deg, ids=ids),
        job_id=job.row.id,
        index=index,
        model=spec.id,
        revision=spec.revision,
        seconds=round(seconds, 3),
    )
    job.patiently(partial(store.save_splat, replace(splat, recipe=recipe)))


def _object(job: LiveJob, store: Store, asset_id: str) -> tuple[Asset, Image.Image, np.ndarray]:
    """The object, its image and its mask; also from the trash, since accepted jobs are done."""
    image = read_picture(store.path(job.row.owner, asset_id)).image
    return store.asset(job.row.owner, asset_id), image, mask_of(image)


def _front_mask(store: Store, asset: Asset, view: str, mask: np.ndarray) -> Image.Image | None:
    """The object in a front view that shows the object itself; None if the view is another picture."""
    front = store.asset(asset.owner, view)
    is_itself = front.kind == "view" and not front.model and front.parents == (asset.id,)
    return Image.fromarray(mask_square(mask, crop_of(mask), INPUT_SIDE)) if is_itself else None


def _ask(
    job: LiveJob, task: Task, spec: ModelSpec, residents: Residents, asked: ViewsRequest | SplatRequest
) -> tuple[Any, float]:
    """The model's answer, and the seconds it took."""
    job.begin(0, task, spec.id)
    with residents.use(spec, job.tell) as model:
        job.tell(Progress(0, 0))
        began = time.monotonic()
        result = model.run(asked, job.tell)
        seconds = time.monotonic() - began
    job.check()  # Stop may come after the last report
    return result, seconds


def _checked(result: Any) -> tuple[Image.Image, ...]:
    """The views, if they are as promised."""
    images = result.images if isinstance(result, ViewsResult) else ()
    if len(images) != 4 or any(one.mode != "RGB" or one.width != one.height for one in images):
        raise ValueError(f"got {images or type(result).__name__} from the model, expected four RGB squares")
    return images
