"""ICC profiles of every kind, written by hand: Pillow can make only sRGB's.

Source: ICC.1:2022 (profile version 4.4).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np
from PIL import ImageCms

Curve = bytes
Chromaticities = Sequence[tuple[float, float]]
"""x and y of red, green, blue and white."""
D50 = (0.9642, 1.0, 0.8249)
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.3290))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290))
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585))
REC2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290))
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def fixed(*values: float) -> bytes:
    """s15Fixed16Number."""
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def gamma(value: float) -> Curve:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256))


def linear() -> Curve:
    return b"curv" + bytes(8)


def table(values: Sequence[float] | np.ndarray) -> Curve:
    """Of samples, [0, 1]."""
    return b"curv" + bytes(4) + struct.pack(f">I{len(values)}H", len(values), *(round(65535 * one) for one in values))


def parametric(kind: int, *values: float) -> Curve:
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + fixed(*values)


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def matrix_of(primaries: Chromaticities) -> np.ndarray:
    """(3, 3): linear RGB to XYZ relative to D50, by Bradford."""
    colours = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries])
    matrix = colours[:3].T * np.linalg.solve(colours[:3].T, colours[3])
    scale = (_BRADFORD @ np.array(D50)) / (_BRADFORD @ colours[3])
    return np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD @ matrix


def profile(
    tags: dict[bytes, bytes], space: bytes = b"RGB ", pcs: bytes = b"XYZ ", kind: bytes = b"mntr", version: int = 4
) -> bytes:
    """A profile of these tags."""
    tags = {b"desc": description("sRGB, or so it says", version), b"wtpt": xyz(*D50), b"cprt": text("none")} | tags
    at = 132 + 12 * len(tags)
    head, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        head += name + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = 128 + len(head) + len(body)
    start = struct.pack(">I4sI", size, b"lcms", version << 24) + kind + space + pcs + bytes(12) + b"acsp" + bytes(28)
    return start + fixed(*D50) + bytes(48) + head + body


def matrix_profile(
    primaries: Chromaticities, *curves: Curve, version: int = 4, extra: dict[bytes, bytes] | None = None
) -> bytes:
    """Of three primaries and a white, with one curve or three."""
    columns = matrix_of(primaries).T
    curves = curves * 3 if len(curves) == 1 else curves
    tags = {name + b"XYZ": xyz(*column) for name, column in zip((b"r", b"g", b"b"), columns, strict=True)}
    tags |= {name + b"TRC": curve for name, curve in zip((b"r", b"g", b"b"), curves, strict=True)}
    return profile(tags | (extra or {}), version=version)


def grey_profile(curve: Curve, version: int = 4, pcs: bytes = b"XYZ ") -> bytes:
    return profile({b"kTRC": curve}, space=b"GRAY", version=version, pcs=pcs)


def lut_profile(
    meaning: Callable[[np.ndarray], np.ndarray],
    inks: int = 3,
    space: bytes = b"RGB ",
    grid: int = 17,
    kind: bytes = b"mft2",
    extra: dict[bytes, bytes] | None = None,
) -> bytes:
    """A profile whose colours stand in a table.

    Args:
        meaning: from inks (N, inks), [0, 1], to Lab (N, 3).
    """
    points = np.stack(np.meshgrid(*[np.linspace(0, 1, grid)] * inks, indexing="ij"), axis=-1).reshape(-1, inks)
    lab = meaning(points)
    body = bytes(4) + struct.pack(">BBBB", inks, 3, grid, 0) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    if kind == b"mft2":  # Lab of version 2: 100 is 0xff00
        body += struct.pack(">HH", 2, 2) + struct.pack(">2H", 0, 65535) * inks
        samples = np.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], axis=-1)
        body += np.clip(np.round(samples), 0, 65535).astype(">u2").tobytes() + struct.pack(">2H", 0, 65535) * 3
    else:
        body += bytes(range(256)) * inks
        samples = np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], axis=-1)
        body += np.clip(np.round(samples), 0, 255).astype(np.uint8).tobytes() + bytes(range(256)) * 3
    tags = {b"A2B0": kind + body} | (extra or {})
    return profile(tags, space=space, pcs=b"Lab ", kind=b"prtr", version=2)


def elements(primaries: Chromaticities, exponent: float) -> bytes:
    """A tag of curves, a matrix to XYZ, and curves that change nothing."""
    first, second = (curve + bytes(-len(curve) % 4) for curve in (linear(), gamma(exponent)))
    matrix = fixed(*(matrix_of(primaries) * 32_768 / 65_535).ravel(), 0, 0, 0)
    at_matrix = 32 + 3 * len(first)
    places = struct.pack(">5I", 32, at_matrix, at_matrix + len(matrix), 0, 0)
    return b"mAB " + bytes(4) + bytes([3, 3, 0, 0]) + places + first * 3 + matrix + second * 3


def srgb_of_color_management() -> bytes:
    """The one that Pillow hands out."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def patched(profile: bytes, at: int, part: bytes) -> bytes:
    return profile[:at] + part + profile[at + len(part) :]


def without(profile: bytes, tag: bytes) -> bytes:
    """The profile with this tag under a name that nobody knows."""
    return patched(profile, profile.index(tag, 128), b"none")


def lab_of(xyz_values: np.ndarray) -> np.ndarray:
    """XYZ relative to D50, (N, 3), as Lab."""
    ratio = xyz_values / np.array(D50)
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1)


def xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + fixed(*values)


def text(words: str) -> bytes:
    return b"text" + bytes(4) + words.encode() + b"\0"


def description(words: str, version: int) -> bytes:
    if version >= 4:
        encoded = words.encode("utf-16-be")
        return b"mluc" + bytes(4) + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", len(encoded), 28) + encoded
    return b"desc" + bytes(4) + struct.pack(">I", len(words) + 1) + words.encode() + b"\0" + bytes(8 + 3 + 67)
