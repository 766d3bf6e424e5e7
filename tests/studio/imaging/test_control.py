"""Following outlines and depth: what the model gets, what is kept of it, and what is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from studio.contract import (
    GenerateRequest,
    ImageRequest,
    IterateRequest,
    ModelSpec,
    Range,
    Readiness,
    Size,
    Task,
)
from studio.errors import BadRequest, NotFound, NotReady, NotSupported, UnknownModel
from studio.grids.grid import GridRequest, axis
from studio.imaging.control import CANNY, lines_in
from studio.imaging.settings_from_recipe import has_settings
from studio.intake.picture import read_picture
from studio.recipe import read_png
from studio.service import Studio
from tests.studio.changing import picture
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, FakeModel, finished, spec_of
from tests.studio.imaging.test_iterate_job import editor
from tests.studio.pictures_in import saved

SIDE = 96


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


def follower(fake: FakeModel, follows: str = "canny", **changes: Any) -> ModelSpec:
    more: dict[str, Any] = {"control": follows, "control_strength": Range(0, 2, 1), "mask": True}
    return editor(fake, **more | changes)


@pytest.fixture
def studio(open_studio: OpenStudio, fake: FakeModel) -> Studio:
    return open_studio(follower(fake), CANNY, editor(FakeModel(), "plain"))


def drawing(dark_on_light: bool = True) -> Image.Image:
    ground, ink = ("white", "black") if dark_on_light else ("black", "white")
    image = Image.new("RGB", (SIDE, SIDE), ground)
    ImageDraw.Draw(image).ellipse((20, 20, 70, 70), outline=ink, width=3)
    return image


def edges(image: Image.Image) -> np.ndarray:
    return np.repeat(cv2.Canny(np.asarray(image), 100, 200)[..., None], 3, axis=2)


def change(studio: Studio, source: str, **more: Any) -> Any:
    return finished(studio, studio.iterate(OWNER, IterateRequest(source, "a red fox", model="fake", **more)))


def test_the_model_gets_the_outlines_of_what_it_is_shown(studio: Studio, fake: FakeModel):
    source = studio.take_in(OWNER, saved(picture(Size(SIDE, SIDE)), "PNG"), "hill.png")
    fake.gated = True
    job = studio.iterate(OWNER, IterateRequest(source.id, "a red fox", count=2, control_strength=0.5))
    fake.wait_until_entered()
    preview = studio.job(OWNER, job.id).preview
    assert preview is not None, "what is followed is shown until the picture forms"
    seen = np.asarray(Image.open(io.BytesIO(preview)).convert("L"), np.float32)
    assert np.abs(seen - edges(picture(Size(SIDE, SIDE)))[..., 0]).mean() < 20  # it is a JPEG
    fake.let_go()
    job = finished(studio, job)
    assert [each.control_strength for each in fake.requests] == [0.5, 0.5]
    for request in fake.requests:
        assert request.control is not None
        assert np.array_equal(np.asarray(request.control), edges(request.references[0]))
    edit = studio.asset(OWNER, job.assets[0]).recipe.edit
    assert edit is not None and (edit.control, edit.control_strength) == ("", 0.5)


@pytest.mark.parametrize("dark_on_light", [True, False])
def test_a_line_drawing_of_ones_own_is_followed_as_it_is(studio: Studio, fake: FakeModel, dark_on_light: bool):
    source = studio.take_in(OWNER, saved(picture(Size(SIDE, SIDE)), "PNG"), "hill.png")
    own = studio.take_in(OWNER, saved(drawing(dark_on_light), "PNG"), "ring.png")
    job = change(studio, source.id, control=own.id)
    assert fake.requests[0].control is not None
    assert np.array_equal(np.asarray(fake.requests[0].control), np.asarray(drawing(dark_on_light=False)))
    made = studio.asset(OWNER, job.assets[0])
    assert made.parents == (source.id, own.id)
    found = read_png(studio.path(OWNER, made.id))
    assert found and found.recipe.edit and found.recipe.edit.control == own.id
    again = studio.request_of_version(OWNER, made.id)
    assert again is not None and (again.control, again.control_strength) == (own.id, 1.0)


def test_another_picture_takes_the_place_of_the_source(studio: Studio, fake: FakeModel):
    """Also a coloured one of another shape, and within what is cut out for a small change."""
    source = studio.take_in(OWNER, saved(picture(Size(SIDE, SIDE)), "PNG"), "hill.png")
    wide = picture(Size(2 * SIDE, SIDE), seed=5)
    own = studio.take_in(OWNER, saved(wide, "PNG"), "view.png")
    change(studio, source.id, control=own.id)
    middle = wide.crop((SIDE // 2, 0, SIDE // 2 + SIDE, SIDE))
    assert np.array_equal(np.asarray(fake.requests[-1].control), edges(middle))
    change(studio, source.id, control=own.id, extend=(0, 0, 32, 0))
    request = fake.requests[-1]
    assert request.control is not None and request.control.size == request.size == request.references[0].size


def test_outlines_are_kept_as_a_version(studio: Studio):
    image = picture(Size(SIDE, 64))
    source = studio.take_in(OWNER, saved(image, "PNG"), "hill.png")
    job = finished(studio, studio.control(OWNER, source.id))
    made = studio.asset(OWNER, job.assets[0])
    assert (made.title, made.model, made.parents, job.source) == ("Outlines: hill", "canny", (source.id,), source.id)
    assert np.array_equal(np.asarray(read_picture(studio.path(OWNER, made.id)).image), edges(image))
    assert not has_settings(made.recipe)
    with pytest.raises(UnknownModel, match="canny"):
        studio.control(OWNER, source.id, "fake")
    with pytest.raises(NotFound):
        studio.control(OWNER, "0" * 32)


def test_what_a_model_does_not_follow_is_refused(studio: Studio):
    source = studio.take_in(OWNER, saved(picture(Size(SIDE, SIDE)), "PNG"), "hill.png")
    cases: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"model": "plain", "control": source.id}, NotSupported),
        ({"model": "plain", "control_strength": 1.0}, NotSupported),
        ({"control_strength": 9.0}, NotSupported),
        ({"control": "f" * 32}, NotFound),
        ({"control": 0}, NotFound),
        ({"control": ["x"]}, NotFound),
    ]
    for more, error in cases:
        with pytest.raises(error):
            studio.iterate(OWNER, IterateRequest(source.id, "a fox", **more))


def test_nothing_is_queued_where_nothing_can_make_what_is_followed(open_studio: OpenStudio, fake: FakeModel):
    away = replace(CANNY, readiness=lambda: Readiness(False, "away", "It is away."))
    studio = open_studio(follower(fake), away)
    source = studio.take_in(OWNER, saved(picture(Size(SIDE, SIDE)), "PNG"), "hill.png")
    with pytest.raises(NotReady, match="It is away"):
        studio.iterate(OWNER, IterateRequest(source.id, "a fox"))


def test_a_photo_is_no_line_drawing():
    assert lines_in(np.asarray(drawing())) is not None
    for other in (
        picture(Size(SIDE, SIDE)),
        picture(Size(SIDE, SIDE)).convert("L").convert("RGB"),
        Image.new("RGB", (9, 9), "red"),
    ):
        assert lines_in(np.asarray(other)) is None


def test_what_canny_makes_has_the_size_that_is_asked_for():
    request = ImageRequest("", Size(40, 24), seed=0, steps=0, guidance=0.0, references=(picture(Size(40, 24)),))
    assert CANNY.load(lambda _progress: None).run(request, lambda _progress: None).image.size == (40, 24)
    assert Task.CONTROL in CANNY.tasks and CANNY.makes


# --- pictures made from words, along another --------------------------------------------------------------------------


def generator(fake: FakeModel, id: str) -> ModelSpec:
    return spec_of(fake, id)


def maker(fake: FakeModel, **changes: Any) -> ModelSpec:
    return follower(fake, tasks=frozenset({Task.GENERATE, Task.ITERATE}), sizes=(Size(64, 96),), **changes)


def test_a_picture_from_words_follows_another_one(open_studio: OpenStudio, fake: FakeModel):
    studio = open_studio(generator(FakeModel(), "plain"), maker(fake), CANNY)
    wide = picture(Size(2 * SIDE, SIDE))
    own = studio.take_in(OWNER, saved(wide, "PNG"), "hill.png")
    request = GenerateRequest("a {red|blue} fox", count=2, seed=3, control=own.id, control_strength=0.5)
    job = finished(studio, studio.generate(OWNER, request))
    fitted = ImageOps.fit(wide, (64, 96), Image.Resampling.LANCZOS)
    for sent in fake.requests:
        assert sent.control_strength == 0.5 and sent.references == () and sent.size == (64, 96)
        assert np.array_equal(np.asarray(sent.control), edges(fitted))
    made = studio.asset(OWNER, job.assets[1])
    found = read_png(studio.path(OWNER, made.id))
    assert found and (found.recipe.control, found.recipe.control_strength) == (own.id, 0.5)
    assert (made.parents, made.recipe.model, made.recipe.edit) == ((own.id,), "fake", None)
    again = studio.settings_of(OWNER, made.id)
    assert again.request and (again.request.control, again.request.control_strength) == (own.id, 0.5)
    assert not any("another picture" in note for note in again.notes)
    studio.delete(OWNER, [own.id])
    gone = studio.settings_of(OWNER, made.id)
    assert gone.request and (gone.request.model, gone.request.control) == ("plain", "")
    assert any("another picture" in note for note in gone.notes)


def test_a_picture_from_words_takes_the_likeness_of_another_one(open_studio: OpenStudio, fake: FakeModel):
    shown = spec_of(fake, likeness=True, control_strength=Range(0, 1, 0.6), steps=Range(1, 9, 4))
    studio = open_studio(generator(FakeModel(), "plain"), shown)
    wide = picture(Size(2 * SIDE, SIDE))
    own = studio.take_in(OWNER, saved(wide, "PNG"), "hill.png")
    job = finished(studio, studio.generate(OWNER, GenerateRequest("a fox", control=own.id)))
    studio.compare(OWNER, GridRequest(GenerateRequest("a fox", control=own.id), axis("steps", [1, 2])))
    without = finished(studio, studio.generate(OWNER, GenerateRequest("a fox", "fake")))
    assert [len(sent.references) for sent in fake.requests] == [1, 1, 1, 0]
    for sent in fake.requests[:3]:
        assert (sent.control, sent.control_strength, sent.strength) == (None, 0.6, None)
        assert np.array_equal(np.asarray(sent.references[0]), np.asarray(wide)), "as it is, whatever the size asked for"
    made = studio.asset(OWNER, job.assets[0])
    assert (made.recipe.model, made.recipe.control, made.parents) == ("fake", own.id, (own.id,))
    again = studio.settings_of(OWNER, made.id).request
    assert again and (again.model, again.control, again.control_strength) == ("fake", own.id, 0.6)
    assert studio.asset(OWNER, without.assets[0]).parents == ()
    assert studio.generate(OWNER, GenerateRequest("a fox")).model == "plain"
    with pytest.raises(NotSupported, match="cannot follow a picture"):
        studio.generate(OWNER, GenerateRequest("a fox", "plain", control=own.id))


def test_a_drawing_of_ones_own_is_followed_by_every_picture_of_a_comparison(open_studio: OpenStudio, fake: FakeModel):
    studio = open_studio(maker(fake, steps=Range(1, 9, 4)), CANNY)
    own = studio.take_in(OWNER, saved(drawing(), "PNG"), "ring.png")
    base = GenerateRequest("a fox", control=own.id)
    job = finished(studio, studio.compare(OWNER, GridRequest(base, axis("steps", [1, 2]))))
    wanted = ImageOps.fit(drawing(dark_on_light=False), (64, 96), Image.Resampling.LANCZOS)
    for sent in fake.requests:
        assert sent.control is not None and np.allclose(np.asarray(sent.control), np.asarray(wanted), atol=2)
    sheet = studio.asset(OWNER, job.assets[0])
    assert (sheet.parents, sheet.recipe.control) == ((own.id,), own.id)


def test_making_along_nothing_or_with_what_follows_nothing_is_refused(open_studio: OpenStudio, fake: FakeModel):
    studio = open_studio(generator(FakeModel(), "plain"), maker(fake), CANNY)
    own = studio.take_in(OWNER, saved(drawing(), "PNG"), "ring.png").id
    cases: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"model": "fake"}, BadRequest),
        ({"model": "plain", "control": own}, NotSupported),
        ({"model": "plain", "control_strength": 1.0}, NotSupported),
        ({"control": own, "control_strength": 9.0}, NotSupported),
        ({"model": "fake", "control": "f" * 32}, NotFound),
        ({"model": "fake", "control": ["x"]}, BadRequest),
        ({"model": "fake", "control": 0}, BadRequest),
    ]
    for more, error in cases:
        with pytest.raises(error):
            studio.generate(OWNER, GenerateRequest("a fox", **more))
    with pytest.raises(NotFound):
        studio.generate("another", GenerateRequest("a fox", "fake", control=own))
    assert studio.generate(OWNER, GenerateRequest("a fox")).model == "plain", "none that needs a picture, unasked"
