"""Validation of splat files: whatever lies, is cut off or is none gets one sentence, soon and in little memory."""

from __future__ import annotations

import random
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.errors import BadSplat
from studio.splats.any_format import read_splat
from studio.splats.formats.antimatter_splat import write_antimatter
from studio.splats.formats.ply import NAMES, write_ply
from studio.splats.formats.ply_header import MAX_HEADER_BYTES, read_header
from studio.splats.formats.spz import write_spz
from studio.splats.sanitize import MAX_BYTES
from studio.splats.splat import MAX_SPLATS
from tests.studio.splats.formats.test_ply import by_plyfile, columns_like_a_trainer, compressed
from tests.studio.splats_in import COLUMNS, assert_sound, complaint, ply, recipe, some

# --- what is no splat -------------------------------------------------------------------------------------------------


def test_an_empty_file_is_said():
    assert "is empty" in complaint(b"")


def test_a_file_that_is_not_there_is_said_by_name(tmp_path: Path):
    for path in (tmp_path / "gone.ply", tmp_path):
        with pytest.raises(BadSplat, match=r"cannot be read: .* Choose another\."):
            read_splat(path)
    with pytest.raises(BadSplat, match=r"my thing\.ply"):
        read_splat(tmp_path / "gone.ply", name="my thing.ply")


def test_a_file_of_too_many_bytes_is_not_read(tmp_path: Path):
    path = tmp_path / "large.ply"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # a hole: it takes no room
    with pytest.raises(BadSplat, match=r"has 300 MB; 300 MB is the most\. Make it smaller"):
        read_splat(path)


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(24), "a picture"),
        (b"\xff\xd8\xff\xe0" + bytes(28), "a picture"),
        (b"glTF" + bytes(28), "a mesh"),
        (b"PK\x03\x04" + bytes(28), "a SOG or zip"),
        (b"<!DOCTYPE html><html></html>    ", "a web page"),
        (b"%PDF-1.7" + bytes(24), "a PDF"),
        (b"MZ" + bytes(30), "a program"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "a text file"),
        (b"x" * 320, "a text file"),
        (random.Random(2).randbytes(3200), "not a splat that Diorama can read"),
        (bytes(64), "not a splat that Diorama can read"),
        (b"\0", "not a splat that Diorama can read"),
    ],
)
def test_what_it_seems_to_be_is_named(file: bytes, kind: str):
    assert kind in complaint(file) and "PLY, SPLAT or SPZ" in complaint(file)


def test_the_content_decides_and_not_the_name():
    for data, format in ((write_ply(some()), "ply"), (write_spz(some()), "spz"), (write_antimatter(some()), "splat")):
        for name in ("a.ply", "a.spz", "a.splat", "../../etc/passwd", ""):
            assert read_splat(data, name).format == format


def test_a_path_and_its_bytes_are_the_same(tmp_path: Path):
    path = tmp_path / "x.png"
    path.write_bytes(write_ply(some()))
    assert np.array_equal(read_splat(path).splat.positions, some().positions)


# --- PLY --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2**31, 2**31 - 1, 2**32, 2**63 - 1, MAX_SPLATS + 1])
def test_a_count_beyond_all_bounds_is_refused_before_anything_is_allocated(count: int):
    for form in ("binary_little_endian", "binary_big_endian", "ascii"):
        assert f"declares {count:,} splats; 2,000,000 is the most" in complaint(ply(bytes(560), count, form), 2)


@pytest.mark.parametrize("count", [11, 1000, MAX_SPLATS])
def test_a_count_beyond_the_file_is_refused_before_anything_is_allocated(count: int):
    assert f"declares {count:,} splats and has room for 10" in complaint(ply(bytes(560), count), 2)
    assert "cut off" in complaint(ply(b"0 " * 139, count, "ascii"), 2)


@pytest.mark.parametrize("count", ["-1", "1e9", "0x10", "", "9" * 30, "\u0661", "1 2"])
def test_a_count_that_is_none_is_damage(count: str):
    assert "header of this PLY file is damaged" in complaint(ply(bytes(560), count))


def test_no_splats_are_said():
    assert "has no splats in it" in complaint(ply(b"", 0))
    assert "has no splats in it" in complaint(compressed(some(3)).replace(b"vertex 3", b"vertex 0"))


@pytest.mark.parametrize("size", [10, 1000, 2_000_000])
def test_a_header_without_an_end_is_looked_for_only_so_far(size: int):
    assert "does not end within 256 kB" in complaint(b"ply\n" + b"comment x\n" * (size // 10), 3)


def test_an_end_of_the_header_too_far_away_does_not_count():
    late = ply(bytes(56)).replace(b"end_header", b"comment " + b"x" * MAX_HEADER_BYTES + b"\nend_header")
    assert "does not end" in complaint(late)


@pytest.mark.parametrize(
    "line",
    [
        "element vertex",
        "element vertex 1",
        "property float",
        "property quaternion w",
        "property list uchar",
        "property float x",
        "format binary_middle_endian 1.0",
        "wibble wobble",
        "property float a\nproperty float a",
        "\n".join(f"property float extra_{index}" for index in range(500)),
    ],
)
def test_a_header_that_makes_no_sense_is_damage(line: str):
    assert "damaged" in complaint(ply(bytes(3000), columns=COLUMNS + line + "\n"))


def test_a_header_without_a_format_is_damage():
    assert "does not say its format" in complaint(ply(bytes(56)).replace(b"format binary_little_endian 1.0\n", b""))


def test_meshes_and_clouds_of_points_are_told_from_splats():
    points = "property float x\nproperty float y\nproperty float z\nproperty uchar red\n"
    assert "a mesh or a cloud of points: it has no column f_dc_0" in complaint(ply(bytes(100), columns=points))
    assert "not a splat: it has no column x, y, z, ..." in complaint(ply(bytes(100), columns="property float a\n"))
    assert "has no vertices" in complaint(ply(bytes(100)).replace(b"element vertex", b"element corner"))


def test_lists_among_the_columns_are_said():
    listed = COLUMNS + "property list uchar int others\n"
    assert "have a list among their columns" in complaint(ply(bytes(1000), columns=listed))


def test_ten_million_lines_of_text_cost_next_to_nothing():
    lines = (b"0 " * 14 + b"\n") * 1000
    assert "10,000,000 splats; 2,000,000 is the most" in complaint(ply(lines, 10_000_000, "ascii"), 2)
    with pytest.raises(BadSplat, match=r"has 1\d\d MB of text; 100 MB is the most"):
        read_splat(ply(b"0\n" * 55_000_000, 14, "ascii"))


@pytest.mark.parametrize(
    "body",
    [
        b"0 " * 13 + b"\n" + b"0 " * 14,
        b"0 " * 13 + b"x",
        b"0 " * 14 + b"\n" + b"0 " * 15,
        b"0 " * 13 + b"1" * 5000 + b"e9999999999",
        b"\xff\xfe" + b"0 " * 20,
        b"\n" * 100,
        b"# " * 40,
    ],
)
def test_text_that_is_no_numbers_is_damage(body: bytes):
    sentence = complaint(ply(body, 2 if body.count(b"\n") else 1, "ascii"))
    assert re.search("damaged|cut off", sentence)


def test_rows_that_are_not_finite_are_left_out_with_a_note():
    columns = columns_like_a_trainer(some(20))
    for name, row, value in (("x", 0, np.nan), ("opacity", 3, np.nan), ("scale_1", 5, np.inf), ("scale_2", 6, 900)):
        columns[name] = columns[name].copy()
        columns[name][row] = value
    columns |= {name: np.where(np.arange(20) == 7, 0, columns[name]).astype("f4") for name in NAMES[10:]}
    columns["z"] = np.where(np.arange(20) == 9, 1e30, columns["z"]).astype("f4")
    taken = read_splat(by_plyfile(columns))
    assert taken.splat.count == 14
    assert "6 of 20 splats were left out: their numbers are not finite." in taken.notes
    assert_sound(taken.splat)


def test_infinite_opacities_are_opaque_or_clear():
    columns = columns_like_a_trainer(some(2))
    columns["opacity"] = np.array([np.inf, -np.inf], np.float32)
    assert read_splat(by_plyfile(columns)).splat.opacities.tolist() == [1, 0]


def test_a_file_without_one_finite_row_is_said():
    columns = columns_like_a_trainer(some(4)) | {"x": np.full(4, np.nan, np.float32)}
    assert "None of the 4 splats" in complaint(by_plyfile(columns))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"element chunk 1", b"element chunk 2"),
        (b"element chunk 1", b"element chunk 4000000000"),
        (b"element sh 3", b"element sh 2"),
        (b"property uint packed_scale", b"property int packed_scale"),
        (b"property float min_x", b"property float mini"),
        (b"property uchar f_rest_0\n", b"property uchar f_rust_0\n"),
    ],
)
def test_a_compressed_file_whose_tables_do_not_fit_is_damaged(old: bytes, new: bytes):
    data = compressed(some(3, degree=1))
    assert old in data
    assert "damaged" in complaint(data.replace(old, new))


def test_a_compressed_file_cut_off_anywhere_is_damaged():
    data = compressed(some(300, degree=1))
    for length in range(read_header(data).length, len(data), 997):
        assert "cut off" in complaint(data[:length])


def test_a_recipe_that_is_none_is_not_believed():
    good = write_ply(replace(some(3), recipe=recipe()))
    assert read_splat(good).splat.recipe is not None
    for old, new in ((b'"kind":"splat"', b'"kind":"virus"'), (b'"seed":7', b'"seed":-'), (b"{", b"[")):
        assert read_splat(good.replace(old, new, 1)).splat.recipe is None


def test_a_negative_size_of_a_splat_file_is_the_size():
    data = bytearray(write_antimatter(some(4)))
    (size,) = struct.unpack_from("<f", data, 32 + 12)
    struct.pack_into("<f", data, 32 + 12, -size)
    taken = read_splat(bytes(data))
    assert_sound(taken.splat)
    assert taken.splat.scales[1, 0] == np.float32(size)
