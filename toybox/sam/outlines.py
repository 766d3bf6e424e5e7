"""Families of outlines for clutter, and their rasterization.

An outline is a tuple of contours, painted one after the other, around the origin and about one unit in radius.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Split = Literal["train", "held out"]

_SUPERSAMPLING = 2
_ROUND = np.linspace(0, 2 * math.pi, 48, endpoint=False)


class Contour(NamedTuple):
    """One closed curve or one stroke.

    Attributes:
        points: (N, 2) float, x then y.
        width: of the stroke along the points, in units; 0 fills the closed curve instead.
        is_hole: whether it cuts a hole instead.
    """

    points: np.ndarray
    width: float = 0.0
    is_hole: bool = False


Outline = tuple[Contour, ...]


class Placement(NamedTuple):
    """Where an outline is placed: pixels = matrix @ units + centre.

    Attributes:
        matrix: (2, 2) float, rotation and scale.
        centre: (2,) float, x then y in pixels.
    """

    matrix: np.ndarray
    centre: np.ndarray

    @property
    def radius(self) -> float:
        """Pixels per unit, as a geometric mean."""
        return math.sqrt(abs(float(np.linalg.det(self.matrix))))


class Box(NamedTuple):
    """A part of a picture in pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def rows_and_columns(self) -> tuple[slice, slice]:
        """The index of the part in an array whose rows come first."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def is_empty(self) -> bool:
        """Whether it contains no pixel."""
        return self.right <= self.left or self.bottom <= self.top


def sample_outline(rng: np.random.Generator, split: Split) -> Outline:
    """An outline of any family of the split; the held-out ones appear in no training picture."""
    families = HELD_OUT_OUTLINES if split == "held out" else OUTLINES
    return families[rng.integers(len(families))](rng)


def sample_placement(rng: np.random.Generator, centre: np.ndarray, radius: float) -> Placement:
    """Any rotation, and mostly a little longer than wide."""
    angle = rng.uniform(0, 2 * math.pi)
    stretch = math.exp(abs(rng.normal(0, 0.3)))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return Placement(turn @ np.diag([radius * stretch, radius / stretch]), centre)


def raster(
    outline: Outline, placement: Placement, size: int, border: float = 0.0
) -> tuple[Box, np.ndarray, np.ndarray]:
    """Paints an outline with smooth edges.

    Args:
        outline: what to paint.
        placement: where to paint it.
        size: height and width of the whole picture in pixels.
        border: width in pixels of a line along the filled curves; 0 for none.

    Returns:
        The box around it; the share of each of its pixels that is covered, including the border; the share that
        belongs to the border. Both HW float32, [0, 1].
    """
    curves = [contour.points @ placement.matrix.T + placement.centre for contour in outline]
    widths = [contour.width * placement.radius for contour in outline]
    reach = max([border, *widths]) / 2 + 1
    points = np.concatenate(curves)
    low = np.floor(np.maximum(points.min(axis=0) - reach, 0)).astype(int)
    high = np.ceil(np.minimum(points.max(axis=0) + reach, size)).astype(int)
    box = Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
    if box.is_empty:
        nothing = np.zeros((0, 0), np.float32)
        return box, nothing, nothing
    shape = ((box.right - box.left) * _SUPERSAMPLING, (box.bottom - box.top) * _SUPERSAMPLING)
    body, line = Image.new("L", shape), Image.new("L", shape)
    for contour, curve, width in zip(outline, curves, widths, strict=True):
        path = [(x, y) for x, y in ((curve - low) * _SUPERSAMPLING).tolist()]
        if contour.width:
            thick = max(1, round(width * _SUPERSAMPLING))
            ImageDraw.Draw(body).line(path, fill=255, width=thick, joint="curve")
        else:
            ImageDraw.Draw(body).polygon(path, fill=0 if contour.is_hole else 255)
            if border:
                thick = max(1, round(border * _SUPERSAMPLING))
                ImageDraw.Draw(line).line([*path, path[0], path[1]], fill=255, width=thick, joint="curve")
    if border and len(outline) > 1:
        inner = body.filter(ImageFilter.MinFilter(2 * max(1, round(border * _SUPERSAMPLING / 2)) + 1))
        line = ImageChops.subtract(line, inner)  # no line where one filled curve runs through another
    bordering = _shares(line)
    return box, np.maximum(_shares(body), bordering), bordering


def _shares(image: Image.Image) -> np.ndarray:
    return np.asarray(image.reduce(_SUPERSAMPLING), dtype=np.float32) / 255


def _curve(radii: np.ndarray | float, angles: np.ndarray = _ROUND) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.broadcast_to(radii, angles.shape)[:, None]


def _polygon(rng: np.random.Generator) -> Outline:
    count = rng.integers(3, 9)
    angles = (np.arange(count) + rng.uniform(-0.35, 0.35, count)) * (2 * math.pi / count)
    return (Contour(_curve(rng.uniform(0.6, 1.0, count), angles)),)


def _star(rng: np.random.Generator) -> Outline:
    count = int(rng.integers(4, 10))
    radii = np.tile([1.0, rng.uniform(0.3, 0.75)], count)
    return (Contour(_curve(radii, np.arange(2 * count) * (math.pi / count))),)


def _blob(rng: np.random.Generator) -> Outline:
    waves = np.arange(2, 8)
    sizes = rng.normal(0, 0.28, len(waves)) / waves**0.8
    radii = 0.8 + (sizes[:, None] * np.cos(waves[:, None] * _ROUND + rng.uniform(0, 6.3, (len(waves), 1)))).sum(axis=0)
    return (Contour(_curve(np.clip(radii, 0.15, 1.4))),)


def _ellipse(rng: np.random.Generator) -> Outline:
    return (Contour(_curve(1.0) * [1, rng.uniform(0.6, 1)]),)


def _ring(rng: np.random.Generator) -> Outline:
    return (Contour(_curve(1.0)), Contour(_curve(rng.uniform(0.35, 0.82)), is_hole=True))


def _rounded_rectangle(rng: np.random.Generator) -> Outline:
    power = 2 / rng.uniform(3, 12)
    points = _curve(1.0)
    return (Contour(np.sign(points) * np.abs(points) ** power * [1, rng.uniform(0.35, 1)]),)


def _rectangle(rng: np.random.Generator) -> Outline:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return (Contour(corners * [1, rng.uniform(0.12, 1)]),)


def _letter(rng: np.random.Generator) -> Outline:
    """Two to four straight or bent strokes between the points of a coarse grid."""
    width = rng.uniform(0.18, 0.4)
    places = rng.integers(-1, 2, (rng.integers(3, 6), 2)) * [0.55, 0.85] + rng.normal(0, 0.05, (1, 2))
    strokes = [Contour(places[:3].astype(float), width)]
    if len(places) > 3:
        strokes.append(Contour(np.array([places[0], places[3]], float), width))
    if rng.random() < 0.4:
        strokes.append(Contour(_curve(0.45, np.linspace(0, rng.uniform(3, 6.3), 20)) + places[1], width))
    return tuple(strokes)


def _wire(rng: np.random.Generator) -> Outline:
    turns = np.cumsum(rng.normal(0, 0.35, 24)) + rng.uniform(0, 6.3)
    path = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1) * 0.12, axis=0)
    return (Contour(path - path.mean(axis=0), rng.uniform(0.07, 0.2)),)


def _cloud(rng: np.random.Generator) -> Outline:
    count = rng.integers(3, 8)
    middles = rng.normal(0, 0.4, (count, 2)) * [1, 0.5]
    return tuple(Contour(_curve(rng.uniform(0.3, 0.55)) + middle) for middle in middles)


def _creature(rng: np.random.Generator) -> Outline:
    """A body with limbs and a head, in one colour."""
    body = Contour(_curve(1.0) * [rng.uniform(0.4, 0.65), rng.uniform(0.3, 0.5)])
    place = np.array([rng.uniform(0.5, 0.8), rng.uniform(-0.6, -0.1)])
    head = Contour(_curve(rng.uniform(0.2, 0.32)) + place)
    feet = np.linspace(-0.45, 0.45, rng.integers(2, 5))
    limbs = [Contour(np.array([[x, 0.1], [x + rng.normal(0, 0.1), 0.9]]), rng.uniform(0.1, 0.24)) for x in feet]
    return (*limbs, body, head)


def _cross(rng: np.random.Generator) -> Outline:
    arm = rng.uniform(0.15, 0.45)
    return (Contour(np.array([[-1.0, 0], [1, 0]]), 2 * arm), Contour(np.array([[0, -1.0], [0, 1]]), 2 * arm))


def _branch(rng: np.random.Generator) -> Outline:
    strokes: list[Contour] = []

    def grow(foot: np.ndarray, angle: float, length: float, width: float) -> None:
        tip = foot + length * np.array([math.sin(angle), -math.cos(angle)])
        strokes.append(Contour(np.stack([foot, tip]), width))
        if len(strokes) < 15 and length > 0.25:
            for side in (-1, 1):
                grow(tip, angle + side * rng.uniform(0.25, 0.8), length * rng.uniform(0.6, 0.8), width * 0.7)

    grow(np.array([0.0, 1.0]), rng.normal(0, 0.1), rng.uniform(0.6, 0.8), rng.uniform(0.14, 0.3))
    return tuple(strokes)


def _leaf(rng: np.random.Generator) -> Outline:
    fullness, along = rng.uniform(0.25, 0.6), np.cos(_ROUND)
    return (Contour(np.stack([along, fullness * np.sign(np.sin(_ROUND)) * (1 - along**2)], axis=1)),)


def _drop(rng: np.random.Generator) -> Outline:
    sharpness = rng.uniform(1, 3)
    return (Contour(np.stack([0.7 * np.sin(_ROUND) * np.sin(_ROUND / 2) ** sharpness, np.cos(_ROUND)], axis=1)),)


def _frame(rng: np.random.Generator) -> Outline:
    outer = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [1, rng.uniform(0.5, 1)]
    return (Contour(outer), Contour(outer * rng.uniform(0.5, 0.85), is_hole=True))


def _crescent(rng: np.random.Generator) -> Outline:
    half = np.linspace(math.pi / 2, 3 * math.pi / 2, 25)
    outer = np.stack([np.cos(half), np.sin(half)], axis=1)
    inner = outer[::-1] * [rng.uniform(0.2, 0.7), 1]
    return (Contour(np.concatenate([outer, inner]) + np.array([0.6, 0])),)


def _gear(rng: np.random.Generator) -> Outline:
    count = int(rng.integers(7, 13))
    depth = rng.uniform(0.7, 0.85)
    teeth = Contour(_curve(np.tile([1, 1, depth, depth], count), np.arange(4 * count) * (math.pi / 2 / count)))
    return (teeth, Contour(_curve(rng.uniform(0.2, 0.45)), is_hole=True))


def _heart(rng: np.random.Generator) -> Outline:
    """Source: the sextic heart curve, https://mathworld.wolfram.com/HeartCurve.html."""
    x = 16 * np.sin(_ROUND) ** 3
    y = -(13 * np.cos(_ROUND) - 5 * np.cos(2 * _ROUND) - 2 * np.cos(3 * _ROUND) - np.cos(4 * _ROUND))
    return (Contour(np.stack([x, y * rng.uniform(0.8, 1.1)], axis=1) / 16),)


OUTLINES: tuple[Callable[[np.random.Generator], Outline], ...] = (
    _polygon,
    _star,
    _blob,
    _blob,
    _blob,
    _ellipse,
    _ring,
    _rounded_rectangle,
    _rectangle,
    _letter,
    _wire,
    _cloud,
    _creature,
    _cross,
    _branch,
    _leaf,
    _drop,
    _frame,
)
"""The outlines of training pictures; blobs count three times, because most real things are none of the others."""

HELD_OUT_OUTLINES: tuple[Callable[[np.random.Generator], Outline], ...] = (_crescent, _gear, _heart)
"""The outlines that only the benchmark uses."""
