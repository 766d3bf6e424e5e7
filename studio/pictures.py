"""The work of a Generate job: picture after picture, each saved before the next begins. Runs on a lane's thread."""

from __future__ import annotations

import logging
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from PIL import Image

from studio.contract import MAX_SEED, GenerateRequest, ImageRequest, ImageResult, ModelSpec, Progress, Size
from studio.errors import Skipped, StudioError
from studio.livejob import LiveJob
from studio.memory import Residents
from studio.recipe import Recipe
from studio.store import Store

log = logging.getLogger(__name__)


def make_pictures(job: LiveJob, spec: ModelSpec, residents: Residents, store: Store) -> None:
    """Make the pictures of a job that do not exist yet (after a crash, some do).

    Raises:
        Cancelled: Stop was pressed; the pictures made so far are kept.
    """
    request = read_request(job.row.request)
    made = store.indexes_of_job(job.row.id)
    for index in range(request.count):
        if index in made:
            continue
        job.begin(index)
        wanted = image_request(request, spec, index)
        began = time.monotonic()
        keep = partial(_keep, job, request, wanted, spec, store, index=index)
        wanted = replace(wanted, owner=job.row.owner, late=partial(_keep_late, keep, began=began))
        try:
            if not residents.has(spec.id):
                job.tell(Progress(0, 0, f"loading {spec.label}"))
            with residents.use(spec, job.tell) as model:
                job.tell(Progress(0, 0))
                began = time.monotonic()
                result = model.run(wanted, job.tell)
                seconds = time.monotonic() - began
            if spec.lane != "cloud":  # a picture that was paid for is kept
                job.check()  # pressed after the last report: the picture is not wanted either
        except Skipped:
            continue
        keep(result, seconds=seconds)


def read_request(values: dict[str, Any]) -> GenerateRequest:
    """The request of a job row: `asdict` of it, after a trip through JSON."""
    size: Any = Size(*values["size"])
    return GenerateRequest(**values | {"size": size})


def image_request(request: GenerateRequest, spec: ModelSpec, index: int) -> ImageRequest:
    """What the model gets for one picture. Picture i has seed + i; controls the model does not have are 0."""
    style = next((style for style in spec.styles if style.id == request.style), None)
    if request.size is None:
        raise ValueError("got a request without a size, expected a complete one")
    return ImageRequest(
        prompt=style.apply(request.prompt) if style else request.prompt,
        size=request.size,
        seed=((request.seed or 0) + index) % (MAX_SEED + 1),
        steps=request.steps or 0,
        guidance=request.guidance or 0.0,
        negative_prompt=request.negative_prompt,
        quality=request.quality,
        transparent=request.transparent,
    )


def _keep(
    job: LiveJob,
    request: GenerateRequest,
    wanted: ImageRequest,
    spec: ModelSpec,
    store: Store,
    result: ImageResult,
    *,
    index: int,
    seconds: float,
) -> None:
    """Write one picture down with its recipe."""
    image = _checked(result, wanted, spec)
    store.save(image, _recipe(job, request, wanted, spec, index=index, result=result, seconds=seconds))
    job.saved()


def _keep_late(keep: Callable[..., None], result: ImageResult, *, began: float) -> None:
    """Keep a picture that a provider sent after its job had ended. On the provider's thread: nobody hears an error."""
    try:
        keep(result, seconds=time.monotonic() - began)
    except (StudioError, sqlite3.Error, ValueError) as error:
        log.warning("A picture that came late is lost: %s", error)


def _checked(result: Any, wanted: ImageRequest, spec: ModelSpec) -> Image.Image:
    """The picture, if the model kept its word: RGB and of the size that was asked for, where it promises that."""
    image = result.image if isinstance(result, ImageResult) else None
    modes = ("RGB", "RGBA") if wanted.transparent else ("RGB",)
    if not isinstance(image, Image.Image) or image.mode not in modes or (spec.exact_size and image.size != wanted.size):
        got = f"{image.mode} {image.size}" if isinstance(image, Image.Image) else type(result).__name__
        raise ValueError(f"got {got} from the model, expected {' or '.join(modes)} of {wanted.size}")
    return image


def _recipe(
    job: LiveJob,
    request: GenerateRequest,
    sent: ImageRequest,
    spec: ModelSpec,
    *,
    index: int,
    result: ImageResult,
    seconds: float,
) -> Recipe:
    return Recipe(
        id=secrets.token_hex(16),
        kind="image",
        owner=job.row.owner,
        job_id=job.row.id,
        index=index,
        task=job.row.task.value,
        model=spec.id,
        revision=result.revision or spec.revision,
        prompt=request.prompt,
        prompt_sent=sent.prompt,
        style=request.style,
        negative_prompt=sent.negative_prompt,
        width=result.image.width,
        height=result.image.height,
        steps=request.steps,
        guidance=request.guidance,
        seed=result.seed,
        parents=(),
        created=round(time.time(), 3),
        seconds=round(seconds, 3),
        title=request.prompt,
        quality=sent.quality,
        transparent=sent.transparent,
        price_usd=result.price_usd,
        notice=result.notice,
    )
