"""Maps the columns of a PLY file to those of a splat, whatever its tool calls them. Reads no file.

Source: graphdeco-inria/gaussian-splatting scene/gaussian_model.py (names, logarithms); hbb1/2d-gaussian-splatting
(two sizes: a disc whose third axis is its normal); nerfstudio scripts/exporter.py (colours as bytes).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from studio.errors import BadSplat
from studio.splats.formats.ply_header import Element
from studio.splats.sanitize import Columns
from studio.splats.splat import SH_C0, SH_COUNTS

NAMES = ("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2")
NAMES += ("rot_0", "rot_1", "rot_2", "rot_3")
"""Columns of every file written here, in the order of LGM's."""
_PLACES = (NAMES[:3],)
_HARMONIC_COLOURS = (NAMES[3:6],)
_LEVEL_COLOURS = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
_OPACITIES = (("opacity",),)
_LEVEL_OPACITIES = (("alpha",), ("a",))
_SCALES = (NAMES[7:10], ("scale_x", "scale_y", "scale_z"), ("sx", "sy", "sz"))
_SCALES += (NAMES[7:9], ("scale_x", "scale_y"), ("sx", "sy"), ("scale_0",), ("scale",))
_ROTATIONS = (NAMES[10:], ("qw", "qx", "qy", "qz"), ("q_w", "q_x", "q_y", "q_z"), ("rot_w", "rot_x", "rot_y", "rot_z"))
_THICKNESS = np.float32(1e-3)
"""Of a disc, as a share of its smaller radius."""
_BRIGHTEST = 4.0
"""Colours above it are in [0, 255]."""
_RAW = "This file holds opacities, sizes and colours as they are, not their logarithms; they were read that way."
_FLAT = "This file holds flat splats (2DGS): each was given a thousandth of its width as its thickness."
_ROUND = "This file has one size for each splat: they were assumed to be round."
_OPAQUE = "This file does not say how opaque its splats are: all were assumed to be opaque."
_UNTURNED = "This file does not say how its splats are rotated: none were rotated."


class Read(NamedTuple):
    """The content of a file's rows."""

    columns: Columns
    notes: tuple[str, ...]


def check_columns(element: Element) -> None:
    """Raises BadSplat if the columns are those of a mesh, a point cloud, or nothing known."""
    names = {one.name for one in element.properties}
    missing: list[str] = []
    missing += [name for name in NAMES[:3] if name not in names]
    missing += [] if _found(names, _HARMONIC_COLOURS + _LEVEL_COLOURS) else NAMES[3:6]
    missing += [] if _found(names, _SCALES) else NAMES[7:10]
    missing += [] if _found(names, _OPACITIES + _ROTATIONS) else [NAMES[6], *NAMES[10:]]
    if missing:
        kind = "a mesh or a cloud of points" if {"x", "y", "z"} <= names else "not a splat"
        raise BadSplat(
            f"This PLY file is {kind}: it has no column {', '.join(missing[:3])}{', ...' * (len(missing) > 3)}. Choose "
            "a Gaussian splat."
        )
    if element.has_lists:
        raise BadSplat(
            "The splats of this PLY file have a list among their columns, which Diorama does not read. Export it again "
            "as a Gaussian splat."
        )


def read_columns(element: Element, rows: np.ndarray, *, is_ours: bool) -> Read:
    """
    Args:
        element: that passed `check_columns`.
        rows: (N,) structured, of any types.
        is_ours: written by Diorama, with logarithms.
    """
    names = {one.name for one in element.properties}
    notes: list[str] = []
    scales = _stacked(rows, _found(names, _SCALES))
    opacities, is_logit = _opacities(element, rows)
    colours, is_harmonic = _colours(element, rows)
    with np.errstate(over="ignore", invalid="ignore"):
        if not is_ours and _is_raw(scales, opacities, colours):
            notes.append(_RAW)
        else:
            scales = np.exp(scales)
            opacities = 1 / (1 + np.exp(-opacities)) if is_logit else opacities
            colours = colours * np.float32(SH_C0) + np.float32(0.5) if is_harmonic else colours
    if scales.shape[1] < 3:
        notes.append(_FLAT if scales.shape[1] == 2 else _ROUND)
        third = scales.min(axis=1, keepdims=True) * _THICKNESS
        scales = np.concatenate([scales, third], axis=1) if scales.shape[1] == 2 else np.repeat(scales, 3, axis=1)
    if not _found(names, _OPACITIES + _LEVEL_OPACITIES):
        notes.append(_OPAQUE)
    if turned := _found(names, _ROTATIONS):
        rotations = _stacked(rows, turned)
    else:
        rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (len(rows), 1))
        notes.append(_UNTURNED)
    rest = _rest(element, rows, notes)
    return Read(Columns(_stacked(rows, NAMES[:3]), scales, rotations, opacities, colours, rest), tuple(notes))


def _found(names: set[str], ways: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """The first naming scheme of which all columns exist; () if there is none."""
    return next((way for way in ways if names.issuperset(way)), ())


def _opacities(element: Element, rows: np.ndarray) -> tuple[np.ndarray, bool]:
    """(N,) float32, and whether they are logits."""
    names = {one.name for one in element.properties}
    if _found(names, _OPACITIES) and not _is_whole(element, "opacity"):
        return _stacked(rows, ("opacity",))[:, 0], True
    if found := _found(names, _OPACITIES + _LEVEL_OPACITIES):
        return _levels(element, rows, found)[:, 0], False
    return np.ones(len(rows), np.float32), False


def _colours(element: Element, rows: np.ndarray) -> tuple[np.ndarray, bool]:
    """(N, 3) float32, and whether they are coefficients of the constant harmonic."""
    names = {one.name for one in element.properties}
    if found := _found(names, _HARMONIC_COLOURS):
        return _stacked(rows, found), True
    return _levels(element, rows, _found(names, _LEVEL_COLOURS)), False


def _levels(element: Element, rows: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """(N, len(names)) float32 in [0, 1], scaled from 0 to 255 or 65,535 if they are integers."""
    values = _stacked(rows, names)
    most = float(np.max(values, where=np.isfinite(values), initial=0))
    if _is_whole(element, names[0]):
        return values / np.float32(255 if most <= 255 else 65_535)
    return values / np.float32(1 if most <= _BRIGHTEST else 255)


def _is_whole(element: Element, name: str) -> bool:
    return next(one.type[0] in "iu" for one in element.properties if one.name == name)


def _stacked(rows: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """(N, len(names)) float32."""
    result = np.empty((len(rows), len(names)), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for index, name in enumerate(names):
            result[:, index] = rows[name]
    return result


def _rest(element: Element, rows: np.ndarray, notes: list[str]) -> np.ndarray | None:
    """(N, K, 3); None if there are none, or not a whole number of bands, which is noted."""
    numbers = [int(found[1]) for one in element.properties if (found := re.fullmatch("f_rest_([0-9]{1,3})", one.name))]
    if not numbers:
        return None
    if sorted(numbers) != list(range(len(numbers))) or len(numbers) % 3 or len(numbers) // 3 not in SH_COUNTS[1:]:
        whole = ", ".join(str(3 * count) for count in SH_COUNTS[1:-1])
        notes.append(
            f"This file has {len(numbers)} harmonics where whole bands have {whole} or {3 * SH_COUNTS[-1]}: they were "
            "left out, so each colour is the same from all sides."
        )
        return None
    flat = _stacked(rows, tuple(f"f_rest_{index}" for index in range(len(numbers))))
    return np.ascontiguousarray(flat.reshape(len(rows), 3, -1).transpose(0, 2, 1))


def _is_raw(scales: np.ndarray, opacities: np.ndarray, colours: np.ndarray) -> bool:
    """Whether the values are raw (LGM's `compatible=False`): a trained file never has such logarithms."""
    return bool((scales >= 0).all() and scales.any() and _within_one(opacities) and _within_one(colours))


def _within_one(values: np.ndarray) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())
