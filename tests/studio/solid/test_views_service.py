"""Objects become views and splats, in a real store; only the models are fakes."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.contract import Task
from studio.errors import BadRequest, NotFound, NotReady, NotSupported
from studio.recipe import read_png
from studio.scheduling.contract import JobView
from studio.service import Studio
from studio.solid.contract import SolidRequest
from studio.splats.any_format import read_splat
from tests.studio.fakes import finished, until
from tests.studio.pictures_in import corners, saved
from tests.studio.turning_fake import FakeSplats, FakeViews, disc_png, turning_specs

OWNER = "local"
PHOTOS = Path(__file__).parents[1] / "segmentation" / "photos"
FOREIGN = "somebody"


def four_views(studio: Studio, disc: str, **changes: object) -> JobView:
    job = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, splat=False, **changes)))  # type: ignore[arg-type]
    assert job.state == "done", job.error
    return job


def a_splat(studio: Studio, disc: str) -> str:
    four_views(studio, disc)
    request = SolidRequest(disc, views=studio.solids.views_of(OWNER, disc), elevation_deg=10.0)
    job = finished(studio, studio.solids.make(OWNER, request))
    assert job.state == "done", job.error
    (made,) = job.assets
    return made


def pixels(studio: Studio, asset_id: str) -> np.ndarray:
    with Image.open(studio.path(OWNER, asset_id)) as image:
        return np.asarray(image)


# --- views ------------------------------------------------------------------------------------------------------------


def test_four_views_are_made_with_their_recipes(studio: Studio, disc: str, views: FakeViews):
    job = four_views(studio, disc, seed=300, elevation_deg=12)
    assert (job.task, job.title, job.source) == (Task.VIEWS, "red disc", disc)
    assert studio.solids.views_of(OWNER, disc) == job.assets
    for index, asset in enumerate(studio.asset(OWNER, one) for one in job.assets):
        assert (asset.kind, asset.index, asset.parents) == ("view", index, (disc,))
        said = asset.recipe.views
        assert (said.azimuth_deg, said.elevation_deg) == (90 * index, 12)
        if index:
            assert (asset.model, asset.seed) == ("four-views", 300)
            assert tuple(pixels(studio, asset.id)[0, 0]) == (300 % 256, 1, 77)
    front = studio.asset(OWNER, job.assets[0])
    assert (front.model, front.seed) == ("", None)  # it is the object itself
    crop = Image.open(io.BytesIO(studio.solids.crop_png(OWNER, disc)))
    assert (pixels(studio, front.id) == np.asarray(crop)).all()
    assert studio.asset(OWNER, job.assets[2]).title == "red disc, back"
    (order,) = views.orders
    assert (order.elevation_deg, order.steps, order.guidance) == (12, 3, 5)
    assert order.image.size == (512, 512)
    assert order.image.getpixel((60, 256)) == (220, 40, 30) and order.image.getpixel((4, 4)) == (255, 255, 255)


def test_views_are_in_the_gallery_only_where_they_are_asked_for(studio: Studio, disc: str):
    job = four_views(studio, disc)
    assert [one.id for one in studio.gallery(OWNER).assets] == [disc] and studio.count(OWNER) == 1
    assert {one.id for one in studio.gallery(OWNER, kind="view").assets} == set(job.assets)
    assert studio.count(OWNER, kind="view") == 4


def test_a_missing_seed_is_drawn_once_and_recorded(studio: Studio, disc: str, views: FakeViews):
    job = four_views(studio, disc)
    seeds = {studio.asset(OWNER, one).seed for one in job.assets[1:]}
    assert seeds == {views.orders[0].seed}
    (anew,) = four_views(studio, disc, only=(0,)).assets
    assert (studio.asset(OWNER, anew).model, studio.asset(OWNER, anew).seed) == ("four-views", views.orders[1].seed)


def test_one_view_is_made_anew_and_the_others_stay(studio: Studio, disc: str):
    first = four_views(studio, disc, seed=1)
    again = four_views(studio, disc, seed=2, only=(2,), views=(*first.assets[:2], "", first.assets[3]))
    (new,) = again.assets
    assert studio.asset(OWNER, new).index == 2
    assert studio.solids.views_of(OWNER, disc) == (*first.assets[:2], new, first.assets[3])
    assert studio.asset(OWNER, new).recipe.views.ids[2] == ""
    assert len(studio.solids.views_made(OWNER, disc)) == 5


def test_a_deleted_view_is_gone_and_the_one_before_it_is_back(studio: Studio, disc: str):
    first, second = four_views(studio, disc), four_views(studio, disc)
    studio.delete(OWNER, [second.assets[1]])
    now = studio.solids.views_of(OWNER, disc)
    assert now == (second.assets[0], first.assets[1], *second.assets[2:])
    studio.restore(OWNER, [second.assets[1]])
    assert studio.solids.views_of(OWNER, disc) == second.assets


def test_a_picture_of_ones_own_takes_the_place_of_a_view(studio: Studio, disc: str):
    four_views(studio, disc)
    mine = studio.take_in(OWNER, saved(corners(), "PNG"), "mine.png")
    kept = studio.solids.replace_view(OWNER, disc, 3, mine.id)
    assert studio.solids.views_of(OWNER, disc)[3] == kept.id
    assert kept.parents == (disc, mine.id) and kept.width == kept.height == max(mine.width, mine.height)


@pytest.mark.parametrize("name", ["astronaut", "flower", "coffee"])
def test_a_photo_is_cut_out_before_it_takes_the_place_of_a_view(studio: Studio, disc: str, name: str):
    photo = studio.take_in(OWNER, PHOTOS / f"{name}.jpg", f"{name}.jpg")
    kept = studio.solids.replace_view(OWNER, disc, 2, photo.id)
    view = pixels(studio, kept.id)
    side = len(view)
    assert (view[: side // 20] == 255).all() and (view[:, : side // 40] == 255).all(), "its background is white"
    middle = view[side // 3 : -side // 3, side // 3 : -side // 3]
    assert (middle.min(axis=2) < 240).mean() > 0.8, "it stands in the middle"
    again = studio.solids.replace_view(OWNER, disc, 2, kept.id)
    assert (pixels(studio, again.id) == view).all(), "what stands before white is left as it is"


def test_the_object_itself_can_be_the_front_view(studio: Studio, disc: str):
    kept = studio.solids.replace_view(OWNER, disc, 0, disc)
    assert (pixels(studio, kept.id) == np.asarray(Image.open(io.BytesIO(studio.solids.crop_png(OWNER, disc))))).all()


def test_stop_leaves_no_views(studio: Studio, disc: str, views: FakeViews):
    views.gated = True
    job = studio.solids.make(OWNER, SolidRequest(disc, splat=False))
    views.gate.release()
    until(studio, job, lambda view: view.preview is not None)
    studio.cancel(OWNER, job.id)
    views.let_go()
    assert finished(studio, job).state == "stopped"
    assert studio.solids.views_of(OWNER, disc) == ("", "", "", "")


def test_a_job_of_a_killed_process_makes_what_is_missing(studio: Studio, disc: str, tmp_path: Path, views: FakeViews):
    views.gated = True
    job = studio.solids.make(OWNER, SolidRequest(disc, splat=False, seed=5))
    views.gate.release()
    until(studio, job, lambda view: view.step == 1)
    closing = Studio.close
    views.gate.release()
    closing(studio)
    views.let_go()
    again = Studio(turning_specs(views), tmp_path / "outputs")
    try:
        done = finished(again, again.job(OWNER, job.id))
        assert done.state == "done" and len(done.assets) == 4
        assert {order.seed for order in views.orders} == {5}
    finally:
        again.close()


# --- splats -----------------------------------------------------------------------------------------------------------


def test_what_the_object_covers_of_its_own_front_is_told_and_of_another_picture_is_not(
    studio: Studio, disc: str, splats: FakeSplats
):
    a_splat(studio, disc)
    (front,) = four_views(studio, disc, only=(0,)).assets
    made = (front, *studio.solids.views_of(OWNER, disc)[1:])
    finished(studio, studio.solids.make(OWNER, SolidRequest(disc, views=made)))
    known, unknown = splats.orders
    assert unknown.front_mask is None
    white = np.asarray(known.views[0]).min(axis=2) > 250
    covered = np.asarray(known.front_mask) > 127
    assert (covered == ~white).mean() > 0.98  # edges are soft


def test_where_nobody_says_how_far_the_picture_looks_down_the_model_and_then_the_views_do(tmp_path: Path):
    views, splats = FakeViews(), FakeSplats()
    first, second = turning_specs(views, splats)
    studio = Studio([replace(first, elevation_deg=21.0), second], tmp_path / "outputs")
    try:
        disc = studio.take_in(OWNER, disc_png(), "red disc.png").id
        four_views(studio, disc)
        four_views(studio, disc, elevation_deg=-5)
        made = studio.solids.views_of(OWNER, disc)
        for asked in (None, 3.0):
            finished(studio, studio.solids.make(OWNER, SolidRequest(disc, views=made, elevation_deg=asked)))
        assert [order.elevation_deg for order in views.orders] == [21, -5]
        assert [order.elevation_deg for order in splats.orders] == [-5, 3]
    finally:
        studio.close()


def test_a_splat_stands_on_its_picture_and_says_how_well(studio: Studio, disc: str):
    asset = studio.asset(OWNER, a_splat(studio, disc))
    assert (asset.kind, asset.title, asset.model) == ("splat", "red disc", "ball")
    assert asset.parents == (disc, *studio.solids.views_of(OWNER, disc))
    assert asset.name.endswith(".ply") and studio.path(OWNER, asset.id).parent.name == "splats"
    said, made_of = asset.recipe.splat, asset.recipe.views
    assert said.fit is not None and said.fit > 0.95
    assert (said.count, made_of.elevation_deg, made_of.ids) == (300, 10, studio.solids.views_of(OWNER, disc))
    kept = read_splat(studio.path(OWNER, asset.id)).splat
    camera = kept.pose.camera
    assert camera is not None and camera.crop == studio.solids.crop(OWNER, disc)
    assert (camera.width, camera.height, camera.elevation_deg, camera.radius) == (256, 192, 10, 1.5)
    assert kept.recipe is not None and kept.recipe.id == asset.id


def test_a_splat_is_in_the_gallery_with_a_thumbnail_that_shows_it(studio: Studio, disc: str):
    made = a_splat(studio, disc)
    assert [one.id for one in studio.gallery(OWNER, kind="splat").assets] == [made]
    with Image.open(studio.thumbnail(OWNER, made)) as image:
        small = image.convert("RGBA")
    assert small.size == (256, 256) and small.getpixel((128, 128))[3] > 225 and small.getpixel((3, 3))[3] == 0
    red, green, _, _ = small.getpixel((128, 128))
    assert red > 2 * green


def test_a_lost_thumbnail_and_a_lost_index_are_made_again(studio: Studio, disc: str, tmp_path: Path):
    made = a_splat(studio, disc)
    studio.thumbnail(OWNER, made).unlink()
    before = studio.asset(OWNER, made)
    studio.rebuild()
    assert studio.asset(OWNER, made) == before
    assert studio.thumbnail(OWNER, made).suffix == ".webp"


def test_a_splat_goes_into_the_trash_and_comes_back(studio: Studio, disc: str):
    made = a_splat(studio, disc)
    studio.delete(OWNER, [made, disc])
    assert studio.path(OWNER, made).parent.name == "trash"
    assert studio.gallery(OWNER, kind="splat").assets == ()
    studio.rebuild()
    studio.restore(OWNER, [disc, made])
    assert studio.path(OWNER, made).parent.name == "splats" and studio.path(OWNER, disc).parent.name == "images"


def test_splats_are_in_a_zip_with_pictures(studio: Studio, disc: str):
    made = a_splat(studio, disc)
    assert studio.path(OWNER, made).read_bytes() in b"".join(studio.bundle(OWNER, [disc, made]))


def test_a_splat_that_nobody_could_see_is_an_error_with_a_sentence(studio: Studio, disc: str, splats: FakeSplats):
    splats.opacity = 0.001
    four_views(studio, disc)
    job = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, views=studio.solids.views_of(OWNER, disc))))
    assert job.state == "failed" and "opaque enough" in job.error
    assert studio.gallery(OWNER, kind="splat").assets == ()


def test_views_of_any_size_make_a_splat(studio: Studio, disc: str, splats: FakeSplats):
    mine = studio.take_in(OWNER, saved(Image.new("RGB", (3, 200), "red"), "PNG"), "thin.png").id
    job = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, views=(mine, mine, mine, mine))))
    assert job.state == "done", job.error
    assert [one.size for one in splats.orders[0].views] == [(200, 200)] * 4


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_is_somebody_elses_or_deleted_is_not_found(studio: Studio, disc: str):
    ids = four_views(studio, disc).assets
    for request in (
        SolidRequest(disc, splat=False),
        SolidRequest("'; DROP TABLE assets --", splat=False),
        SolidRequest("../../etc/passwd", splat=False),
    ):
        with pytest.raises(NotFound):
            studio.solids.make(FOREIGN, request)
    with pytest.raises(NotFound):
        studio.solids.make(FOREIGN, SolidRequest(disc, views=ids))  # type: ignore[arg-type]
    theirs = studio.take_in(FOREIGN, disc_png(), "theirs.png").id
    for request in (SolidRequest(theirs, views=ids), SolidRequest(disc, views=(*ids[:3], theirs))):  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            studio.solids.make(OWNER, request)
    with pytest.raises(NotFound):
        studio.solids.replace_view(OWNER, disc, 0, theirs)
    studio.delete(OWNER, [disc])
    with pytest.raises(NotFound):
        studio.solids.make(OWNER, SolidRequest(disc, splat=False))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"elevation_deg": float("nan")}, "elevation must be a number from -80 to 80"),
        ({"elevation_deg": float("inf")}, "elevation must be"),
        ({"elevation_deg": 90}, "elevation must be"),
        ({"elevation_deg": "10"}, "elevation must be"),
        ({"elevation_deg": True}, "elevation must be"),
        ({"seed": -2}, "seed must be"),
        ({"seed": 2**64}, "seed must be"),
        ({"guidance": float("nan")}, "guidance must be a finite number"),
        ({"only": (4,)}, "0 (front) to 3 (left)"),
        ({"only": (True,)}, "0 (front) to 3 (left)"),
        ({"only": "all"}, "0 (front) to 3 (left)"),
        ({"only": tuple(range(1000))}, "list of numbers"),
        ({"views": ("x",)}, "four ids"),
        ({"views": 7}, "four ids"),
        ({"object": 7}, "There is no picture"),
    ],
)
def test_what_no_model_could_use_is_refused(studio: Studio, disc: str, changes: dict, words: str):
    with pytest.raises((BadRequest, NotFound)) as caught:
        studio.solids.make(OWNER, SolidRequest(**{"object": disc, "splat": False} | changes))
    assert words in str(caught.value)
    assert studio.jobs(OWNER) == []


def test_steps_beyond_the_model_are_refused(studio: Studio, disc: str):
    with pytest.raises(NotSupported, match="must be 1 to 50"):
        studio.solids.make(OWNER, SolidRequest(disc, splat=False, steps=1000))


@pytest.mark.parametrize("four", [("a" * 32,) * 3, "abcd", (1, 2, 3, 4), 7])
def test_views_that_are_not_four_ids_are_refused(studio: Studio, disc: str, four: object):
    with pytest.raises(BadRequest, match="view"):
        studio.solids.make(OWNER, SolidRequest(disc, views=four))  # type: ignore[arg-type]


def test_a_whole_picture_is_no_object(studio: Studio):
    picture = studio.take_in(OWNER, saved(corners(), "JPEG"), "photo.jpg").id
    with pytest.raises(BadRequest, match="'photo' is a whole picture, not an object"):
        studio.solids.make(OWNER, SolidRequest(picture, splat=False))


def test_an_object_of_which_nothing_can_be_seen_is_refused(studio: Studio):
    empty = studio.take_in(OWNER, saved(Image.new("RGBA", (9, 9)), "PNG"), "nothing.png").id
    with pytest.raises(BadRequest, match="This object is empty"):
        studio.solids.make(OWNER, SolidRequest(empty, splat=False))


def test_a_single_pixel_becomes_a_splat(studio: Studio):
    image = Image.new("RGBA", (64, 64))
    image.putpixel((63, 63), (255, 0, 0, 255))
    pixel = studio.take_in(OWNER, saved(image, "PNG"), "pixel.png").id
    assert studio.asset(OWNER, a_splat(studio, pixel)).kind == "splat"


def test_a_splat_is_no_object_to_turn(studio: Studio, disc: str):
    with pytest.raises(BadRequest, match="is a splat, not a picture"):
        studio.solids.make(OWNER, SolidRequest(a_splat(studio, disc), splat=False))


def test_without_a_model_it_says_so(tmp_path: Path):
    studio = Studio((), tmp_path / "outputs")
    disc = studio.take_in(OWNER, disc_png(), "disc.png").id
    try:
        with pytest.raises(NotReady, match="No model here can make views of objects"):
            studio.solids.make(OWNER, SolidRequest(disc, splat=False))
    finally:
        studio.close()


def test_the_view_files_carry_their_recipe(studio: Studio, disc: str):
    (first, *_) = four_views(studio, disc).assets
    found = read_png(studio.path(OWNER, first))
    assert found is not None and found.recipe.kind == "view" and found.recipe.task == "views"
