"""Frames as an MP4 that every browser and player shows, without an encoder: H.264 whose blocks are stored as they are.

A block that has not changed since the frame before costs nothing, any other one its 384 bytes: a turntable on a plain
ground of 384 x 384 pixels and 72 frames has 5 MB. Lossless but for the colours, which video keeps at half the
resolution. Knows nothing of splats.

Source: ITU-T H.264, 7.3 (syntax), 7.4.1 (emulation prevention), 9.1 (Exp-Golomb), table 7-11 (I_PCM); ISO/IEC 14496-12
(boxes) and 14496-15 (avcC); ITU-R BT.709-6, items 3 and 6 (Y'CbCr).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

_BLOCK = 16
_BASELINE, _CONSTRAINTS, _LEVEL = 66, 0xC0, 41  # level 4.1: the highest that all decoders in devices know
_SPS, _PPS, _IDR, _P = 0x67, 0x68, 0x65, 0x41
_FRAME_NUMBERS = 16
_PCM_IN_I, _PCM_IN_P = 25, 30
_TIMESCALE = 90_000


class _Track(NamedTuple):
    """What the boxes have to know."""

    width: int
    height: int
    samples: list[bytes]  # one for each frame: its NAL unit behind its length
    duration: int  # of one of them, in parts of a second / _TIMESCALE
    sps: bytes
    pps: bytes


def write_mp4(frames: Iterable[np.ndarray], frames_per_second: float = 24.0, note: bytes = b"") -> bytes:
    """
    Args:
        frames: HWC uint8 RGB, all of one size, sides even.
        note: kept in a box of its own that players pass over, such as a recipe as JSON.

    Raises:
        ValueError: there is no frame, or they differ in size, or a side is odd.
    """
    samples: list[bytes] = []
    size, before = (0, 0), np.zeros((0, 0), np.uint8)
    for number, frame in enumerate(frames):
        if (
            frame.ndim != 3
            or frame.shape[2] != 3
            or frame.dtype != np.uint8
            or frame.shape[0] % 2
            or frame.shape[1] % 2
        ):
            raise ValueError(f"got a frame {frame.shape} {frame.dtype}, expected (H, W, 3) uint8 with even sides")
        if number and frame.shape[:2] != size:
            raise ValueError(f"got a frame of {frame.shape[:2]}, expected {size} as the ones before")
        size, blocks = (frame.shape[0], frame.shape[1]), _blocks(frame)
        unit = _first_picture(blocks) if number == 0 else _next_picture(blocks, before, number)
        samples.append(struct.pack(">I", len(unit)) + unit)
        before = blocks
    if not samples:
        raise ValueError("got no frames, expected one at least")
    height, width = size
    track = _Track(width, height, samples, round(_TIMESCALE / frames_per_second), _sps(width, height), _pps())
    return _file(track, note)


# --- pictures ---------------------------------------------------------------------------------------------------------


def _blocks(frame: np.ndarray) -> np.ndarray:
    """The macroblocks of a frame from left to right and top to bottom: (M, 384) uint8, 256 of light, then 64 of each
    colour difference. None is 0, so that no sequence in them has to be broken up."""
    height, width = frame.shape[:2]
    padded = np.pad(frame, ((0, -height % _BLOCK), (0, -width % _BLOCK), (0, 0)), "edge").astype(np.float32) / 255
    red, green, blue = np.moveaxis(padded, -1, 0)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = [(16 + 219 * light, _BLOCK)]
    for difference in ((blue - light) / 1.8556, (red - light) / 1.5748):
        rows, columns = difference.shape
        halved = difference.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
        planes.append((128 + 224 * halved, _BLOCK // 2))
    parts = []
    for plane, side in planes:
        rows, columns = plane.shape
        cut = np.rint(plane).astype(np.uint8).reshape(rows // side, side, columns // side, side)
        parts.append(cut.transpose(0, 2, 1, 3).reshape(-1, side * side))
    return np.concatenate(parts, axis=1)


def _first_picture(blocks: np.ndarray) -> bytes:
    """An IDR picture: every block as it is."""
    head = _ue(0) + _ue(7) + _ue(0) + _bits(0, 4) + _ue(0) + "00" + _ue(0) + _ue(1)
    kind = _ue(_PCM_IN_I)
    parts = [_filled(head + kind), blocks[0].tobytes()]
    parts += [_filled(kind) + block.tobytes() for block in blocks[1:]]
    return _unit(_IDR, b"".join(parts) + b"\x80")


def _next_picture(blocks: np.ndarray, before: np.ndarray, number: int) -> bytes:
    """A P picture: blocks that have changed, as they are; the others are skipped."""
    changed = np.nonzero((blocks != before).any(axis=1))[0].tolist()
    bits = _ue(0) + _ue(5) + _ue(0) + _bits(number % _FRAME_NUMBERS, 4) + "000" + _ue(0) + _ue(1)
    parts: list[bytes] = []
    done = 0
    for index in changed:
        parts += [_filled(bits + _ue(index - done) + _ue(_PCM_IN_P)), blocks[index].tobytes()]
        bits, done = "", index + 1
    if done < len(blocks):
        bits += _ue(len(blocks) - done)
    return _unit(_P, b"".join(parts) + _filled(bits + "1"))


def _sps(width: int, height: int) -> bytes:
    across, down = -(-width // _BLOCK), -(-height // _BLOCK)
    right, bottom = (across * _BLOCK - width) // 2, (down * _BLOCK - height) // 2
    bits = _bits(_BASELINE, 8) + _bits(_CONSTRAINTS, 8) + _bits(_LEVEL, 8)
    bits += _ue(0) + _ue(0) + _ue(2) + _ue(1) + "0"  # 16 frame numbers, shown in this order, one reference picture
    bits += _ue(across - 1) + _ue(down - 1) + "11"
    bits += "1" + _ue(0) + _ue(right) + _ue(0) + _ue(bottom)
    colours = "1" + _bits(5, 3) + "0" + "1" + _bits(1, 8) * 3  # BT.709 with the range of video
    bits += "1" + "00" + colours + "0" + "0" + "00" + "0" + "0"
    return _unit(_SPS, _filled(bits + "1"))


def _pps() -> bytes:
    bits = _ue(0) + _ue(0) + "00" + _ue(0) + _ue(0) + _ue(0) + "0" + "00" + _ue(0) * 3 + "1" + "0" + "0"
    return _unit(_PPS, _filled(bits + "1"))


def _bits(value: int, count: int) -> str:
    return format(value, f"0{count}b")


def _ue(value: int) -> str:
    """An Exp-Golomb code; that of 0 is also the signed 0."""
    code = format(value + 1, "b")
    return "0" * (len(code) - 1) + code


def _filled(bits: str) -> bytes:
    """Bits with zeros up to the next whole byte."""
    length = -(-len(bits) // 8)
    return int(bits.ljust(8 * length, "0"), 2).to_bytes(length, "big")


def _unit(kind: int, payload: bytes) -> bytes:
    """A NAL unit; what would look like the beginning of another one is broken up."""
    return bytes([kind]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)


# --- boxes ------------------------------------------------------------------------------------------------------------


def _file(track: _Track, note: bytes) -> bytes:
    """The index before the pictures, so that a browser can begin at once."""
    start = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
    if note:
        start += _box(b"uuid", b"diorama recipe\0\0", note)
    offset = len(start) + len(_moov(track, 0)) + 8
    return start + _moov(track, offset) + _box(b"mdat", *track.samples)


def _box(kind: bytes, *parts: bytes) -> bytes:
    length = 8 + sum(map(len, parts))
    return b"".join([struct.pack(">I", length), kind, *parts])


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


_UNMOVED = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def _moov(track: _Track, offset: int) -> bytes:
    """
    Args:
        offset: of the first sample in the file.
    """
    length = track.duration * len(track.samples)
    mvhd = struct.pack(">4I", 0, 0, _TIMESCALE, length) + struct.pack(">iHH8x", 1 << 16, 0x100, 0) + _UNMOVED
    tkhd = struct.pack(">5I8x4H", 0, 0, 1, 0, length, 0, 0, 0, 0) + _UNMOVED
    tkhd += struct.pack(">2I", track.width << 16, track.height << 16)
    mdhd = struct.pack(">4IHH", 0, 0, _TIMESCALE, length, 0x55C4, 0)  # no language
    handler = struct.pack(">I4s12x", 0, b"vide") + b"video\0"
    source = _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))
    media = _box(
        b"mdia",
        _full(b"mdhd", mdhd),
        _full(b"hdlr", handler),
        _box(b"minf", _full(b"vmhd", bytes(8), flags=1), _box(b"dinf", source), _samples(track, offset)),
    )
    return _box(
        b"moov",
        _full(b"mvhd", mvhd + bytes(24) + struct.pack(">I", 2)),
        _box(b"trak", _full(b"tkhd", tkhd, flags=3), media),
    )


def _samples(track: _Track, offset: int) -> bytes:
    count = len(track.samples)
    about = bytes([1, _BASELINE, _CONSTRAINTS, _LEVEL, 0xFF, 0xE1])
    about += struct.pack(">H", len(track.sps)) + track.sps + struct.pack(">BH", 1, len(track.pps)) + track.pps
    entry = struct.pack(">6xH16x2H", 1, track.width, track.height) + struct.pack(
        ">3IH32xHh", 72 << 16, 72 << 16, 0, 1, 24, -1
    )
    return _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), _box(b"avc1", entry, _box(b"avcC", about))),
        _full(b"stts", struct.pack(">3I", 1, count, track.duration)),
        _full(b"stss", struct.pack(">2I", 1, 1)),
        _full(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
        _full(b"stsz", struct.pack(f">2I{count}I", 0, count, *map(len, track.samples))),
        _full(b"stco", struct.pack(">2I", 1, offset)),
    )
