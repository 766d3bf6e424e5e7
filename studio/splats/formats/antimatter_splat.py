"""Gaussian splats as `.splat`: 32 bytes for each and nothing else, small and fast to draw.

No recipe, camera or up axis, and one byte per colour channel, opacity and rotation component.

Source: antimatter15/splat README and convert.py (order of the fields, (value - 128) / 128 for rotations).
"""

from __future__ import annotations

import numpy as np

from studio.errors import BadSplat
from studio.splats.sanitize import CheckedSplat, Columns, assumed_y_down, check_count, sound
from studio.splats.splat import Pose, Splat
from studio.splats.transform import Up, placed, to_file

_ROW = np.dtype([("position", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])


def write_antimatter(splat: Splat, up: Up = "-y") -> bytes:
    """World coordinates; view-dependent colours are left out.

    Largest splats first, as `convert.py` does, so that a partly loaded file shows most of it.
    """
    splat = to_file(placed(splat), up)
    weights = splat.scales.astype(np.float64).prod(axis=1) * splat.opacities
    rows = np.empty(splat.count, _ROW)
    rows["position"] = splat.positions
    rows["scale"] = splat.scales
    rows["rgba"][:, :3] = _bytes(splat.colours * 255)
    rows["rgba"][:, 3] = _bytes(splat.opacities * 255)
    rows["rotation"] = _bytes(splat.rotations * 128 + 128)
    return rows[np.argsort(-weights, kind="stable")].tobytes()


def read_antimatter(data: bytes) -> CheckedSplat:
    """Raises BadSplat if it is not a whole number of rows, or no row is valid."""
    count, left = divmod(len(data), _ROW.itemsize)
    if left:
        raise BadSplat(
            f"This file has {len(data):,} bytes, not a multiple of the {_ROW.itemsize} of a .splat file: it is cut off "
            "or not a splat. Copy or download it again."
        )
    check_count(count, ".splat")
    rows = np.frombuffer(data, _ROW)
    columns = Columns(
        positions=rows["position"],
        scales=rows["scale"],
        rotations=(rows["rotation"].astype(np.float32) - 128) / 128,
        opacities=rows["rgba"][:, 3].astype(np.float32) / 255,
        colours=rows["rgba"][:, :3].astype(np.float32) / 255,
    )
    return assumed_y_down(sound(columns, Pose()))


def seems_antimatter(data: bytes) -> bool:
    """Whether bytes look like such rows: the right length, and plausible values in the first thousand."""
    if not data or len(data) % _ROW.itemsize:
        return False
    rows = np.frombuffer(data[: 1000 * _ROW.itemsize], _ROW)
    numbers = np.concatenate([rows["position"], rows["scale"]], axis=1)
    lengths = np.linalg.norm((rows["rotation"].astype(np.float32) - 128) / 128, axis=1)
    with np.errstate(invalid="ignore"):
        likely = (np.abs(numbers) < 1e6).all(axis=1) & (rows["scale"] >= 0).all(axis=1) & (np.abs(lengths - 1) < 0.1)
    return bool(likely.mean() > 0.5)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
