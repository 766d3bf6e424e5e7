"""A Gaussian splat as numpy arrays, with its pose and the camera of its picture. Knows no file format and no model.

Coordinates are those of `lgm/cameras.py`: right-handed, x right, y up; a camera looks along its -z. Lengths are world
units; an object made by LGM fits into [-1, 1] on each axis. Image points are (x, y) pixels from the top-left corner.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

import numpy as np

from studio.errors import BadSplat
from studio.geometry import NOT_TURNED, PictureCamera, Quaternion, Triple
from studio.recipe import Recipe

MAX_SPLATS = 2_000_000
"""Thirty times LGM's output, and more than a browser draws smoothly."""
FAINTEST = 0.005
"""Opacity below which `pruned` drops a Gaussian. Source: 3DTopia/LGM core/gs.py, save_ply."""
SH_C0 = 0.28209479177387814
"""The constant spherical harmonic, 1 / (2 sqrt(pi)): colour = 0.5 + SH_C0 * f_dc."""
SH_COUNTS = (0, 3, 8, 15, 24)
"""Coefficients above the constant one, by degree: (degree + 1)^2 - 1."""


@dataclass(frozen=True)
class Pose:
    """Where a splat stands: world = scale * (rotation applied to a point) + translation; and the camera of its picture.

    *Reset* in the viewer returns to `camera`.
    """

    rotation: Quaternion = NOT_TURNED  # w, x, y, z; of unit length
    scale: float = 1.0
    translation: Triple = (0.0, 0.0, 0.0)
    camera: PictureCamera | None = None  # None: not made from a picture

    @property
    def is_in_place(self) -> bool:
        """Whether the splat's arrays are already in world coordinates."""
        return self.rotation == NOT_TURNED and self.scale == 1.0 and self.translation == (0.0, 0.0, 0.0)


class Bounds(NamedTuple):
    """The smallest box around points: both corners (3,) float64."""

    low: np.ndarray
    high: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        return (self.low + self.high) / 2

    @property
    def size(self) -> np.ndarray:
        return self.high - self.low


@dataclass(frozen=True, eq=False)
class Splat:
    """N Gaussians. Arrays are float32, finite and never written to; `pose` places them in the world."""

    positions: np.ndarray  # (N, 3)
    scales: np.ndarray  # (N, 3) standard deviations along its axes, world units, not negative
    rotations: np.ndarray  # (N, 4) w, x, y, z; of unit length
    opacities: np.ndarray  # (N,) [0, 1]
    colours: np.ndarray  # (N, 3) RGB; [0, 1] in splats made here, beyond that in some trained on photographs
    sh_rest: np.ndarray | None = None  # (N, K, 3) with K of SH_COUNTS: view-dependent colour
    pose: Pose = field(default=Pose())
    recipe: Recipe | None = None  # None: unknown

    def __post_init__(self) -> None:
        n = len(self.positions)
        shapes = {"positions": (n, 3), "scales": (n, 3), "rotations": (n, 4), "opacities": (n,), "colours": (n, 3)}
        for name, shape in shapes.items():
            _check(name, getattr(self, name), shape)
        if self.sh_rest is not None:
            if self.sh_rest.ndim != 3 or self.sh_rest.shape[1] not in SH_COUNTS[1:]:
                raise ValueError(f"got sh_rest {self.sh_rest.shape}, expected (N, K, 3) with K in {SH_COUNTS[1:]}")
            _check("sh_rest", self.sh_rest, (n, self.sh_rest.shape[1], 3))

    @property
    def count(self) -> int:
        return len(self.positions)

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of the assets it was made from."""
        return self.recipe.parents if self.recipe else ()

    @property
    def sh_degree(self) -> int:
        """0: the colour is the same from every side."""
        return 0 if self.sh_rest is None else SH_COUNTS.index(self.sh_rest.shape[1])

    def world_positions(self) -> np.ndarray:
        """(N, 3) float32: the centres in the world."""
        if self.pose.is_in_place:
            return self.positions
        turned = self.positions.astype(np.float64) @ rotation_matrix(self.pose.rotation).T
        return (self.pose.scale * turned + self.pose.translation).astype(np.float32)

    def bounds(self, share: float = 1.0) -> Bounds:
        """The box around the centres, in the world.

        Args:
            share: of the Gaussians, per axis around the median: 0.99 ignores outliers.

        Raises:
            BadSplat: it is empty.
        """
        if not self.count:
            raise BadSplat("This splat is empty: there is nothing to show. Choose another file, or make it again.")
        points = self.world_positions().astype(np.float64)
        low, high = np.quantile(points, ((1 - share) / 2, (1 + share) / 2), axis=0)
        return Bounds(low, high)

    def only(self, kept: np.ndarray | slice) -> Splat:
        """
        Args:
            kept: (N,) bool, or indices, or a slice, which copies nothing.
        """
        arrays = {name: getattr(self, name)[kept] for name in ARRAYS}
        return replace(self, **arrays, sh_rest=None if self.sh_rest is None else self.sh_rest[kept])

    def pruned(self) -> Splat:
        """Without invisible Gaussians, in the same order. Raises BadSplat if none is left."""
        kept = self.opacities >= np.float32(FAINTEST)
        if not kept.any():
            raise BadSplat(
                f"None of the {self.count:,} splats is opaque enough to be seen: nothing would be left. Make the splat "
                "again, from a picture in which the object stands out."
            )
        return self if kept.all() else self.only(kept)


ARRAYS = tuple(one.name for one in fields(Splat) if one.name not in ("sh_rest", "pose", "recipe"))
"""The fields with a row per Gaussian that every splat has."""


def rotation_matrix(rotation: Quaternion) -> np.ndarray:
    """(3, 3) float64 that rotates column vectors like the unit quaternion (w, x, y, z)."""
    return rotation_matrices(np.array([rotation], np.float64))[0]


def rotation_matrices(rotations: np.ndarray) -> np.ndarray:
    """
    Args:
        rotations: (N, 4) unit quaternions, w first.

    Returns:
        (N, 3, 3) of the same dtype.
    """
    w, x, y, z = np.moveaxis(rotations, -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _check(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float32:
        raise ValueError(f"got {name} {array.shape} {array.dtype}, expected {shape} float32")
