"""The model without weights, on photographs and on pictures that leave it little to see; in a real store."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio import masks
from studio.contract import Stroke
from studio.library.assets import Asset
from studio.recipe.selection import Box, Point, SegmentRequest
from studio.segmentation.outline_model import OUTLINE
from studio.service import Studio
from tests.studio.conftest import OpenStudio
from tests.studio.selecting_fake import ColourModel, colour_spec

OWNER = "local"
PHOTOS = Path(__file__).parent / "photos"
DRAWN: dict[str, Any] = json.loads((PHOTOS / "outlines.json").read_text())


@pytest.fixture
def studio(open_studio: OpenStudio) -> Studio:
    return open_studio(colour_spec(ColourModel()), OUTLINE)


def photo(studio: Studio, name: str) -> Asset:
    return studio.take_in(OWNER, PHOTOS / f"{name}.jpg", f"{name}.jpg")


def selected(studio: Studio, picture: Asset, **hints: Any) -> np.ndarray:
    return studio.selections.segment(OWNER, SegmentRequest(picture.id, model="outline", **hints)).mask


def by_hand(name: str, picture: Asset) -> np.ndarray:
    image = Image.new("L", (picture.width, picture.height))
    ImageDraw.Draw(image).polygon([tuple(place) for place in DRAWN[name]["outline"]], fill=255)
    return np.asarray(image)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return masks.overlap(one >= masks.HALF, other >= masks.HALF)


@pytest.mark.parametrize(("name", "off"), [*((name, (0, 0, 0, 0)) for name in DRAWN), ("astronaut", (3, 2, -3, -4))])
def test_a_box_around_the_object_of_a_photograph_is_enough(studio: Studio, name: str, off: tuple[int, ...]):
    picture = photo(studio, name)
    mask = selected(studio, picture, box=Box(*(side + by for side, by in zip(DRAWN[name]["box"], off, strict=True))))
    assert likeness(mask, by_hand(name, picture)) >= 0.85
    assert ((mask > 16) & (mask < 240)).sum() > 0.2 * np.sqrt(mask.size), "its edge is hard"


def test_a_stroke_is_a_hint_and_not_paint(studio: Studio):
    picture = photo(studio, "coffee")
    across = Stroke(((200.0, 100.0), (300.0, 180.0), (380.0, 100.0)), 10)
    mask = selected(studio, picture, strokes=(across,))
    assert mask[40, 280] and mask[190, 290], "the cup is more than the stroke"
    assert not mask[230, 120] and not mask[200, 550], "neither the saucer nor the table"
    less = selected(studio, picture, strokes=(across, Stroke(((300.0, 150.0),), 30, add=False)))
    assert not less[150, 300] and less[100, 210]


def test_every_click_is_followed_and_refines_the_box(studio: Studio):
    picture, box = photo(studio, "china"), Box(*DRAWN["china"]["box"])
    whole = selected(studio, picture, box=box)
    assert whole[390, 310]
    clicks = (Point(310, 390, add=False), Point(100, 50), Point(220, 100))
    found = studio.selections.segment(OWNER, SegmentRequest(picture.id, "outline", points=clicks, box=box))
    assert found.missed == ()
    assert likeness(found.mask, by_hand("china", picture)) > 0.85
    three = studio.selections.segment(OWNER, SegmentRequest(picture.id, "outline", points=(Point(220, 260),)))
    assert len(three.candidates) == 3 and len({each.area for each in three.candidates}) > 1


def test_an_object_is_refined_from_where_it_was_left(studio: Studio):
    picture = photo(studio, "coffee")
    cup = studio.selections.keep(
        OWNER, SegmentRequest(picture.id, "outline", strokes=(Stroke(((200.0, 100.0), (300.0, 180.0)), 10),))
    )
    more = selected(studio, picture, start=cup.id, points=(Point(450, 220),))
    assert more[220, 450] and more[150, 300]


def test_a_kept_object_is_made_again_from_its_recipe(studio: Studio):
    picture = photo(studio, "flower")
    request = SegmentRequest(
        picture.id,
        "outline",
        points=(Point(310, 220), Point(350, 400, add=False)),
        box=Box(*DRAWN["flower"]["box"]),
        strokes=(Stroke(((200.0, 230.0), (400.0, 230.0)), 12),),
        snap=True,
    )
    kept = studio.selections.keep(OWNER, request)
    assert kept.recipe.model == "outline" and kept.recipe.revision
    again = studio.selections.request_of(OWNER, kept.id)
    assert again == request
    assert (studio.selections.segment(OWNER, again, most=None).mask == studio.selections.mask(OWNER, kept.id)).all()


@pytest.mark.parametrize("name", DRAWN)
def test_any_mask_snaps_to_the_edges_of_its_picture(studio: Studio, name: str):
    picture = photo(studio, name)
    for away in (7.0, -7.0):
        file = io.BytesIO()
        Image.fromarray(masks.grown(by_hand(name, picture), away)).save(file, "PNG")
        rough = studio.object_of_mask(OWNER, picture.id, file.getvalue())
        loose = studio.selections.segment(OWNER, SegmentRequest(picture.id, start=rough.id)).mask
        tight = studio.selections.segment(OWNER, SegmentRequest(picture.id, start=rough.id, snap=True)).mask
        assert likeness(tight, by_hand(name, picture)) > max(0.9, likeness(loose, by_hand(name, picture)))


def test_everything_finds_regions_of_one_colour_each_where_it_may_be_clicked(studio: Studio):
    picture = photo(studio, "flower")
    found = studio.selections.everything(OWNER, picture.id, model="outline")
    assert len(found.regions) > 1
    for region in found.regions:
        assert region.point is not None
        assert region.mask[int(region.point.y), int(region.point.x)] == 255


def plain(width: int, height: int, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), (90, 120, 40, 128)[: len(mode)]).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("width", "height", "mode"), [(1, 1, "RGB"), (1, 40, "RGB"), (300, 2, "RGB"), (64, 64, "RGBA")]
)
def test_where_there_is_nothing_to_see_clicks_are_followed_all_the_same(
    studio: Studio, width: int, height: int, mode: str
):
    picture = studio.take_in(OWNER, plain(width, height, mode), "plain.png")
    middle, corner = Point(width / 2, height / 2), Point(0, 0, add=False)
    everywhere = Box(-5, -5, width + 5, height + 5)
    brush = Stroke(((width / 2, height / 2),), 1)
    for hints in (
        {"points": (middle,)},
        {"box": everywhere},
        {"box": Box(0, 0, 0.4, 0.4)},
        {"strokes": (brush,)},
        {"box": everywhere, "points": (middle,), "strokes": (brush,)},
        {"strokes": (brush,), "snap": True},
    ):
        request = SegmentRequest(picture.id, "outline", **hints)
        assert studio.selections.segment(OWNER, request).missed == ()
    if width > 30 and height > 30:
        request = SegmentRequest(picture.id, "outline", points=(middle, corner))
        assert studio.selections.segment(OWNER, request).missed == ()
    studio.selections.everything(OWNER, picture.id, model="outline")
