"""Splats as PLY: what LGM, the trainers and SuperSplat write, and what plyfile makes of ours."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from plyfile import PlyData, PlyElement

from studio.splats.any_format import read_splat
from studio.splats.formats.ply import NAMES, read_ply, write_ply
from studio.splats.formats.ply_header import read_header
from studio.splats.metadata import KEYWORD
from studio.splats.splat import Pose, Splat
from studio.splats.transform import TURNED_OVER, Up, placed
from tests.studio.splats_in import CAMERA, FIXTURES, assert_same, recipe, some


def from_columns(rows: np.ndarray) -> Splat:
    """A splat from the columns of LGM: position, opacity, scale, rotation, colour."""
    position, opacity, scale, rotation, colour = np.split(rows, (3, 4, 7, 11), axis=1)
    return Splat(position, scale, rotation, opacity[:, 0], colour)


def columns_of(data: bytes) -> np.ndarray:
    """The 14 columns of a binary file, by plyfile."""
    element = PlyData.read(io.BytesIO(data))["vertex"]
    return np.stack([np.asarray(element[name]) for name in NAMES], axis=1)


def by_plyfile(columns: dict[str, np.ndarray], **how: Any) -> bytes:
    """A file with these columns, written by plyfile."""
    rows = np.empty(len(next(iter(columns.values()))), [(name, one.dtype.str) for name, one in columns.items()])
    for name, one in columns.items():
        rows[name] = one
    file = io.BytesIO()
    PlyData([PlyElement.describe(rows, "vertex")], **how).write(file)
    return file.getvalue()


def columns_like_a_trainer(splat: Splat) -> dict[str, np.ndarray]:
    """Columns in the order of the original trainer: normals, and the harmonics one colour after the other."""
    values = dict(zip(NAMES, columns_of(write_ply(replace(splat, sh_rest=None), up="+y")).T, strict=True))
    first = {name: values.pop(name) for name in ("x", "y", "z")}
    first |= {name: np.zeros(splat.count, np.float32) for name in ("nx", "ny", "nz")}
    first |= {name: values.pop(name) for name in ("f_dc_0", "f_dc_1", "f_dc_2")}
    if splat.sh_rest is not None:
        flat = splat.sh_rest.transpose(0, 2, 1).reshape(splat.count, -1)
        first |= {f"f_rest_{index}": flat[:, index] for index in range(flat.shape[1])}
    return first | values


# --- the reference ----------------------------------------------------------------------------------------------------


def test_the_file_is_the_one_that_lgm_writes():
    reference = np.load(FIXTURES / "ply.npz")
    written = write_ply(from_columns(reference["gaussians"][0]).pruned(), up="+y")
    difference = np.abs(columns_of(written) - reference["columns"])
    certain = reference["columns"][:, 6] <= 13  # beyond, the last bit of an opacity of 1 decides
    assert difference[certain].max() <= 1e-5 and difference.max() <= 2e-2
    with (FIXTURES / "gaussians.ply").open("rb") as file:
        theirs = read_header(file.read())
    ours = read_header(written)
    assert (ours.elements, ours.byte_order) == (theirs.elements, theirs.byte_order)
    assert len(written) - ours.length == (FIXTURES / "gaussians.ply").stat().st_size - theirs.length


def test_pruning_drops_what_lgm_drops():
    reference = np.load(FIXTURES / "ply.npz")
    splat = from_columns(reference["gaussians"][0])
    kept = splat.positions[reference["kept_mask"].ravel()]
    assert splat.count == 64 and np.array_equal(splat.pruned().positions, kept)


@pytest.mark.parametrize(("file", "loaded"), [("gaussians.ply", "loaded"), ("gaussians_raw.ply", "loaded_raw")])
def test_what_lgm_wrote_is_read_as_lgm_reads_it(file: str, loaded: str):
    taken = read_splat(FIXTURES / file)
    assert taken.format == "ply"
    assert_same(replace(taken.splat, pose=Pose()), from_columns(np.load(FIXTURES / "ply.npz")[loaded]), opacities=2e-6)


# --- round trips ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", ["-y", "+y"])
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_a_splat_comes_back_as_it_was(degree: int, up: Up):
    splat = replace(some(300, degree=degree), recipe=recipe())
    taken = read_ply(write_ply(splat, up))
    assert taken.notes == ()
    assert np.array_equal(taken.splat.positions, splat.positions)
    assert np.array_equal(taken.splat.rotations, splat.rotations)
    assert_same(taken.splat, splat, sh_rest=0)
    assert taken.splat.pose == splat.pose and taken.splat.recipe == splat.recipe
    assert taken.splat.parents == splat.parents


def test_a_placed_splat_is_written_where_it_stands():
    splat = some(40, pose=Pose((0.5, 0.5, 0.5, 0.5), 2.0, (1.0, 2.0, 3.0), CAMERA))
    taken = read_ply(write_ply(splat))
    assert taken.splat.pose == Pose(camera=CAMERA)
    assert_same(taken.splat, placed(splat), positions=1e-5)


def test_opacities_of_0_and_1_and_sizes_of_0_come_back_nearly():
    splat = some(3)
    edges = np.array([0, 1, 0.5], np.float32)
    taken = read_ply(write_ply(replace(splat, opacities=edges, scales=np.zeros((3, 3), np.float32))))
    assert np.abs(taken.splat.opacities - edges).max() < 2e-6 and taken.splat.scales.max() < 2e-8


def test_a_second_writing_is_the_same_file():
    first = write_ply(replace(some(60, degree=2), recipe=recipe()))
    second = write_ply(read_ply(first).splat)
    assert first[: read_header(first).length] == second[: read_header(second).length]
    assert np.abs(columns_of(first) - columns_of(second)).max() < 1e-4


@pytest.mark.parametrize("file", ["up", "down"])
def test_plyfile_reads_what_is_written(file: str):
    splat = replace(some(20, degree=1), recipe=recipe())
    read = PlyData.read(io.BytesIO(write_ply(splat, "+y" if file == "up" else "-y")))
    assert read["vertex"].count == 20 and read.comments[0].startswith(f'{KEYWORD} {{"up":')
    sign = 1 if file == "up" else -1
    assert np.array_equal(read["vertex"]["y"], sign * splat.positions[:, 1])
    assert np.array_equal(read["vertex"]["z"], sign * splat.positions[:, 2])


def test_a_long_recipe_leaves_the_header_short_and_comes_back():
    long = recipe(prompt="a house on a hill, " * 500, negative_prompt="blurred " * 1000)
    data = write_ply(replace(some(3), recipe=long))
    assert read_header(data).length < 10_240  # how far Gradio's own viewer looks for its end
    assert read_ply(data).splat.recipe == long


def test_the_header_is_text_without_anything_but_ascii():
    header = write_ply(replace(some(2), recipe=recipe(prompt="größer\n\nüber 犬", title="end_header\nply")))[:2000]
    head = header[: read_header(header).length]
    assert head.isascii() and head.count(b"\n") == 4 + 14 + 1


# --- files of others --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_a_file_of_the_original_trainer_is_read(degree: int):
    splat = some(30, degree=degree)
    taken = read_splat(by_plyfile(columns_like_a_trainer(splat)))
    assert_same(taken.splat, splat)
    assert taken.splat.pose == Pose(rotation=TURNED_OVER) and taken.splat.recipe is None
    assert len(taken.notes) == 1 and "which way is up" in taken.notes[0]
    assert np.allclose(taken.splat.world_positions(), splat.positions * (1, -1, -1))


def test_text_big_endian_and_double_files_are_read():
    splat = some(30, degree=1)
    columns = columns_like_a_trainer(splat)
    for data in (
        by_plyfile(columns, text=True),
        by_plyfile(columns, byte_order=">"),
        by_plyfile({name: one.astype(np.float64) for name, one in columns.items()}),
        by_plyfile({"id": np.arange(30, dtype=np.uint8), **columns}),
        by_plyfile(columns).replace(b"\n", b"\r\n", 20).replace(b"property float", b"property float32"),
    ):
        assert_same(read_splat(data).splat, splat)


def test_other_tables_around_the_splats_are_passed_over():
    rows = PlyData.read(io.BytesIO(by_plyfile(columns_like_a_trainer(some(5)))))["vertex"]
    camera = PlyElement.describe(np.array([(1, 2.0), (3, 4.0)], [("a", "i2"), ("b", "f8")]), "camera")
    faces = PlyElement.describe(np.array([([0, 1, 2],)], [("vertex_indices", "O")]), "face")
    for text in (False, True):
        file = io.BytesIO()
        PlyData([camera, rows, faces], text=text).write(file)
        assert_same(read_splat(file.getvalue()).splat, some(5))


def test_harmonics_that_are_no_whole_number_of_bands_are_left_out():
    columns = columns_like_a_trainer(some(5, degree=1))
    del columns["f_rest_8"]
    assert read_splat(by_plyfile(columns)).splat.sh_rest is None


def test_a_lonely_splat_with_large_logarithms_is_not_taken_for_raw():
    splat = replace(some(1), scales=np.full((1, 3), 1.5, np.float32), opacities=np.array([0.6], np.float32))
    assert_same(read_ply(write_ply(splat)).splat, splat)


# --- SuperSplat's compressed files ------------------------------------------------------------------------------------


def compressed(splat: Splat, *, with_colour_ranges: bool = True) -> bytes:
    """A file as SuperSplat compresses it, made slowly, one splat at a time.

    Source: playcanvas/engine src/scene/gsplat/gsplat-compressed-data.js.
    """

    def whole(value: float, low: float, high: float, bits: int) -> int:
        share = 0.0 if high == low else (value - low) / (high - low)
        return int(np.clip(round(share * (2**bits - 1)), 0, 2**bits - 1))

    chunks, rows = [], []
    logs = np.log(splat.scales)
    for start in range(0, splat.count, 256):
        part = slice(start, start + 256)
        limits = [(one[part].min(axis=0), one[part].max(axis=0)) for one in (splat.positions, logs, splat.colours)]
        if not with_colour_ranges:
            limits[2] = (np.zeros(3), np.ones(3))
        chunks.append(np.concatenate([np.concatenate(pair) for pair in limits[: 3 if with_colour_ranges else 2]]))
        for index in range(start, min(start + 256, splat.count)):
            words = []
            for values, (low, high) in zip((splat.positions[index], logs[index]), limits[:2], strict=True):
                x, y, z = (whole(values[i], low[i], high[i], bits) for i, bits in enumerate((11, 10, 11)))
                words.append(x << 21 | y << 11 | z)
            quaternion = splat.rotations[index]
            largest = int(np.abs(quaternion).argmax())
            quaternion = quaternion * np.sign(quaternion[largest])
            packed = largest
            for other in (i for i in range(4) if i != largest):
                packed = packed << 10 | whole(quaternion[other], -(0.5**0.5), 0.5**0.5, 10)
            low, high = limits[2]
            red, green, blue = (whole(splat.colours[index][i], low[i], high[i], 8) for i in range(3))
            opacity = whole(splat.opacities[index], 0, 1, 8)
            rows.append((words[0], packed, words[1], red << 24 | green << 16 | blue << 8 | opacity))
    names = [f"{end}_{axis}" for end in ("min", "max") for axis in "xyz"]
    names += [f"{end}_scale_{axis}" for end in ("min", "max") for axis in "xyz"]
    names += [f"{end}_{axis}" for end in ("min", "max") for axis in "rgb"] if with_colour_ranges else []
    packed_names = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
    tables = [
        PlyElement.describe(np.array([tuple(one) for one in chunks], [(name, "f4") for name in names]), "chunk"),
        PlyElement.describe(np.array(rows, [(name, "u4") for name in packed_names]), "vertex"),
    ]
    if splat.sh_rest is not None:
        flat = np.clip(np.rint((splat.sh_rest.transpose(0, 2, 1).reshape(splat.count, -1) + 4) * 255 / 8), 0, 255)
        harmonics = np.empty(splat.count, [(f"f_rest_{index}", "u1") for index in range(flat.shape[1])])
        for index in range(flat.shape[1]):
            harmonics[f"f_rest_{index}"] = flat[:, index]
        tables.append(PlyElement.describe(harmonics, "sh"))
    file = io.BytesIO()
    PlyData(tables, byte_order="<").write(file)
    return file.getvalue()


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_a_compressed_file_is_read(degree: int):
    splat = some(300, degree=degree)
    taken = read_splat(compressed(splat))
    # positions: 2 / 1023 / 2; sizes: 4 % of 0.1 / 2; rotations, colours and opacities: half of the last bit
    assert_same(
        taken.splat, splat, positions=1e-3, scales=2e-4, rotations=3e-6, opacities=2e-3, colours=2e-3, sh_rest=1.6e-2
    )
    assert "which way is up" in taken.notes[0]


def test_a_compressed_file_of_the_first_version_is_read():
    splat = some(20)
    assert_same(
        read_splat(compressed(splat, with_colour_ranges=False)).splat,
        splat,
        positions=1e-3,
        scales=2e-4,
        rotations=3e-6,
        opacities=2e-3,
        colours=2e-3,
    )
