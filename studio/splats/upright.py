"""Which way is up in a splat, and the quarter turns that put it upright. Knows no file format.

The axes are those of `studio/splats/splat.py`, seen from the front: x right, y up, z towards the viewer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from studio.geometry import NOT_TURNED, Quaternion, quarter
from studio.splats.transform import TURNED_OVER, product

Axis = Literal["x", "-x", "y", "-y", "z", "-z"]
"""The axis of a file that points up."""
Turn = Literal["forward", "back", "left", "right", "roll-left", "roll-right"]
"""A quarter turn, as seen from the front: the top comes forward or goes back, the front turns to the left or right, the
top rolls over to the left or right."""

_HALF = 0.5**0.5
UPRIGHT: dict[Axis, Quaternion] = {
    "x": (_HALF, 0.0, 0.0, _HALF),
    "-x": (_HALF, 0.0, 0.0, -_HALF),
    "y": NOT_TURNED,
    "-y": TURNED_OVER,
    "z": (_HALF, -_HALF, 0.0, 0.0),
    "-z": (_HALF, _HALF, 0.0, 0.0),
}
"""The rotation that puts such a file upright: its axis becomes y."""
TURNS: dict[Turn, Quaternion] = {
    "forward": (_HALF, _HALF, 0.0, 0.0),
    "back": (_HALF, -_HALF, 0.0, 0.0),
    "left": (_HALF, 0.0, -_HALF, 0.0),
    "right": (_HALF, 0.0, _HALF, 0.0),
    "roll-left": (_HALF, 0.0, 0.0, _HALF),
    "roll-right": (_HALF, 0.0, 0.0, -_HALF),
}


def followed(rotations: Iterable[Quaternion]) -> Quaternion:
    """Quarter turns one after the other, as one of the 24 orientations of a cube."""
    total = NOT_TURNED
    for rotation in rotations:
        total = quarter(product(rotation, np.array([total]))[0].tolist())
    return total


def inverse(rotation: Quaternion) -> Quaternion:
    w, x, y, z = rotation
    return quarter((w, -x, -y, -z))
