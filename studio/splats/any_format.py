"""Reads uploaded splats: an unknown file becomes a valid splat, or an error message.

The content decides, never the name. Declared sizes are compared with the file's before anything is allocated.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from studio.errors import BadSplat
from studio.splats.formats import antimatter_splat, glb_reader, gltf_splats, ply, spz
from studio.splats.formats.ply_header import is_ply
from studio.splats.sanitize import MAX_BYTES, CheckedSplat
from studio.splats.splat import Splat
from studio.splats.upright import Axis
from studio.validation import shown

Format = Literal["ply", "splat", "spz", "glb"]


class DecodedSplat(NamedTuple):
    """An uploaded splat."""

    splat: Splat
    format: Format
    notes: tuple[str, ...]  # for its owner: what was assumed, what was left out
    up: Axis  # the axis of the file assumed to point up


def read_splat(source: bytes | Path, name: str = "") -> DecodedSplat:
    """
    Args:
        name: of the file, for messages only.

    Raises:
        BadSplat: not a splat that Diorama reads; the message says what it seems to be and what to do.
    """
    data = _content(source, name)
    format, read = _reader(data)
    splat, notes, up = read(data)
    return DecodedSplat(splat, format, notes, up)


def _content(source: bytes | Path, name: str) -> bytes:
    """The bytes of a file that is neither empty nor too large."""
    if isinstance(source, bytes):
        _check_length(len(source))
        return source
    try:
        with source.open("rb") as file:
            _check_length(file.seek(0, io.SEEK_END))
            file.seek(0)
            return file.read(MAX_BYTES)
    except OSError as error:
        called = shown(name or source.name)
        raise BadSplat(f"The file {called} cannot be read: {error.strerror}. Choose another.") from error


def _check_length(length: int) -> None:
    if length == 0:
        raise BadSplat("This file is empty. Choose a splat: a PLY, SPLAT or SPZ file.")
    if length > MAX_BYTES:
        raise BadSplat(
            f"This file has {length / 1e6:,.0f} MB; {MAX_BYTES / 1e6:.0f} MB is the most. Make it smaller, in "
            "SuperSplat for example, or save it as SPZ."
        )


def _reader(data: bytes) -> tuple[Format, Callable[[bytes], CheckedSplat]]:
    if is_ply(data):
        return "ply", ply.read_ply
    if data.startswith((spz.GZIP, spz.MAGIC)):
        return "spz", spz.read_spz
    if data.startswith(glb_reader.MAGIC):
        return "glb", gltf_splats.read_glb
    if not _known(data) and antimatter_splat.seems_antimatter(data):
        return "splat", antimatter_splat.read_antimatter
    raise BadSplat(f"This {_known(data) or 'is not a splat that Diorama can read'}. Choose a PLY, SPLAT or SPZ file.")


def _known(data: bytes) -> str:
    """What a file that is no splat seems to be, as the end of a sentence; "" if unknown."""
    for kind, pattern in _OTHERS.items():
        if re.match(pattern, data[:64], re.DOTALL):
            return f"looks like {kind}, not a splat that Diorama reads"
    return ""


_OTHERS = {
    "a picture": rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP|II\*\0|MM\0\*",
    "a KSPLAT file": rb"\x00\x01.{2}[^\x00].{15}[\x00-\x02]\x00",
    "a SOG or zip archive": rb"PK\x03\x04",
    "a web page": rb"\s*<(!DOCTYPE|html)",
    "a PDF document": rb"%PDF-",
    "a program": rb"MZ|\x7fELF|#!",
    "a text file": rb"[\t\n\r\x20-\x7e]{64}|[\t\n\r\x20-\x7e]+\Z",
}
