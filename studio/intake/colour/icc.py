"""ICC profiles: from untrusted bytes to a colour space. The content counts, not the name.

Profiles that Chromium cannot use count as missing, and its deviations from the standard are followed.

Source: ICC.1:2022 (profile version 4.4).
"""

from __future__ import annotations

import itertools
import math
import struct
from typing import NamedTuple

import numpy as np

from studio.intake.colour.colour_space import (
    D50,
    LEVELS,
    ColourSpace,
    Curve,
    encoded,
    from_xyz,
    matrix_space,
    of_codes,
    power,
)

_MAX_TAGS = 200
_MAX_ENTRIES = 10_000_000
"""Of a table with one axis resampled to 256; the largest in use, four inks by 33 steps, has 9 million."""
_FINE = 65_536
"""Points of a curve applied after a table."""
_TO_XYZ = 65_535 / 32_768
"""XYZ of a sample, [0, 1]. Source: section 6.3.4.2."""
_PARAMETERS = (1, 3, 4, 5, 7)
"""How many numbers each kind of parametric curve has. Source: table 68."""


class Broken(Exception):
    """Not a valid profile."""


def read_profile(data: bytes) -> ColourSpace | None:
    """The colour space of a profile; None if it cannot be used."""
    try:
        with np.errstate(all="ignore"):  # results of absurd numbers are made finite
            return _space_of(data, _tags(data))
    except (Broken, KeyError, IndexError, ValueError, OverflowError, struct.error):
        return None


def _space_of(data: bytes, tags: dict[bytes, bytes]) -> ColourSpace:
    is_lab = data[20:24] == b"Lab "
    if len(tags.get(b"cicp", b"")) >= 12:
        space = of_codes(tags[b"cicp"][8], tags[b"cicp"][9])
        if space is not None:
            return space
    for name in (b"A2B0", b"A2B1"):
        if name in tags:
            return _table_space(tags[name], is_lab=is_lab)
    if data[16:20] == b"GRAY":
        if is_lab:  # not supported by browsers
            raise Broken
        return matrix_space([_curve(tags[b"kTRC"])[0]], np.diag(D50))
    columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    curves = [_curve(tags[name])[0] for name in (b"rTRC", b"gTRC", b"bTRC")]
    return matrix_space(curves, np.array(columns).T)


def _tags(data: bytes) -> dict[bytes, bytes]:
    """The tags of a profile by name. Source: sections 7.2 and 7.3."""
    size, count = struct.unpack_from(">I", data)[0], struct.unpack_from(">I", data, 128)[0]
    illuminant = struct.unpack_from(">3i", data, 68)
    is_near = all(abs(value / 65_536 - meant) < 0.01 for value, meant in zip(illuminant, D50, strict=True))
    is_profile = data[36:40] == b"acsp" and data[8] <= 4 and data[20:24] in (b"XYZ ", b"Lab ")
    if not is_profile or not is_near or not 132 <= size <= len(data) or count > _MAX_TAGS:
        raise Broken
    tags: dict[bytes, bytes] = {}
    for number in range(count):
        name, start, length = struct.unpack_from(">4sII", data, 132 + 12 * number)
        if start + length > size or length < 4:
            raise Broken
        tags.setdefault(name, data[start : start + length])
    return tags


def _xyz(tag: bytes) -> tuple[float, ...]:
    if tag[:4] != b"XYZ ":
        raise Broken
    return tuple(value / 65_536 for value in struct.unpack_from(">3i", tag, 8))


# --- curves -----------------------------------------------------------------------------------------------------------


def _curve(tag: bytes) -> tuple[Curve, int]:
    """A curve, and its size in bytes. Source: sections 10.6 and 10.18."""
    if tag[:4] == b"para":
        kind = struct.unpack_from(">H", tag, 8)[0]
        numbers = _PARAMETERS[kind]
        values = [value / 65_536 for value in struct.unpack_from(f">{numbers}i", tag, 12)]
        return _parametric(kind, values), 12 + 4 * numbers
    if tag[:4] != b"curv":
        raise Broken
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return power(1.0), 12
    if len(tag) < 12 + 2 * count:
        raise Broken
    if count == 1:
        return power(struct.unpack_from(">H", tag, 12)[0] / 256), 14
    return _between(np.frombuffer(tag, ">u2", count, 12) / 65_535), 12 + 2 * count


def _parametric(kind: int, values: list[float]) -> Curve:
    """Source: table 68, with its five kinds written as the last one."""
    g, a, b, c, d, e, f = (values + [0.0] * 7)[:7]
    if kind == 0:
        a = 1.0
    elif kind in (1, 2):
        if a == 0:
            raise Broken
        c, d, e, f = 0.0, -b / a, c, c
    if min(g, a, c, d) < 0 or a * d + b < 0:
        raise Broken
    return power(g, a, b, c, d, e, f)


def _between(values: np.ndarray) -> Curve:
    """The curve through these points, linear in between."""
    return lambda x: np.interp(x, np.linspace(0, 1, len(values)), values)


# --- tables -----------------------------------------------------------------------------------------------------------


class TableSpace(NamedTuple):
    """A profile with a table of up to four dimensions, and curves before and after it."""

    inputs: np.ndarray  # (channels, 256) float32: where on its axis each sample lies, [0, 1]
    axes: tuple[int, ...]  # points of the table along each channel but the last, which has 256 of them
    entries: np.ndarray  # (product of axes * 256, 3) float32
    middle: np.ndarray | None  # (3, 65536) float32: curves of what comes out, and a matrix (3, 4) upon that: mAB only
    matrix: np.ndarray | None
    last: np.ndarray | None
    is_lab: bool

    @property
    def channels(self) -> int:
        return len(self.inputs)

    def in_srgb(self, samples: np.ndarray) -> np.ndarray:
        values = self._looked_up(samples.reshape(-1, self.channels))
        values = _applied(self.middle, values)
        if self.matrix is not None:
            values = (values @ self.matrix[:, :3].T + self.matrix[:, 3]).astype(np.float32)
        values = _applied(self.last, values)
        xyz = _xyz_of_lab(values) if self.is_lab else values
        return encoded(xyz @ from_xyz(np.eye(3)).T.astype(np.float32)).reshape(*samples.shape[:2], 3)

    def _looked_up(self, samples: np.ndarray) -> np.ndarray:
        """Multilinear interpolation."""
        lows, shares = [], []
        for channel, points in enumerate(self.axes):
            place = self.inputs[channel] * (points - 1)
            low = np.minimum(place.astype(np.intp), points - 2)
            lows.append(low[samples[:, channel]])
            shares.append((place - low).astype(np.float32)[samples[:, channel]])
        values = np.zeros((len(samples), 3), np.float32)
        for corner in itertools.product((0, 1), repeat=len(self.axes)):
            index, weight = np.zeros(len(samples), np.intp), np.ones(len(samples), np.float32)
            for points, low, share, step in zip(self.axes, lows, shares, corner, strict=True):
                index = index * points + low + step
                weight = weight * (share if step else 1 - share)
            values += self.entries.take(index * 256 + samples[:, -1], axis=0) * weight[:, None]
        return values


def _table_space(tag: bytes, *, is_lab: bool) -> TableSpace:
    channels, outputs = tag[8], tag[9]
    if not 1 <= channels <= 4 or outputs != 3:
        raise Broken
    if tag[:4] == b"mAB ":
        return _of_elements(tag, channels, is_lab=is_lab)
    if tag[:4] not in (b"mft1", b"mft2"):
        raise Broken
    # Source: sections 10.10 and 10.11. The matrix counts only where the input is XYZ.
    width, start, steps = 1, 48, (256, 256)
    if tag[:4] == b"mft2":
        width, start, steps = 2, 52, struct.unpack_from(">HH", tag, 48)
    if not all(2 <= step <= 4096 for step in steps):
        raise Broken
    samples = _samples(tag[start:], width)
    inputs, rest = np.split(samples, [channels * steps[0]])
    axes = (tag[10],) * channels
    table, rest = np.split(rest, [3 * math.prod(axes)])
    if len(rest) < 3 * steps[1]:
        raise Broken
    curves = [_between(curve) for curve in inputs.reshape(channels, -1)]
    last = tuple(_between(curve) for curve in rest[: 3 * steps[1]].reshape(3, -1))
    return _space(curves, axes, table, (), None, last, is_lab=is_lab)


def _of_elements(tag: bytes, channels: int, *, is_lab: bool) -> TableSpace:
    """Source: section 10.12: A curves, table, M curves, matrix and B curves, of which only the last is required."""
    b, matrix_at, m, table_at, a = struct.unpack_from(">5I", tag, 12)
    if b == 0 or bool(matrix_at) != bool(m) or bool(table_at) != bool(a) or (channels != 3 and not table_at):
        raise Broken
    matrix = None
    if matrix_at:
        numbers = np.array(struct.unpack_from(">12i", tag, matrix_at)) / 65_536
        matrix = np.concatenate([numbers[:9].reshape(3, 3), numbers[9:, None]], axis=1) * (1 if is_lab else _TO_XYZ)
    middle = _curves(tag, m, 3) if m else ()
    last = _curves(tag, b, 3)
    if not table_at:  # the points of a cube are the table of what changes nothing
        table = np.stack(np.meshgrid(*[[0.0, 1.0]] * 3, indexing="ij"), axis=-1).ravel()
        return _space([power(1.0)] * 3, (2, 2, 2), table, middle, matrix, last, is_lab=is_lab)
    axes, width = tuple(tag[table_at : table_at + channels]), tag[table_at + 16]
    table = _samples(tag[table_at + 20 :], width)
    return _space(_curves(tag, a, channels), axes, table, middle, matrix, last, is_lab=is_lab)


def _curves(tag: bytes, start: int, count: int) -> tuple[Curve, ...]:
    """Curves one after the other, each padded to four bytes."""
    curves = []
    for _ in range(count):
        curve, length = _curve(tag[start:])
        curves.append(curve)
        start += -(-length // 4) * 4
    return tuple(curves)


def _samples(data: bytes, width: int) -> np.ndarray:
    if width not in (1, 2):
        raise Broken
    kind = np.dtype(">u2" if width == 2 else "u1")
    return np.frombuffer(data, kind, len(data) // width) / (256**width - 1)


def _space(
    curves: list[Curve] | tuple[Curve, ...],
    axes: tuple[int, ...],
    table: np.ndarray,
    middle: tuple[Curve, ...],
    matrix: np.ndarray | None,
    last: tuple[Curve, ...],
    *,
    is_lab: bool,
) -> TableSpace:
    """With the last axis of the table resampled to one point per sample, which halves the work per pixel."""
    count = math.prod(axes)
    if min(axes) < 2 or count > len(table) // 3 or count // axes[-1] * 256 > _MAX_ENTRIES:
        raise Broken
    inputs = np.stack([np.nan_to_num(curve(LEVELS)).clip(0, 1) for curve in curves]).astype(np.float32)
    points = table[: 3 * count].reshape(-1, axes[-1], 3).astype(np.float32)
    place = inputs[-1] * (axes[-1] - 1)
    low = np.minimum(place.astype(np.intp), axes[-1] - 2)
    share = (place - low)[:, None]
    entries = points[:, low] * (1 - share) + points[:, low + 1] * share  # [rest, 256, 3]
    entries = entries.astype(np.float32).reshape(-1, 3)
    return TableSpace(inputs, axes[:-1], entries, _finely(middle), matrix, _finely(last), is_lab)


def _finely(curves: tuple[Curve, ...]) -> np.ndarray | None:
    """Three curves as tables; None if they change nothing."""
    steps = np.linspace(0, 1, _FINE)
    tables = np.stack([curve(steps) for curve in curves]) if curves else np.array([steps])
    return None if np.abs(tables - steps).max() < 0.5 / _FINE else np.nan_to_num(tables).astype(np.float32)


def _applied(tables: np.ndarray | None, values: np.ndarray) -> np.ndarray:
    """Three channels, each through its curve from 0 to 1."""
    if tables is None:
        return values.clip(0, 1)
    places = (values.clip(0, 1) * (_FINE - 1) + 0.5).astype(np.intp)
    return np.stack([table.take(places[:, channel]) for channel, table in enumerate(tables)], axis=-1)


def _xyz_of_lab(values: np.ndarray) -> np.ndarray:
    """XYZ of L, a and b scaled to [0, 1]. Source: CIE 15, "CIELAB"."""
    values = values.astype(np.float32)
    y = (values[:, 0] * 100 + 16) / 116
    f = np.stack([y + (values[:, 1] * 255 - 128) / 500, y, y - (values[:, 2] * 255 - 128) / 200], axis=-1)
    return np.where(f > 6 / 29, f * f * f, (f - 16 / 116) * (108 / 841)) * np.array(D50, np.float32)
