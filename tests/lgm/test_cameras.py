"""The convention of space, and the published cameras in it."""

from __future__ import annotations

import pytest
import torch

from lgm.cameras import (
    default_rays,
    imagedream_cameras,
    orbit_camera,
    orbit_pose,
    rays,
    world_to_camera,
)
from lgm.config import LGMConfig
from tests.lgm.reference import arrays, assert_near, facts

ORBITS = arrays("cameras")
PLACES = [(e, a) for e in range(7) for a in range(7)]


@pytest.mark.parametrize(("e", "a"), PLACES)
def test_orbit_poses_are_the_published_ones_with_elevation_turned(e: int, a: int):
    pose = orbit_pose(-float(ORBITS["elevations"][e]), float(ORBITS["azimuths"][a]))
    assert_near(pose, ORBITS["pose_opengl"][e, a], most=2e-6)
    forward = torch.tensor([1.0, 1.0, -1.0, 1.0])  # of the other convention: the third column looks ahead
    assert_near(pose * forward, ORBITS["pose_opengl_false"][e, a], most=2e-6)


@pytest.mark.parametrize("elevation", [0, 15, -25])
def test_imagedream_is_told_the_published_cameras_in_both_signs(elevation: int):
    above = imagedream_cameras(elevation)
    assert_near(above, ORBITS[f"get_camera_mvdream_diffusers_elev{elevation}"], most=2e-6)
    assert_near(imagedream_cameras(-elevation), ORBITS[f"get_camera_lgm_local_elev{elevation}"], most=2e-6)
    assert not above[4].any()


def test_imagedream_cameras_without_blenders_axes_are_plain_poses():
    made = imagedream_cameras(0, blender=False, extra_view=False)
    assert_near(made, ORBITS["get_camera_noblender_elev0"], most=2e-6)


@pytest.mark.parametrize(("size", "elevation", "step"), [(256, 0, 15), (256, -20, 15), (256, 35, 15), (64, 0, 5)])
def test_rays_are_the_published_ones(size: int, elevation: int, step: int):
    config = LGMConfig(input_size=size, splat_size=size // 2)
    made = default_rays(config, -elevation)
    assert_near(made[:, :, ::step, ::step], arrays("rays")[f"size{size}_elev{elevation}"], most=2e-6)
    known = facts("rays")[f"size{size}_elev{elevation}"]
    assert_near(made[:, :, 0, 0], torch.tensor(known["corner_pixel_00"]), most=2e-6)
    assert_near(made.double().sum((2, 3)), torch.tensor(known["per_view_channel_sum"]), most=2e-2)


def test_a_camera_above_is_above_and_one_at_90_degrees_at_the_right():
    assert orbit_pose(30, 0)[1, 3] > 0
    assert_near(orbit_pose(0, 90)[:3, 3], torch.tensor([1.5, 0.0, 0.0]), most=1e-9)


def test_rays_go_through_the_pixels_that_the_camera_projects_onto():
    camera = orbit_camera(20, 130, 8)
    origin, directions = rays(camera.pose, 8, 49.1)
    seen = world_to_camera(camera.pose) @ torch.cat([origin + directions[2, 5], torch.ones(1)]).double()
    x, y = camera.fx * seen[0] / seen[2] + camera.cx, camera.fy * seen[1] / seen[2] + camera.cy
    assert_near(torch.stack([x, y]), torch.tensor([5.5, 2.5]), most=1e-9)
