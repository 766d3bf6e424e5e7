"""Colour spaces, and their conversion to sRGB. Reads no file.

The reference is Chromium: out-of-gamut colours are clipped, HDR is mapped to what an ordinary display can show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image

Curve = Callable[[np.ndarray], np.ndarray]
"""From a sample, [0, 1], to light, [0, 1]; for arrays of any shape."""
Chromaticities = Sequence[tuple[float, float]]
"""x and y of red, green, blue and white."""

LEVELS = np.arange(256) / 255
D50 = (0.9642, 1.0, 0.8249)
"""XYZ of white in ICC profiles. Source: ICC.1:2022, section 7.2.16."""
_SRGB_FROM_XYZ = np.linalg.inv(
    [[0.436066, 0.385147, 0.143066], [0.222488, 0.716873, 0.060608], [0.013916, 0.097076, 0.714096]]
)
"""Linear sRGB of XYZ relative to D50. Source: color.org's profile for IEC 61966-2-1."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Source: ICC.1:2022, annex E."""
_STEPS, _PARTS = 65_535, 16
"""Steps of light from 0 to 1, and parts of each while adding up."""
_MOST = 500.0
"""The most light a sample may add, so that sums stay within 32 bits."""
_PIXELS_AT_ONCE = 1 << 16


class ColourSpace(Protocol):
    @property
    def channels(self) -> int:
        """Samples of a pixel: 1 grey, 3 RGB, 4 CMYK."""
        ...

    def in_srgb(self, samples: np.ndarray) -> np.ndarray:
        """Samples, HWC uint8, as sRGB, HWC uint8."""
        ...


class MatrixSpace(NamedTuple):
    """A curve for each channel, and a matrix to linear sRGB."""

    curves: np.ndarray  # (channels, 256): the light of each sample
    matrix: np.ndarray  # (3, 3): linear sRGB of that light
    hdr: str = ""  # "PQ" and "HLG" are mapped to what can be shown

    @property
    def channels(self) -> int:
        return len(self.curves)

    def in_srgb(self, samples: np.ndarray) -> np.ndarray:
        if self.hdr:
            light = np.stack([curve[samples[..., channel]] for channel, curve in enumerate(self.curves)], axis=-1)
            return encoded(shown_of_hdr(light, self.matrix, self.hdr) @ self.matrix.T)
        # Each sample's contribution to each primary is looked up, four times as fast as computing it per pixel.
        shares = self.matrix[:, :, None] * self.curves if self.channels == 3 else self.matrix.sum(1) * self.curves.T
        steps = np.round(shares.clip(-_MOST, _MOST) * (_STEPS * _PARTS)).astype(np.int32)
        if self.channels == 1:
            steps = steps.T[:, None]  # [3, channels, 256]
        shown = np.empty((*samples.shape[:2], 3), np.uint8)
        channels = [np.ascontiguousarray(samples[..., channel]) for channel in range(self.channels)]
        for primary, tables in enumerate(steps):
            light = tables[0].take(channels[0])
            for table, channel in zip(tables[1:], channels[1:], strict=True):
                light += table.take(channel)
            shown[..., primary] = _SHOWN.take((light + _PARTS // 2) // _PARTS, mode="clip")
        return shown


def in_srgb(picture: Image.Image, space: ColourSpace) -> Image.Image:
    """The colours a display shows for these samples.

    Args:
        picture: "L", "RGB" or "CMYK"; returned unchanged if the space has other channels, or is sRGB.
    """
    channels = len(picture.getbands())
    if space.channels != channels and (channels, space.channels) != (1, 3):
        return picture
    if space.channels == 3:
        picture = picture.convert("RGB")
        if _is_srgb(space):
            return picture
    shown = Image.new("RGB", picture.size)
    rows = max(1, _PIXELS_AT_ONCE // picture.width)
    for top in range(0, picture.height, rows):
        strip = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        samples = np.asarray(strip).reshape(strip.height, strip.width, space.channels)
        shown.paste(Image.fromarray(space.in_srgb(samples)), (0, top))
    return shown


def from_xyz(matrix: np.ndarray) -> np.ndarray:
    """Linear sRGB instead of XYZ relative to D50, for a matrix that gives the latter."""
    return _SRGB_FROM_XYZ @ matrix


def xyz_of(chromaticities: Chromaticities) -> np.ndarray | None:
    """(3, 3): XYZ relative to D50 of linear RGB; None for degenerate primaries.

    Source: http://www.brucelindbloom.com, "RGB/XYZ Matrices" and "Chromatic Adaptation" (Bradford).
    """
    x, y = np.array(chromaticities, float).T
    if y[3] <= 0:
        return None
    colours = np.stack([x, y, 1 - x - y])  # one in each column
    white = colours[:, 3] / y[3]
    try:
        matrix = colours[:, :3] * np.linalg.solve(colours[:, :3], white)
    except np.linalg.LinAlgError:
        return None
    adapt = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ np.array(D50)) / (_BRADFORD @ white)) @ _BRADFORD
    return adapt @ matrix


def power(
    gamma: float, a: float = 1.0, b: float = 0.0, c: float = 0.0, d: float = 0.0, e: float = 0.0, f: float = 0.0
) -> Curve:
    """The curve (a x + b) ** gamma + e, below d: c x + f."""

    def curve(x: np.ndarray) -> np.ndarray:
        base = np.maximum(a * x + b, 0)
        return np.where(x < d, c * x + f, np.where(base > 0, base ** np.where(base > 0, gamma, 1), 0) + e)

    return curve


SRGB_CURVE = power(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


# --- what PNG says ----------------------------------------------------------------------------------------------------


SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
_REC601 = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), (0.3127, 0.3290))
_REC2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290))
_PRIMARIES: dict[int, Chromaticities] = {  # Source: ITU-T H.273, table 2
    1: SRGB,
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), (0.3127, 0.3290)),
    6: _REC601,
    7: _REC601,
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), (0.310, 0.316)),
    9: _REC2020,
    10: ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1 / 3, 1 / 3)),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.3127, 0.3290)),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), (0.3127, 0.3290)),
}
_VIDEO = power(2.4)
"""Television is made for displays with this curve (ITU-R BT.1886), and Chromium uses it."""
_TRANSFERS: dict[int, Curve] = {  # Source: ITU-T H.273, table 3
    1: _VIDEO,
    4: power(2.2),
    5: power(2.8),
    6: _VIDEO,
    7: power(1 / 0.45, 1 / 1.111572, 0.111572 / 1.111572, 1 / 4, 0.091286),
    8: power(1.0),
    11: _VIDEO,
    13: SRGB_CURVE,
    14: _VIDEO,
    15: _VIDEO,
    17: lambda x: 52.37 / 48 * x**2.6,
}
_HDR = {16: "PQ", 18: "HLG"}
_ALMOST_SRGB = 0.05
"""How far from 1 a file's gamma times 2.2 may be to count as sRGB, as in libpng and the browsers."""


def of_codes(primaries: int, transfer: int) -> MatrixSpace | None:
    """The space with these code points of ITU-T H.273; None if unsupported."""
    matrix = xyz_of(_PRIMARIES[primaries]) if primaries in _PRIMARIES else None
    if matrix is None or transfer not in (*_TRANSFERS, *_HDR):
        return None
    hdr = _HDR.get(transfer, "")
    curve = {"PQ": _pq, "HLG": _hlg}[hdr] if hdr else _TRANSFERS[transfer]
    return MatrixSpace(_sampled([curve] * 3), from_xyz(matrix), hdr)


def of_gamma(gamma: float, chromaticities: Chromaticities | None) -> MatrixSpace | None:
    """The space of PNG's gAMA and cHRM; None if that is sRGB, or invalid."""
    if gamma <= 0 or (chromaticities is None and abs(gamma * 2.2 - 1) < _ALMOST_SRGB):
        return None
    matrix = xyz_of(chromaticities or SRGB)
    return None if matrix is None else MatrixSpace(_sampled([power(1 / gamma)] * 3), from_xyz(matrix))


def matrix_space(curves: Sequence[Curve], matrix: np.ndarray) -> MatrixSpace:
    """
    Args:
        curves: of grey, or of red, green and blue.
        matrix: (3, 3), XYZ relative to D50 of linear RGB.
    """
    return MatrixSpace(_sampled(curves), from_xyz(matrix))


def _sampled(curves: Sequence[Curve]) -> np.ndarray:
    return np.nan_to_num(np.stack([curve(LEVELS) for curve in curves]))


# --- what a display shows ---------------------------------------------------------------------------------------------


_SHOWN = np.round(
    np.where(
        np.linspace(0, 1, _STEPS + 1) <= 0.0031308,
        12.92 * np.linspace(0, 1, _STEPS + 1),
        1.055 * np.linspace(0, 1, _STEPS + 1) ** (1 / 2.4) - 0.055,
    )
    * 255
).astype(np.uint8)
"""sRGB samples of light in steps. Source: IEC 61966-2-1."""


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear sRGB, clipped to [0, 1], as sRGB uint8."""
    return _SHOWN[(linear.clip(0, 1) * _STEPS + 0.5).astype(np.uint16)]


def _is_srgb(space: ColourSpace) -> bool:
    """Whether no colour differs by more than rounding."""
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    samples = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return np.abs(space.in_srgb(samples).astype(int) - samples).max() <= 1


# --- HDR --------------------------------------------------------------------------------------------------------------


_WHITE, _PEAK = 203, 1000
"""Brightness of paper and of the brightest highlight, nits. Source: ITU-R BT.2408."""
_TO_REC2020 = np.linalg.inv(from_xyz(np.asarray(xyz_of(_REC2020))))
_LUMINANCE = (0.2627, 0.6780, 0.0593)


def _pq(x: np.ndarray) -> np.ndarray:
    """Light relative to paper white. Source: SMPTE ST 2084."""
    root = x ** (32 / 2523)
    return 10_000 / _WHITE * (np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)) ** (16384 / 2610)


def _hlg(x: np.ndarray) -> np.ndarray:
    """Light of the scene. Source: ITU-R BT.2100, table 5."""
    return np.where(x <= 0.5, x * x / 3, (np.exp((x - 0.55991073) / 0.17883277) + 0.28466892) / 12)


def _tone_map() -> tuple[np.ndarray, np.ndarray]:
    """Displayed light for light relative to paper white: half of it up to white, then less and less up to the peak.

    Source: SMPTE ST 2094-50, annex C (reference white tone mapping), for a display without headroom.
    """
    white, kappa, peak, t = 0.5, 0.65, _PEAK / _WHITE, np.linspace(0, 1, 257)
    middle = (1 - kappa) + kappa / white, (1 - kappa) * white + kappa
    light, shown = (
        start * (1 - t) ** 2 + 2 * control * t * (1 - t) + end * t**2
        for start, control, end in ((1.0, middle[0], peak), (white, middle[1], 1.0))
    )
    return np.concatenate([[0.0], light]), np.concatenate([[0.0], shown])


_TONE_MAP = _tone_map()


def shown_of_hdr(light: np.ndarray, matrix: np.ndarray, hdr: str) -> np.ndarray:
    """Displayable light, [0, 1], from light relative to paper white, or for HLG from scene light: (..., 3).

    Args:
        matrix: (3, 3), linear sRGB of the light.
    """
    to_rec2020 = _TO_REC2020 @ matrix
    wide = light @ to_rec2020.T
    if hdr == "HLG":  # Source: ITU-R BT.2100, table 5: the system gamma of a display of 1000 nits
        wide = wide * np.maximum(wide @ np.array(_LUMINANCE), 0)[..., None] ** 0.2 * (_PEAK / _WHITE)
    brightest = wide.max(axis=-1, keepdims=True)
    gain = np.interp(brightest, *_TONE_MAP) / np.maximum(brightest, 1e-9)
    return wide * gain @ np.linalg.inv(to_rec2020).T
