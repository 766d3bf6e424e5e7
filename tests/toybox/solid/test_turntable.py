"""Toys on a turntable: their cameras are LGM's, and what is kept of them shows what was rendered."""

import math
import random

import numpy as np
import pytest
import torch
from torch import Tensor

from toybox.rays import _distance, _into_frame
from toybox.shapes import SHAPES
from toybox.solid.grids import sample_colour
from toybox.solid.records import coverage_of, positions_of, shade_bytes, trace_planes
from toybox.solid.turntable import EXTRA_VIEWS, FILLS, RADIUS, VIEWS, Turntable, is_held_out, sample_turntable
from toybox.words import BACKGROUND_RGB, COLOUR_RGB, COLOURS, KINDS
from toybox.world import Camera, render

Traced = tuple[Turntable, Tensor, Tensor]


@pytest.fixture(scope="module", params=[0, 1, 2])
def traced(request: pytest.FixtureRequest) -> Traced:
    turntable = sample_turntable(random.Random(request.param))
    planes, depths = trace_planes(turntable)
    return turntable, torch.from_numpy(planes), torch.from_numpy(depths)


def seen_by(camera: Camera, points: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Where a camera sees points given in LGM's units: (N, 2) in [0, 1], and how far away along its axis."""
    azimuth, elevation = math.radians(camera.azimuth_deg), math.radians(camera.elevation_deg)
    level = math.cos(elevation)
    backward = torch.tensor([math.sin(azimuth) * level, math.sin(elevation), math.cos(azimuth) * level])
    right = torch.tensor([math.cos(azimuth), 0.0, -math.sin(azimuth)])
    up = torch.linalg.cross(backward, right)
    away = RADIUS - points @ backward
    half = math.tan(math.radians(camera.fov_deg) / 2)
    across = torch.stack([points @ right, -(points @ up)], dim=-1) / (away * half)[:, None]
    assert math.isclose(camera.distance * scale, RADIUS, rel_tol=1e-6)
    return (across + 1) / 2, away


def test_the_object_fills_the_first_view_as_lgm_wants_it(traced: Traced) -> None:
    _, planes, _ = traced
    covered = coverage_of(planes[1]) >= 0.5
    rows, columns = covered.any(dim=1).nonzero(), covered.any(dim=0).nonzero()
    height, width = (int(line[-1] - line[0]) + 1 for line in (rows, columns))
    assert abs(max(height, width) / len(covered) - FILLS) < 0.03
    for line in (rows, columns):
        assert abs((int(line[0] + line[-1]) + 1) / 2 - len(covered) / 2) < 2.5


def test_the_views_are_a_quarter_turn_apart(traced: Traced) -> None:
    turntable, planes, _ = traced
    first = turntable.cameras[0]
    assert len(turntable.cameras) == VIEWS + EXTRA_VIEWS == len(planes) - 1
    assert [round(camera.azimuth_deg - first.azimuth_deg) for camera in turntable.cameras[:VIEWS]] == [0, 90, 180, 270]
    assert {camera.elevation_deg for camera in turntable.cameras[:VIEWS]} == {turntable.photo.camera.elevation_deg}


def test_what_is_kept_shows_what_was_rendered(traced: Traced) -> None:
    turntable, planes, _ = traced
    assert turntable.photo.background is not None
    colour = torch.tensor(COLOUR_RGB[turntable.thing.colour])
    grounds = [BACKGROUND_RGB[turntable.photo.background], *[(1.0, 1.0, 1.0)] * (VIEWS + EXTRA_VIEWS)]
    scenes = [turntable.photo, *(turntable.scene(index) for index in range(VIEWS + EXTRA_VIEWS))]
    for kept, ground, scene in zip(planes, grounds, scenes, strict=True):
        shown = shade_bytes(kept, colour, torch.tensor(ground)).permute(1, 2, 0).numpy() * 255
        assert np.abs(shown - render(scene).image).max() < 5


def test_positions_lie_on_the_object_and_behind_their_own_pixels(traced: Traced) -> None:
    turntable, planes, depths = traced
    positions = positions_of(turntable, depths)
    shape, thing = SHAPES[turntable.thing.kind], turntable.thing
    for camera, points, kept in zip(turntable.cameras, positions, planes[1:], strict=True):
        inner = coverage_of(kept) > 0.99
        assert inner.sum() > 500
        places, _ = seen_by(camera, points[inner], turntable.scale)
        rows, columns = inner.nonzero(as_tuple=True)
        wanted = torch.stack([columns, rows], dim=1).add(0.5) / inner.shape[0]
        assert (places - wanted).abs().max() < 0.01
        world = points[inner] / turntable.scale + torch.tensor(camera.target)
        distance = _distance(shape, *_into_frame(thing, world, is_point=True).unbind(dim=1)).abs()
        assert distance.quantile(0.95) < 0.03


def test_no_training_turntable_shows_a_held_out_colour() -> None:
    rng = random.Random(5)
    looks = {(kind, colour) for kind in KINDS for colour in COLOURS if is_held_out(kind, colour)}
    assert len(looks) == 15
    for held_out in (False, True):
        thing = sample_turntable(rng, held_out=held_out).thing
        assert ((thing.kind, thing.colour) in looks) == held_out


def test_training_shows_any_colour_but_none_that_is_like_a_held_out_one() -> None:
    rng = random.Random(6)
    named = {COLOUR_RGB[colour] for colour in COLOURS}
    kinds = {kind for kind in KINDS for colour in COLOURS if is_held_out(kind, colour)}
    for kind in kinds:
        shown = torch.stack([sample_colour(KINDS.index(kind), rng) for _ in range(400)])
        assert 100 < sum(tuple(round(value, 2) for value in one) in named for one in shown.tolist()) < 220
        for colour in COLOURS:
            nearest = (shown - torch.tensor(COLOUR_RGB[colour])).norm(dim=1).min()
            assert (nearest > 0.14) == is_held_out(kind, colour)
