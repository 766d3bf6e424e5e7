"""The door for splats: files that lie, are cut off or are none get one sentence, quickly and without much memory."""

from __future__ import annotations

import gzip
import io
import random
import re
import struct
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import BadSplat
from studio.splat import MAX_SPLATS, Splat
from studio.splats.antimatter_splat import write_antimatter
from studio.splats.header import MAX_HEADER_BYTES, read_header
from studio.splats.ply import NAMES, write_ply
from studio.splats.reading import read_splat
from studio.splats.sound import MAX_BYTES
from studio.splats.spz import write_spz
from tests.studio.splats_in import recipe, some
from tests.studio.test_splat_ply import by_plyfile, columns_like_a_trainer, compressed

COLUMNS = "".join(f"property float {name}\n" for name in NAMES)


def complaint(file: bytes, most_mb: float = 40) -> str:
    """The sentence that refuses a file, which was found without much memory."""
    tracemalloc.start()
    try:
        with pytest.raises(BadSplat) as caught:
            read_splat(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    sentence = str(caught.value)
    assert re.fullmatch(r"[A-Z].{20,260}\.", sentence), sentence
    assert peak < most_mb * 1e6, f"{peak / 1e6:.0f} MB"
    return sentence


def ply(body: bytes = b"", count: object = 1, form: str = "binary_little_endian", columns: str = COLUMNS) -> bytes:
    return f"ply\nformat {form} 1.0\nelement vertex {count}\n{columns}end_header\n".encode() + body


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
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "a file of text"),
        (b"x" * 320, "a file of text"),
        (random.Random(2).randbytes(3200), "no splat that Diorama can read"),
        (bytes(64), "no splat that Diorama can read"),
        (b"\0", "no splat that Diorama can read"),
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
    assert "no splat: it has no column x, y, z, ..." in complaint(ply(bytes(100), columns="property float a\n"))
    assert "has no vertices" in complaint(ply(bytes(100)).replace(b"element vertex", b"element corner"))


def test_lists_among_the_columns_and_before_the_splats_are_said():
    listed = COLUMNS + "property list uchar int others\n"
    assert "have a list among their columns" in complaint(ply(bytes(1000), columns=listed))
    before = ply(bytes(1000)).replace(
        b"element vertex", b"element face 2\nproperty list uchar int vertex_indices\nelement vertex"
    )
    assert "'face' with lists before its splats" in complaint(before)


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


# --- SPZ --------------------------------------------------------------------------------------------------------------


def spz(count: int, body: bytes, version: int = 3, degree: int = 0, bits: int = 12, flags: int = 0) -> bytes:
    return gzip.compress(struct.pack("<4sIIBBBB", b"NGSP", version, count, degree, bits, flags, 0) + body, 1)


def test_a_gzip_bomb_is_not_unpacked():
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    bomb = packer.compress(struct.pack("<4sIIBBBB", b"NGSP", 3, 5, 0, 12, 0, 0))
    bomb += b"".join([*(packer.compress(block) for _ in range(200)), packer.flush()])
    assert len(bomb) < 500_000
    tracemalloc.start()
    try:
        assert read_splat(bomb).splat.count == 5  # what it declares, and not a byte of the rest
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
    assert "without a splat in it" in complaint(gzip.compress(block * 20, 9), 2)


@pytest.mark.parametrize("count", [MAX_SPLATS + 1, 2**31, 2**32 - 1])
def test_an_spz_of_too_many_splats_is_refused(count: int):
    assert f"declares {count:,} splats" in complaint(spz(count, b""), 2)


def test_an_spz_that_ends_early_is_cut_off():
    assert "declares 100 splats and ends before the last" in complaint(spz(100, bytes(1999)))
    data = write_spz(some(200))
    for length in range(3, len(data), 101):
        assert re.search("cut off|damaged|without a splat", complaint(data[:length])), length


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (spz(1, bytes(64), version=1), "version 1; Diorama reads 2 and 3"),
        (spz(1, bytes(64), version=7), "version 7"),
        (b"NGSP" + struct.pack("<II", 4, 1) + bytes(100), "version 4 or newer"),
        (spz(0, b""), "has no splats in it"),
        (spz(1, bytes(64), degree=5), "makes no sense"),
        (spz(1, bytes(64), bits=200), "makes no sense"),
        (spz(1, bytes(64), flags=2), "has extensions"),
        (spz(2_000_000, b"", degree=4), "unpacks to 384 MB" if MAX_BYTES < 184_000_000 else "ends before the last"),
        (b"\x1f\x8b\x08\x00" + bytes(100), "without a splat|damaged"),
        (gzip.compress(b"hello"), "without a splat"),
        (b"\x1f\x8b\x08", "without a splat"),
    ],
)
def test_an_spz_that_cannot_be_read_says_why(file: bytes, said: str):
    assert re.search(said, complaint(file, 400))


# --- .splat -----------------------------------------------------------------------------------------------------------


def test_a_dot_splat_of_a_part_of_a_row_is_no_splat():
    assert "no splat" in complaint(write_antimatter(some(3))[:-1])


def test_a_dot_splat_of_more_rows_than_are_taken_is_refused(tmp_path: Path):
    path = tmp_path / "many.splat"
    with path.open("wb") as file:
        file.write(write_antimatter(some(1000)))
        file.truncate(32 * (MAX_SPLATS + 1))
    with pytest.raises(BadSplat, match="declares 2,000,001 splats"):
        read_splat(path)


# --- anything ---------------------------------------------------------------------------------------------------------


def assert_sound(splat: Splat) -> None:
    assert splat.count > 0
    for array in (splat.positions, splat.scales, splat.rotations, splat.opacities, splat.colours):
        assert array.dtype == np.float32 and np.isfinite(array).all()
    assert ((splat.opacities >= 0) & (splat.opacities <= 1)).all() and (splat.scales >= 0).all()
    assert np.allclose(np.linalg.norm(splat.rotations, axis=1), 1, atol=1e-4)
    assert np.isfinite(splat.bounds().size).all()


SEEDS = (
    write_ply(replace(some(6, degree=1), recipe=recipe())),
    by_plyfile(columns_like_a_trainer(some(3)), text=True),
    by_plyfile(columns_like_a_trainer(some(3)), byte_order=">"),
    compressed(some(3, degree=1)),
    write_antimatter(some(6)),
    write_spz(some(6, degree=1)),
    spz(3, random.Random(1).randbytes(60)),
)


@given(st.data())
def test_whatever_becomes_of_a_file_it_is_a_sound_splat_or_a_sentence(data: st.DataObject):
    file = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(0, len(file) - 1)))
        length = data.draw(st.integers(0, 8))
        file[at : at + length] = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from(TOKENS)))
    try:
        taken = read_splat(bytes(file))
    except BadSplat as error:
        assert re.fullmatch(r"[A-Z].{20,300}\.", str(error))
    else:
        assert_sound(taken.splat)


TOKENS = (b"\xff\xff\xff\x7f", b"\x00\x00\x80\x7f", b"nan", b"-inf", b"1e400", b"\n", b"end_header\n", b" 2147483648")


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"ply\n", b"ply\nformat ascii 1.0\n", b"\x1f\x8b\x08\0", b"NGSP"])
)
def test_any_bytes_are_a_sound_splat_or_a_sentence(data: bytes, before: bytes):
    try:
        assert_sound(read_splat(before + data).splat)
    except BadSplat as error:
        assert str(error).endswith(".")


@given(st.binary(min_size=20 * 3, max_size=20 * 3), st.sampled_from([2, 3]))
def test_any_body_of_an_spz_is_a_sound_splat_or_a_sentence(body: bytes, version: int):
    try:
        assert_sound(read_splat(spz(3, body, version)).splat)
    except BadSplat as error:
        assert str(error).endswith(".")


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.floats(width=32), min_size=14 * n, max_size=14 * n)))
def test_any_numbers_are_a_sound_splat_or_a_sentence(values: list[float]):
    rows = np.array(values, "<f4").reshape(-1, 14)
    try:
        assert_sound(read_splat(ply(rows.tobytes(), len(rows))).splat)
    except BadSplat as error:
        assert "finite" in str(error)


def test_nothing_of_a_file_is_written_to():
    data = write_ply(some(5), "+y")
    splat = read_splat(io.BytesIO(data).getvalue()).splat
    splat.positions[:] = 0
    assert read_splat(data).splat.positions.any()
