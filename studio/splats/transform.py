"""A splat moved, rotated and scaled: its Gaussians and its view-dependent colours. Knows no file format.

Files hold world coordinates, so a pose is applied to the arrays before writing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from studio.geometry import NOT_TURNED, Quaternion
from studio.splats.splat import SH_COUNTS, Pose, Splat, rotation_matrix

Up = Literal["+y", "-y"]
"""Which way is up in a file. Trainers write "-y": x right, y down, z away from the first camera."""

TURNED_OVER: Quaternion = (0.0, 1.0, 0.0, 0.0)
"""Half a turn about x: between a world with y up and a file with y down, both ways."""
_DOWN = np.array([1, -1, -1], np.float32)
_FIT_DIRECTIONS = 64


def placed(splat: Splat) -> Splat:
    """The same splat with world coordinates in its arrays; camera and recipe stay."""
    if splat.pose.is_in_place:
        return splat
    return _moved(splat, splat.pose, Pose(camera=splat.pose.camera))


def to_file(splat: Splat, up: Up) -> Splat:
    """The arrays in the coordinates of a file; the pose stays.

    Args:
        splat: with y up.
    """
    return splat if up == "+y" else _turned_over(splat, 1)


def from_file(splat: Splat, up: Up) -> Splat:
    """The arrays with y up, bit for bit those given to `to_file`; the pose stays."""
    return splat if up == "+y" else _turned_over(splat, -1)


def product(first: Quaternion, rotations: np.ndarray) -> np.ndarray:
    """Rotations followed by another one.

    Args:
        first: the one applied last, as in first * rotations.
        rotations: (N, 4), w first.
    """
    a, b, c, d = (np.float32(value) for value in first)
    w, x, y, z = rotations.T
    parts = (
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    )
    return np.stack(parts, axis=1).astype(np.float32)


def _turned_over(splat: Splat, sign: int) -> Splat:
    """Half a turn about x.

    Args:
        sign: 1 or -1, forth or back: the same rotation, with opposite signs of the quaternions.
    """
    positions = -splat.positions
    positions[:, 0] = splat.positions[:, 0]
    turned = np.empty_like(splat.rotations)  # w, x, y, z become -x, w, -z, y, or x, -w, z, -y on the way back
    np.multiply(splat.rotations[:, 1::2], -sign, out=turned[:, 0::2])
    np.multiply(splat.rotations[:, 0::2], sign, out=turned[:, 1::2])
    rest = splat.sh_rest
    if rest is not None:  # each of the harmonics is even or odd in y and in z, and so keeps or changes its sign
        here = np.array([[0.36, 0.48, 0.8]])
        signs = np.sign(basis(here * _DOWN) * basis(here))[0, : rest.shape[1], None]
        rest = rest * signs.astype(np.float32)
    return replace(splat, positions=positions, rotations=turned, sh_rest=rest)


def _moved(splat: Splat, pose: Pose, left: Pose) -> Splat:
    """Args: pose: applied to the arrays; left: the result's pose."""
    if pose.rotation == NOT_TURNED:
        rotations, rest = splat.rotations, splat.sh_rest
    else:
        rotations = product(pose.rotation, splat.rotations)
        rest = None if splat.sh_rest is None else _turned_sh(splat.sh_rest, pose.rotation)
    return replace(
        splat,
        positions=replace(splat, pose=pose).world_positions(),
        rotations=rotations,
        scales=splat.scales if pose.scale == 1.0 else (splat.scales * np.float32(pose.scale)),
        sh_rest=rest,
        pose=left,
    )


def _turned_sh(rest: np.ndarray, rotation: Quaternion) -> np.ndarray:
    """Coefficients of the same colours on a rotated object.

    A band of spherical harmonics rotates within itself: the matrix is fitted to more directions than it has columns,
    which is exact.

    Args:
        rest: (N, K, 3).
    """
    directions = _spread(_FIT_DIRECTIONS)
    before = basis(directions @ rotation_matrix(rotation))  # the rotated object from d is the old one from R^T d
    after = basis(directions)
    result = np.empty_like(rest)
    for degree in range(1, SH_COUNTS.index(rest.shape[1]) + 1):
        band = slice(SH_COUNTS[degree - 1], SH_COUNTS[degree])
        matrix = np.linalg.lstsq(after[:, band], before[:, band], rcond=None)[0]
        matrix[np.abs(matrix) < 1e-9] = 0.0
        nearest = np.round(matrix)
        matrix = np.where(np.abs(matrix - nearest) < 1e-9, nearest, matrix).astype(np.float32)
        result[:, band] = np.einsum("ij,njc->nic", matrix, rest[:, band])
    return result


def basis(directions: np.ndarray) -> np.ndarray:
    """The spherical harmonics above the constant one, with the signs used by splat files.

    Args:
        directions: (M, 3) of unit length, from the camera to the splat.

    Returns:
        (M, 24) float64, degrees 1 to 4 one after the other.

    Source: Kerbl et al., "3D Gaussian Splatting", utils/sh_utils.py (degrees 1 to 4), after Sloan, "Efficient
    Spherical Harmonic Evaluation" (2013).
    """
    x, y, z = np.asarray(directions, np.float64).T
    xx, yy, zz = x * x, y * y, z * z
    first = (-0.4886025119029199 * y, 0.4886025119029199 * z, -0.4886025119029199 * x)
    second = (
        1.0925484305920792 * x * y,
        -1.0925484305920792 * y * z,
        0.31539156525252005 * (2 * zz - xx - yy),
        -1.0925484305920792 * x * z,
        0.5462742152960396 * (xx - yy),
    )
    third = (
        -0.5900435899266435 * y * (3 * xx - yy),
        2.890611442640554 * x * y * z,
        -0.4570457994644658 * y * (4 * zz - xx - yy),
        0.3731763325901154 * z * (2 * zz - 3 * xx - 3 * yy),
        -0.4570457994644658 * x * (4 * zz - xx - yy),
        1.445305721320277 * z * (xx - yy),
        -0.5900435899266435 * x * (xx - 3 * yy),
    )
    fourth = (
        2.5033429417967046 * x * y * (xx - yy),
        -1.7701307697799304 * y * z * (3 * xx - yy),
        0.9461746957575601 * x * y * (7 * zz - 1),
        -0.6690465435572892 * y * z * (7 * zz - 3),
        0.10578554691520431 * (zz * (35 * zz - 30) + 3),
        -0.6690465435572892 * x * z * (7 * zz - 3),
        0.47308734787878004 * (xx - yy) * (7 * zz - 1),
        -1.7701307697799304 * x * z * (xx - 3 * yy),
        0.6258357354491761 * (xx * (xx - 3 * yy) - yy * (3 * xx - yy)),
    )
    return np.stack((*first, *second, *third, *fourth), axis=1)


def _spread(count: int) -> np.ndarray:
    """(count, 3) evenly spread unit vectors. Source: the golden-angle spiral (Swinbank and Purser, 2006)."""
    index = np.arange(count)
    y = 1 - 2 * (index + 0.5) / count
    around = index * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - y * y)
    return np.stack([ring * np.cos(around), y, ring * np.sin(around)], axis=1)
