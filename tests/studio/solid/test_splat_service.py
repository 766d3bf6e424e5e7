"""What is done with a splat that is there, in a real store: brought in, matched, placed, painted, exported, kept."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.errors import BadPicture, BadRequest, BadSplat, NotFound
from studio.geometry import PictureCamera
from studio.recipe.selection import Box, SegmentRequest
from studio.service import Studio
from studio.solid.contract import SolidRequest
from studio.solid.fit import GOOD_FIT
from studio.splats.any_format import read_splat
from studio.splats.erasing import read_erasures
from studio.splats.export import EXPORTS
from studio.splats.formats.antimatter_splat import write_antimatter
from studio.splats.formats.ply import write_ply
from studio.splats.formats.spz import write_spz
from studio.splats.splat import Splat
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import finished
from tests.studio.pictures_in import saved
from tests.studio.selecting_fake import colour_spec
from tests.studio.splats_in import assert_same, recipe
from tests.studio.turning_fake import BALL_RADIUS, FakeSplats, ball, turning_specs

OWNER, FOREIGN = "local", "somebody"
SIZE = (256, 192)
DISC = (100, 40, 200, 140)


@pytest.fixture
def splats() -> FakeSplats:
    return FakeSplats()


@pytest.fixture
def studio(open_studio: OpenStudio, splats: FakeSplats) -> Studio:
    return open_studio(*turning_specs(splats=splats), colour_spec())


def photo() -> Image.Image:
    image = Image.new("RGB", SIZE, (90, 140, 90))
    ImageDraw.Draw(image).ellipse((DISC[0], DISC[1], DISC[2] - 1, DISC[3] - 1), fill=(220, 40, 30))
    return image


@pytest.fixture
def picture(studio: Studio) -> str:
    return studio.take_in(OWNER, saved(photo(), "PNG"), "meadow.png").id


@pytest.fixture
def disc(studio: Studio, picture: str) -> str:
    """The disc, cut out by a box: a square object."""
    return studio.selections.keep(OWNER, SegmentRequest(picture, box=Box(*DISC)), "disc").id


@pytest.fixture
def made(studio: Studio, disc: str) -> str:
    views = (studio.solids.replace_view(OWNER, disc, 0, disc).id,) * 4
    job = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, views=views)))  # type: ignore[arg-type]
    assert job.state == "done", job.error
    return job.assets[0]


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


# --- coming in --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [write_ply, write_antimatter, write_spz], ids=["ply", "splat", "spz"])
def test_a_file_of_any_format_is_kept_as_a_ply_of_ours(studio: Studio, write):
    asset = studio.splats.take_in(OWNER, write(ball(500)), "C:\\things\\My ball.ply")
    assert (asset.kind, asset.title, asset.name[-4:]) == ("splat", "My ball", ".ply")
    assert studio.gallery(OWNER, kind="splat").assets == (asset,)
    assert asset.recipe.splat.count == 500
    assert studio.splats.splat(OWNER, asset.id).count == 500
    with Image.open(studio.thumbnail(OWNER, asset.id)) as small:
        assert small.convert("RGBA").getpixel((128, 128))[3] > 128  # type: ignore[index]


def test_what_was_assumed_about_a_file_is_said(studio: Studio):
    asset = studio.splats.take_in(OWNER, write_antimatter(ball(500)), "ball.splat")
    assert "does not say which way is up" in asset.recipe.splat.notes


def test_the_same_file_is_kept_once_also_out_of_the_trash(studio: Studio, tmp_path: Path):
    file = tmp_path / "ball.ply"
    file.write_bytes(write_ply(ball(100)))
    first = studio.splats.take_in(OWNER, file, "ball.ply")
    studio.delete(OWNER, [first.id])
    assert studio.splats.take_in(OWNER, file.read_bytes(), "again.ply") == replace(first, deleted=False)
    assert studio.splats.take_in(FOREIGN, file, "theirs.ply").id != first.id


def test_our_own_file_that_comes_back_is_the_splat_it_was(studio: Studio, made: str):
    asset = studio.asset(OWNER, made)
    content = studio.splats.export(OWNER, made, "ply")
    assert studio.splats.take_in(OWNER, content, "back.ply") == asset
    theirs = studio.splats.take_in(FOREIGN, content, "back.ply")
    assert (theirs.title, theirs.recipe.source, theirs.model) == (asset.title, "Diorama", asset.model)
    assert theirs.owner == FOREIGN and theirs.job_id == ""


def test_a_recipe_that_a_stranger_wrote_cannot_take_the_place_of_mine(studio: Studio, made: str):
    mine = studio.asset(OWNER, made)
    forged = replace(ball(50), recipe=recipe(id=made, owner=OWNER, title="x" * 50_000))
    asset = studio.splats.take_in(OWNER, write_ply(forged), "forged.ply")
    assert asset.id != made and len(asset.title) < 25_000
    assert studio.asset(OWNER, made) == mine


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "This file is empty"),
        (b"ply\nformat binary_little_endian 1.0\nelement vertex 2147483648\nproperty float x\n", "does not end within"),
        (saved(Image.new("RGB", (9, 9)), "PNG"), "looks like a picture"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "looks like a web page"),
    ],
)
def test_what_is_no_splat_is_refused_and_leaves_nothing(studio: Studio, tmp_path: Path, content: bytes, words: str):
    with pytest.raises(BadSplat, match=words):
        studio.splats.take_in(OWNER, content, "../../evil.ply")
    assert studio.count(OWNER) == 0 and list((tmp_path / "outputs" / "splats").iterdir()) == []


def with_bad_rows() -> bytes:
    rows = ball(100)
    positions = rows.positions.copy()
    positions[:30, 1] = np.nan
    return write_ply(replace(rows, positions=positions))


def test_rows_without_numbers_are_left_out_with_a_note(studio: Studio):
    asset = studio.splats.take_in(OWNER, with_bad_rows(), "bad.ply")
    said = asset.recipe.splat
    assert said.count == 70 and "30 of 100 splats were left out" in said.notes


def test_a_splat_that_nobody_could_see_is_refused(studio: Studio):
    with pytest.raises(BadSplat, match="opaque enough"):
        studio.splats.take_in(OWNER, write_ply(ball(50, opacity=0.001)), "ghost.ply")
    assert studio.count(OWNER) == 0


def test_a_file_that_is_not_there_is_an_error_with_a_sentence(studio: Studio, tmp_path: Path):
    with pytest.raises(BadSplat, match="cannot be read"):
        studio.splats.take_in(OWNER, tmp_path / "none.ply", "none.ply")


# --- on its picture ---------------------------------------------------------------------------------------------------


def test_a_splat_knows_the_picture_its_object_was_cut_out_of(studio: Studio, made: str, picture: str):
    scene = studio.splats.scene(OWNER, made)
    assert scene is not None and scene.picture.id == picture and scene.mask is not None
    assert (scene.camera.width, scene.camera.height) == SIZE
    studio.delete(OWNER, [picture])
    scene = studio.splats.scene(OWNER, made)
    assert scene is not None and scene.picture.kind == "object"


def test_painted_at_reset_it_lies_exactly_over_its_object(studio: Studio, made: str):
    plain = opened(studio.splats.rendered_png(OWNER, made, ground="plain"))
    assert plain.shape == (SIZE[1], SIZE[0], 3)
    covered = (plain < 140).any(axis=2)  # more than half
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert np.abs(np.subtract(found, DISC)).max() <= 2, found
    over = opened(studio.splats.rendered_png(OWNER, made))
    assert (over[5, 5] == (90, 140, 90)).all() and over[90, 150, 0] > 2 * over[90, 150, 1]


def test_seen_from_behind_it_shows_its_back(studio: Studio, made: str):
    home = studio.splats.splat(OWNER, made).pose.camera
    assert home is not None
    front = opened(studio.splats.rendered_png(OWNER, made, home, "plain"))
    back = opened(studio.splats.rendered_png(OWNER, made, replace(home, azimuth_deg=180.0), "plain"))
    assert back[90, 150, 0] < 0.7 * front[90, 150, 0]


def test_a_large_picture_is_rendered_within_bounds(studio: Studio, made: str):
    home = studio.splats.splat(OWNER, made).pose.camera
    assert home is not None
    huge = replace(home, width=1_000_000, height=500_000)
    assert opened(studio.splats.rendered_png(OWNER, made, huge, "plain")).shape == (512, 1024, 3)


def test_behind_it_the_object_is_painted_out(studio: Studio, made: str):
    filled = opened(studio.splats.filled_png(OWNER, made))
    assert np.abs(filled - (90, 140, 90)).max() <= 3


def test_a_poor_fit_is_matched_as_a_splat_of_its_own(studio: Studio, disc: str, splats: FakeSplats):
    splats.radius = 0.6 * BALL_RADIUS
    views = (studio.solids.replace_view(OWNER, disc, 0, disc).id,) * 4
    (poor,) = finished(studio, studio.solids.make(OWNER, SolidRequest(disc, views=views))).assets  # type: ignore[arg-type]
    before = studio.splats.asset(OWNER, poor).recipe.splat.fit
    assert before is not None and before < 0.5 < GOOD_FIT
    better = studio.splats.match_size(OWNER, poor)
    after = studio.splats.asset(OWNER, better.id).recipe.splat.fit
    assert better.id != poor and after is not None and after > 0.75  # a ball cannot cover the corners of a square
    assert better.parents == (*studio.asset(OWNER, poor).parents, poor)
    assert studio.splats.splat(OWNER, better.id).pose.camera == studio.splats.splat(OWNER, poor).pose.camera
    assert studio.splats.match_size(OWNER, better.id).parents[:1] == (disc,)


def test_what_fits_best_already_stays(studio: Studio, made: str):
    better = studio.splats.match_size(OWNER, made)
    assert studio.splats.match_size(OWNER, better.id) == better


def test_an_uploaded_splat_is_placed_on_an_object_and_fits_it(studio: Studio, disc: str):
    far = ball(800)
    far = replace(far, positions=far.positions * np.float32(40) + np.float32(300), scales=far.scales * np.float32(40))
    upload = studio.splats.take_in(OWNER, write_ply(far), "far.ply")
    placed = studio.splats.place(OWNER, upload.id, disc)
    assert placed.parents == (disc, upload.id) and placed.title == "far"
    fit = studio.splats.asset(OWNER, placed.id).recipe.splat.fit
    assert fit is not None and fit > 0.75
    assert studio.splats.asset(OWNER, upload.id).recipe.splat.fit is None


def test_an_uploaded_splat_is_placed_in_the_middle_of_a_picture(studio: Studio, picture: str):
    upload = studio.splats.take_in(OWNER, write_ply(ball(800, radius=7.0)), "ball.ply")
    placed = studio.splats.place(OWNER, upload.id, picture)
    scene = studio.splats.scene(OWNER, placed.id)
    assert scene is not None and scene.picture.id == picture and scene.mask is None
    seen = opened(studio.splats.rendered_png(OWNER, placed.id, ground="plain"))
    covered = (seen < 200).any(axis=2)
    assert covered[96, 128] and 0.5 * SIZE[1] < np.flatnonzero(covered.any(1)).size < 0.7 * SIZE[1]


def test_what_is_erased_leaves_a_splat_of_its_own_that_says_where_it_came_from(studio: Studio, made: str, disc: str):
    whole = studio.splats.splat(OWNER, made)
    right = read_erasures([{"regions": [{"box": [0, -9, -9, 9, 9, 9]}]}])
    left = studio.splats.erase(OWNER, made, right)
    kept = whole.world_positions()[:, 0] < 0
    assert_same(studio.splats.splat(OWNER, left.id), whole.only(kept), atol=1e-6)
    assert (left.parents[0], left.parents[-1]) == (disc, made)
    assert (left.recipe.splat.count, left.recipe.splat.erased) == (kept.sum(), (~kept).sum())
    assert left.recipe.splat.fit is not None and left.recipe.splat.fit < 0.6  # half of the disc is bare
    assert studio.splats.splat(OWNER, made).count == whole.count
    for regions, keep, words in (([[0, 0, 8, 1, 1, 9]], False, "None of the"), ([[-9, -9, -9, 9, 9, 9]], False, "All")):
        with pytest.raises(BadRequest, match=words):
            studio.splats.erase(
                OWNER, made, read_erasures([{"regions": [{"box": one} for one in regions], "keep": keep}])
            )
    with pytest.raises(NotFound):
        studio.splats.erase(FOREIGN, made, right)


@pytest.mark.parametrize("format", [name for name in EXPORTS if name != "mp4"])  # a film is saved in tests/ui/solid
def test_a_splat_is_exported_in_every_format(studio: Studio, made: str, format: str):
    content = studio.splats.export(OWNER, made, format)
    assert len(content) > 1000
    if format in ("ply", "spz"):
        assert_same_shape(read_splat(content).splat, studio.splats.splat(OWNER, made))


def assert_same_shape(splat: Splat, other: Splat) -> None:
    assert_same(splat, other, positions=1e-3, scales=0.01, opacities=0.01, colours=0.01, rotations=0.01)
    assert splat.pose.camera == other.pose.camera


# --- use this view ----------------------------------------------------------------------------------------------------


def test_a_view_is_kept_with_its_camera(studio: Studio, made: str, picture: str):
    home = studio.splats.splat(OWNER, made).pose.camera
    assert home is not None
    seen = replace(home, azimuth_deg=30.0, target=(0.1, 0.2, 0.3))
    kept = studio.splats.keep_view(OWNER, made, saved(photo(), "PNG"), camera=seen, ground="filled", picture=picture)
    assert (kept.kind, kept.parents, kept.title) == ("image", (picture, made), "disc")
    said = kept.recipe.render
    assert said.camera == seen and said.ground == "filled"
    assert (np.asarray(Image.open(studio.path(OWNER, kept.id))) == np.asarray(photo())).all()
    studio.rebuild()
    assert studio.asset(OWNER, kept.id) == kept


def test_a_view_that_is_no_picture_is_refused(studio: Studio, made: str):
    for content in (b"", b"<svg onload=alert(1)>", write_ply(ball(9))):
        with pytest.raises(BadPicture):
            studio.splats.keep_view(OWNER, made, content)
    with pytest.raises(BadRequest, match="ground is one of photo, filled, plain"):
        studio.splats.keep_view(OWNER, made, saved(photo(), "PNG"), ground="../x")


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_is_somebody_elses_deleted_or_no_splat_is_not_found(studio: Studio, made: str, picture: str, disc: str):
    def everything(owner: str, asset_id: str) -> None:
        for ask in (
            lambda: studio.splats.splat(owner, asset_id),
            lambda: studio.splats.export(owner, asset_id, "ply"),
            lambda: studio.splats.asset(owner, asset_id).recipe.splat.fit,
            lambda: studio.splats.scene(owner, asset_id),
            lambda: studio.splats.match_size(owner, asset_id),
            lambda: studio.splats.place(owner, asset_id, disc),
            lambda: studio.splats.filled_png(owner, asset_id),
            lambda: studio.splats.rendered_png(owner, asset_id),
            lambda: studio.splats.keep_view(owner, asset_id, saved(photo(), "PNG")),
        ):
            with pytest.raises(NotFound):
                ask()

    everything(FOREIGN, made)
    everything(OWNER, picture)
    everything(OWNER, "../../etc/passwd")
    theirs = studio.take_in(FOREIGN, saved(photo(), "PNG"), "theirs.png").id
    with pytest.raises(NotFound):
        studio.splats.place(OWNER, made, theirs)
    with pytest.raises(NotFound):
        studio.splats.keep_view(OWNER, made, saved(photo(), "PNG"), picture=theirs)
    studio.delete(OWNER, [made])
    everything(OWNER, made)


def test_a_splat_without_a_picture_says_so(studio: Studio):
    alone = studio.splats.take_in(OWNER, write_ply(ball(200)), "alone.ply").id
    for ask in (
        lambda: studio.splats.filled_png(OWNER, alone),
        lambda: studio.splats.rendered_png(OWNER, alone),
        lambda: studio.splats.match_size(OWNER, alone),
    ):
        with pytest.raises(BadRequest, match=r"is not on an? "):
            ask()
    assert opened(studio.splats.rendered_png(OWNER, alone, ground="plain")).min() < 128


def test_an_unknown_format_is_refused(studio: Studio, made: str):
    for format in ("exe", "", 7, None):
        with pytest.raises(BadRequest):
            studio.splats.export(OWNER, made, format)  # type: ignore[arg-type]


def test_a_splat_file_that_was_spoilt_has_a_grey_thumbnail_and_spoils_nothing_else(studio: Studio, made: str):
    studio.thumbnail(OWNER, made).unlink()
    path = studio.path(OWNER, made)
    path.write_bytes(path.read_bytes()[:-100])
    with Image.open(studio.thumbnail(OWNER, made)) as small:
        assert small.size == (256, 256)
    with pytest.raises(BadSplat):
        studio.splats.splat(OWNER, made)
    studio.rebuild()
    assert studio.asset(OWNER, made).kind == "splat"


def test_a_camera_of_any_kind_paints_something_or_nothing(studio: Studio, made: str):
    home = studio.splats.splat(OWNER, made).pose.camera
    assert home is not None
    for camera in (
        replace(home, radius=1e-6),
        replace(home, radius=1e6),
        replace(home, fov_deg=179.9),
        replace(home, elevation_deg=90.0),
        replace(home, target=(1e6, -1e6, 1e6)),
        PictureCamera(1, 1, home.crop),
    ):
        opened(studio.splats.rendered_png(OWNER, made, camera, "plain"))
