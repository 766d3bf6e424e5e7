"""Which Gaussians lie in a region, against a slow twin; and regions as JSON, whatever a stranger made of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from studio.errors import BadRequest
from studio.geometry import camera_values
from studio.splats.erasing import MAX_POINTS, MAX_REGIONS, kept_of, read_erasures
from studio.splats.splat import Pose
from tests.projection import project
from tests.studio.splats_in import CAMERA, some

SEEN: dict[str, Any] = {"camera": camera_values(CAMERA)}
PATH = [[60.0, 140.0], [150.0, 260.0], [230.0, 150.0]]
RECTANGLE = {**SEEN, "rectangle": [40, 100, 180, 300]}


def distance(point: np.ndarray, begin: np.ndarray, end: np.ndarray) -> float:
    along = np.clip(np.dot(point - begin, end - begin) / np.dot(end - begin, end - begin), 0, 1)
    return float(np.linalg.norm(point - begin - along * (end - begin)))


def test_a_box_keeps_what_is_in_it_or_what_is_not_where_the_pose_puts_it():
    splat = some(400, pose=Pose(scale=2.0, translation=(0.5, 0.0, 0.0)))
    low, high = np.quantile(splat.world_positions(), (0.3, 0.8), axis=0)
    inside = ((splat.world_positions() >= low) & (splat.world_positions() <= high)).all(axis=1)
    box = {"box": [*map(float, high), *map(float, low)]}  # its corners in any order
    assert 0 < inside.sum() < splat.count
    assert (kept_of(splat, read_erasures([{"regions": [box], "keep": True}])) == inside).all()
    assert (kept_of(splat, read_erasures([{"regions": [box]}])) == ~inside).all()


def test_a_rectangle_and_a_stroke_reach_all_the_way_through_what_the_camera_sees():
    splat = some(600)
    places, depth = project(CAMERA, splat.positions)
    left, top, right, bottom = RECTANGLE["rectangle"]
    x, y = places.T
    framed = (x >= left) & (x <= right) & (y >= top) & (y <= bottom) & (depth > 0.2)
    assert (kept_of(splat, read_erasures([{"regions": [RECTANGLE]}])) == ~framed).all()

    away = np.array([min(distance(one, np.array(a), np.array(b)) for a, b in pairwise(PATH)) for one in places])
    stroke = {**SEEN, "points": PATH, "radius": 30}
    erased = ~kept_of(splat, read_erasures([{"regions": [stroke]}]))
    clear = (abs(away - 30) > 1) & (depth > 0.2)  # of the edge of the brush, which is painted in pixels
    assert 10 < erased.sum() < splat.count - 10
    assert (erased[clear] == (away < 30)[clear]).all()
    dot = ~kept_of(splat, read_erasures([{"regions": [{**SEEN, "points": PATH[:1], "radius": 60}]}]))
    assert (dot == (np.linalg.norm(places - PATH[0], axis=1) < 60))[clear].mean() > 0.99


def test_what_is_behind_the_camera_is_not_selected():
    near = replace(CAMERA, radius=1e-3, target=(0.0, 0.0, 0.0))
    splat = some(200)
    behind = (splat.positions - near.position()) @ near.axes()[2] >= 0
    everything = {"camera": camera_values(near), "rectangle": [-1e6, -1e6, 1e6, 1e6]}
    erased = ~kept_of(splat, read_erasures([{"regions": [everything]}]))
    assert behind.any() and erased.any() and not (erased & behind).any()


def test_regions_are_taken_out_again_and_steps_follow_each_other():
    splat = some(400)
    both = [RECTANGLE, {**RECTANGLE, "rectangle": [100, 100, 180, 300], "add": False}]
    less = kept_of(splat, read_erasures([{"regions": both}]))
    assert (less == kept_of(splat, read_erasures([{"regions": [{**SEEN, "rectangle": [40, 100, 99.99, 300]}]}]))).all()
    box = {"box": [-9, -9, -9, 9, 0, 9]}
    steps = kept_of(splat, read_erasures([{"regions": [box], "keep": True}, {"regions": [RECTANGLE]}]))
    assert (steps == ((splat.positions[:, 1] <= 0) & kept_of(splat, read_erasures([{"regions": [RECTANGLE]}])))).all()


BAD = (
    None,
    {},
    [],
    [None],
    [{}],
    [{"regions": []}],
    [{"regions": "all"}],
    [{"regions": [7]}],
    [{"regions": [{}]}],
    [{"regions": [{"box": [1, 2, 3]}]}],
    [{"regions": [{"box": [0, 0, 0, 1, 1, float("nan")]}]}],
    [{"regions": [{"box": [0, 0, 0, 1, 1, True]}]}],
    [{"regions": [{"rectangle": [0, 0, 1, 1]}]}],
    [{"regions": [{"camera": {"width": 1}, "rectangle": [0, 0, 1, 1]}]}],
    [{"regions": [{**SEEN, "rectangle": [0, 0, 1]}]}],
    [{"regions": [{**SEEN}]}],
    [{"regions": [{**SEEN, "points": [], "radius": 3}]}],
    [{"regions": [{**SEEN, "points": [[1, 2, 3]], "radius": 3}]}],
    [{"regions": [{**SEEN, "points": [[1, 1e300]], "radius": 3}]}],
    [{"regions": [{**SEEN, "points": [[1, 2]], "radius": 0}]}],
    [{"regions": [{**SEEN, "points": [[1, 2]]}]}],
    [{"regions": [{"box": [0, 0, 0, 1, 1, 1]}] * (MAX_REGIONS + 1)}],
    [{"regions": [{**SEEN, "points": [[1, 2]] * (MAX_POINTS // 2 + 1), "radius": 1}] * 2}],
)


@pytest.mark.parametrize("values", BAD, ids=range(len(BAD)))
def test_what_is_no_region_is_refused_in_a_sentence(values: object):
    with pytest.raises(BadRequest, match=r"^[A-Z].*\.$"):
        read_erasures(values)


@pytest.mark.parametrize("radius", [1e-6, 1e6])
@pytest.mark.parametrize("points", [[[-1e6, -1e6], [1e6, 1e6]], [[3, 3]], [[3, 3], [3, 3]]])
def test_a_stroke_of_any_size_is_painted(radius: float, points: list[list[float]]):
    kept = kept_of(some(50), read_erasures([{"regions": [{**SEEN, "points": points, "radius": radius}]}]))
    assert kept.shape == (50,)
