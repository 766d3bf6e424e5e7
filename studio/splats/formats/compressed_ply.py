"""Reads SuperSplat's compressed PLY: 16 bytes per splat, in chunks of 256 that share their ranges.

Source: playcanvas/engine src/scene/gsplat/gsplat-compressed-data.js (bits, ranges, order of the quaternion).
"""

from __future__ import annotations

import re

import numpy as np

from studio.errors import BadSplat
from studio.splats.formats.ply_header import Element, PlyHeader
from studio.splats.sanitize import Columns, check_count
from studio.splats.splat import SH_COUNTS

CHUNK = 256
_PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
_RANGES = ("x", "y", "z", "scale_x", "scale_y", "scale_z")


def columns(header: PlyHeader, data: bytes) -> Columns:
    """Raises BadSplat if its tables do not match each other or the file."""
    chunk, vertex = header.element("chunk"), header.element("vertex")
    names = set() if vertex is None else {(one.name, one.type) for one in vertex.properties}
    if chunk is None or vertex is None or not {(name, "u4") for name in _PACKED} <= names:
        raise _damaged("it lacks a table or a column")
    check_count(vertex.count, "PLY")
    if header.byte_order != "<" or chunk.count != -(-vertex.count // CHUNK):
        raise _damaged(f"{vertex.count:,} splats do not fill {chunk.count:,} chunks")
    if not {f"{end}_{name}" for end in ("min", "max") for name in _RANGES} <= {one.name for one in chunk.properties}:
        raise _damaged("its chunks do not say their ranges")
    chunks, rows = _rows(header, chunk, data), _rows(header, vertex, data)
    number = np.arange(vertex.count) // CHUNK
    with np.errstate(over="ignore", invalid="ignore"):
        return Columns(
            positions=_between(chunks, number, _RANGES[:3], _unpacked(rows["packed_position"], (11, 10, 11))),
            scales=np.exp(_between(chunks, number, _RANGES[3:], _unpacked(rows["packed_scale"], (11, 10, 11)))),
            rotations=_rotations(rows["packed_rotation"]),
            opacities=_unpacked(rows["packed_color"], (8, 8, 8, 8))[:, 3],
            colours=_colours(chunk, chunks, number, _unpacked(rows["packed_color"], (8, 8, 8, 8))[:, :3]),
            sh_rest=_rest(header, data, vertex.count),
        )


def _rows(header: PlyHeader, element: Element, data: bytes) -> np.ndarray:
    if element.has_lists:
        raise _damaged("its tables have lists")
    dtype = element.dtype("<")
    start = header.start_of(element.name, data)
    if start + element.count * dtype.itemsize > len(data):
        raise _damaged("it is cut off")
    return np.frombuffer(data, dtype, element.count, start)


def _unpacked(words: np.ndarray, bits: tuple[int, ...]) -> np.ndarray:
    """Unpack numbers of the given bit widths, the first in the highest bits.

    Args:
        words: (N,) uint32.

    Returns:
        (N, len(bits)) float32, [0, 1].
    """
    shifts = np.cumsum((0, *bits[::-1]))[-2::-1]
    masks = np.array([2**count - 1 for count in bits], np.uint32)
    return (((words[:, None] >> shifts.astype(np.uint32)) & masks) / masks).astype(np.float32)


def _between(chunks: np.ndarray, number: np.ndarray, names: tuple[str, ...], share: np.ndarray) -> np.ndarray:
    """(N, len(names)): interpolated between the minimum and maximum of each splat's chunk."""
    low = np.stack([chunks[f"min_{name}"] for name in names], axis=1)[number]
    high = np.stack([chunks[f"max_{name}"] for name in names], axis=1)[number]
    return low * (1 - share) + high * share


def _colours(chunk: Element, chunks: np.ndarray, number: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The earliest files have no colour ranges."""
    names = {one.name for one in chunk.properties}
    if not {f"{end}_{name}" for end in ("min", "max") for name in "rgb"} <= names:
        return share
    return _between(chunks, number, ("r", "g", "b"), share)


def _rotations(words: np.ndarray) -> np.ndarray:
    """(N, 4), w first: two bits say which of w, x, y, z is largest, the other three follow in this order."""
    largest = words >> 30
    others = (_unpacked(words, (2, 10, 10, 10))[:, 1:] - 0.5) * np.float32(2**0.5)
    last = np.sqrt(np.maximum(0, 1 - (others * others).sum(axis=1)))
    result = np.empty((len(words), 4), np.float32)
    for index in range(4):
        rows = largest == index
        result[rows, index] = last[rows]
        result[np.ix_(rows, [other for other in range(4) if other != index])] = others[rows]
    return result


def _rest(header: PlyHeader, data: bytes, count: int) -> np.ndarray | None:
    element = header.element("sh")
    if element is None:
        return None
    names = [one.name for one in element.properties]
    numbered = all(re.fullmatch(f"f_rest_{index}", name) for index, name in enumerate(names))
    each = len(names) // 3
    if (
        element.count != count
        or not numbered
        or each not in SH_COUNTS[1:]
        or any(one.type != "u1" for one in element.properties)
    ):
        raise _damaged("its harmonics do not fit its splats")
    rows = _rows(header, element, data).view("u1").reshape(count, 3, each)
    return rows.transpose(0, 2, 1).astype(np.float32) * np.float32(8 / 255) - np.float32(4)


def _damaged(why: str) -> BadSplat:
    return BadSplat(f"This compressed PLY file is damaged: {why}. Export it again, from SuperSplat for example.")
