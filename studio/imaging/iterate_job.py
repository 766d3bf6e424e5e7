"""The plan of an Iterate job: what part of a picture a model gets, and how its result becomes a version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache, partial
from pathlib import Path

from PIL import Image

from studio.contract import ImageRequest, ImageResult, IterateRequest, ModelSpec, Size
from studio.imaging import align, composite, edit_codec, edit_mask, replay
from studio.imaging.control import Follow, reference
from studio.imaging.edit_mask import Extension
from studio.imaging.generate_job import Kept, PicturePlan, request_for_one
from studio.intake.picture import read_picture
from studio.library.store import Store
from studio.recipe.edit import EditRecipe
from studio.scheduling.live_job import LiveJob
from studio.segmentation import objects

PathOf = Callable[[str], Path]


def iterate_plans(
    job: LiveJob,
    spec: ModelSpec,
    store: Store,
    complete: Callable[[str, IterateRequest, ModelSpec], IterateRequest],
    follow: Follow,
) -> Callable[[int], PicturePlan]:
    """The plan of each picture of an Iterate job.

    Args:
        follow: makes control pictures.
        complete: (owner, request, spec) -> checked request; a chain's changes are checked once their source exists.
    """
    path_of, values = partial(store.path, job.row.owner), job.row.request
    if not replay.is_chain(values):
        plan = cache(lambda: iterate_plan(edit_codec.from_json(values), spec, path_of, follow))
        return lambda _index: plan()

    def linked(index: int) -> PicturePlan:
        before = [id for made, id in store.made_by_job(job.row.id).items() if made < index]
        request = replay.link(values, index, before[-1] if before else None)
        plan = iterate_plan(complete(job.row.owner, request, spec), spec, path_of, follow)
        return replace(plan, wanted=lambda _index: plan.wanted(0))  # each change has a seed of its own

    return linked


def iterate_plan(request: IterateRequest, spec: ModelSpec, path_of: PathOf, follow: Follow) -> PicturePlan:
    """
    Args:
        request: complete.
        path_of: asset id -> file, also in the trash: accepted jobs are done.

    Raises:
        NotFound: a file is gone.
    """
    source = read_picture(path_of(request.source)).image
    object_mask = objects.mask_in(path_of(request.object)) if request.object else None
    mask = edit_mask.mask_of(request, Size(*source.size), object_mask)
    scene = composite.scene(source, Extension(*request.extend), mask, request.feather or 0.0, spec)
    more = tuple(reference(path_of(each)) for each in request.references)
    control = cache(partial(_control, request, spec, scene, path_of, follow))
    return PicturePlan(
        request=request,
        title=edit_codec.title_of(request),
        wanted=lambda index: replace(_image_request(request, spec, scene, more, index), control=control()),
        kept=partial(_kept, request, scene),
        forming=composite.forming(scene),
        parents=edit_codec.parents_of(request),
    )


def _image_request(
    request: IterateRequest, spec: ModelSpec, scene: composite.EditView, more: tuple[Image.Image, ...], index: int
) -> ImageRequest:
    return request_for_one(
        request,
        index,
        prompt=_words(request),
        size=scene.frame.size,
        references=(scene.shown, *more),
        mask=scene.shown_mask if spec.mask else None,
        strength=request.strength,
    )


def _control(
    request: IterateRequest, spec: ModelSpec, scene: composite.EditView, path_of: PathOf, follow: Follow
) -> Image.Image | None:
    """The control picture of the part of the picture that the model sees."""
    if not spec.control:
        return None
    own = composite.seen_as(scene, read_picture(path_of(request.control)).image) if request.control else None
    shown = ImageRequest("", scene.frame.size, references=(scene.shown,), control=own)
    return follow(shown)


def _words(request: IterateRequest) -> str:
    """The prompt for the model: the instruction, or a default one."""
    if request.instruction or not any(request.extend):
        return request.instruction
    return "Continue the picture naturally beyond its edges, in the same style and light."


def _kept(request: IterateRequest, scene: composite.EditView, result: ImageResult) -> Kept:
    finished = composite.finished(scene, result.image)
    drift = finished.drift
    edit = EditRecipe(
        **{each.name: getattr(request, each.name) for each in fields(EditRecipe) if each.name != "drift"},
        drift=tuple(round(value, 4) for value in drift or ()),
    )
    return Kept(finished.image, align.in_words(drift) if drift else "", edit)
