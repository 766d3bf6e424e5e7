"""A splat stood up by hand or as it comes in, in a real store: always one in the gallery, and nothing is lost."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product as every
from typing import Any

import numpy as np
import pytest

from studio.errors import BadRequest, NotFound
from studio.geometry import Crop, PictureCamera, quarter
from studio.recipe.solid import SplatRecipe, read_splat as read_splat_recipe
from studio.service import Studio
from studio.solid.orientation import turned_by
from studio.splats.any_format import read_splat
from studio.splats.formats.antimatter_splat import write_antimatter
from studio.splats.formats.ply import write_ply
from studio.splats.formats.spz import write_spz
from studio.splats.splat import Pose, Splat, rotation_matrix
from studio.splats.transform import basis, placed
from studio.splats.upright import TURNS, UPRIGHT, Axis, Turn, followed, inverse
from tests.studio.splats.formats.test_others import remarked
from tests.studio.splats.formats.test_ply import by_plyfile, columns_like_a_trainer
from tests.studio.splats_in import assert_same, recipe, some
from tests.studio.turning_fake import turning_specs

FOREIGN = "somebody"
TOWER = replace(some(40, degree=2), pose=Pose())
AFTER = {  # what becomes of x, y, z
    "forward": lambda x, y, z: (x, -z, y),
    "back": lambda x, y, z: (x, z, -y),
    "left": lambda x, y, z: (-z, y, x),
    "right": lambda x, y, z: (z, y, -x),
    "roll-left": lambda x, y, z: (-y, x, z),
    "roll-right": lambda x, y, z: (y, -x, z),
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    opened = Studio(turning_specs(), tmp_path_factory.mktemp("outputs"))
    yield opened
    opened.close()


@pytest.fixture
def owner() -> str:
    """Somebody who has nothing yet."""
    return secrets.token_hex(8)


def upload(studio: Studio, owner: str, splat: Splat = TOWER) -> str:
    return studio.splats.take_in(owner, write_ply(splat), "tower.ply").id


def only(studio: Studio, owner: str) -> str:
    """The one that is in the gallery."""
    (asset,) = studio.gallery(owner).assets
    return asset.id


def after(turns: list[str], positions: np.ndarray) -> np.ndarray:
    for turn in turns:
        positions = np.stack(AFTER[turn](*positions.T), axis=1)
    return positions


def colours_from(splat: Splat, direction: tuple[float, float, float]) -> np.ndarray:
    """(N, 3): as who looks that way sees them."""
    unit = np.array([direction]) / np.linalg.norm(direction)
    assert splat.sh_rest is not None
    return splat.colours + np.einsum("k,nkc->nc", basis(unit)[0, : splat.sh_rest.shape[1]], splat.sh_rest)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_quarter_turns_places_axes_and_harmonics(turn: Turn, degree: int):
    splat = replace(some(40, degree=degree), pose=Pose())
    seen = turned_by(splat, TURNS[turn])
    assert np.abs(seen.positions - after([turn], splat.positions)).max() < 1e-6
    matrix = rotation_matrix(TURNS[turn])
    for one, other in zip(splat.rotations, seen.rotations, strict=True):
        assert np.abs(matrix @ rotation_matrix(tuple(one)) - rotation_matrix(tuple(other))).max() < 1e-5
    for direction in ((0.3, -0.5, 0.8), (-0.9, 0.1, 0.2)):
        there = after([turn], np.array([direction]))[0]
        assert np.abs(colours_from(splat, direction) - colours_from(seen, tuple(there))).max() < 1e-4


def test_turned_often_there_is_one_and_turned_back_it_is_the_first(studio: Studio, owner: str):
    first = upload(studio, owner)
    before, ids = studio.splats.splat(owner, first), [first]
    turns = ["forward", "left", "left", "roll-right", "roll-left", "right", "right", "back"]
    for index, turn in enumerate(turns):
        ids.append(studio.splats.turn(owner, ids[-1], [turn]).id)
        assert only(studio, owner) == ids[-1]
        seen = studio.splats.splat(owner, ids[-1])
        assert np.abs(seen.positions - after(turns[: index + 1], before.positions)).max() < 1e-6
    assert ids[-1] == first and ids == ids[:5] + ids[3::-1]  # undone one by one: the very ones that were there
    studio.rebuild()
    assert only(studio, owner) == first


def test_several_quarters_at_once_make_one_splat(studio: Studio, owner: str):
    first = upload(studio, owner)
    asset = studio.splats.turn(owner, first, ["forward", "forward"])
    assert len(studio.gallery(owner, kind="trash").assets) == 1
    before, seen = studio.splats.splat(owner, asset.id), TOWER.positions
    assert np.abs(before.positions - seen * (1, -1, -1)).max() < 1e-6
    assert studio.splats.turn(owner, asset.id, ["left"] * 4) == asset


def test_what_a_person_gave_it_stays(studio: Studio, owner: str):
    first = upload(studio, owner)
    studio.star(owner, first, True)
    studio.rename(owner, first, "The tower")
    former = studio.asset(owner, first)
    asset = studio.splats.turn(owner, first, ["back"])
    assert (asset.title, asset.starred, asset.created) == ("The tower", True, former.created)
    studio.star(owner, asset.id, False)
    studio.rename(owner, asset.id, "A tower")
    back = studio.splats.turn(owner, asset.id, ["forward"])
    assert (back.id, back.title, back.starred) == (first, "A tower", False)


@pytest.mark.parametrize("format", ["ply", "spz", "splat"])
def test_it_leaves_as_it_stands(studio: Studio, owner: str, format: str):
    asset = studio.splats.turn(owner, upload(studio, owner), ["forward"])
    exported = placed(read_splat(studio.splats.export(owner, asset.id, format)).splat)
    heights = after(["forward"], TOWER.positions)[:, 1]
    assert np.abs(np.sort(exported.positions[:, 1]) - np.sort(heights)).max() < 1e-3


def test_the_guess_is_no_longer_told_but_the_rest_is(studio: Studio, owner: str):
    columns = columns_like_a_trainer(some(20)) | {f"f_rest_{index}": np.ones(20, "f4") for index in range(30)}
    first = studio.splats.take_in(owner, by_plyfile(columns), "a.ply")
    assert "which way is up" in first.recipe.splat.notes
    asset = studio.splats.turn(owner, first.id, ["left"])
    said = asset.recipe.splat
    assert said.notes.startswith("This file has 30 harmonics") and "which way is up" not in said.notes
    assert (said.count, said.origin, said.fit) == (20, first.id, None)


def test_the_same_file_again_is_the_one_that_was_stood_up(studio: Studio, owner: str):
    data = remarked("comment Vertical Axis: z")
    first = studio.splats.take_in(owner, data, "tower.ply")
    asset = studio.splats.turn(owner, first.id, ["left"])
    assert studio.splats.take_in(owner, data, "again.ply") == asset
    back = studio.splats.export(owner, asset.id, "ply")
    assert studio.splats.take_in(owner, back, "back.ply") == asset
    theirs = studio.splats.take_in(FOREIGN, back, "back.ply")
    assert theirs.recipe.splat.origin == ""
    assert only(studio, owner) == asset.id


def test_one_that_a_stranger_forged_takes_nobodys_place(studio: Studio, owner: str):
    mine = upload(studio, owner)
    said = SplatRecipe(origin=mine, turned=TURNS["left"])
    forged = write_ply(replace(some(30), recipe=recipe(splat=said), pose=Pose()))
    asset = studio.splats.take_in(owner, forged, "forged.ply")
    over = studio.splats.turn(owner, asset.id, ["back"])
    assert studio.splats.splat(owner, over.id).count == 30
    assert not studio.asset(owner, mine).deleted


def test_it_can_be_turned_when_the_first_is_gone(studio: Studio, owner: str):
    first = upload(studio, owner)
    asset = studio.splats.turn(owner, first, ["left"])
    studio.path(owner, first).unlink()
    again = studio.splats.turn(owner, asset.id, ["back"])
    seen = studio.splats.splat(owner, again.id)
    assert np.abs(seen.positions - after(["left", "back"], TOWER.positions)).max() < 1e-6
    assert studio.splats.turn(owner, again.id, ["forward"]).id == asset.id


# --- as it comes in ---------------------------------------------------------------------------------------------------


FILES = {
    "of a trainer": by_plyfile(columns_like_a_trainer(some(20))),
    "that says z": remarked("comment Vertical Axis: z", by_plyfile(columns_like_a_trainer(some(20)))),
    "of ours": write_ply(replace(some(20), pose=Pose())),
    "splat": write_antimatter(replace(some(20), pose=Pose())),
    "spz": write_spz(replace(some(20), pose=Pose())),
}


@pytest.mark.parametrize(
    ("kind", "up"), [*((kind, "-z") for kind in FILES), *(("of a trainer", up) for up in UPRIGHT if up != "-z")]
)
def test_the_axis_that_is_named_points_up(studio: Studio, owner: str, kind: str, up: Axis):
    asset = studio.splats.take_in(owner, FILES[kind], "tower.ply", up=up)
    in_file = some(20).positions if kind not in ("of ours", "splat") else some(20).positions * (1, -1, -1)
    column = in_file[:, "xyz".index(up[-1])] * (-1 if up[0] == "-" else 1)
    heights = studio.splats.splat(owner, asset.id).positions[:, 1]
    assert np.abs(np.sort(heights) - np.sort(column)).max() < 1e-3
    assert "way is up" not in asset.recipe.splat.notes
    again = studio.splats.take_in(owner, FILES[kind], "tower.ply", up=up)
    assert again == asset == studio.gallery(owner).assets[0] and studio.count(owner) == 1


def test_named_later_the_one_that_is_there_is_turned(studio: Studio, owner: str):
    first = studio.splats.take_in(owner, FILES["of a trainer"], "tower.ply")
    asset = studio.splats.take_in(owner, FILES["of a trainer"], "tower.ply", up="z")
    assert asset.id != first.id and only(studio, owner) == asset.id
    assert np.abs(studio.splats.splat(owner, asset.id).positions[:, 1] - some(20).positions[:, 2]).max() < 1e-6
    assert studio.splats.take_in(owner, FILES["of a trainer"], "tower.ply") == asset
    assert studio.splats.take_in(owner, FILES["of a trainer"], "tower.ply", up="-y").id == first.id


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [[], ["up"], ["left", 7], [["left"]], "left", None, ["left"] * 25, 7, {"left": 1}])
def test_a_turn_that_is_none_is_refused(studio: Studio, owner: str, turns: object):
    with pytest.raises(BadRequest, match="quarter"):
        studio.splats.turn(owner, upload(studio, owner), turns)  # type: ignore[arg-type]


@pytest.mark.parametrize("up", ["w", "+y", 7, None, "z\n", ["z"]])
def test_an_axis_that_is_none_is_refused(studio: Studio, owner: str, up: object):
    with pytest.raises(BadRequest, match="axis that points up is one of x, -x, y, -y, z, -z"):
        studio.splats.take_in(owner, FILES["spz"], "tower.spz", up=up)  # type: ignore[arg-type]


def test_only_what_is_there_and_mine_is_turned(studio: Studio, owner: str):
    mine = upload(studio, owner)
    over = studio.splats.turn(owner, mine, ["left"])
    for who, id in ((FOREIGN, over.id), (owner, mine), (owner, "0" * 32), (owner, "../x")):
        with pytest.raises(NotFound):
            studio.splats.turn(who, id, ["left"])


# --- the orientations of a cube ---------------------------------------------------------------------------------------


def test_there_are_24_ways_to_stand_and_each_has_a_way_back():
    ways = {followed(TURNS[turn] for turn in turns) for turns in every(TURNS, repeat=3)}
    ways |= {followed((one, TURNS["left"])) for one in ways}
    assert len(ways) == 24
    for way in ways:
        assert followed((way, inverse(way))) == (1, 0, 0, 0) and quarter(way) == way
        assert way == quarter([-one for one in way])


@pytest.mark.parametrize(
    "said",
    [{"turned": [9, 9, 9, 9]}, {"turned": [1, 0, 0]}, {"turned": "x"}, {"turned": [True, 0, 0, 0]}, {"origin": 7}],
)
def test_a_way_round_that_is_none_was_not_said(said: dict[str, Any]):
    assert read_splat_recipe(said) == SplatRecipe()


def test_a_way_round_is_read_as_it_was_written():
    said = SplatRecipe(turned=TURNS["left"])
    assert read_splat_recipe(json.loads(json.dumps(asdict(said)))) == said


def test_the_camera_of_what_came_from_a_picture_stays(studio: Studio, owner: str):
    camera = PictureCamera(64, 48, Crop(0, 0, 48))
    asset = studio.splats.turn(owner, upload(studio, owner, replace(some(20), pose=Pose(camera=camera))), ["left"])
    assert studio.splats.splat(owner, asset.id).pose.camera == camera
    assert_same(
        studio.splats.splat(owner, studio.splats.turn(owner, asset.id, ["right"]).id),
        some(20),
        positions=0,
        scales=1e-6,
    )
