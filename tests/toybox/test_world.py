"""The toy world: what a scene shows, from any camera, and that it always shows the same."""

import random
from dataclasses import replace

import numpy as np
import pytest

from studio.masks import overlap
from toybox.words import BACKGROUND_RGB, COLOUR_RGB, HELD_OUT, KINDS, pair_is_held_out
from toybox.world import Camera, Rendering, Scene, Thing, is_allowed, render, sample_scene


def one(kind: str = "ball", **thing: object) -> Scene:
    return Scene((Thing(kind, "red", **thing),))  # type: ignore[arg-type]  # kinds are spelled out in each test


def mean_rgb(rendering: Rendering) -> np.ndarray:
    return rendering.image[rendering.mask > 0].mean(axis=0)


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second = (render(sample_scene(random.Random(5), count=2), size=64) for _ in range(2))
    for one_array, other_array in zip(first, second, strict=True):
        assert one_array.tobytes() == other_array.tobytes()


def test_another_seed_gives_another_scene() -> None:
    assert sample_scene(random.Random(1)) != sample_scene(random.Random(2))


def test_arrays_have_the_documented_shapes() -> None:
    rendering = render(sample_scene(random.Random(3), count=2), size=48)
    assert rendering.image.shape == (48, 48, 3) and rendering.image.dtype == np.uint8
    assert rendering.mask.shape == (48, 48) and set(np.unique(rendering.mask)) == {0, 255}
    assert rendering.depth.shape == (48, 48) and rendering.depth.dtype == np.float32
    assert rendering.object_masks.shape == (2, 48, 48)


@pytest.mark.parametrize("seed", range(4))
def test_depth_is_finite_exactly_in_the_mask(seed: int) -> None:
    rendering = render(sample_scene(random.Random(seed)), size=64)
    assert np.array_equal(np.isfinite(rendering.depth), rendering.mask == 255)


def test_object_masks_share_the_mask_among_them() -> None:
    rendering = render(sample_scene(random.Random(8), count=2), size=64)
    assert np.array_equal(rendering.object_masks.max(axis=0), rendering.mask)
    assert not ((rendering.object_masks[0] > 0) & (rendering.object_masks[1] > 0)).any()
    left, right = (np.nonzero(mask)[1].mean() for mask in rendering.object_masks)
    assert left < right


def test_every_kind_has_an_outline_of_its_own() -> None:
    masks = {kind: render(one(kind), size=64).mask for kind in KINDS}
    for kind in KINDS:
        for other in KINDS[KINDS.index(kind) + 1 :]:
            assert overlap(masks[kind] > 0, masks[other] > 0) < 0.93, (kind, other)


@pytest.mark.parametrize("colour", COLOUR_RGB)
def test_a_ball_looks_most_like_its_own_colour(colour: str) -> None:
    scene = Scene((Thing("ball", colour),))  # type: ignore[arg-type]  # the parameter is one of the names
    seen = mean_rgb(render(scene, size=64)) / 255
    nearest = min(COLOUR_RGB, key=lambda name: float(np.abs(np.array(COLOUR_RGB[name]) * 0.85 - seen).sum()))
    assert nearest == colour


@pytest.mark.parametrize("background", BACKGROUND_RGB)
def test_the_corners_show_the_background(background: str) -> None:
    image = render(replace(one(), background=background), size=64).image  # type: ignore[arg-type]
    corner = image[-2, -2] / 255
    assert min(BACKGROUND_RGB, key=lambda name: np.abs(np.array(BACKGROUND_RGB[name]) - corner).sum()) == background


def test_a_scene_without_background_is_plain_white() -> None:
    rendering = render(replace(one(), background=None), size=64)
    assert (rendering.image[0] == 255).all() and (rendering.image[-1] == 255).all()


def test_the_back_of_the_house_has_no_door() -> None:
    front, back = (render(replace(one("house"), camera=Camera(azimuth_deg=angle)), size=64) for angle in (0, 180))
    assert overlap(front.mask > 0, back.mask[:, ::-1] > 0) > 0.95
    assert np.abs(front.image.astype(int) - back.image[:, ::-1]).max() > 60


def test_turning_the_camera_and_the_object_together_keeps_the_outline() -> None:
    front = render(one("rocket"), size=64)
    turned = render(replace(one("rocket", yaw_deg=70.0), camera=Camera(azimuth_deg=70)), size=64)
    assert overlap(front.mask > 0, turned.mask > 0) > 0.98


def test_a_camera_above_sees_through_the_donut() -> None:
    above = Camera(elevation_deg=89.9, target=(0.0, 0.0, 0.0))
    rendering = render(replace(one("donut"), camera=above), size=64)
    assert rendering.mask[32, 32] == 0 and rendering.mask.any()


def test_depth_is_measured_along_the_viewing_axis() -> None:
    camera = Camera(elevation_deg=0, distance=3, target=(0.0, 0.48, 0.0))
    depth = render(replace(one("ball", scale=1.0), camera=camera), size=65).depth
    assert depth[32, 32] == pytest.approx(3 - 0.48, abs=0.01)


def test_training_scenes_never_show_what_is_held_out() -> None:
    rng = random.Random(0)
    for _ in range(2000):
        scene = sample_scene(rng, split="train")
        assert not any((thing.kind, thing.colour, scene.background) in HELD_OUT for thing in scene.objects)
        if len(scene.objects) == 2:
            first, second = ((thing.kind, thing.colour) for thing in scene.objects)
            assert not pair_is_held_out(first, second)


@pytest.mark.parametrize("count", [1, 2])
def test_held_out_scenes_are_no_training_scenes(count: int) -> None:
    rng = random.Random(0)
    assert not any(is_allowed(sample_scene(rng, count=count, split="held out"), "train") for _ in range(50))


def test_one_in_seven_mixtures_is_held_out() -> None:
    assert len(HELD_OUT) == 90
    assert {kind for kind, _, _ in HELD_OUT} == set(KINDS)
