"""What recipes of views and splats say, read without trust; and requests through a job row and back."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from studio.geometry import Crop, PictureCamera
from studio.recipe import Recipe, from_text, from_values, to_text, to_values
from studio.recipe.solid import RenderRecipe, SplatRecipe, ViewsRecipe
from studio.solid.codec import from_json, to_json, views_to_make
from studio.solid.contract import SolidRequest
from tests.studio.splats_in import recipe

IDS = ("a" * 32, "b" * 32, "", "d" * 32)
CAMERA = PictureCamera(640, 480, Crop(-3.5, 2.0, 300.0), azimuth_deg=33.0, target=(0.1, 0.0, -0.2))
PLAIN = recipe()
EVERYTHING = replace(
    PLAIN,
    views=ViewsRecipe(12.5, 90.0, IDS),
    splat=SplatRecipe(16_384, 0.875, "Two splats were left out."),
    render=RenderRecipe(CAMERA, "filled"),
)
PARTS = {"views", "splat", "render"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)
names = (
    "elevation_deg",
    "azimuth_deg",
    "views",
    "ids",
    "fit",
    "splats",
    "count",
    "camera",
    "ground",
    "notes",
    "turned",
)


def read(**parts: Any) -> Recipe:
    """The recipe with these values in its parts, after a trip through JSON."""
    found = from_text(json.dumps(to_values(PLAIN)).removesuffix("}") + "," + json.dumps(parts).removeprefix("{"))
    assert found is not None
    return found


def test_what_is_written_is_read():
    assert from_text(to_text(EVERYTHING)) == EVERYTHING
    assert from_text(to_text(PLAIN)) == PLAIN
    assert not PARTS & to_values(PLAIN).keys() and to_values(EVERYTHING).keys() >= PARTS


def test_what_older_versions_wrote_as_a_text_is_read():
    text = json.dumps(
        {
            "elevation_deg": 12.5,
            "azimuth_deg": 90.0,
            "views": IDS,
            "fit": 0.875,
            "splats": 16_384,
            "camera": to_values(EVERYTHING)["render"]["camera"],
            "ground": "filled",
            "notes": "Two splats were left out.",
        }
    )
    assert read(turning=text) == EVERYTHING


@given(st.dictionaries(st.sampled_from(names), json_values, max_size=8))
def test_what_a_stranger_wrote_is_read_as_far_as_it_makes_sense(values: dict):
    as_text = json.dumps(values).replace("NaN", "null").replace("Infinity", "null").replace("-null", "null")
    for found in (read(turning=as_text), read(**dict.fromkeys(PARTS, json.loads(as_text)))):
        assert from_text(to_text(found)) == found
        assert -90 <= found.views.elevation_deg <= 90 and len(found.views.ids) == 4
        assert found.render.ground in ("photo", "filled", "plain")


@given(st.text())
def test_no_text_is_an_error(text: str):
    assert isinstance(read(turning=text, selection=text, edit=text), Recipe)


@given(json_values)
def test_no_value_of_a_part_is_an_error(value: object):
    assert isinstance(
        from_values(json.loads(to_text(PLAIN)) | dict.fromkeys((*PARTS, "selection", "edit"), value)), Recipe
    )


def test_numbers_beyond_all_bounds_were_not_said():
    huge = {"elevation_deg": 10**400, "splats": -1, "fit": 1e308, "views": [1, 2, 3, 4]}
    assert read(turning=json.dumps(huge)) == PLAIN == read(turning='{"fit": NaN, "elevation_deg": Infinity}')
    assert read(views=huge, splat=huge | {"count": 2**40}) == PLAIN


def test_a_recipe_with_a_text_without_end_is_none():
    assert from_values(json.loads(to_text(PLAIN)) | {"turning": "x" * 600_000}) is None


def test_a_text_that_cannot_be_stored_was_not_said():
    assert read(splat={"notes": "\ud800"}, selection={"picture": "\ud800"}, edit={"object": "\ud800"}) == PLAIN


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
