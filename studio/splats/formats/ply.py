"""Gaussian splats as PLY, the format every splat tool opens: written like LGM, read as trainers and editors write it.

Files written here are binary, float32, and name their up axis, camera and recipe in a comment.

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
from studio.splats.formats import compressed_ply
from studio.splats.formats.ply_columns import NAMES, Read, check_columns, read_columns
from studio.splats.formats.ply_header import Element, PlyHeader, read_header
from studio.splats.metadata import KEYWORD, NOTHING, About, line_about, read_line
from studio.splats.sanitize import SAID_Z, CheckedSplat, assumed_y_down, check_count, sound, stood_up
from studio.splats.splat import SH_C0, SH_COUNTS, Pose, Splat
from studio.splats.transform import Up, from_file, placed, to_file
from studio.splats.upright import Axis

MAX_ASCII_BYTES = 100_000_000
"""Of a text file, which takes a second per 20 MB."""
_SMALLEST = 1e-6
"""Distance of opacities from 0 and 1, whose logits are infinite."""
_LEAST_SCALE = 1e-8
_ROWS_AT_ONCE = 8192
"""Fits the CPU cache and keeps one copy in memory: four times as fast as all at once (65,536 splats, 2 cores)."""


def write_ply(splat: Splat, up: Up = "-y") -> bytes:
    """A binary PLY file with world coordinates.

    Args:
        up: "-y" is upright in Gradio's Model3D, SuperSplat and other tools that expect trainers' files; "+y" keeps the
            coordinates, which Spark draws upright.
    """
    about = line_about(splat, up)
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
    """(N, width) little-endian float32: the columns of the file."""
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


def read_ply(data: bytes) -> CheckedSplat:
    """The splat in a PLY file, binary or text, in either byte order, or as SuperSplat compresses it.

    Raises:
        BadSplat: it is not a splat, damaged, or declares more than it has.
    """
    header = read_header(data)
    about = _about(header)
    if header.element("chunk") is not None:
        columns, notes = compressed_ply.columns(header, data), ()
    else:
        columns, notes = _read(header, data, is_ours=about != NOTHING)
    taken = sound(columns, about.pose or Pose())
    taken = CheckedSplat(replace(taken.splat, recipe=about.recipe), (*notes, *taken.notes))
    if about.up is not None:
        return CheckedSplat(from_file(taken.splat, about.up), taken.notes, "-y" if about.up == "-y" else "y")
    axis = _vertical_axis(header)
    return stood_up(taken, axis, SAID_Z) if axis else assumed_y_down(taken)


def _about(header: PlyHeader) -> About:
    for comment in header.comments:
        word, _, rest = comment.partition(" ")
        if word == KEYWORD:
            return read_line(rest)
    return NOTHING


def _vertical_axis(header: PlyHeader) -> Axis | None:
    """As nerfstudio writes it. A vertical y is ignored, as some tools always write that."""
    said = (re.match(r"vertical\s+axis\s*[:=]\s*([+-]?z)\b", comment.lower()) for comment in header.comments)
    sign = next((found[1] for found in said if found), "")
    return ("-z" if sign.startswith("-") else "z") if sign else None


def _read(header: PlyHeader, data: bytes, *, is_ours: bool) -> Read:
    element = header.element("vertex")
    if element is None:
        raise BadSplat("This PLY file has no vertices, so it is not a splat. Choose a Gaussian splat.")
    check_columns(element)
    check_count(element.count, "PLY")
    rows = _text_rows(header, element, data) if not header.byte_order else _binary_rows(header, element, data)
    return read_columns(element, rows, is_ours=is_ours)


def _binary_rows(header: PlyHeader, element: Element, data: bytes) -> np.ndarray:
    dtype = element.dtype(header.byte_order)
    start = header.start_of(element.name, data)
    check_room(element.count, dtype.itemsize, len(data) - start)
    return np.frombuffer(data, dtype, element.count, start)


def check_room(count: int, row_bytes: int, room: int) -> None:
    """Raises BadSplat if there is no room for that many rows."""
    if count * row_bytes > room:
        raise BadSplat(
            f"This file declares {count:,} splats and has room for {max(0, room) // row_bytes:,}: it is cut off. Copy "
            "or download it again."
        )


def _text_rows(header: PlyHeader, element: Element, data: bytes) -> np.ndarray:
    """Rows of a text file as a structured array of float64."""
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
    check_room(before + element.count, 2, len(data) - header.length + 1)  # a line has at least a digit and an end
    check_room(element.count, 2 * width, len(data) - header.length + 1)
    text = memoryview(data)[header.length :]
    if data[header.length - 1 : header.length] == b"\r":  # so do all lines of it
        text = bytes(text).replace(b"\r", b"\n")
    lines = (line for line in io.BytesIO(text) if line.strip())
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
