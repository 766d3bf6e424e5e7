"""Splats as .splat, .spz and .glb: round trips within what each format keeps, with slow readers as oracles."""

from __future__ import annotations

import gzip
import json
import math
import struct
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from studio.errors import BadRequest, BadSplat
from studio.splats.any_format import read_splat
from studio.splats.export import EXPORTS, export_splat
from studio.splats.formats.antimatter_splat import write_antimatter
from studio.splats.formats.glb import write_glb
from studio.splats.formats.spz import write_spz
from studio.splats.mesh import MOST_TRIANGLES, Mesh, mesh_of
from studio.splats.splat import SH_C0, Pose, Splat
from studio.splats.transform import TURNED_OVER, placed
from tests.studio.splats_in import CAMERA, assert_same, recipe, some

HALF_BYTE = 0.5 / 255 + 1e-6


def in_order(splat: Splat, of: Splat) -> Splat:
    """The Gaussians of a splat in the order that another one has them, by their places."""
    return splat.only(np.lexsort(splat.positions.T)[np.argsort(np.lexsort(of.positions.T))])


# --- .splat -----------------------------------------------------------------------------------------------------------


def test_a_dot_splat_comes_back_turned_over_with_a_byte_for_the_rest():
    splat = some(200)
    taken = read_splat(write_antimatter(splat))
    assert taken.format == "splat" and taken.splat.pose == Pose(rotation=TURNED_OVER)
    assert "which way is up" in taken.notes[0]
    world = in_order(placed(taken.splat), splat)
    # a step of 1/128 in each of four parts turns by less than 1 degree: 1 - cos(1 deg / 2) < 2e-4
    assert_same(world, splat, positions=0, scales=0, rotations=2e-4, opacities=HALF_BYTE, colours=HALF_BYTE)


def test_a_dot_splat_has_32_bytes_for_each_the_weightiest_first():
    splat = some(30)
    data = write_antimatter(splat, up="+y")
    assert len(data) == 30 * 32
    rows = [struct.unpack_from("<6f8B", data, 32 * index) for index in range(30)]
    weights = [math.prod(row[3:6]) * row[9] for row in rows]
    assert all(one >= 0.98 * other for one, other in pairwise(weights))
    heaviest = int((splat.scales.prod(axis=1) * splat.opacities).argmax())
    assert np.allclose(rows[0][:3], splat.positions[heaviest])
    assert np.allclose((np.array(rows[0][10:]) - 128) / 128, splat.rotations[heaviest], atol=1 / 128)


def test_a_dot_splat_of_colours_beyond_the_screen_keeps_to_its_bytes():
    splat = replace(some(4), colours=np.array([[-1, 0.5, 2]] * 4, np.float32))
    assert np.allclose(read_splat(write_antimatter(splat)).splat.colours, [0, 0.5, 1], atol=HALF_BYTE)


# --- .spz -------------------------------------------------------------------------------------------------------------


def slowly_read(data: bytes) -> list[dict[str, list[float]]]:
    """The splats of an SPZ file of version 3, as its README describes them, one at a time."""
    body = gzip.decompress(data)
    magic, version, count, degree, fraction, flags, reserved = struct.unpack_from("<IIIBBBB", body)
    assert (magic, version, flags, reserved) == (0x5053474E, 3, 0, 0)
    each = (degree + 1) ** 2 - 1
    starts = [16]
    for width in (9, 1, 3, 3, 4, 3 * each):
        starts.append(starts[-1] + width * count)
    assert starts[-1] == len(body)
    splats = []
    for index in range(count):
        fixed = [int.from_bytes(body[at : at + 3], "little", signed=True) for at in _threes(starts[0] + 9 * index)]
        word = int.from_bytes(body[starts[4] + 4 * index :][:4], "little")
        largest, parts = word >> 30, []
        for shift in (20, 10, 0):
            part = word >> shift & 1023
            parts.append((-1 if part & 512 else 1) * (part & 511) / 511 / math.sqrt(2))
        parts.insert(largest, math.sqrt(1 - sum(part * part for part in parts)))
        colours = body[starts[2] + 3 * index :][:3]
        splats.append(
            {
                "position": [value / 2**fraction for value in fixed],
                "opacity": [body[starts[1] + index] / 255],
                "colour": [((value / 255) - 0.5) / 0.15 * SH_C0 + 0.5 for value in colours],
                "scale": [math.exp(value / 16 - 10) for value in body[starts[3] + 3 * index :][:3]],
                "rotation": [parts[3], *parts[:3]],
                "sh": [(value - 128) / 128 for value in body[starts[5] + 3 * each * index :][: 3 * each]],
            }
        )
    return splats


def _threes(start: int) -> tuple[int, int, int]:
    return start, start + 3, start + 6


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_an_spz_comes_back_within_what_it_keeps(degree: int):
    splat = replace(some(200, degree=degree), recipe=recipe())
    taken = read_splat(write_spz(splat))
    assert taken.format == "spz" and taken.notes == ()
    assert taken.splat.pose == Pose(camera=CAMERA) and taken.splat.recipe == splat.recipe
    assert_same(
        replace(taken.splat, scales=np.log(taken.splat.scales)),
        replace(splat, scales=np.log(splat.scales)),
        positions=0.5 / 4096 + 1e-7,
        scales=0.5 / 16 + 1e-5,
        rotations=4e-6,  # half of the square of 3 parts off by half of 0.7 / 511, and of the one they leave
        opacities=HALF_BYTE,
        colours=0.5 / 255 / 0.15 * SH_C0 + 1e-6,
        sh_rest=8.5 / 128 + 1e-6,
    )


@pytest.mark.parametrize("degree", [0, 2])
def test_an_spz_says_what_its_readme_describes(degree: int):
    splat = some(25, degree=degree)
    data = write_spz(splat)
    taken = read_splat(data).splat
    for index, one in enumerate(slowly_read(data)):
        assert np.allclose(one["position"], taken.positions[index], atol=1e-6)
        assert np.allclose(one["opacity"], taken.opacities[index], atol=1e-6)
        assert np.allclose(one["colour"], taken.colours[index], atol=1e-6)
        assert np.allclose(one["scale"], taken.scales[index], rtol=1e-5)
        assert np.allclose(one["rotation"], taken.rotations[index], atol=1e-6)
        assert abs(np.dot(one["rotation"], splat.rotations[index])) > 1 - 4e-6
        if taken.sh_rest is not None:
            assert np.allclose(one["sh"], taken.sh_rest[index].ravel(), atol=1e-6)


def test_an_spz_of_version_2_is_read():
    head = struct.pack("<IIIBBBB", 0x5053474E, 2, 2, 0, 8, 1, 0)
    places = b"".join(int(value * 256).to_bytes(3, "little", signed=True) for value in (1.5, -2, 0.25, -100, 0, 7))
    quaternions = bytes([128, 128, 128, 255, 128, 128])  # hardly turned; half a turn about x
    data = gzip.compress(
        head + places + bytes([255, 51]) + bytes([128] * 6) + bytes([160, 160, 96, 0, 255, 128]) + quaternions
    )
    splat = read_splat(data).splat
    assert np.allclose(splat.positions, [[1.5, -2, 0.25], [-100, 0, 7]])
    assert np.allclose(splat.opacities, [1, 0.2]) and np.allclose(splat.colours, 0.5, atol=0.01)
    assert np.allclose(splat.scales[0], np.exp([0, 0, -4]))
    assert np.allclose(np.abs(splat.rotations), [[1, 0, 0, 0], [0, 1, 0, 0]], atol=0.01)


def test_an_spz_of_places_far_away_keeps_them():
    far = some(3)
    far = replace(far, positions=np.array([[5000, 0, 1], [-3000, 2, 3], [0, 0, 0]], np.float32))
    assert np.abs(read_splat(write_spz(far)).splat.positions - far.positions).max() <= 0.5 / 1024


@pytest.mark.parametrize("largest", range(4))
@pytest.mark.parametrize("sign", [1, -1])
def test_each_part_of_a_quaternion_may_be_the_largest(largest: int, sign: int):
    quaternion = np.array([0.3, -0.2, 0.1, -0.25])
    quaternion[largest] = 0.9 * sign
    quaternion /= np.linalg.norm(quaternion)
    splat = replace(some(1), rotations=quaternion.astype(np.float32)[None])
    assert abs(np.dot(read_splat(write_spz(splat)).splat.rotations[0], quaternion)) > 1 - 4e-6


def test_an_spz_is_a_gzip_file_to_everybody_else():
    splat = replace(some(100), recipe=recipe())
    assert gzip.decompress(write_spz(splat))[:4] == b"NGSP"
    again = gzip.compress(gzip.decompress(write_spz(splat)))  # whoever packs it anew loses the comment, nothing else
    taken = read_splat(again)
    assert taken.splat.recipe is None and np.array_equal(
        taken.splat.positions, read_splat(write_spz(splat)).splat.positions
    )


# --- .glb -------------------------------------------------------------------------------------------------------------


def ball(count: int = 6000, radius: float = 0.5) -> Splat:
    """A hollow ball: red above, blue below."""
    random = np.random.default_rng(3)
    out = random.normal(size=(count, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    colours = np.where(out[:, 1:2] > 0, [[0.9, 0.1, 0.1]], [[0.1, 0.1, 0.9]])
    return Splat(
        positions=(radius * out).astype(np.float32),
        scales=np.full((count, 3), 0.02, np.float32),
        rotations=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        opacities=np.full(count, 0.9, np.float32),
        colours=colours.astype(np.float32),
        pose=Pose(camera=CAMERA),
        recipe=recipe(),
    )


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return mesh_of(ball(), 40)


def test_the_mesh_of_a_ball_is_round_and_has_its_colours(mesh: Mesh):
    distance = np.linalg.norm(mesh.corners, axis=1)
    assert distance.min() > 0.5 and distance.max() < 0.6
    above = mesh.corners[:, 1] > 0.1
    assert np.allclose(mesh.colours[above], (0.9, 0.1, 0.1), atol=0.02)
    assert np.allclose(mesh.colours[mesh.corners[:, 1] < -0.1], (0.1, 0.1, 0.9), atol=0.02)


def test_the_mesh_is_closed_and_its_outside_is_outside(mesh: Mesh):
    assert_closed(mesh)
    outwards = mesh.corners / np.linalg.norm(mesh.corners, axis=1, keepdims=True)
    assert ((mesh.normals * outwards).sum(axis=1) > 0.8).all()
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)


def assert_closed(mesh: Mesh) -> None:
    edges = np.concatenate([mesh.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]).tolist()
    there, back = Counter(map(tuple, edges)), Counter((end, start) for start, end in edges)
    assert there == back  # each edge as often in one direction as in the other: nothing is open


def test_a_mesh_with_too_many_triangles_is_simplified_and_stays_closed():
    simple = mesh_of(ball(20_000), 96)  # so dense that it has no gaps on this grid
    assert 0.9 * MOST_TRIANGLES < len(simple.triangles) <= MOST_TRIANGLES
    assert_closed(simple)
    distance = np.linalg.norm(simple.corners, axis=1)
    assert distance.min() > 0.5 and distance.max() < 0.6
    assert ((simple.normals * simple.corners).sum(axis=1) > 0.8 * distance).all()
    assert np.allclose(simple.colours[simple.corners[:, 1] > 0.1], (0.9, 0.1, 0.1), atol=0.02)
    assert np.allclose(simple.colours[simple.corners[:, 1] < -0.1], (0.1, 0.1, 0.9), atol=0.02)


def test_a_mesh_follows_the_pose_of_its_splat():
    moved = mesh_of(replace(ball(), pose=Pose(scale=2.0, translation=(5.0, 0.0, 0.0))), 40)
    assert np.allclose(moved.corners.mean(axis=0), (5, 0, 0), atol=0.05)
    assert np.linalg.norm(moved.corners - (5, 0, 0), axis=1).min() > 1


def test_a_stray_splat_far_away_does_not_coarsen_the_mesh():
    splat = ball()
    places = splat.positions.copy()
    places[:3] *= 1e5
    assert len(mesh_of(replace(splat, positions=places), 40).triangles) > 3000


def test_a_splat_that_is_everywhere_thin_says_that_it_has_no_surface():
    with pytest.raises(BadSplat, match=r"too thin .* Export it as PLY\."):
        mesh_of(replace(ball(50), opacities=np.full(50, 0.01, np.float32)), 40)


def test_a_mesh_of_dust_becomes_coarser_until_it_is_bounded():
    """60,000 grains, each with a surface of its own, have 650,000 triangles on the usual grid."""
    dust = some(60_000)
    dust = replace(dust, scales=np.full((60_000, 3), 0.001, np.float32), opacities=np.ones(60_000, np.float32))
    assert 0 < len(mesh_of(dust).triangles) <= MOST_TRIANGLES


def test_a_mesh_of_clouds_is_made_on_larger_cells():
    """Each of them reaches over the whole grid: 4,500 times 4,913 points, more than are looked at."""
    cloud = some(4_500)
    cloud = replace(cloud, scales=np.full((4_500, 3), 0.3, np.float32))
    assert 0 < len(mesh_of(cloud).triangles) < 10_000


def test_a_glb_is_what_the_specification_says():
    data = write_glb(ball(), 24)
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    document = json.loads(data[20 : 20 + size])
    body_size, body_kind = struct.unpack_from("<I4s", data, 20 + size)
    assert (kind, body_kind, size % 4) == (b"JSON", b"BIN\0", 0)
    assert document["buffers"][0]["byteLength"] == body_size == len(data) - 28 - size
    place, normal, colour, index = document["accessors"]
    assert place["count"] == normal["count"] == colour["count"] and index["count"] % 3 == 0
    arrays = []
    for accessor, view in zip(document["accessors"], document["bufferViews"], strict=True):
        dtype = {5126: "<f4", 5123: "<u2", 5125: "<u4"}[accessor["componentType"]]
        arrays.append(np.frombuffer(data, dtype, view["byteLength"] // int(dtype[2]), 28 + size + view["byteOffset"]))
        assert view["byteOffset"] % 4 == 0
    corners = arrays[0].reshape(-1, 3)
    assert np.allclose(corners.min(axis=0), place["min"]) and np.allclose(corners.max(axis=0), place["max"])
    assert arrays[3].max() == place["count"] - 1
    colours = arrays[2].reshape(-1, 4) / 65_535
    red = colours[corners[:, 1] > 0.1][0]
    assert np.allclose(red, [((0.9 + 0.055) / 1.055) ** 2.4, ((0.1 + 0.055) / 1.055) ** 2.4, red[1], 1], atol=0.02)


def test_a_glb_carries_the_recipe_the_camera_and_the_word_approximate():
    splat = ball()
    data = write_glb(splat, 24)
    document = json.loads(data[20 : 20 + struct.unpack_from("<I", data, 12)[0]])
    extras = document["asset"]["extras"]
    assert splat.recipe is not None and extras["diorama"]["recipe"]["id"] == splat.recipe.id
    assert extras["diorama"]["pose"]["camera"]["width"] == CAMERA.width and extras["note"].startswith("Approximate")


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_makes_a_file_of_its_kind(name: str):
    count = 30 if name == "mp4" else 800  # painting takes its time
    data = export_splat(ball(count), name)
    begins = {"ply": b"ply\n", "spz": b"\x1f\x8b", "html": b"<!doctype html>", "glb": b"glTF"}
    assert data.startswith(begins.get(name, b"")) and (name != "mp4" or data[4:12] == b"ftypisom")
    if name in ("ply", "spz", "splat"):
        assert read_splat(data).format == name
        assert read_splat(data).splat.count == 800


def test_an_unknown_format_is_said():
    with pytest.raises(BadRequest, match=r"cannot be saved as 'obj'\. Choose one of: ply, spz"):
        export_splat(some(), "obj")


def test_no_export_but_the_ones_without_room_loses_the_recipe():
    splat = ball(800)
    assert splat.recipe is not None
    for name in ("ply", "html", "glb"):
        assert splat.recipe.id.encode() in export_splat(splat, name)
    film = ball(10)
    assert film.recipe is not None and film.recipe.id.encode() in export_splat(film, "mp4")
    assert read_splat(export_splat(splat, "spz")).splat.recipe == splat.recipe


def test_the_sizes_that_are_told_of_are_about_right():
    splat = some(3_000)
    ply = len(EXPORTS["ply"].write(splat))
    assert "A quarter of the size" in EXPORTS["spz"].about
    assert 0.2 < len(EXPORTS["spz"].write(splat)) / ply < 0.33
    assert "Half the size" in EXPORTS["splat"].about
    assert 0.45 < len(EXPORTS["splat"].write(splat)) / ply < 0.6
