"""The work of a Generate job: picture after picture, each saved before the next begins. Runs on a lane's thread."""

from __future__ import annotations

import secrets
import time
from typing import Any

from PIL import Image

from studio.contract import MAX_SEED, GenerateRequest, ImageRequest, ImageResult, ModelSpec, Progress, Size
from studio.errors import Skipped
from studio.livejob import LiveJob
from studio.memory import Residents
from studio.recipe import Recipe
from studio.store import Store


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
        try:
            if not residents.has(spec.id):
                job.tell(Progress(0, 0, f"loading {spec.label}"))
            with residents.use(spec, job.tell) as model:
                job.tell(Progress(0, 0))
                began = time.monotonic()
                result = model.run(wanted, job.tell)
                seconds = time.monotonic() - began
            job.check()  # pressed after the last report: the picture is not wanted either
        except Skipped:
            continue
        image = _checked(result, wanted)
        recipe = _recipe(job, request, wanted, spec, index=index, result=result, seconds=seconds)
        store.save(image, recipe)
        job.saved()


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
    )


def _checked(result: Any, wanted: ImageRequest) -> Image.Image:
    """The picture, if the model kept its word: RGB and of the size that was asked for."""
    image = result.image if isinstance(result, ImageResult) else None
    if not isinstance(image, Image.Image) or image.mode != "RGB" or image.size != wanted.size:
        got = f"{image.mode} {image.size}" if isinstance(image, Image.Image) else type(result).__name__
        raise ValueError(f"got {got} from the model, expected an RGB picture of {wanted.size}")
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
        width=sent.size.width,
        height=sent.size.height,
        steps=request.steps,
        guidance=request.guidance,
        seed=result.seed,
        parents=(),
        created=round(time.time(), 3),
        seconds=round(seconds, 3),
        title=request.prompt,
    )
