"""The ten kinds of the toy world as signed distance functions: only geometry, no camera, light or colours.

An object stands on the plane y = 0 around the y axis and is about one unit high. Points are three tensors of equal
shape (x, y, z); distances are in units and never larger than the true distance, so that rays may step by them.

Source: Inigo Quilez, "Distance functions", https://iquilezles.org/articles/distfunctions/.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from toybox.words import Kind, Rgb

Points = tuple[Tensor, Tensor, Tensor]
Distance = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Part:
    """A part of an object: its shape and its fixed colour, or None if it has the colour of the object."""

    distance: Distance
    rgb: Rgb | None = None


@dataclass(frozen=True)
class Shape:
    """All parts of a kind and a sphere around them, centred on the y axis.

    Attributes:
        parts: earlier ones win where parts touch.
        middle: height of the centre of the bounding sphere, in units.
        radius: its radius, in units.
    """

    parts: tuple[Part, ...]
    middle: float
    radius: float


def _ball(*, centre: tuple[float, float, float], radius: float) -> Distance:
    cx, cy, cz = centre
    return lambda x, y, z: _norm3(x - cx, y - cy, z - cz) - radius


def _box(*, centre: tuple[float, float, float], half: tuple[float, float, float], rounding: float = 0.03) -> Distance:
    (cx, cy, cz), (hx, hy, hz) = centre, half

    def distance(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        dx = (x - cx).abs_().sub_(hx - rounding)
        dy = (y - cy).abs_().sub_(hy - rounding)
        dz = (z - cz).abs_().sub_(hz - rounding)
        inside = dx.maximum(dy).maximum(dz).clamp_max_(0)
        return _norm3(dx.clamp_min_(0), dy.clamp_min_(0), dz.clamp_min_(0)) + inside - rounding

    return distance


def _cylinder(*, middle: float, radius: float, half_height: float, rounding: float = 0.03) -> Distance:
    def distance(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        across = _norm2(x, z).sub_(radius - rounding)
        along = (y - middle).abs_().sub_(half_height - rounding)
        inside = across.maximum(along).clamp_max_(0)
        return _norm2(across.clamp_min_(0), along.clamp_min_(0)) + inside - rounding

    return distance


def _cone(*, base: float, radius: float, height: float) -> Distance:
    slant = math.hypot(radius, height)

    def distance(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        up = y - base
        side = (_norm2(x, z) * height + (up - height) * radius) / slant
        return side.maximum(-up)

    return distance


def _torus(*, middle: float, ring: float, tube: float) -> Distance:
    return lambda x, y, z: _norm2(_norm2(x, z).sub_(ring), y - middle) - tube


def _gable(*, base: float, half_width: float, height: float, half_depth: float) -> Distance:
    slant = math.hypot(half_width, height)

    def distance(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        up = y - base
        side = (x.abs() * height + (up - height) * half_width) / slant
        return side.maximum(-up).maximum(z.abs() - half_depth)

    return distance


def _dome(*, base: float, radius: float, flatness: float) -> Distance:
    def distance(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        up = y - base
        return ((_norm3(x, up * flatness, z) - radius) / flatness).maximum(-up)

    return distance


def _norm2(a: Tensor, b: Tensor) -> Tensor:
    return (a * a).addcmul_(b, b).sqrt_()


def _norm3(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return (a * a).addcmul_(b, b).addcmul_(c, c).sqrt_()


_COAL, _CARROT, _WOOD, _SLATE, _CREAM, _GLASS = (
    (0.12, 0.12, 0.13),
    (0.96, 0.48, 0.10),
    (0.42, 0.27, 0.15),
    (0.33, 0.31, 0.35),
    (0.95, 0.91, 0.82),
    (0.72, 0.88, 0.97),
)

SHAPES: dict[Kind, Shape] = {
    "ball": Shape((Part(_ball(centre=(0, 0.48, 0), radius=0.48)),), middle=0.48, radius=0.48),
    "cube": Shape((Part(_box(centre=(0, 0.4, 0), half=(0.4, 0.4, 0.4))),), middle=0.4, radius=0.7),
    "cone": Shape((Part(_cone(base=0, radius=0.5, height=1.1)),), middle=0.44, radius=0.68),
    "cylinder": Shape((Part(_cylinder(middle=0.46, radius=0.36, half_height=0.46)),), middle=0.46, radius=0.59),
    "donut": Shape((Part(_torus(middle=0.18, ring=0.4, tube=0.18)),), middle=0.18, radius=0.59),
    "snowman": Shape(
        (
            Part(_ball(centre=(0, 0.33, 0), radius=0.34)),
            Part(_ball(centre=(0, 0.75, 0), radius=0.25)),
            Part(_ball(centre=(0, 1.03, 0), radius=0.17)),
            Part(_cylinder(middle=1.14, radius=0.2, half_height=0.025, rounding=0.01), _COAL),
            Part(_cylinder(middle=1.22, radius=0.13, half_height=0.09, rounding=0.02), _COAL),
            Part(_ball(centre=(0, 1.02, 0.18), radius=0.05), _CARROT),
        ),
        middle=0.65,
        radius=0.68,
    ),
    "tree": Shape(
        (
            Part(_cylinder(middle=0.2, radius=0.1, half_height=0.2), _WOOD),
            Part(_cone(base=0.3, radius=0.45, height=0.6)),
            Part(_cone(base=0.65, radius=0.34, height=0.6)),
        ),
        middle=0.63,
        radius=0.65,
    ),
    "house": Shape(
        (
            Part(_box(centre=(0, 0.17, 0.38), half=(0.1, 0.17, 0.02), rounding=0.005), _CREAM),
            Part(_box(centre=(-0.24, 0.38, 0.38), half=(0.08, 0.08, 0.02), rounding=0.005), _GLASS),
            Part(_box(centre=(0.24, 0.38, 0.38), half=(0.08, 0.08, 0.02), rounding=0.005), _GLASS),
            Part(_box(centre=(0, 0.3, 0), half=(0.4, 0.3, 0.38), rounding=0.01)),
            Part(_gable(base=0.59, half_width=0.5, height=0.45, half_depth=0.45), _SLATE),
        ),
        middle=0.5,
        radius=0.75,
    ),
    "mushroom": Shape(
        (
            Part(_cylinder(middle=0.25, radius=0.16, half_height=0.26, rounding=0.05), _CREAM),
            Part(_dome(base=0.46, radius=0.52, flatness=1.15)),
        ),
        middle=0.45,
        radius=0.56,
    ),
    "rocket": Shape(
        (
            Part(_ball(centre=(0, 0.72, 0.17), radius=0.1), _GLASS),
            Part(_cylinder(middle=0.52, radius=0.23, half_height=0.42)),
            Part(_cone(base=0.9, radius=0.25, height=0.4), _SLATE),
            Part(_box(centre=(0, 0.18, 0), half=(0.42, 0.18, 0.035), rounding=0.02), _SLATE),
            Part(_box(centre=(0, 0.18, 0), half=(0.035, 0.18, 0.42), rounding=0.02), _SLATE),
        ),
        middle=0.63,
        radius=0.7,
    ),
}
