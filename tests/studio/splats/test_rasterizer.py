"""The numpy painter against an independent evaluation of the published equations, and against itself."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.geometry import Crop, PictureCamera
from studio.splats.rasterizer import facing, painted, portrait, through, within
from studio.splats.splat import Pose, Splat
from tests.projection import project
from tests.studio.splats_in import some
from tests.studio.turning_fake import BALL_RADIUS, ball

FIXTURES = Path(__file__).parents[2] / "lgm" / "fixtures"
CAMERA = PictureCamera(96, 96, Crop(0, 0, 96))


@pytest.mark.parametrize("view", [0, 1, 2])
def test_it_paints_what_an_independent_renderer_does(view: int):
    with np.load(FIXTURES / "render.npz") as fixture:
        rows, expected = fixture["gaussians"], fixture["rgba"][view]
        elevation, azimuth = fixture["elev_azim"][view]
    splat = Splat(
        positions=rows[:, :3], opacities=rows[:, 3], scales=rows[:, 4:7], rotations=rows[:, 7:11], colours=rows[:, 11:]
    )
    camera = PictureCamera(64, 64, Crop(0, 0, 64), elevation_deg=-elevation, azimuth_deg=azimuth)  # LGM's is below
    found = painted(splat, camera)
    over = found.rgb + (1 - found.alpha[..., None])
    difference = np.abs(np.concatenate([over, found.alpha[..., None]], -1) - expected)
    assert difference.max() < 1e-2 and np.sqrt((difference**2).mean()) < 2e-4


def test_a_smaller_picture_of_the_same_camera_is_a_part_of_the_larger():
    whole = painted(ball(400), CAMERA)
    top = painted(ball(400), replace(CAMERA, height=40))
    assert np.allclose(whole.alpha[:40], top.alpha, atol=1e-6) and np.allclose(whole.rgb[:40], top.rgb, atol=1e-6)


def test_a_ball_has_the_outline_of_a_ball():
    covered = painted(ball(2_000), CAMERA).alpha >= 0.5
    radius = CAMERA.f_px * math.tan(math.asin(BALL_RADIUS / CAMERA.radius))
    x, y = np.meshgrid(np.arange(96) + 0.5, np.arange(96) + 0.5)
    disc = np.hypot(x - 48, y - 48) <= radius
    assert (covered & disc).sum() / (covered | disc).sum() > 0.95


def test_the_nearer_splat_hides_the_farther_one():
    near, far = ((0.0, 0.0, 0.5), (1.0, 0.0, 0.0)), ((0.0, 0.0, -0.5), (0.0, 0.0, 1.0))
    for first, second in ((near, far), (far, near)):
        splat = Splat(
            positions=np.array([first[0], second[0]], np.float32),
            scales=np.full((2, 3), 0.2, np.float32),
            rotations=np.tile(np.array([1, 0, 0, 0], np.float32), (2, 1)),
            opacities=np.ones(2, np.float32),
            colours=np.array([first[1], second[1]], np.float32),
        )
        red, _, blue = painted(splat, CAMERA).rgb[48, 48]
        assert red > 0.9 and blue < 0.05


def test_a_pose_moves_what_is_painted():
    plain = painted(ball(300), CAMERA).alpha
    moved = painted(replace(ball(300), pose=Pose(translation=(0.1, 0.0, 0.0))), CAMERA).alpha
    assert np.argmax(moved.sum(0).cumsum() > moved.sum() / 2) > np.argmax(plain.sum(0).cumsum() > plain.sum() / 2) + 3


def test_a_window_shows_a_part_of_the_picture_larger():
    camera = PictureCamera(200, 100, Crop(20, 10, 60), elevation_deg=20)
    point = np.array([[0.2, -0.1, 0.3]])
    (place,), _ = project(camera, point)
    (seen,), _ = project(through(camera, Crop(40, 20, 30), 90), point)
    assert np.allclose(seen, (place - (40, 20)) * 3)
    (smaller,), _ = project(within(camera, 50), point)
    assert np.allclose(smaller, place / 4)


def test_behind_the_camera_there_is_nothing():
    behind = replace(ball(50, radius=0.1), pose=Pose(translation=(0, 0, 3.0)))
    assert painted(behind, CAMERA).alpha.max() == 0


def test_few_pairs_paint_fewer_splats_and_not_nothing():
    found = painted(ball(4_000), CAMERA, most_pairs=20_000)
    assert 0 < (found.alpha > 0.2).sum() <= (painted(ball(4_000), CAMERA).alpha > 0.2).sum()


def test_huge_splats_in_great_numbers_stay_within_bounds():
    count = 30_000
    splat = replace(ball(count), scales=np.full((count, 3), 5.0, np.float32))
    assert painted(splat, CAMERA).alpha.shape == (96, 96)


def test_a_splat_without_a_picture_is_seen_from_in_front_wherever_it_is():
    far = replace(ball(500), positions=ball(500).positions * np.float32(70) + np.float32(900))
    far = replace(far, scales=far.scales * np.float32(70))
    image = portrait(far, 64)
    alpha = np.asarray(image.getchannel("A"))
    assert alpha[32, 32] > 200 and alpha[0, 0] == 0 and alpha.any(axis=0).sum() > 20
    assert facing(far).target[0] > 800


def test_splats_of_every_kind_are_painted():
    for degree in (0, 1, 3):
        found = painted(some(200, degree=degree), CAMERA)
        assert np.isfinite(found.rgb).all() and 0 < found.alpha.max() <= 1


def test_painted_over_a_picture_the_picture_shows_beside_it():
    ground = Image.new("RGB", (96, 96), (10, 200, 30))
    over = painted(ball(500), CAMERA).over(ground)
    assert over.getpixel((1, 1)) == (10, 200, 30)
    assert over.getpixel((48, 48)) != (10, 200, 30)
