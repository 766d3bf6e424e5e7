"""Larger pictures: how many times, by what, what becomes of transparency, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.contract import Size, Task, UpscaleRequest
from studio.errors import BadRequest, NotFound, NotSupported
from studio.imaging.settings_from_recipe import has_settings
from studio.imaging.upscale import LANCZOS, complete, model_for
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import OWNER, finished
from tests.studio.pictures_in import saved

SHARP = replace(LANCZOS, id="sharp", label="Sharp")
SMOOTH = Image.linear_gradient("L").resize((60, 40)).convert("RGB")


@pytest.fixture
def studio(open_studio: OpenStudio) -> Studio:
    return open_studio(SHARP, LANCZOS)


def noisy(deviation: float) -> Image.Image:
    noise = np.random.default_rng(1).normal(0, deviation, (40, 60, 3))
    return Image.fromarray((np.asarray(SMOOTH) + noise).clip(0, 255).astype(np.uint8))


def test_a_larger_picture_is_a_version_of_the_small_one(studio: Studio):
    source = studio.take_in(OWNER, saved(SMOOTH, "PNG"), "dusk.png")
    job = finished(studio, studio.upscale(OWNER, UpscaleRequest(source.id)))
    made = studio.asset(OWNER, job.assets[0])
    assert (made.width, made.height, made.title, made.model) == (240, 160, "dusk", "sharp")
    assert made.parents == (source.id,) and [node.asset.id for node in studio.tree(OWNER, source.id).nodes][1:] == [
        made.id
    ]
    assert made.recipe.task == Task.UPSCALE and "4 times from 60 x 40" in made.recipe.notice
    assert made.recipe.prompt == "Enlarge 4 times" and not has_settings(made.recipe)
    with Image.open(studio.path(OWNER, made.id)) as image:
        assert np.array_equal(np.asarray(image), np.asarray(SMOOTH.resize((240, 160), Image.Resampling.LANCZOS)))


def test_what_is_transparent_stays_so(studio: Studio):
    cut = SMOOTH.copy()
    cut.putalpha(Image.radial_gradient("L").resize(cut.size))
    source = studio.take_in(OWNER, saved(cut, "PNG"), "cut.png")
    job = finished(studio, studio.upscale(OWNER, UpscaleRequest(source.id, scale=2)))
    with Image.open(studio.path(OWNER, job.assets[0])) as image:
        wanted = cut.getchannel("A").resize((120, 80), Image.Resampling.LANCZOS)
        assert image.mode == "RGBA" and np.array_equal(np.asarray(image)[..., 3], np.asarray(wanted))


@pytest.mark.parametrize(
    ("picture", "model"), [(SMOOTH, ""), (noisy(1), ""), (noisy(6), "lanczos")], ids=["0", "1", "6"]
)
def test_noise_is_not_sharpened(tmp_path: Path, picture: Image.Image, model: str):
    picture.save(tmp_path / "picture.png")
    assert model_for(tmp_path / "picture.png") == model


@pytest.mark.parametrize(
    ("size", "scale"), [((128, 128), 4), ((512, 300), 4), ((513, 300), 2), ((1024, 1024), 2), ((1500, 100), 2)]
)
def test_the_size_says_how_many_times(size: tuple[int, int], scale: int):
    assert complete(UpscaleRequest("id"), LANCZOS, Size(*size)) == UpscaleRequest("id", "lanczos", scale)


def test_a_whole_number_of_json_is_a_scale():
    """2.0 went on to the network, which takes it for no size."""
    scale = complete(UpscaleRequest("id", scale=2.0), LANCZOS, Size(10, 10)).scale  # type: ignore[arg-type]
    assert isinstance(scale, int) and scale == 2


@pytest.mark.parametrize(
    ("scale", "size", "sentence"),
    [
        (3, (10, 10), "enlarges 2 or 4 times, not 3"),
        (2.5, (10, 10), "not 2.5"),
        (True, (10, 10), "not yes or no"),
        ("2", (10, 10), "not '2'"),
        (4, (4000, 3000), "16000 x 12000 pixels, more than 40 megapixels"),
        (None, (4000, 3000), "8000 x 6000 pixels, more than 40 megapixels. Crop it first."),
    ],
)
def test_other_sizes_are_refused(scale: object, size: tuple[int, int], sentence: str):
    with pytest.raises((NotSupported, BadRequest), match=sentence):
        complete(UpscaleRequest("id", scale=scale), LANCZOS, Size(*size))  # type: ignore[arg-type]


def test_a_picture_of_another_owner_is_not_there(studio: Studio):
    source = studio.take_in("grace", saved(SMOOTH, "PNG"), "dusk.png")
    for request in (UpscaleRequest(source.id), UpscaleRequest("nothing")):
        with pytest.raises(NotFound):
            studio.upscale(OWNER, request)
