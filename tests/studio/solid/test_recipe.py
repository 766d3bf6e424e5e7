"""What recipes of views and splats say, read without trust; and requests through a job row and back."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from studio.geometry import Camera, Crop
from studio.recipe import from_text, to_text as recipe_text
from studio.solid import recipe as solid_recipe
from studio.solid.codec import from_json, to_json, views_to_make
from studio.solid.contract import SolidRequest
from studio.solid.recipe import SolidRecipe
from tests.studio.splats_in import recipe

IDS = ("a" * 32, "b" * 32, "", "d" * 32)
EVERYTHING = SolidRecipe(
    elevation_deg=12.5,
    azimuth_deg=90.0,
    views=IDS,
    fit=0.875,
    splats=16_384,
    camera=Camera(640, 480, Crop(-3.5, 2.0, 300.0), azimuth_deg=33.0, target=(0.1, 0.0, -0.2)),
    ground="filled",
    notes="Two splats were left out.",
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)
names = ("elevation_deg", "azimuth_deg", "views", "fit", "splats", "camera", "ground", "notes")


def test_what_is_written_is_read():
    assert solid_recipe.from_text(solid_recipe.to_text(EVERYTHING)) == EVERYTHING
    assert solid_recipe.from_text(solid_recipe.to_text(SolidRecipe())) == SolidRecipe() == solid_recipe.from_text("")


@given(st.dictionaries(st.sampled_from(names), json_values, max_size=8))
def test_what_a_stranger_wrote_is_read_as_far_as_it_makes_sense(values: dict):
    found = solid_recipe.from_text(json.dumps(values))
    assert solid_recipe.from_text(solid_recipe.to_text(found)) == replace(found, fit=found.fit and round(found.fit, 4))
    assert -90 <= found.elevation_deg <= 90 and len(found.views) == 4 and found.ground in ("photo", "filled", "plain")


@given(st.text())
def test_no_text_is_an_error(text: str):
    assert isinstance(solid_recipe.from_text(text), SolidRecipe)


def test_numbers_beyond_all_bounds_were_not_said():
    huge = json.dumps({"elevation_deg": 10**400, "splats": -1, "fit": 1e308, "views": [1, 2, 3, 4]})
    assert solid_recipe.from_text(huge) == SolidRecipe()
    assert solid_recipe.from_text('{"fit": NaN, "elevation_deg": Infinity}') == SolidRecipe()


def test_a_recipe_with_a_text_without_end_is_none():
    whole = recipe(turning=solid_recipe.to_text(EVERYTHING))
    assert from_text(recipe_text(whole)) == whole
    assert from_text(recipe_text(replace(whole, turning="x" * 600_000))) is None


def test_recipes_of_the_first_pictures_have_no_turning():
    values = json.loads(recipe_text(recipe()))
    del values["turning"]
    old = from_text(json.dumps(values))
    assert old is not None and old.turning == ""


def test_requests_are_the_same_after_a_trip_through_a_job_row():
    request = SolidRequest("a" * 32, False, IDS, (0, 2), "toy-views", "", 12.0, 5, 20, 1.0)
    stored = json.loads(json.dumps(to_json(request)))
    assert from_json(stored) == request and stored["source"] == "a" * 32


@pytest.mark.parametrize(
    ("request_of", "made"),
    [
        (SolidRequest("a"), (0, 1, 2, 3)),
        (SolidRequest("a", splat=False), (0, 1, 2, 3)),
        (SolidRequest("a", splat=False, views=("b", "c", "d", "e")), (0, 1, 2, 3)),
        (SolidRequest("a", views=("b", "c", "d", "e")), ()),
        (SolidRequest("a", views=("b", "", "d", "")), (1, 3)),
        (SolidRequest("a", views=("b", "", "d", "e"), only=(0, 1)), (0, 1)),
    ],
)
def test_which_views_are_made(request_of: SolidRequest, made: tuple[int, ...]):
    assert views_to_make(request_of) == made
