"""Families of surfaces for clutter: plain colours, gradients, patterns, and noise like that of photographs."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from toybox.sam.outlines import Split

_FIELD_SIZE, _FIELD_COUNT = 512, 18


class Fields:
    """Random fields with the power spectrum of photographs, made once and cropped at random.

    Source: Field, "Relations between the statistics of natural images and the response properties of cortical cells",
    JOSA A 4 (1987): amplitude proportional to 1 / frequency.
    """

    def __init__(self, seed: int = 0) -> None:
        """Makes the fields of a seed, in about a second."""
        rng = np.random.default_rng(seed)
        rows = np.fft.fftfreq(_FIELD_SIZE)[:, None]
        columns = np.fft.rfftfreq(_FIELD_SIZE)[None]
        frequency = np.hypot(rows, columns)
        frequency[0, 0] = 1
        self._fields = []
        for index in range(_FIELD_COUNT):
            spectrum = np.fft.rfft2(rng.normal(size=(_FIELD_SIZE, _FIELD_SIZE)))
            spectrum /= frequency ** (0.6 + 1.2 * index / (_FIELD_COUNT - 1))
            spectrum[0, 0] = 0
            field = np.fft.irfft2(spectrum, s=(_FIELD_SIZE, _FIELD_SIZE))
            self._fields.append((field / field.std()).astype(np.float32))

    def cut(self, rng: np.random.Generator, height: int, width: int, smooth: bool = False) -> np.ndarray:
        """A random crop, HW float32, with mean about 0 and deviation about 1; smooth crops have little fine grain."""
        first = 2 * _FIELD_COUNT // 3 if smooth else 0
        field = self._fields[rng.integers(first, _FIELD_COUNT)]
        top, left = rng.integers(_FIELD_SIZE - height + 1), rng.integers(_FIELD_SIZE - width + 1)
        piece = field[top : top + height, left : left + width]
        return piece[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]


class Canvas(NamedTuple):
    """The area that a fill covers.

    Attributes:
        across: HW float32, x in pixels from the left of the whole picture, rotated by a random angle.
        down: HW float32, y likewise.
        scale: about the radius of the thing in pixels.
        colours: (3, 3) float32, three matching colours, RGB in [0, 1].
        fields: source of noise.
    """

    across: np.ndarray
    down: np.ndarray
    scale: float
    colours: np.ndarray
    fields: Fields


def sample_colours(rng: np.random.Generator, under: np.ndarray) -> np.ndarray:
    """Three colours, (3, 3) float32, [0, 1]; the first one differs from what is under it, sometimes only slightly."""
    if rng.random() < 0.12:
        first = under + rng.normal(0, 0.09, 3)
    else:
        first = max((sample_colour(rng) for _ in range(2)), key=lambda colour: np.abs(colour - under).max())
    spread = rng.choice((0.06, 0.15, 0.35))
    second = first + rng.normal(0, spread, 3)
    third = sample_colour(rng) if rng.random() < 0.3 else first + rng.normal(0, spread, 3)
    return np.clip(np.stack([first, second, third]), 0, 1).astype(np.float32)


def sample_colour(rng: np.random.Generator) -> np.ndarray:
    """One colour, (3,) in [0, 1]: grey, earthy, pastel or pure."""
    grey = rng.uniform(0, 1)
    return np.clip(grey + (rng.uniform(0, 1, 3) - grey) * rng.choice((0.0, 0.3, 0.7, 1.0)), 0, 1)


def sample_fill(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, colours: np.ndarray, fields: Fields, split: Split
) -> np.ndarray:
    """A surface of any family of the split; the held-out ones appear in no training picture.

    Args:
        rng: random generator.
        shape: height and width in pixels.
        scale: about the radius of the thing in pixels.
        colours: see `sample_colours`.
        fields: source of noise.
        split: which families to choose from.

    Returns:
        HW3 float32, about [0, 1].
    """
    angle = rng.uniform(0, 2 * math.pi)
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    columns = np.arange(shape[1], dtype=np.float32)[None]
    across = columns * math.cos(angle) + rows * math.sin(angle)
    down = rows * math.cos(angle) - columns * math.sin(angle)
    canvas = Canvas(across, down, scale, colours, fields)
    families = HELD_OUT_FILLS if split == "held out" else FILLS
    return families[rng.integers(len(families))](rng, canvas)


def _mix(canvas: Canvas, share: np.ndarray, first: int = 0, second: int = 1) -> np.ndarray:
    """Interpolates between two colours by a share, HW in [0, 1]."""
    start, end = canvas.colours[first], canvas.colours[second]
    return start + (end - start) * share[..., None].astype(np.float32)


def _soft_step(values: np.ndarray) -> np.ndarray:
    """From 0 to 1 within about two pixels around 0."""
    return np.clip(values * 0.5 + 0.5, 0, 1)


def _period(rng: np.random.Generator, canvas: Canvas) -> float:
    return float(np.clip(canvas.scale * rng.uniform(0.15, 0.8), 4, 60))


def _stretched(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return (values - low) / max(float(high - low), 1e-6)


def _flat(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    return np.broadcast_to(canvas.colours[0], (*canvas.across.shape, 3)).copy()


def _gradient(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    return _mix(canvas, _stretched(canvas.across) ** rng.uniform(0.6, 1.6))


def _glow(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """Colours that depend on the distance from a point: a ball, a lamp, a vignette."""
    height, width = canvas.across.shape
    x = np.arange(width)[None] / width - rng.uniform(0.2, 0.8)
    y = np.arange(height)[:, None] / height - rng.uniform(0.2, 0.8)
    return _mix(canvas, np.clip(np.hypot(x, y) * rng.uniform(1, 2), 0, 1) ** rng.uniform(0.7, 2))


def _natural(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """Three colours mixed by photograph-like noise."""
    shape = canvas.across.shape
    first = np.clip(canvas.fields.cut(rng, *shape) * rng.uniform(0.15, 0.45) + 0.5, 0, 1)
    surface = _mix(canvas, first)
    second = np.clip(canvas.fields.cut(rng, *shape) * rng.uniform(0.1, 0.35) + 0.2, 0, 1)[..., None]
    return surface + (canvas.colours[2] - surface) * second


def _grain(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    grain = rng.normal(0, rng.uniform(0.02, 0.12), (*canvas.across.shape, 1))
    return (_mix(canvas, _stretched(canvas.across)) + grain).astype(np.float32)


def _stripes(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    period = _period(rng, canvas)
    bend = canvas.fields.cut(rng, *canvas.across.shape, smooth=True) * rng.choice((0, 0, 0.15)) * period
    wave = np.sin((canvas.across + bend) * (2 * math.pi / period)) - rng.uniform(-0.6, 0.6)
    return _mix(canvas, _soft_step(wave * period * rng.choice((0.05, 0.3))))


def _checks(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    rate = 2 * math.pi / _period(rng, canvas)
    wave = np.sin(canvas.across * rate) * np.sin(canvas.down * rate)
    return _mix(canvas, _soft_step(wave * 3 / rate))


def _dots(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    period = _period(rng, canvas)
    x, y = np.mod(canvas.across, period) - period / 2, np.mod(canvas.down, period) - period / 2
    return _mix(canvas, _soft_step(period * rng.uniform(0.2, 0.4) - np.hypot(x, y)))


def _marble(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    field = canvas.fields.cut(rng, *canvas.across.shape, smooth=True)
    wave = np.sin(canvas.across * (2 * math.pi / _period(rng, canvas) / 2) + field * rng.uniform(1, 4))
    return _mix(canvas, wave * 0.5 + 0.5)


def _patches(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """Camouflage: noise cut into three levels."""
    field = canvas.fields.cut(rng, *canvas.across.shape, smooth=True)
    surface = _mix(canvas, _soft_step((field - 0.4) * 20))
    return surface + (canvas.colours[2] - surface) * _soft_step((-field - 0.5) * 20)[..., None]


def _bricks(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    period = _period(rng, canvas)
    row = np.floor(canvas.down / (period / 2))
    x = np.mod(canvas.across + row * (period / 2), period)
    y = np.mod(canvas.down, period / 2)
    joint = np.minimum(np.minimum(x, period - x), np.minimum(y, period / 2 - y))
    return _mix(canvas, _soft_step(joint - period * 0.06))


def _ripples(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    height, width = canvas.across.shape
    x = np.arange(width)[None] - rng.uniform(0, width)
    y = np.arange(height)[:, None] - rng.uniform(0, height)
    return _mix(canvas, np.sin(np.hypot(x, y) * (2 * math.pi / _period(rng, canvas))) * 0.5 + 0.5)


Fill = Callable[[np.random.Generator, Canvas], np.ndarray]
FILLS: tuple[Fill, ...] = (
    _flat,
    _flat,
    _flat,
    _gradient,
    _gradient,
    _glow,
    _natural,
    _natural,
    _natural,
    _grain,
    _stripes,
    _checks,
    _dots,
    _marble,
    _patches,
)
"""The fills of training pictures; plain and natural ones are the most common in people's pictures."""

HELD_OUT_FILLS: tuple[Fill, ...] = (_bricks, _ripples)
"""The fills that only the benchmark uses."""
