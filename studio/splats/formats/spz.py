"""Gaussian splats as `.spz`: a quarter of the size of PLY, y up. Reads versions 2 and 3, writes 3.

The recipe and the camera are in the gzip file's comment, which readers of the format skip.

Not read by a library, as counts and sizes must be checked before anything is allocated; those on the package index
(gsply 0.4; alspz 0.2, Niantic's own code) first decompress everything.

Source: nianticlabs/spz README.md ("File Format") and src/cc/load-spz.cc (constants); RFC 1952 (gzip).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from studio.errors import BadSplat
from studio.splats.formats.ply_header import is_ply
from studio.splats.metadata import KEYWORD, NOTHING, About, line_about, read_line
from studio.splats.sanitize import MAX_BYTES, CheckedSplat, Columns, check_count, sound
from studio.splats.splat import SH_C0, SH_COUNTS, Pose, Splat
from studio.splats.transform import placed

GZIP = b"\x1f\x8b\x08"
MAGIC = b"NGSP"
"""At the start of the file since version 4, which drops gzip."""
_HEADER = struct.Struct("<4sIIBBBB")
_FRACTION_BITS = 12
_COLOUR_SCALE = 0.15
_MAX_COMMENT = 1 << 20
_HAS_COMMENT = 0x10
_HAS_EXTENSIONS = 0x2
_HALF_ROOT = 0.5**0.5


class _SpzHeader(NamedTuple):
    magic: bytes
    version: int
    splats: int
    degree: int
    fraction_bits: int
    flags: int
    reserved: int


def write_spz(splat: Splat) -> bytes:
    """A version 3 file with world coordinates, y up.

    Positions are exact to 1/4096 of a unit within 2,048 of the origin (fewer bits farther out), sizes to 6 %, colours
    and opacities to a byte, harmonics to 5 bits in the first degree and 4 above, like Niantic's own library.
    """
    about = line_about(splat, "+y")
    splat = placed(splat)
    bits = _fraction_bits(float(np.abs(splat.positions).max(initial=0)))
    fixed = np.rint(splat.positions.astype(np.float64) * 2**bits).astype("<i4")
    colours = (splat.colours - 0.5) / SH_C0 * (_COLOUR_SCALE * 255) + 127.5
    with np.errstate(divide="ignore"):
        scales = (np.log(splat.scales) + 10) * 16
    parts = [
        _HEADER.pack(MAGIC, 3, splat.count, splat.sh_degree, bits, 0, 0),
        np.ascontiguousarray(fixed[..., None].view("u1").reshape(-1, 3, 4)[..., :3]).tobytes(),
        _bytes(splat.opacities * 255).tobytes(),
        _bytes(colours).tobytes(),
        _bytes(scales).tobytes(),
        _smallest_three(splat.rotations).astype("<u4").tobytes(),
        b"" if splat.sh_rest is None else _packed_sh(splat.sh_rest).tobytes(),
    ]
    return _gzipped(b"".join(parts), f"{KEYWORD} {about}".encode("latin-1"))


def read_spz(data: bytes) -> CheckedSplat:
    """Raises BadSplat if it is damaged, holds more than it says, or is of an unsupported version."""
    if data.startswith(MAGIC):
        raise BadSplat(
            "This SPZ file is of version 4 or newer, which Diorama does not read. Export it as version 3, or as PLY."
        )
    unpacker = zlib.decompressobj(wbits=31)
    head = _unpacked(unpacker, data, _HEADER.size)
    header = _SpzHeader._make(_HEADER.unpack(head)) if len(head) == _HEADER.size else None
    if is_ply(head):
        raise BadSplat("This PLY file is packed with gzip. Unpack it, then try again.")
    if header is None or header.magic != MAGIC:
        raise BadSplat("This is a gzip archive without a splat in it. Choose a PLY, SPLAT or SPZ file.")
    _check(header)
    length = header.splats * _row_bytes(header)
    body = _unpacked(unpacker, unpacker.unconsumed_tail, length)
    if len(body) != length:
        raise BadSplat(
            f"This SPZ file declares {header.splats:,} splats and ends before the last of them: it is cut off or "
            "damaged. Copy or download it again."
        )
    about = _about(data)
    taken = sound(_columns(header, body), about.pose or Pose())
    return CheckedSplat(replace(taken.splat, recipe=about.recipe), taken.notes)


def _check(header: _SpzHeader) -> None:
    if header.version not in (2, 3):
        raise BadSplat(
            f"This SPZ file is of version {header.version}; Diorama reads 2 and 3. Export it again, or as PLY."
        )
    if header.degree >= len(SH_COUNTS) or header.fraction_bits > 24:
        raise BadSplat("The header of this SPZ file makes no sense: it is damaged. Copy or download it again.")
    if header.flags & _HAS_EXTENSIONS:
        raise BadSplat("This SPZ file has extensions, which Diorama does not read. Export it without, or as PLY.")
    check_count(header.splats, "SPZ")
    if header.splats * _row_bytes(header) > MAX_BYTES:
        raise BadSplat(
            f"This SPZ file unpacks to {header.splats * _row_bytes(header) / 1e6:,.0f} MB; {MAX_BYTES / 1e6:.0f} MB is "
            "the most. Make it smaller, in SuperSplat for example."
        )


def _row_bytes(header: _SpzHeader) -> int:
    return 9 + 1 + 3 + 3 + (4 if header.version == 3 else 3) + 3 * SH_COUNTS[header.degree]


def _columns(header: _SpzHeader, body: bytes) -> Columns:
    """The attributes in the body, one after the other."""
    n, at = header.splats, 0

    def take(width: int) -> np.ndarray:
        """(N, width) uint8."""
        nonlocal at
        part = np.frombuffer(body, np.uint8, n * width, at).reshape(n, width)
        at += n * width
        return part

    fixed = np.zeros((n, 3, 4), np.uint8)
    fixed[..., 1:] = take(9).reshape(n, 3, 3)  # in the upper bytes, so that the sign is where int32 has it
    positions = fixed.view("<i4")[..., 0].astype(np.float64) / 2 ** (8 + header.fraction_bits)
    opacities = take(1)[:, 0].astype(np.float32) / 255
    colours = (take(3).astype(np.float32) / 255 - 0.5) / _COLOUR_SCALE * SH_C0 + 0.5
    scales = np.exp(take(3).astype(np.float32) / 16 - 10)
    rotations = _from_smallest_three(take(4)) if header.version == 3 else _from_first_three(take(3))
    each = SH_COUNTS[header.degree]
    rest = (take(3 * each).astype(np.float32).reshape(n, each, 3) - 128) / 128 if each else None
    return Columns(positions, scales, rotations, opacities, colours, rest)


def _fraction_bits(farthest: float) -> int:
    """As many as let the farthest coordinate fit into 24 bits with its sign."""
    bits = _FRACTION_BITS
    while bits and farthest * 2**bits >= 2**23 - 1:
        bits -= 1
    return bits


def _smallest_three(rotations: np.ndarray) -> np.ndarray:
    """Quaternions without their largest component: 2 bits say which (of x, y, z, w), then a sign and 9 bits each.

    Args:
        rotations: (N, 4), w first.

    Returns:
        (N,) uint32.
    """
    xyzw = rotations[:, [1, 2, 3, 0]].astype(np.float64)
    largest = np.abs(xyzw).argmax(axis=1)
    xyzw *= np.where(np.take_along_axis(xyzw, largest[:, None], axis=1) < 0, -1, 1)
    words = largest.astype(np.uint32)
    for index in range(4):
        part = xyzw[:, index]
        magnitude = np.minimum(np.floor(511 * np.abs(part) / _HALF_ROOT + 0.5), 511).astype(np.uint32)
        longer = (words << np.uint32(10)) | (np.where(part < 0, 512, 0).astype(np.uint32)) | magnitude
        words = np.where(largest == index, words, longer)
    return words


def _from_smallest_three(packed: np.ndarray) -> np.ndarray:
    """
    Args:
        packed: (N, 4) uint8.

    Returns:
        (N, 4) float32, w first.
    """
    words = np.ascontiguousarray(packed).view("<u4")[:, 0]
    largest = (words >> 30).astype(np.intp)
    xyzw = np.zeros((len(words), 4), np.float32)
    for index in (3, 2, 1, 0):
        part = (words & 511).astype(np.float32) / 511 * np.float32(_HALF_ROOT)
        part = np.where(words & 512, -part, part)
        is_stored = largest != index
        xyzw[:, index] = np.where(is_stored, part, 0)
        words = np.where(is_stored, words >> np.uint32(10), words)
    last = np.sqrt(np.maximum(0, 1 - (xyzw * xyzw).sum(axis=1)))
    np.put_along_axis(xyzw, largest[:, None], last[:, None], axis=1)
    return xyzw[:, [3, 0, 1, 2]]


def _from_first_three(packed: np.ndarray) -> np.ndarray:
    """Version 2: x, y and z in a byte each; w is derived and not negative."""
    xyz = packed.astype(np.float32) / np.float32(127.5) - 1
    w = np.sqrt(np.maximum(0, 1 - (xyz * xyz).sum(axis=1)))
    return np.concatenate([w[:, None], xyz], axis=1)


def _packed_sh(rest: np.ndarray) -> np.ndarray:
    """(N, K, 3) uint8, 128 is 0; the low bits are rounded away to help gzip."""
    levels = np.rint(rest * 128) + 128
    steps = np.where(np.arange(rest.shape[1]) < SH_COUNTS[1], 8, 16)[None, :, None]
    return _bytes(np.floor((levels + steps // 2) / steps) * steps)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


# --- gzip -------------------------------------------------------------------------------------------------------------


def _gzipped(body: bytes, comment: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    head = GZIP + bytes([_HAS_COMMENT]) + bytes(4) + b"\x00\xff" + comment + b"\0"
    tail = struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF)
    return head + packer.compress(body) + packer.flush() + tail


def _unpacked(unpacker: zlib._Decompress, data: bytes, most: int) -> bytes:
    """Decompress at most this many bytes."""
    try:
        return unpacker.decompress(data, most) if most else b""
    except zlib.error as error:
        raise BadSplat("This SPZ file cannot be unpacked: it is damaged. Copy or download it again.") from error


def _about(data: bytes) -> About:
    """The content of the comment, if it is where `write_spz` puts it: with no name or extra field before it."""
    if data[3] != _HAS_COMMENT:
        return NOTHING
    comment = data[10 : 10 + _MAX_COMMENT].partition(b"\0")[0].decode("latin-1")
    word, _, rest = comment.partition(" ")
    return read_line(rest) if word == KEYWORD else NOTHING
