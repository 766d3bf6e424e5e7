"""Clicks become masks and objects, in a real store; only the model is a fake."""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio import masks
from studio.contract import Stroke, Tell
from studio.errors import BadRequest, NotFound, NotReady, Superseded
from studio.recipe import read_png
from studio.recipe.selection import Box, Point, SegmentRequest, from_json, to_json
from studio.segmentation.click_queue import HUNG_SECONDS, Clicks
from studio.segmentation.contract import GridMask, GridMaskRequest, MaskRequest, MaskResult
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.studio.conftest import OpenStudio
from tests.studio.selecting_fake import ColourModel, colour_spec

OWNER = "local"


@pytest.fixture
def model() -> ColourModel:
    return ColourModel()


@pytest.fixture
def studio(open_studio: OpenStudio, model: ColourModel) -> Studio:
    return open_studio(colour_spec(model))


def scene(size: tuple[int, int] = (256, 192), *, alpha: bool = False) -> bytes:
    """A red disc and a blue square on grey, as a PNG."""
    image = Image.new("RGBA" if alpha else "RGB", size, (128, 128, 128, 255) if alpha else (128, 128, 128))
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.ellipse((width * 0.1, height * 0.2, width * 0.4, height * 0.6), fill="red")
    draw.rectangle((width * 0.6, height * 0.5, width * 0.9, height * 0.9), fill="blue")
    if alpha:
        draw.rectangle((0, 0, width * 0.25, height), fill=(0, 0, 0, 0))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def keep_scene(studio: Studio, owner: str = OWNER, **options: object) -> str:
    return studio.take_in(owner, scene(**options), "a red ball and a blue cube.png").id  # type: ignore[arg-type]


RED, BLUE = Point(64, 77), Point(192, 134)


def test_a_click_selects_the_thing_and_offers_two_more(studio: Studio):
    found = studio.selections.segment(OWNER, SegmentRequest(keep_scene(studio), points=(RED,)))
    assert [candidate.score for candidate in found.candidates] == [0.9, 0.6, 0.3]
    assert found.choice == 0
    assert found.mask[77, 64] == 255
    assert found.mask[134, 192] == 0
    assert found.box is not None
    assert np.allclose(found.box, (25, 38, 103, 116), atol=5)
    assert found.area == pytest.approx(np.pi * 38 * 38, rel=0.1)


def test_another_choice_is_another_mask(studio: Studio):
    picture = keep_scene(studio)
    areas = [
        studio.selections.segment(OWNER, SegmentRequest(picture, points=(RED,), choice=choice)).area
        for choice in range(3)
    ]
    assert areas[0] < areas[1] < areas[2] == 256 * 192


def test_a_request_does_the_work_on_the_mask_in_its_order(studio: Studio):
    picture = keep_scene(studio)
    plain = SegmentRequest(picture, points=(RED,))
    area = studio.selections.segment(OWNER, plain).area

    def area_of(**changes: object) -> int:
        return studio.selections.segment(OWNER, SegmentRequest(picture, points=(RED,), **changes)).area  # type: ignore[arg-type]

    assert area_of(grow=6.0) > area > area_of(grow=-6.0)
    assert area_of(invert=True) == 256 * 192 - area
    hole = Stroke(((64.0, 77.0),), 8, add=False)
    blob = Stroke(((220.0, 30.0), (230.0, 30.0)), 6)
    assert area_of(strokes=(hole,)) < area < area_of(strokes=(blob,))
    assert area_of(strokes=(hole,), fill_holes=True) == area
    assert area_of(strokes=(blob,), largest_part=True) == area
    soft = studio.selections.segment(OWNER, SegmentRequest(picture, points=(RED,), feather=10.0)).mask
    assert 0 < ((soft > 0) & (soft < 255)).mean() < 0.5


@pytest.mark.parametrize("invert", [False, True])
def test_a_mask_that_a_click_contradicts_is_no_good_one(studio: Studio, invert: bool):
    picture, unwanted = keep_scene(studio), Point(RED.x + 20, RED.y, add=False)
    good = studio.selections.segment(OWNER, SegmentRequest(picture, points=(RED, BLUE), invert=invert))
    assert (good.missed, good.candidates[0].score) == ((), 0.95)
    bad = studio.selections.segment(OWNER, SegmentRequest(picture, points=(BLUE, unwanted, RED), invert=invert))
    assert bad.missed == (unwanted,)
    assert bad.candidates[0].score < 0.5
    rubbed = SegmentRequest(picture, points=(RED,), strokes=(Stroke((RED[:2],), 9, add=False),), invert=invert)
    assert studio.selections.segment(OWNER, rubbed).missed == (RED,)


def test_strokes_alone_need_no_model(studio: Studio, model: ColourModel):
    request = SegmentRequest(keep_scene(studio), strokes=(Stroke(((50.0, 50.0), (90.0, 50.0)), 10),))
    found = studio.selections.segment(OWNER, request)
    assert found.candidates == ()
    assert found.area > 800
    assert model.requests == []


def test_a_picture_that_will_be_clicked_on_is_looked_at_before(studio: Studio, model: ColourModel):
    picture = keep_scene(studio)
    studio.selections.expect(OWNER, picture)
    studio.selections.segment(OWNER, SegmentRequest(picture, points=(RED,)))
    assert [request.points[0] for request in model.requests] == [Point(128, 96), RED]  # type: ignore[union-attr]


def test_nobody_waits_for_what_prepares_clicks():
    clicks, gate = Clicks(), threading.Event()
    done: list[int] = []
    clicks.later(gate.wait)
    for number in range(100):
        clicks.later(lambda number=number: done.append(number))
    gate.set()
    clicks.ask(OWNER, "", 0, lambda tell: None)
    clicks.close()
    assert 0 < len(done) < 10


def test_masks_are_no_larger_than_was_asked_for_and_speak_of_the_full_picture(studio: Studio):
    picture = keep_scene(studio, size=(3000, 1000))
    found = studio.selections.segment(OWNER, SegmentRequest(picture, points=(Point(750, 400),)), most=300)
    assert found.mask.shape == (100, 300)
    assert found.size == (3000, 1000)
    assert found.box is not None
    assert np.allclose(found.box, (300, 200, 1200, 600), atol=40)


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (1000, 1), (2, 3)])
def test_the_oddest_pictures_can_be_clicked(studio: Studio, size: tuple[int, int]):
    picture = keep_scene(studio, size=size)
    request = SegmentRequest(picture, points=(Point(size[0] / 2, size[1] / 2),), grow=2, feather=2, fill_holes=True)
    assert studio.selections.segment(OWNER, request).size == size
    assert studio.selections.keep(OWNER, request).kind == "object"


def test_an_object_is_the_part_of_the_picture_under_the_mask(studio: Studio):
    picture = keep_scene(studio)
    request = SegmentRequest(picture, points=(RED,))
    asset = studio.selections.keep(OWNER, request)
    image = Image.open(studio.path(OWNER, asset.id))
    assert (asset.kind, asset.title, asset.parents, image.mode) == ("object", "red ball", (picture,), "RGBA")
    pixels = np.asarray(image)
    assert image.size == (256, 192)
    assert tuple(pixels[77, 64]) == (255, 0, 0, 255)
    assert not pixels[pixels[..., 3] == 0].any()
    assert np.array_equal(studio.selections.mask(OWNER, asset.id), pixels[..., 3])
    cut = Image.open(io.BytesIO(studio.selections.cut_out(OWNER, asset.id)))
    assert abs(cut.width - 78) <= 6
    mask = Image.open(io.BytesIO(studio.selections.mask_png(OWNER, asset.id)))
    assert (mask.mode, mask.size) == ("L", (256, 192))


def test_an_object_says_what_it_was_made_with_also_after_a_rebuild(studio: Studio):
    request = SegmentRequest(
        keep_scene(studio), points=(RED, BLUE), grow=3.0, strokes=(Stroke(((1.0, 2.0),), 3, False),)
    )
    asset = studio.selections.keep(OWNER, request, "two things")
    studio.rebuild()
    assert studio.selections.request_of(OWNER, asset.id) == request
    assert studio.asset(OWNER, asset.id).title == "two things"
    found = read_png(studio.path(OWNER, asset.id))
    assert found is not None
    assert found.recipe.selection is not None and found.recipe.selection.area > 0
    assert (found.recipe.model, found.recipe.revision) == ("colours", "1")
    assert studio.settings_of(OWNER, asset.id).request is None


def test_objects_are_found_on_their_picture_and_in_the_gallery(studio: Studio):
    picture = keep_scene(studio)
    names = [
        studio.selections.keep(OWNER, SegmentRequest(picture, points=(point,))).title for point in (RED, BLUE, RED)
    ]
    assert names == ["red ball", "blue cube", "red ball 2"]
    assert [each.title for each in studio.selections.objects_of(OWNER, picture)] == names[::-1]
    assert studio.count(OWNER, kind="object") == 3
    assert [asset.title for asset in studio.gallery(OWNER, query="cube", kind="object").assets] == ["blue cube"]
    assert studio.thumbnail(OWNER, studio.selections.objects_of(OWNER, picture)[0].id).suffix == ".webp"


@pytest.mark.parametrize(
    ("points", "names"),
    [
        ((BLUE,), ["blue cube", "blue cube 2"]),
        ((RED,), ["red ball", "red ball 2"]),
        ((RED, BLUE), ["object", "object 2"]),
        ((Point(5, 5),), ["object", "object 2"]),
    ],
)
def test_an_object_is_named_after_its_colour(studio: Studio, points: tuple[Point, ...], names: list[str]):
    request = SegmentRequest(keep_scene(studio), points=points)
    assert [studio.selections.keep(OWNER, request).title for _ in names] == names
    found = studio.selections.segment(OWNER, request, most=64)
    assert studio.selections.suggested_name(OWNER, request.picture, found.mask) == names[0] + " 3"


def test_an_object_is_a_place_to_begin(studio: Studio, model: ColourModel):
    picture = keep_scene(studio)
    first = studio.selections.keep(OWNER, SegmentRequest(picture, points=(RED,)))
    again = studio.selections.segment(OWNER, SegmentRequest(picture, start=first.id))
    assert masks.overlap(again.mask > 0, studio.selections.mask(OWNER, first.id) > 0) > 0.98
    studio.selections.segment(OWNER, SegmentRequest(picture, start=first.id, points=(BLUE,)))
    assert getattr(model.requests[-1], "start", None) is not None


def test_what_a_picture_does_not_show_is_in_no_object(studio: Studio):
    picture = keep_scene(studio, alpha=True)
    asset = studio.selections.keep(OWNER, SegmentRequest(picture, box=Box(0, 0, 256, 192)))
    alpha = studio.selections.mask(OWNER, asset.id)
    assert alpha[:, :60].max() == 0
    assert alpha[100, 150] == 255


def test_everything_finds_each_thing_once(studio: Studio):
    found = studio.selections.everything(OWNER, keep_scene(studio))
    assert len(found.regions) == 3
    assert [region.area for region in found.regions] == sorted((region.area for region in found.regions), reverse=True)
    ground, *things = (found.labels[round(y), round(x)] for x, y in ((5, 5), RED[:2], BLUE[:2]))
    assert ground == 1
    assert sorted(things) == [2, 3]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"points": (Point(300, 10),)}, "(300, 10)"),
        ({"points": (Point(-1, 10),)}, "(-1, 10)"),
        ({"points": (Point(10, 10, add=False),)}, "first"),
        ({"box": Box(50, 50, 20, 80)}, "[50, 50, 20, 80]"),
        ({"box": Box(500, 500, 600, 600)}, "[500, 500, 600, 600]"),
        ({"points": (RED,), "grow": 10_000.0}, "10000"),
        ({"points": (RED,), "feather": -1.0}, "-1"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_value(studio: Studio, changes: dict[str, object], said: str):
    with pytest.raises(BadRequest) as caught:
        studio.selections.segment(OWNER, SegmentRequest(keep_scene(studio), **changes))  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_nothing_selected_is_not_kept(studio: Studio):
    with pytest.raises(BadRequest, match="click on an object"):
        studio.selections.keep(OWNER, SegmentRequest(keep_scene(studio)))
    assert studio.count(OWNER, kind="object") == 0


def test_another_owners_picture_and_object_are_not_there(studio: Studio):
    picture = keep_scene(studio)
    kept = studio.selections.keep(OWNER, SegmentRequest(picture, points=(RED,)))
    mine = keep_scene(studio, "somebody else")
    for ask in (
        lambda: studio.selections.segment("somebody else", SegmentRequest(picture, points=(RED,))),
        lambda: studio.selections.segment("somebody else", SegmentRequest(mine, start=kept.id)),
        lambda: studio.selections.keep("somebody else", SegmentRequest(picture, points=(RED,))),
        lambda: studio.selections.everything("somebody else", picture),
        lambda: studio.selections.mask("somebody else", kept.id),
        lambda: studio.selections.objects_of("somebody else", picture),
    ):
        with pytest.raises(NotFound):
            ask()


def test_without_a_model_a_click_says_so(tmp_path: Path):
    studio = Studio([], tmp_path)
    try:
        with pytest.raises(NotReady):
            studio.selections.segment(OWNER, SegmentRequest(keep_scene(studio), points=(RED,)))
    finally:
        studio.close()


def test_a_model_that_hangs_is_loaded_anew_for_the_next_click(open_studio: OpenStudio, monkeypatch: pytest.MonkeyPatch):
    entered, gate, closed = threading.Event(), threading.Event(), threading.Event()

    class Hanging(ColourModel):
        def run(self, request: MaskRequest | GridMaskRequest, tell: Tell) -> MaskResult | list[GridMask]:
            entered.set()
            gate.wait(PATIENCE_SECONDS)
            return super().run(request, tell)

        def close(self) -> None:
            closed.set()

    loads = iter([Hanging(), ColourModel()])
    studio = open_studio(replace(colour_spec(), load=lambda _tell: next(loads)))
    click, now = SegmentRequest(keep_scene(studio), points=(RED,)), [0.0]
    monkeypatch.setattr(studio.selections._clicks, "_now", lambda: now[0])
    with ThreadPoolExecutor(1) as person:
        hanging = person.submit(studio.selections.segment, OWNER, click)
        try:
            assert entered.wait(PATIENCE_SECONDS)
            now[0] = HUNG_SECONDS
            with pytest.raises(NotReady):
                hanging.result(PATIENCE_SECONDS)
            assert studio.selections.segment(OWNER, click).mask[77, 64] == 255
            assert not closed.is_set()
        finally:
            gate.set()
    assert closed.wait(PATIENCE_SECONDS)
    assert studio.selections.segment(OWNER, click).mask[77, 64] == 255


def test_of_a_pages_waiting_clicks_only_the_newest_is_answered():
    clicks, entered, gate = Clicks(), threading.Event(), threading.Event()
    answers: dict[int, object] = {}

    def hold(_tell: object) -> str:
        entered.set()
        gate.wait(PATIENCE_SECONDS)
        return "first"

    def ask(number: int, page: str = "page") -> None:
        try:
            answers[number] = clicks.ask(OWNER, page, number, hold if number == 1 else lambda _tell: number)
        except Superseded as error:
            answers[number] = error

    threads = [threading.Thread(target=ask, args=(1, "other page"))]
    threads[0].start()
    assert entered.wait(PATIENCE_SECONDS)
    for number in (2, 3, 4):
        threads.append(threading.Thread(target=ask, args=(number,)))
        threads[-1].start()
    wait_until(lambda: len(clicks._newest) == 2 and clicks._newest[OWNER, "page"] == 4 and clicks._waiting == 4)
    gate.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    clicks.close()
    assert answers[1] == "first"
    assert answers[4] == 4
    assert isinstance(answers[2], Superseded) and isinstance(answers[3], Superseded)
    assert clicks._newest == {}


def test_a_request_survives_json():
    request = SegmentRequest(
        "ab" * 16,
        points=(RED, Point(1.5, 2.25, False)),
        box=Box(1, 2, 3, 4),
        choice=2,
        strokes=(Stroke(((1.0, 2.0), (3.0, 4.0)), 5.0, False),),
        grow=-2.0,
        feather=1.0,
        fill_holes=True,
    )
    assert from_json(json.loads(json.dumps(to_json(request)))) == request
