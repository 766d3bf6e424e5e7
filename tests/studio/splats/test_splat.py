"""A splat as arrays: its camera, its pose, and what turning it does to colours that differ by direction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.errors import BadSplat
from studio.geometry import Crop, PictureCamera, camera_values
from studio.splats.metadata import NOTHING, line_about, read_line, read_values, values_about
from studio.splats.splat import SH_C0, Pose, Splat, rotation_matrices, rotation_matrix
from studio.splats.transform import Up, basis, from_file, placed, product, to_file
from tests.projection import project
from tests.studio.splats_in import CAMERA, assert_same, recipe, some


def unit(*values: float) -> tuple[float, float, float, float]:
    length = float(np.linalg.norm(values))
    w, x, y, z = (value / length for value in values)
    return (w, x, y, z)


ODD = Pose(unit(0.3, -0.8, 0.4, 0.2), 1.7, (0.5, -2.0, 3.0))


# --- the camera -------------------------------------------------------------------------------------------------------


def test_the_target_is_in_the_middle_of_the_crop():
    places, depth = project(CAMERA, np.zeros((1, 3)))
    assert np.allclose(places, [[-20.5 + 300.25 / 2, 60 + 300.25 / 2]]) and np.allclose(depth, CAMERA.radius)


def test_an_object_from_minus_1_to_1_fills_the_crop_of_lgm_as_its_field_of_view_says():
    camera = PictureCamera(512, 512, Crop(0, 0, 512))
    half = 1.5 * np.tan(np.radians(49.1 / 2))
    places, _ = project(camera, np.array([[half, 0, 0], [0, half, 0], [-half, -half, 0]]))
    assert np.allclose(places, [[512, 256], [256, 0], [0, 512]])


def test_a_positive_elevation_is_above_and_a_positive_azimuth_to_the_right():
    above = replace(CAMERA, elevation_deg=90.0, azimuth_deg=0.0)
    right = replace(CAMERA, elevation_deg=0.0, azimuth_deg=90.0)
    assert np.allclose(above.position(), (0, 1.5, 0)) and np.allclose(right.position(), (1.5, 0, 0))
    assert np.allclose(replace(CAMERA, elevation_deg=0.0).position(), (0, 0, 1.5))


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (33, 12), (-170, -89), (90, 90)])
def test_the_axes_of_a_camera_are_right_handed_and_of_unit_length(azimuth: float, elevation: float):
    axes = replace(CAMERA, azimuth_deg=azimuth, elevation_deg=elevation).axes()
    assert np.allclose(axes @ axes.T, np.eye(3)) and np.isclose(np.linalg.det(axes), 1)
    assert np.allclose(np.cross(axes[0], axes[1]), axes[2]) and np.isclose(axes[0, 1], 0)


def test_what_is_behind_a_camera_has_no_positive_depth():
    _, depth = project(CAMERA, np.array([[0, 0, 1.6], [0, 0, 0], CAMERA.position()]))
    assert depth[0] < 0 < depth[1] and np.isclose(depth[2], 0)


# --- the record -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("positions", np.zeros((50, 3))),
        ("scales", np.zeros((50, 2), np.float32)),
        ("rotations", np.zeros((49, 4), np.float32)),
        ("opacities", np.zeros((50, 1), np.float32)),
        ("sh_rest", np.zeros((50, 4, 3), np.float32)),
        ("sh_rest", np.zeros((49, 3, 3), np.float32)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name: str, array: np.ndarray):
    with pytest.raises(ValueError, match=f"got {name} .*, expected"):
        replace(some(), **{name: array})


def test_bounds_are_those_of_the_world_and_leave_out_strays_when_asked():
    splat = some(1000, pose=Pose(scale=2.0, translation=(10.0, 0.0, 0.0)))
    far = splat.positions.copy()
    far[0] = 1000
    stray = replace(splat, positions=far)
    assert np.allclose(splat.bounds().centre, (10, 0, 0), atol=0.1) and np.allclose(splat.bounds().size, 4, atol=0.1)
    assert stray.bounds().size.max() > 1000 and stray.bounds(0.99).size.max() < 5


def test_a_splat_without_splats_has_no_bounds_and_says_so():
    with pytest.raises(BadSplat, match=r"is empty: .*\."):
        some(0).bounds()


def test_pruning_everything_says_so():
    with pytest.raises(BadSplat, match=r"None of the 5 splats is opaque enough .*\."):
        replace(some(5), opacities=np.full(5, 0.004, np.float32)).pruned()


def test_pruning_keeps_the_faintest_that_counts_and_everything_with_it():
    opacities = np.array([0.005, 0.00499, 1, 0, 0.5], np.float32)
    splat = replace(some(5, degree=2), opacities=opacities)
    assert_same(splat.pruned(), splat.only(np.array([0, 2, 4])), sh_rest=0)
    assert splat.pruned().pruned() is not splat and some(5).pruned().count == 5


# --- placing ----------------------------------------------------------------------------------------------------------


def test_a_placed_splat_has_the_same_gaussians_in_the_world():
    splat = some(20, pose=ODD)
    world = placed(splat)
    assert world.pose == Pose() and np.array_equal(world.positions, splat.world_positions())
    turn = rotation_matrix(ODD.rotation)

    def covariances(one: Splat) -> np.ndarray:
        axes = rotation_matrices(one.rotations.astype(np.float64)) * one.scales[:, None, :]
        return axes @ axes.transpose(0, 2, 1)

    expected = ODD.scale**2 * turn @ covariances(splat) @ turn.T
    assert np.allclose(covariances(world), expected, atol=1e-6)
    assert np.allclose(world.positions, ODD.scale * splat.positions @ turn.T + ODD.translation, atol=1e-5)


def test_a_splat_in_its_place_is_left_alone():
    splat = some()
    assert placed(splat) is splat and splat.world_positions() is splat.positions


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_the_colours_of_a_turned_splat_turn_with_it(degree: int):
    splat = some(30, degree=degree, pose=replace(ODD, scale=1.0))
    world = placed(splat)
    directions = np.random.default_rng(1).normal(size=(40, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert splat.sh_rest is not None and world.sh_rest is not None
    each = splat.sh_rest.shape[1]
    turned = directions @ rotation_matrix(ODD.rotation).T
    before = np.einsum("dk,nkc->dnc", basis(directions)[:, :each], splat.sh_rest)
    after = np.einsum("dk,nkc->dnc", basis(turned)[:, :each], world.sh_rest)
    assert np.allclose(before, after, atol=1e-5)


def test_the_harmonics_are_orthonormal_with_the_constant_one():
    """On a product rule that integrates polynomials of their degrees exactly (Gauss-Legendre by even steps)."""
    heights, weights = np.polynomial.legendre.leggauss(12)
    around = np.arange(24) * 2 * np.pi / 24
    ring = np.sqrt(1 - heights**2)
    x, z = np.outer(ring, np.cos(around)).ravel(), np.outer(ring, np.sin(around)).ravel()
    points = np.stack([x, np.repeat(heights, 24), z], axis=1)
    values = np.concatenate([np.full((len(points), 1), SH_C0), basis(points)], axis=1)
    weight = np.repeat(weights, 24) * 2 * np.pi / 24
    assert np.allclose(np.einsum("m,mi,mj->ij", weight, values, values), np.eye(25), atol=1e-6)


@pytest.mark.parametrize("degree", [0, 3])
def test_to_a_file_and_back_changes_no_bit(degree: int):
    splat = some(40, degree=degree)
    assert_same(from_file(to_file(splat, "-y"), "-y"), splat, positions=0, sh_rest=0)
    assert np.array_equal(from_file(to_file(splat, "-y"), "-y").rotations, splat.rotations)
    assert to_file(splat, "+y") is splat


def test_turning_over_is_half_a_turn_about_x():
    splat = some(10, degree=4)
    general = placed(replace(splat, pose=Pose(rotation=(0.0, 1.0, 0.0, 0.0))))
    assert_same(to_file(splat, "-y"), general, positions=0, sh_rest=0)


def test_a_product_turns_first_by_the_second():
    one, other = unit(1, 2, 3, 4), unit(-2, 1, 0, 1)
    both = product(one, np.array([other], np.float32))[0].astype(np.float64)
    assert np.allclose(rotation_matrix(tuple(both)), rotation_matrix(one) @ rotation_matrix(other), atol=1e-6)


# --- what a file says about itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", ["+y", "-y"])
def test_what_a_file_says_about_itself_comes_back(up: Up):
    splat = replace(some(1, pose=Pose(camera=CAMERA)), recipe=recipe())
    line = line_about(splat, up)
    about = read_line(line)
    assert line.isascii() and "\n" not in line
    assert about.up == up and about.pose == splat.pose and about.recipe == splat.recipe


def test_a_file_in_world_coordinates_keeps_the_camera_of_the_pose():
    splat = some(1, pose=replace(ODD, camera=CAMERA))
    assert read_values(values_about(splat, "+y")).pose == Pose(camera=CAMERA)


def test_a_splat_without_a_recipe_says_so_by_saying_nothing():
    assert read_values(values_about(some(1, pose=Pose()), "+y")) == ("+y", Pose(), None)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '"x"', "zlib:", "zlib:????", "zlib:eJw=", "zlib:" + "A" * 2000, "[" * 100_000, "{}"],
)
def test_a_line_that_says_nothing_is_nothing(text: str):
    assert read_line(text) == NOTHING


@pytest.mark.parametrize(
    "change",
    [
        {"rotation": [0, 0, 0, 0]},
        {"rotation": [1, 0, 0]},
        {"rotation": "1000"},
        {"scale": 0},
        {"scale": -1},
        {"scale": True},
        {"scale": 1e30},
        {"translation": [1, 2, "3"]},
        {"translation": None},
        {"scale": float("nan")},
    ],
)
def test_a_pose_that_is_none_was_not_said(change: dict[str, object]):
    values = values_about(some(1), "+y")
    pose = {"rotation": list(ODD.rotation), "scale": ODD.scale, "translation": list(ODD.translation)}
    assert read_values(values | {"pose": pose}).pose == ODD
    assert read_values(values | {"pose": pose | change}).pose is None


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"height": 3.5},
        {"height": True},
        {"width": 10**9},
        {"fov_deg": 180},
        {"fov_deg": None},
        {"radius": 0},
        {"elevation_deg": 91},
        {"crop": [0, 0, 0]},
        {"crop": [0, 0]},
        {"target": [0, 0, float("inf")]},
    ],
)
def test_a_camera_that_is_none_was_not_said(change: dict[str, object]):
    values = values_about(some(1), "+y")
    assert read_values(values).pose == Pose(camera=CAMERA)
    assert read_values(values | {"pose": values["pose"] | {"camera": camera_values(CAMERA) | change}}).pose == Pose()


def test_up_is_one_of_two():
    for up in ("+Y", "z", 1, None, ["+y"], {}):
        assert read_values(values_about(some(1), "+y") | {"up": up}).up is None
