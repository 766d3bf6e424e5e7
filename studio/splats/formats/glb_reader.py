"""Reads an untrusted GLB file within bounds: its placed primitives and their numbers.

Source: Khronos, glTF 2.0 specification, sections 3.5 (nodes), 3.6 (accessors) and 4.4 (GLB).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from studio.errors import BadSplat
from studio.intake.settings.foreign_values import parsed
from studio.splats.sanitize import check_count
from studio.splats.splat import rotation_matrix

MAGIC = b"glTF"
NO_SPLAT = "This looks like a mesh (GLB), not a splat that Diorama reads. Choose a PLY, SPLAT or SPZ file."
_MAX_JSON = 4_000_000
_MOST_SEEN = 10_000
_HEAD, _CHUNK = struct.Struct("<4sII"), struct.Struct("<II")
_JSON, _BIN = 0x4E4F534A, 0x004E4942
_TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}

Values = dict[str, Any]
"""A JSON object."""


class GlbFile:
    """The content of a GLB file. Every number in it is untrusted."""

    def __init__(self, data: bytes) -> None:
        """Raises BadSplat, as do all methods, if it is not a GLB or damaged."""
        chunks = dict(reversed(list(_chunks(data))))  # the first of each kind
        text = chunks.get(_JSON, b"")
        if len(text) > _MAX_JSON:
            raise damaged(f"its description has {len(text) / 1e6:,.0f} MB")
        document = parsed(bytes(text).decode("utf-8", "replace"))
        if not isinstance(document, dict):
            raise BadSplat(NO_SPLAT)
        self._document: Values = document
        self._binary = chunks.get(_BIN, memoryview(b""))

    def primitives(self) -> Iterator[tuple[Values, np.ndarray]]:
        """Each primitive of the scene, with its (4, 4) world matrix."""
        nodes = self._list("nodes")
        scene = self._one("scenes", self._document.get("scene", 0)) if self._list("scenes") else {}
        roots = scene.get("nodes", list(range(len(nodes))))
        waiting = [(index, np.eye(4)) for index in (roots if isinstance(roots, list) else [])]
        seen = 0
        while waiting:
            index, above = waiting.pop()
            node = self._one("nodes", index)
            matrix = above @ _matrix(node)
            found = self._one("meshes", node["mesh"]).get("primitives") if "mesh" in node else []
            primitives = found if isinstance(found, list) else []
            seen += 1 + len(primitives)
            if seen > _MOST_SEEN:
                raise damaged(f"its scene has more than {_MOST_SEEN:,} nodes and parts")
            yield from ((primitive, matrix) for primitive in primitives if isinstance(primitive, dict))
            children = node.get("children", [])
            waiting += [(child, matrix) for child in children] if isinstance(children, list) else []

    def view(self, index: object) -> memoryview:
        """The bytes of a buffer view."""
        view = self._one("bufferViews", index)
        if view.get("buffer", 0) != 0 or "extensions" in view:
            raise BadSplat(
                "The numbers of this GLB file are compressed or lie in another file, which Diorama does not read. "
                "Export it again as PLY."
            )
        start, length = _whole(view.get("byteOffset", 0)), _whole(view.get("byteLength"))
        if start + length > len(self._binary):
            raise damaged("it is cut off")
        return self._binary[start : start + length]

    def numbers(self, index: object) -> np.ndarray:
        """(N, 1, 3 or 4) float32: an accessor's values, in [0, 1] or [-1, 1] if normalized."""
        accessor = self._one("accessors", index)
        kind, width = _TYPES.get(accessor.get("componentType", 0)), _WIDTHS.get(str(accessor.get("type")))
        if kind is None or width is None or "sparse" in accessor:
            raise damaged("it has numbers of an unknown kind")
        count, start = _whole(accessor.get("count")), _whole(accessor.get("byteOffset", 0))
        check_count(count, "GLB")
        view = self.view(accessor.get("bufferView"))
        row = np.dtype(kind).itemsize * width
        step = _whole(self._one("bufferViews", accessor["bufferView"]).get("byteStride", row))
        if step < row or start + step * (count - 1) + row > len(view):
            raise damaged("its numbers do not fit its size")
        values = np.ndarray((count, width), kind, view, start, (step, np.dtype(kind).itemsize))
        numbers = values.astype(np.float32)
        if accessor.get("normalized") is True and kind != "<f4":
            numbers = np.maximum(numbers / np.float32(np.iinfo(kind).max), np.float32(-1))
        return numbers

    def _list(self, name: str) -> list[Any]:
        found = self._document.get(name)
        return found if isinstance(found, list) else []

    def _one(self, name: str, index: object) -> Values:
        found = self._list(name)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(found):
            raise damaged(f"one of its {name} is missing")
        if not isinstance(found[index], dict):
            raise damaged(f"one of its {name} is not valid")
        return found[index]


def damaged(why: str) -> BadSplat:
    return BadSplat(f"This GLB file is damaged: {why}. Copy or download it again, or export it again.")


def _chunks(data: bytes) -> Iterator[tuple[int, memoryview]]:
    at, everything = _HEAD.size, memoryview(data)
    while at + _CHUNK.size <= len(data):
        length, kind = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        yield kind, everything[at : at + length]
        at += length


def _matrix(node: Values) -> np.ndarray:
    """(4, 4) float64 of one node."""
    if "matrix" in node:
        return np.array(_floats(node["matrix"], 16)).reshape(4, 4).T
    x, y, z, w = _floats(node.get("rotation", [0, 0, 0, 1]), 4)
    result = np.eye(4)
    result[:3, :3] = rotation_matrix((w, x, y, z)) * _floats(node.get("scale", [1, 1, 1]), 3)
    result[:3, 3] = _floats(node.get("translation", [0, 0, 0]), 3)
    return result


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise damaged("one of its lengths is not valid")
    return value


def _floats(values: object, count: int) -> list[float]:
    if not isinstance(values, list) or len(values) != count:
        raise damaged("a node stands nowhere")
    if not all(isinstance(one, int | float) and abs(one) < 1e6 for one in values):
        raise damaged("a node stands nowhere")
    return [float(one) for one in values]
