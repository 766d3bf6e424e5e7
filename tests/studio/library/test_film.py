"""How a picture came about: the scores of its recipe, and the film in its file."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import av
import pytest
from PIL import Image

from studio.contract import GenerateRequest, ImageRequest, ImageResult, Tell
from studio.errors import NotFound
from studio.library.film import read_film, write_film
from studio.recipe import from_text, read_png, to_values
from studio.recipe.course import CourseRecipe
from studio.scheduling.contract import Done
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import FakeModel
from tests.studio.recipe.test_recipe import RECIPE


class Searching(FakeModel):
    """Tells how its picture came about."""

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        result = super().run(request, tell)
        frames = tuple(Image.new("RGB", request.size, (50 * step, 0, 0)) for step in range(4))
        return replace(result, scores=(0.1, 0.25, 0.3), frames=frames)


def test_a_picture_keeps_how_it_came_about(open_studio: OpenStudio, tmp_path: Path):
    studio = open_studio(Searching(), FakeModel())
    *_, last = studio.events("ada", studio.generate("ada", GenerateRequest("a ball")).id)
    *_, other = studio.events("ada", studio.generate("ada", GenerateRequest("a ball", model="fake-1")).id)
    assert isinstance(last, Done) and isinstance(other, Done)
    (id,), (plain,) = last.assets, other.assets
    assert studio.asset("ada", id).recipe.course == CourseRecipe((0.1, 0.25, 0.3), 4)
    found = read_png(studio.path("ada", id))
    assert found is not None and found.recipe.course.scores == (0.1, 0.25, 0.3)
    name, film = studio.film("ada", id)
    assert name == Path(studio.asset("ada", id).name).with_suffix(".mp4").name
    with av.open(io.BytesIO(film), "r") as file:
        shown = [frame.to_image() for frame in file.decode(video=0)]
    assert len(shown) == 4 + 24
    size = studio.asset("ada", id)
    assert shown[0].size == (size.width, size.height)
    reds = [image.convert("RGB").getpixel((5, 5)) for image in (shown[0], shown[3], shown[-1])]
    assert [red for red, _, _ in reds if isinstance(red, int)] == pytest.approx([0, 150, 150], abs=6)
    for owner, asset in (("ada", plain), ("grace", id)):
        with pytest.raises(NotFound):
            studio.film(owner, asset)
    assert "course" not in to_values(studio.asset("ada", plain).recipe)
    studio.delete("ada", [id])
    with pytest.raises(NotFound):
        studio.film("ada", id)


def test_a_film_of_odd_sides_is_cut_to_even_ones():
    film = write_film([Image.new("RGB", (65, 33))] * 2, "")
    with av.open(io.BytesIO(film), "r") as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (64, 32)


def test_a_file_without_a_whole_film_has_none(tmp_path: Path):
    Image.new("RGB", (8, 6)).save(tmp_path / "a.png")
    assert read_film(tmp_path / "a.png") is None
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert read_film(tmp_path / "b.png") is None


@pytest.mark.parametrize(
    "said",
    [
        7,
        {"scores": "0.1", "frames": -1},
        {"scores": [0.1, None], "frames": True},
        {"scores": {"0": 0.1}, "frames": 1.5},
        {"scores": [0.1] * 10_001, "frames": 10_001},
    ],
)
def test_what_is_not_well_formed_was_not_said(said: object):
    read = from_text(json.dumps(to_values(RECIPE) | {"course": said}))
    assert read is not None and read.course == CourseRecipe()
