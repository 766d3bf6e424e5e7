"""How well a splat covers its object, and the size and place at which it does so best."""

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.contract import Size
from studio.solid.contract import camera_of, crop_of
from studio.solid.fit import GOOD_FIT, fit, matched
from studio.splats.splat import Pose, Splat
from studio.splats.transform import placed
from tests.studio.turning_fake import ball

SIZE = Size(220, 160)


def disc_mask(box: tuple[int, int, int, int] = (60, 30, 160, 130)) -> np.ndarray:
    image = Image.new("L", SIZE)
    ImageDraw.Draw(image).ellipse((box[0], box[1], box[2] - 1, box[3] - 1), fill=255)
    return np.asarray(image)


def standing(mask: np.ndarray, elevation_deg: float = 0.0, **pose: object) -> Splat:
    camera = camera_of(crop_of(mask), SIZE, elevation_deg)
    moved = placed(replace(ball(1_500), pose=Pose(**pose)))  # type: ignore[arg-type]
    return replace(moved, pose=Pose(camera=camera))


def test_a_ball_fits_a_disc_from_every_height():
    for elevation_deg in (-40.0, 0.0, 65.0):
        assert fit(standing(disc_mask(), elevation_deg), disc_mask()) > 0.95


def test_the_fit_is_the_share_of_what_both_cover():
    half = disc_mask().copy()
    half[:, 110:] = 0
    splat = standing(disc_mask())
    assert fit(splat, half) == pytest.approx(0.5, abs=0.03)
    assert fit(splat, np.zeros_like(half)) == 0


@pytest.mark.parametrize(
    ("elevation_deg", "pose"),
    [
        (0.0, {"scale": 0.5}),
        (0.0, {"scale": 1.3}),
        (30.0, {"scale": 0.7, "translation": (0.25, -0.1, 0.1)}),
        (-20.0, {"translation": (-0.3, 0.2, 0.3)}),
    ],
)
def test_a_splat_is_brought_onto_its_object(elevation_deg: float, pose: dict):
    splat = standing(disc_mask(), elevation_deg, **pose)
    assert fit(splat, disc_mask()) < GOOD_FIT
    better = matched(splat, disc_mask())
    assert fit(better, disc_mask()) > 0.93
    assert better.pose == splat.pose and better.count == splat.count


def test_what_fits_stays_as_it_is():
    splat = standing(disc_mask())
    better = matched(splat, disc_mask())
    assert fit(better, disc_mask()) >= fit(splat, disc_mask())
    assert math.isclose(float(np.ptp(better.positions)), float(np.ptp(splat.positions)), rel_tol=0.03)


def test_what_cannot_be_seen_is_left_alone():
    splat = standing(disc_mask(), translation=(0.0, 0.0, 5.0))
    assert matched(splat, disc_mask()).count == splat.count
