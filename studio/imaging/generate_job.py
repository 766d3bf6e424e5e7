"""Jobs that make pictures one by one, saving each while the next is made. Runs on a lane's thread.

Each kind of job has a `PicturePlan`: Generate's is here, Iterate's in `iterate_job`.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from studio.contract import (
    MAX_SEED,
    GenerateRequest,
    ImageRequest,
    ImageResult,
    IterateRequest,
    ModelSpec,
    Progress,
    Size,
    Tell,
)
from studio.errors import Cancelled, Skipped, StudioError
from studio.imaging import replay, wildcards
from studio.library.film import write_film
from studio.library.store import Store
from studio.recipe import Recipe, to_text
from studio.recipe.course import CourseRecipe
from studio.recipe.edit import EditRecipe
from studio.residents import Residents
from studio.scheduling.live_job import LiveJob
from studio.scheduling.saving import Saving

log = logging.getLogger(__name__)


class Kept(NamedTuple):
    """A picture as it is saved, and what its recipe says beyond its request."""

    image: Image.Image
    notice: str = ""
    edit: EditRecipe | None = None


def as_it_came(result: ImageResult) -> Kept:
    return Kept(result.image)


@dataclass(frozen=True)
class PicturePlan:
    """What the pictures of one job have in common."""

    request: GenerateRequest | IterateRequest  # complete
    title: str
    wanted: Callable[[int], ImageRequest]  # the model's request, by index
    kept: Callable[[ImageResult], Kept] = as_it_came
    forming: Callable[[Image.Image], Image.Image] | None = None  # how to show a preview; None: unchanged
    parents: tuple[str, ...] = ()


def make_pictures(
    job: LiveJob, spec: ModelSpec, residents: Residents, store: Store, plan_of: Callable[[int], PicturePlan]
) -> None:
    """Make the pictures of a job that do not exist yet (after a crash, some do).

    Args:
        plan_of: index -> plan; called when that picture's turn comes.

    Raises:
        Cancelled: Stop was pressed; the pictures made so far are kept.
    """
    made = store.made_by_job(job.row.id)
    with Saving() as saving:
        for index in range(job.row.pictures):
            if index in made:
                continue
            with suppress(Skipped):  # any report from the first one on may raise it
                job.begin(index)
                if replay.is_chain(job.row.request):  # made from the previous picture
                    saving.wait()
                plan = plan_of(index)
                wanted = plan.wanted(index)
                began = time.monotonic()
                keep = partial(_keep, job, plan, wanted, spec, store, index=index)
                late = partial(_keep_late, keep, began=began)
                wanted = replace(wanted, owner=job.row.owner, late=late, id=f"{job.row.id}-{index}")
                with residents.use(spec, job.tell) as model:
                    job.tell(Progress(0, 0))
                    began = time.monotonic()
                    result = model.run(wanted, _teller(job, plan))
                    seconds = time.monotonic() - began
                saving.wait()
                if spec.lane != "cloud":  # keep what was paid for
                    job.check()  # Stop or Skip may come after the last report
                saving.begin(partial(keep, result, seconds=seconds), result.kept)


def _teller(job: LiveJob, plan: PicturePlan) -> Tell:
    """The job's `tell`, showing previews as the plan wants."""
    forming = plan.forming
    if forming is None:
        return job.tell

    def tell(progress: Progress) -> None:
        job.tell(progress if progress.preview is None else replace(progress, preview=forming(progress.preview)))

    return tell


def generate_plans(
    values: dict[str, Any],
    spec: ModelSpec,
    choices: Path,
    followed: Callable[[GenerateRequest], dict[str, Any]],
) -> Callable[[int], PicturePlan]:
    """
    Args:
        values: of a job row: `asdict` of a complete request, after a round trip through JSON.
        choices: the folder for `wildcards`.
        followed: what all pictures follow, see `control.followed`.
    """
    request = read_request(values)
    follows = cache(lambda: followed(request))

    def plan(index: int) -> PicturePlan:
        prompt = wildcards.chosen(request.prompt, seed_of(request, index), choices)
        decided = replace(request, prompt=prompt)
        wanted = lambda index: replace(image_request(decided, spec, index), **follows())  # noqa: E731
        return PicturePlan(decided, prompt, wanted, parents=parents_of(request))

    return plan


def parents_of(request: GenerateRequest) -> tuple[str, ...]:
    """Asset ids of the pictures it is made from."""
    return (request.control,) if request.control else ()


def read_request(values: dict[str, Any]) -> GenerateRequest:
    size: Any = Size(*values["size"])
    return GenerateRequest(**values | {"size": size})


def image_request(request: GenerateRequest, spec: ModelSpec, index: int) -> ImageRequest:
    """What the model gets for one new picture."""
    style = next((style for style in spec.styles if style.id == request.style), None)
    if request.size is None:
        raise ValueError("got a request without a size, expected a complete one")
    prompt = style.apply(request.prompt) if style else request.prompt
    return request_for_one(request, index, prompt=prompt, size=request.size)


def request_for_one(request: GenerateRequest | IterateRequest, index: int, **more: Any) -> ImageRequest:
    """What the model gets for one picture of a request. Picture i has seed + i; settings the model lacks are 0.

    Args:
        more: the fields of the result that the two kinds of request do not share.
    """
    return ImageRequest(
        seed=seed_of(request, index),
        steps=request.steps or 0,
        guidance=request.guidance or 0.0,
        negative_prompt=request.negative_prompt,
        quality=request.quality,
        sampler=request.sampler,
        transparent=request.transparent,
        clip_skip=request.clip_skip,
        precision=request.precision,
        fast=request.fast,
        control_strength=request.control_strength,
        **more,
    )


def seed_of(request: GenerateRequest | IterateRequest, index: int) -> int:
    """The seed of one picture of a job; wraps around after the largest seed."""
    return ((request.seed or 0) + index) % (MAX_SEED + 1)


def _keep(
    job: LiveJob,
    plan: PicturePlan,
    wanted: ImageRequest,
    spec: ModelSpec,
    store: Store,
    result: ImageResult,
    *,
    index: int,
    seconds: float,
    is_late: bool = False,
) -> None:
    """Save one picture with its recipe."""
    kept = plan.kept(replace(result, image=checked(result, wanted, spec)))
    recipe = recipe_of(job, plan, wanted, spec, kept, index=index, result=result, seconds=seconds)
    film = write_film(result.frames, to_text(recipe)) if result.frames else b""
    is_end = is_late or spec.lane == "cloud"
    job.patiently(lambda: store.save(kept.image, recipe, film), is_end=is_end, picture=index)
    job.saved(index)


def _keep_late(keep: Callable[..., None], result: ImageResult, *, began: float) -> None:
    """Save a picture that a provider sent after its job ended. On the provider's thread: errors are only logged."""
    try:
        keep(result, seconds=time.monotonic() - began, is_late=True)
    except (StudioError, Cancelled, sqlite3.Error, ValueError) as error:
        log.warning("A picture that came late is lost: %s", error)


def checked(result: Any, wanted: ImageRequest, spec: ModelSpec) -> Image.Image:
    """The picture, if it has the promised mode and size."""
    image = result.image if isinstance(result, ImageResult) else None
    modes = ("RGB", "RGBA") if wanted.transparent else ("RGB",)
    if not isinstance(image, Image.Image) or image.mode not in modes or (spec.exact_size and image.size != wanted.size):
        got = f"{image.mode} {image.size}" if isinstance(image, Image.Image) else type(result).__name__
        raise ValueError(f"got {got} from the model, expected {' or '.join(modes)} of {wanted.size}")
    return image


def recipe_of(
    job: LiveJob,
    plan: PicturePlan,
    sent: ImageRequest,
    spec: ModelSpec,
    kept: Kept,
    *,
    index: int,
    result: ImageResult,
    seconds: float,
) -> Recipe:
    """
    Args:
        sent: what the model got.
    """
    request = plan.request
    made = request if isinstance(request, GenerateRequest) else None
    return Recipe(
        kind="image",
        owner=job.row.owner,
        job_id=job.row.id,
        index=index,
        task=job.row.task.value,
        model=spec.id,
        revision=result.revision or spec.revision,
        prompt=request.instruction if isinstance(request, IterateRequest) else request.prompt,
        prompt_sent=sent.prompt,
        style=made.style if made else "",
        negative_prompt=sent.negative_prompt,
        width=kept.image.width,
        height=kept.image.height,
        steps=request.steps,
        guidance=request.guidance,
        clip_skip=request.clip_skip,
        seed=result.seed,
        parents=plan.parents,
        seconds=round(seconds, 3),
        title=plan.title,
        quality=sent.quality,
        sampler=sent.sampler,
        precision=result.precision,
        fast=result.fast,
        transparent=sent.transparent,
        control=made.control if made else "",
        control_strength=made.control_strength if made else None,
        price_usd=result.price_usd,
        notice=" ".join(each for each in (result.notice, kept.notice) if each),
        edit=kept.edit,
        course=CourseRecipe(result.scores, len(result.frames)),
    )
