"""Gaussian splats as PLY, the format every splat tool opens: written as LGM does, read as trainers and editors write.

A file written here is binary, float32, and says in a comment which way is up, its camera and its recipe.
Source: 3DTopia/LGM core/gs.py (order of the columns, constants); graphdeco-inria/gaussian-splatting
scene/gaussian_model.py (normals, f_rest_*).
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from itertools import islice

import numpy as np

from studio.errors import BadSplat
from studio.splat import SH_C0, SH_COUNTS, Pose, Splat
from studio.splats import compressed_ply
from studio.splats.about import KEYWORD, NOTHING, About, line_about, read_line
from studio.splats.header import Element, Header, read_header
from studio.splats.placing import Up, from_file, placed, to_file
from studio.splats.sound import Columns, Taken, assumed_y_down, check_count, sound

NAMES = ("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2")
NAMES += ("rot_0", "rot_1", "rot_2", "rot_3")
"""Columns of every file, in the order of LGM's."""
MAX_ASCII_BYTES = 100_000_000
"""Of a file of text: reading it takes a second for each 20 MB."""
_SMALLEST = 1e-6
"""Opacities are kept this far from 0 and 1, whose logits are infinite."""
_LEAST_SCALE = 1e-8
_ROWS_AT_ONCE = 8192
"""Small enough for the processor's cache, and the file is in memory once and not twice: four times as fast as all at
once (65,536 splats, 2 cores)."""
_RAW = "This file holds opacities, sizes and colours as they are, not their logarithms; they were read so."


def write_ply(splat: Splat, up: Up = "-y") -> bytes:
    """A binary PLY file with world coordinates.

    Args:
        up: "-y" stands upright in Gradio's Model3D, SuperSplat and all that expects files of trainers; "+y" are the
            coordinates as they are, which Spark draws upright.
    """
    about = line_about(replace(splat, pose=Pose(camera=splat.pose.camera)), up)
    splat = placed(splat)
    names = NAMES + tuple(f"f_rest_{index}" for index in range(3 * SH_COUNTS[splat.sh_degree]))
    lines = ["ply", "format binary_little_endian 1.0", f"comment {KEYWORD} {about}", f"element vertex {splat.count}"]
    lines += [f"property float {name}" for name in names]
    file = io.BytesIO()
    file.write("\n".join([*lines, "end_header", ""]).encode("ascii"))
    for start in range(0, splat.count, _ROWS_AT_ONCE):
        part = splat.only(slice(start, start + _ROWS_AT_ONCE))
        file.write(_rows_of(to_file(part, up), len(names)).data)
    return file.getvalue()


def _rows_of(splat: Splat, width: int) -> np.ndarray:
    """(N, width) little-endian float32: the columns as a file has them."""
    opacities = np.clip(splat.opacities, np.float32(_SMALLEST), np.float32(1 - _SMALLEST))
    rows = np.empty((splat.count, width), "<f4")
    rows[:, 0:3] = splat.positions
    rows[:, 3:6] = (splat.colours - np.float32(0.5)) / np.float32(SH_C0)
    rows[:, 6] = np.log(opacities / (1 - opacities))
    rows[:, 7:10] = np.log(splat.scales + np.float32(_LEAST_SCALE))
    rows[:, 10:14] = splat.rotations
    if splat.sh_rest is not None:  # all of red, then green, then blue
        rows[:, 14:] = splat.sh_rest.transpose(0, 2, 1).reshape(splat.count, -1)
    return rows


def read_ply(data: bytes) -> Taken:
    """The splat in a PLY file, binary or text, in either byte order, also as SuperSplat compresses it.

    Raises:
        BadSplat: it is none, is damaged, or declares more than it holds.
    """
    header = read_header(data)
    about = _about(header)
    if header.element("chunk") is not None:
        columns, notes = compressed_ply.columns(header, data), ()
    else:
        columns, notes = _columns(header, data, is_ours=about != NOTHING)
    taken = sound(columns, about.pose or Pose())
    taken = Taken(replace(taken.splat, recipe=about.recipe), (*notes, *taken.notes))
    if about.up is None:
        return assumed_y_down(taken)
    return Taken(from_file(taken.splat, about.up), taken.notes)


def _about(header: Header) -> About:
    for comment in header.comments:
        word, _, rest = comment.partition(" ")
        if word == KEYWORD:
            return read_line(rest)
    return NOTHING


def _columns(header: Header, data: bytes, *, is_ours: bool) -> tuple[Columns, tuple[str, ...]]:
    element = header.element("vertex")
    if element is None:
        raise BadSplat("This PLY file has no vertices, so it is no splat. Choose a Gaussian splat.")
    _check_columns(element)
    check_count(element.count, "PLY")
    rows = _text_rows(header, element, data) if not header.byte_order else _binary_rows(header, element, data)
    scales, opacities, colours = (_stacked(rows, names) for names in (NAMES[7:10], NAMES[6:7], NAMES[3:6]))
    notes: tuple[str, ...] = ()
    with np.errstate(over="ignore", invalid="ignore"):
        if not is_ours and _is_raw(scales, opacities, colours):
            notes = (_RAW,)
        else:
            scales, opacities = np.exp(scales), 1 / (1 + np.exp(-opacities))
            colours = colours * np.float32(SH_C0) + np.float32(0.5)
    return Columns(
        _stacked(rows, NAMES[:3]), scales, _stacked(rows, NAMES[10:]), opacities[:, 0], colours, _rest(element, rows)
    ), notes


def _check_columns(element: Element) -> None:
    names = [one.name for one in element.properties]
    missing = [name for name in NAMES if name not in names]
    if missing:
        kind = "a mesh or a cloud of points" if {"x", "y", "z"} <= set(names) else "no splat"
        raise BadSplat(
            f"This PLY file is {kind}: it has no column {', '.join(missing[:3])}{', ...' * (len(missing) > 3)}. Choose "
            "a Gaussian splat."
        )
    if element.has_lists:
        raise BadSplat(
            "The splats of this PLY file have a list among their columns, which Diorama does not read. Export it again "
            "as a Gaussian splat."
        )


def _binary_rows(header: Header, element: Element, data: bytes) -> np.ndarray:
    dtype = element.dtype(header.byte_order)
    start = header.start_of(element.name)
    check_room(element.count, dtype.itemsize, len(data) - start)
    return np.frombuffer(data, dtype, element.count, start)


def check_room(count: int, row_bytes: int, room: int) -> None:
    """
    Raises:
        BadSplat: so many rows are not there.
    """
    if count * row_bytes > room:
        raise BadSplat(
            f"This file declares {count:,} splats and has room for {max(0, room) // row_bytes:,}: it is cut off. Copy "
            "or download it again."
        )


def _text_rows(header: Header, element: Element, data: bytes) -> np.ndarray:
    """Rows of a file of text as a structured array of float64."""
    if len(data) > MAX_ASCII_BYTES:
        raise BadSplat(
            f"This PLY file has {len(data) / 1e6:,.0f} MB of text; {MAX_ASCII_BYTES / 1e6:.0f} MB is the most. Save it "
            "as binary PLY, then try again."
        )
    before = 0
    for one in header.elements:
        if one.name == element.name:
            break
        before += one.count
    width = len(element.properties)
    check_room(before + element.count, 2, len(data) - header.length + 1)  # a line has a digit and an end at least
    check_room(element.count, 2 * width, len(data) - header.length + 1)
    lines = (line for line in io.BytesIO(memoryview(data)[header.length :]) if line.strip())
    wanted = list(islice(lines, before, before + element.count))
    try:
        rows = (
            np.loadtxt(wanted, np.float64, comments=None, ndmin=2, encoding="latin-1") if wanted else np.empty((0, 0))
        )
    except (ValueError, OverflowError) as error:
        raise BadSplat(
            "The numbers of this PLY file cannot be read: it is damaged. Make or export it again."
        ) from error
    if rows.shape != (element.count, width):
        raise BadSplat(
            f"This PLY file declares {element.count:,} splats of {width} numbers and holds {rows.shape[0]:,} of "
            f"{rows.shape[1]}: it is damaged or cut off. Copy or download it again."
        )
    return rows.view([(one.name, np.float64) for one in element.properties])[:, 0]


def _stacked(rows: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """(N, len(names)) float32."""
    result = np.empty((len(rows), len(names)), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for index, name in enumerate(names):
            result[:, index] = rows[name]
    return result


def _rest(element: Element, rows: np.ndarray) -> np.ndarray | None:
    """(N, K, 3); None where there are none, or not a whole number of bands."""
    numbers = [int(found[1]) for one in element.properties if (found := re.fullmatch("f_rest_([0-9]{1,3})", one.name))]
    if sorted(numbers) != list(range(len(numbers))) or len(numbers) // 3 not in SH_COUNTS[1:] or len(numbers) % 3:
        return None
    flat = _stacked(rows, tuple(f"f_rest_{index}" for index in range(len(numbers))))
    return np.ascontiguousarray(flat.reshape(len(rows), 3, -1).transpose(0, 2, 1))


def _is_raw(scales: np.ndarray, opacities: np.ndarray, colours: np.ndarray) -> bool:
    """Whether the values stand there as they are (LGM's `compatible=False`): a trained file has no such logarithms."""
    return bool((scales >= 0).all() and scales.any() and _within_one(opacities) and _within_one(colours))


def _within_one(values: np.ndarray) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())
