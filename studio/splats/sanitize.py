"""From the columns of a file to a valid splat: finite numbers and unit quaternions only. Knows no format."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from studio.errors import BadSplat
from studio.splats.splat import MAX_SPLATS, Pose, Splat
from studio.splats.upright import UPRIGHT, Axis

MAX_BYTES = 300_000_000
"""Of a file, also decompressed: a million splats with all their harmonics have 236 MB."""
_FARTHEST = 1e9
"""The largest distance or size, whose square still fits float32."""
ASSUMED = (
    "This file does not say which way is up. It was turned over, as files of the 3DGS trainers have y down; if it is "
    "not upright now, turn it in the 3D tab."
)
SAID_Z = (
    "This file says that its z axis points up, so it was turned upright; if it is wrong now, turn it in the 3D tab."
)


class CheckedSplat(NamedTuple):
    """A splat from a file, and notes on how it was read."""

    splat: Splat
    notes: tuple[str, ...] = ()
    up: Axis = "y"  # the axis of the file that was taken to point up


class Columns(NamedTuple):
    """The content of a file, activations undone; any dtype, any value."""

    positions: np.ndarray  # (N, 3)
    scales: np.ndarray  # (N, 3) world units
    rotations: np.ndarray  # (N, 4) w first, any length
    opacities: np.ndarray  # (N,) [0, 1]
    colours: np.ndarray  # (N, 3) RGB
    sh_rest: np.ndarray | None = None  # (N, K, 3)


def check_count(count: int, kind: str) -> None:
    """Call before allocating. Raises BadSplat if there are no splats, or too many."""
    if count == 0:
        raise BadSplat(f"This {kind} file has no splats in it: there is nothing to show. Choose another.")
    if count > MAX_SPLATS:
        raise BadSplat(
            f"This {kind} file declares {count:,} splats; {MAX_SPLATS:,} is the most. Make it smaller, in SuperSplat "
            "for example, then try again."
        )


def sound(columns: Columns, pose: Pose) -> CheckedSplat:
    """The splat of these columns without rows that have non-finite numbers.

    Raises:
        BadSplat: no row is left.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        needed = [one.astype(np.float32) for one in columns[:5]]
        values = Columns(*needed, sh_rest=None if columns.sh_rest is None else columns.sh_rest.astype(np.float32))
        squares = np.einsum("ij,ij->i", values.rotations, values.rotations, dtype=np.float64)
        lengths = np.sqrt(squares)[:, None]
        unit = np.where(np.abs(lengths - 1) < 1e-6, values.rotations, values.rotations / lengths).astype(np.float32)
    scales = np.abs(values.scales)  # a Gaussian of negative size looks like one of that size
    values = values._replace(scales=scales, rotations=unit, opacities=np.clip(values.opacities, 0, 1))
    kept = _kept(values)
    lost = len(kept) - int(kept.sum())
    if lost == len(kept):
        raise BadSplat(f"None of the {lost:,} splats in this file has finite numbers: it is damaged. Make it again.")
    splat = Splat(*values, pose=pose)
    if not lost:
        return CheckedSplat(splat)
    return CheckedSplat(
        splat.only(kept), (f"{lost:,} of {len(kept):,} splats were left out: their numbers are not finite.",)
    )


def _kept(columns: Columns) -> np.ndarray:
    """(N,) bool: which rows are valid."""
    kept = np.ones(len(columns.positions), bool)
    for one in columns:
        if one is not None:
            kept &= np.isfinite(one).reshape(len(one), -1).all(axis=1)
    for one in (columns.positions, columns.scales):
        kept &= (np.abs(one) <= _FARTHEST).all(axis=1)
    return kept


def assumed_y_down(taken: CheckedSplat) -> CheckedSplat:
    """The splat turned upright, assuming y down as trainers write it, with a note that says so."""
    return stood_up(taken, "-y", ASSUMED)


def stood_up(taken: CheckedSplat, up: Axis, note: str) -> CheckedSplat:
    """The splat turned so that this axis of its file points up.

    Args:
        taken: in the coordinates of its file.
    """
    pose = Pose(rotation=UPRIGHT[up], camera=taken.splat.pose.camera)
    return CheckedSplat(replace(taken.splat, pose=pose), (*taken.notes, note), up)


def without_guess(notes: str) -> str:
    """A file's notes without those about its up axis."""
    for guess in (ASSUMED, SAID_Z):
        notes = notes.replace(guess, "")
    return notes.strip()
