"""PLY files as other tools write them: other columns, tables and spellings of the header, and which way is up."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from studio.splats.any_format import read_splat
from studio.splats.formats.ply import write_ply
from studio.splats.formats.ply_header import read_header
from studio.splats.splat import Pose, Splat
from studio.splats.transform import placed
from tests.studio.splats.formats.test_ply import by_plyfile, columns_like_a_trainer, compressed
from tests.studio.splats_in import assert_same, complaint, some

Columns = dict[str, np.ndarray]
RED, BLUE = (0.8, 0.2, 0.2), (0.2, 0.3, 0.8)


def trained(count: int = 20, degree: int = 0) -> Columns:
    return columns_like_a_trainer(some(count, degree=degree))


def without(columns: Columns, *names: str) -> Columns:
    return {name: one for name, one in columns.items() if not name.startswith(names)}


def renamed(columns: Columns, **names: str) -> Columns:
    return {names.get(name, name): one for name, one in columns.items()}


def read(columns: Columns) -> Splat:
    """As the file has it, not yet stood up."""
    return replace(read_splat(by_plyfile(columns)).splat, pose=Pose())


def notes(data: bytes) -> str:
    return " ".join(read_splat(data).notes)


# --- columns ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "kind", "most"),
    [
        (("red", "green", "blue"), "u1", 255),
        (("red", "green", "blue"), "u2", 65_535),
        (("red", "green", "blue"), "f4", 1),
        (("red", "green", "blue"), "f4", 255),
        (("r", "g", "b"), "i4", 255),
        (("diffuse_red", "diffuse_green", "diffuse_blue"), "u1", 255),
    ],
    ids=lambda value: str(value) if not isinstance(value, tuple) else value[0],
)
def test_colours_may_be_levels_instead_of_harmonics(names: tuple[str, ...], kind: str, most: int):
    columns = without(trained(2), "f_dc")
    levels = np.array([RED, BLUE]) * most
    levels = levels if most == 1 else np.rint(levels)
    columns = without(trained(2), "f_dc") | {name: levels[:, i].astype(kind) for i, name in enumerate(names)}
    splat = read(columns)
    assert np.abs(splat.colours - (RED, BLUE)).max() < 0.003
    assert_same(replace(splat, colours=some(2).colours), some(2))


def test_harmonics_are_believed_before_levels():
    columns = trained() | {name: np.zeros(20, np.uint8) for name in ("red", "green", "blue")}
    assert_same(read(columns), some(20))


@pytest.mark.parametrize(
    ("name", "kind", "most"), [("alpha", "u1", 255), ("alpha", "f4", 1), ("a", "u2", 65_535), ("opacity", "u1", 255)]
)
def test_opacities_may_be_levels(name: str, kind: str, most: int):
    levels = some(20).opacities * most
    columns = without(trained(), "opacity") | {name: (np.rint(levels) if most > 1 else levels).astype(kind)}
    assert_same(read(columns), some(20), opacities=0.003)


@pytest.mark.parametrize("prefix", ["scalar_", "scalar_scalar_"])
def test_cloudcompare_has_a_prefix(prefix: str):
    columns = trained(degree=1)
    others = {name: f"{prefix}{name}" for name in columns if name not in ("x", "y", "z")}
    assert_same(read(renamed(columns, **others)), some(20, degree=1))
    assert_same(read(columns | {f"{prefix}opacity": np.zeros(20, np.float32)}), some(20, degree=1))


def test_opacities_beyond_all_bounds_are_opaque_or_clear():
    columns = without(trained(2), "opacity") | {"alpha": np.array([3.0, -1.0], np.float32)}
    assert read(columns).opacities.tolist() == [1, 0]


def test_what_a_file_does_not_say_is_assumed_and_told():
    splat = read(without(trained(), "opacity", "nx", "ny", "nz"))
    assert (splat.opacities == 1).all() and "assumed to be opaque" in notes(by_plyfile(without(trained(), "opacity")))
    splat = read(without(trained(), "rot_"))
    assert (splat.rotations == (1, 0, 0, 0)).all() and "none were rotated" in notes(
        by_plyfile(without(trained(), "rot"))
    )


def test_flat_splats_are_given_a_small_thickness():
    for columns in (
        without(trained(), "scale_2"),
        renamed(without(trained(), "scale_2"), scale_0="scale_x", scale_1="scale_y"),
    ):
        splat = read(columns)
        assert np.allclose(splat.scales[:, :2], some(20).scales[:, :2], rtol=1e-5)
        assert (splat.scales[:, 2] > 0).all() and (splat.scales[:, 2] < 0.01 * splat.scales[:, :2].min(axis=1)).all()
        assert "flat splats (2DGS)" in notes(by_plyfile(columns))
        assert "flat" not in notes(write_ply(read_splat(by_plyfile(columns)).splat))  # what we write has three


@pytest.mark.parametrize("name", ["scale_0", "scale"])
def test_one_size_is_a_ball(name: str):
    splat = read(renamed(without(trained(), "scale_1", "scale_2"), scale_0=name))
    assert np.allclose(splat.scales, np.repeat(some(20).scales[:, :1], 3, axis=1), rtol=1e-5)


@pytest.mark.parametrize("names", ["qw qx qy qz", "rot_w rot_x rot_y rot_z", "q_w q_x q_y q_z"])
def test_rotations_have_other_names(names: str):
    columns = renamed(trained(), **dict(zip(("rot_0", "rot_1", "rot_2", "rot_3"), names.split(), strict=True)))
    assert_same(read(dict(reversed(columns.items()))), some(20))


@pytest.mark.parametrize("count", [1, 3, 8, 10, 12, 21, 30, 44, 46, 48, 105])
def test_harmonics_that_are_no_whole_bands_are_left_out_and_told(count: int):
    columns = trained() | {f"f_rest_{index}": np.ones(20, np.float32) for index in range(count)}
    assert_same(read(columns), some(20))
    assert f"This file has {count} harmonics where whole bands have 9, 24, 45 or 72" in notes(by_plyfile(columns))


def test_harmonics_with_a_gap_are_left_out_and_told():
    assert "has 8 harmonics" in notes(by_plyfile(without(trained(degree=1), "f_rest_3")))


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_whole_bands_are_taken_without_a_word(degree: int):
    assert "harmonics" not in notes(by_plyfile(trained(degree=degree)))
    assert read(trained(degree=degree)).sh_degree == degree


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (("x", "y", "z"), "a mesh or a cloud of points"),
        (("x", "y", "z", "red", "green", "blue"), "a mesh or a cloud of points"),
        (("x", "y", "z", "nx", "ny", "nz", "red", "green", "blue", "alpha"), "a mesh or a cloud of points"),
        (("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2"), "a mesh or a cloud of points"),
        (("x", "y", "z", "red", "green", "blue", "scale"), "a mesh or a cloud of points"),
        (("y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "scale_0", "opacity"), "not a splat"),
        (("s", "t"), "not a splat"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value[3:]) or "-".join(value),
)
def test_meshes_and_points_are_named_for_what_they_are(columns: tuple[str, ...], kind: str):
    file = by_plyfile({name: np.full(4, 0.5, "u1" if name in ("red", "green", "blue") else "f4") for name in columns})
    assert f"This PLY file is {kind}: it has no column" in complaint(file)


# --- tables and headers -----------------------------------------------------------------------------------------------


def head_and_rows(data: bytes) -> tuple[str, bytes]:
    length = read_header(data).length
    return data[:length].decode(), data[length:]


def faces_first(order: str, rows: list[bytes], column: str = "property list uchar int vertex_indices\n") -> bytes:
    """A binary file with a table of faces before its splats."""
    head, body = head_and_rows(by_plyfile(trained(5), byte_order=order))
    return (
        head.replace("element vertex", f"element face {len(rows)}\n{column}element vertex").encode()
        + b"".join(rows)
        + body
    )


TRIANGLES: dict[str, tuple[str, Callable[[str], list[bytes]]]] = {
    "triangles and a square": (
        "property list uchar int vertex_indices\n",
        lambda order: [struct.pack(order + "B3i", 3, 0, 1, 2), struct.pack(order + "B4i", 4, 0, 1, 2, 3), b"\0"],
    ),
    "lists among numbers": (
        "property float area\nproperty list uint8 uint32 vertex_index\nproperty uchar red\n"
        "property list ushort double uv\nproperty short flags\n",
        lambda order: [struct.pack(order + "fB3IBH2dh", 1.0, 3, 0, 1, 2, 9, 2, 0.5, 0.5, 7)] * 3,
    ),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", TRIANGLES)
def test_faces_may_come_first(order: str, kind: str):
    column, rows = TRIANGLES[kind]
    assert_same(read_splat(faces_first(order, rows(order), column)).splat, some(5))


def test_faces_may_come_first_in_a_file_of_text():
    head, body = head_and_rows(by_plyfile(trained(5), text=True))
    faces = "element face 2\nproperty list uchar int vertex_indices\nelement vertex"
    assert_same(
        read_splat((head.replace("element vertex", faces) + "3 0 1 2\n4 0 1 2 3\n").encode() + body).splat, some(5)
    )


@pytest.mark.parametrize("count", [2**31, 2**31 - 1, 2**63 - 1, 2_000_001])
def test_a_table_of_too_many_lists_is_refused_before_it_is_read(count: int):
    data = faces_first("<", [b"\0"] * 2).replace(b"element face 2", b"element face %d" % count)
    assert f"has {count:,} rows of lists in a table 'face'" in complaint(data, 2)


@pytest.mark.parametrize(
    ("rows", "kind", "said"),
    [
        (struct.pack("<i", 2**31 - 1), "int", "ends within its table 'face'"),
        (struct.pack("<I", 2**32 - 1), "uint", "ends within its table 'face'"),
        (struct.pack("<i", -1), "int", "a list of 'face' has -1 values"),
        (struct.pack("<b", -128), "char", "a list of 'face' has -128 values"),
    ],
    ids=["long", "longer", "negative", "negative byte"],
)
def test_lists_that_lie_about_their_length_are_refused(rows: bytes, kind: str, said: str):
    data = faces_first("<", [rows], f"property list {kind} int vertex_indices\n")
    assert said in complaint(data, 2)


def test_a_file_of_faces_cut_off_before_its_splats_is_said():
    data = faces_first("<", [b"\0"] * 3).replace(b"element face 3", b"element face 1999999")
    assert "ends within its table" in complaint(data, 2)


HEADERS: dict[str, Callable[[str], str]] = {
    "tabs": lambda head: head.replace(" ", "\t"),
    "several spaces": lambda head: head.replace(" ", " \t  "),
    "spaces at both ends": lambda head: "ply\n" + "".join(f"  {line} \n" for line in head.splitlines()[1:]),
    "CRLF": lambda head: head.replace("\n", "\r\n"),
    "remarks everywhere": lambda head: head.replace("\nproperty", "\ncomment\nobj_info a b c\ncomment\tx\nproperty"),
    "empty lines": lambda head: head.replace("\nproperty", "\n\nproperty"),
    "other names of types": lambda head: head.replace("float", "float32"),
    "X, Y and Z": lambda head: re.sub(
        "float ([xyz])$", lambda found: f"float {found[1].upper()}", head, flags=re.MULTILINE
    ),
    "columns in capitals": lambda head: re.sub("float .*", lambda found: f"float {found[0][6:].upper()}", head),
    "all in capitals": str.upper,
    "a table Vertex": lambda head: head.replace("vertex", "Vertex"),
    "a byte order mark": lambda head: "\ufeff" + head,
    "a byte order mark and CRLF": lambda head: "\ufeff" + head.replace("\n", "\r\n"),
    "an empty line first": lambda head: "\n" + head,
    "remarks before the format": lambda head: head.replace("ply\n", "ply\ncomment a fox\nobj_info b\n\n", 1),
    "CR": lambda head: head.replace("\n", "\r"),
}


@pytest.mark.parametrize("spelling", HEADERS)
@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
def test_headers_are_spelt_in_many_ways(spelling: str, text: bool):
    head, body = head_and_rows(by_plyfile(trained(5), text=text))
    assert_same(read_splat(HEADERS[spelling](head).encode() + body).splat, some(5))


@pytest.mark.parametrize("ending", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_lines_of_a_file_of_text_end_as_they_do_elsewhere(ending: str):
    data = by_plyfile(trained(5), text=True).decode().replace("\n", ending).encode()
    assert_same(read_splat(data).splat, some(5))


def test_tabs_separate_the_numbers_of_a_file_of_text():
    head, body = head_and_rows(by_plyfile(trained(5), text=True))
    assert_same(read_splat(head.encode() + body.replace(b" ", b"\t")).splat, some(5))


# --- which way is up --------------------------------------------------------------------------------------------------


def remarked(remark: str, data: bytes | None = None) -> bytes:
    data = data or by_plyfile(trained(20, degree=2))
    return data.replace(b" 1.0\n", b" 1.0\n" + remark.encode() + b"\n", 1)


@pytest.mark.parametrize(
    "remark",
    [
        "comment Vertical Axis: z",
        "comment vertical axis:Z",
        "obj_info Vertical  Axis = +z",
        "comment\tVertical Axis: z",
    ],
)
def test_a_file_that_says_z_is_up_stands(remark: str):
    for data in (remarked(remark), remarked(remark, compressed(some(20)))):
        taken = read_splat(data)
        plain = read_splat(remarked("comment x", data.replace(remark.encode(), b"comment"))).splat
        x, y, z = plain.positions.T
        assert np.allclose(taken.splat.world_positions(), np.stack([x, z, -y], axis=1), atol=1e-6)
        assert "says that its z axis points up" in " ".join(taken.notes) and "does not say" not in " ".join(taken.notes)


@pytest.mark.parametrize(
    "remark",
    ["comment Vertical Axis: y", "comment Vertical Axis: -y", "comment Vertical Axis: zenith", "comment Axis: z"],
)
def test_other_remarks_mean_nothing(remark: str):
    taken = read_splat(remarked(remark))
    assert np.allclose(taken.splat.world_positions(), some(20, degree=2).positions * (1, -1, -1), atol=1e-6)
    assert "does not say which way is up" in " ".join(taken.notes)


def test_our_own_files_know_better_than_a_remark():
    splat = placed(some(20, degree=1))
    assert_same(read_splat(remarked("comment Vertical Axis: z", write_ply(splat))).splat, splat, sh_rest=0)
