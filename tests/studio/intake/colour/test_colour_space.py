"""Colours mean what the file says: profiles by what is in them, and PNG's own chunks.

tests/ui/test_as_chromium.py holds all of these against a browser; here are the numbers where there is none.
"""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from studio.intake.colour.colour_space import in_srgb
from studio.intake.colour.icc import read_profile
from studio.intake.picture import read_picture
from tests.studio.coloured import CMYK, GREY_LINEAR, LINEAR, LUT, WIDE, chrm, cicp, gama, iccp, srgb
from tests.studio.pictures_in import GREY, RGB, png
from tests.studio.profiles_in import ADOBE, P3, SRGB, elements, gamma, linear, matrix_profile, profile, table

MEANT: list[tuple[str, tuple[int, int, int], list[bytes], tuple[int, int, int]]] = [
    ("linear, named sRGB", (55, 55, 55), [iccp(LINEAR)], (128, 128, 128)),
    ("linear by gAMA", (55, 55, 55), [gama(1)], (128, 128, 128)),
    ("linear by gAMA and cHRM", (55, 55, 55), [gama(1), chrm(SRGB)], (128, 128, 128)),
    ("linear by cICP", (55, 55, 55), [cicp(1, 8)], (128, 128, 128)),
    ("gamma 1.8", (128, 128, 128), [gama(1 / 1.8)], (145, 145, 145)),
    ("sRGB's gamma, or nearly", (55, 128, 200), [gama(0.45)], (55, 128, 200)),
    ("sRGB says more than gAMA", (55, 128, 200), [gama(1), srgb()], (55, 128, 200)),
    ("a profile says more than gAMA", (200, 128, 128), [gama(1), iccp(WIDE)], (213, 124, 127)),
    ("cICP says more than a profile", (200, 128, 128), [cicp(12, 13), iccp(LINEAR)], (213, 124, 127)),
    ("Display P3", (200, 128, 128), [iccp(WIDE)], (213, 124, 127)),
    ("P3's red cannot be shown", (255, 0, 0), [iccp(WIDE)], (255, 0, 0)),
    ("Adobe RGB", (128, 200, 128), [iccp(matrix_profile(ADOBE, gamma(2.2)))], (76, 201, 125)),
    ("a table", (200, 128, 128), [iccp(profile({b"A2B0": elements(P3, 2.2)}))], (213, 124, 127)),
    ("paper white in HDR", (148, 148, 148), [cicp(9, 16)], (188, 188, 188)),
    ("the brightest in HDR", (255, 255, 255), [cicp(9, 18)], (255, 255, 255)),
]


@pytest.mark.parametrize(("stored", "said", "meant"), [one[1:] for one in MEANT], ids=[one[0] for one in MEANT])
def test_colours_mean_what_the_file_says(stored: tuple[int, ...], said: list[bytes], meant: tuple[int, ...]):
    image = read_picture(png(1, 1, 8, RGB, bytes(stored), *said)).image
    assert np.abs(np.asarray(image)[0, 0].astype(int) - meant).max() <= 1


def test_grey_goes_through_its_curve():
    image = read_picture(png(3, 1, 8, GREY, bytes([0, 55, 255]), iccp(GREY_LINEAR))).image
    assert [image.getpixel((x, 0)) for x in range(3)] == [(value,) * 3 for value in (0, 128, 255)]


@pytest.mark.parametrize("values", [[0.0] * 2, [1.0] * 2, [0.0, 1.0] * 2000], ids=["black", "white", "noise"])
def test_an_absurd_curve_is_followed(values: list[float]):
    space = read_profile(matrix_profile(SRGB, table(values)))
    assert space is not None
    shown = in_srgb(Image.linear_gradient("L").convert("RGB"), space)
    assert np.asarray(shown).min() in (0, 255)


def inks_in_a_table(*axes: int) -> bytes:
    """A profile of four inks with a table of bytes, which are all black."""
    points = bytes(axes) + bytes(12) + b"\1\0\0\0" + bytes(3 * math.prod(axes))
    body = bytes(4) + bytes([4, 3, 0, 0]) + struct.pack(">5I", 32, 0, 0, 32 + 7 * 12, 32 + 3 * 12) + linear() * 7
    return profile({b"A2B0": b"mAB " + body + points}, space=b"CMYK", pcs=b"Lab ")


def test_a_table_that_would_take_gigabytes_is_none():
    assert read_profile(inks_in_a_table(9, 9, 9, 9)) is not None
    assert read_profile(inks_in_a_table(80, 80, 80, 2)) is None  # 3 MB, and 1.5 GB with 256 points on its last axis


@pytest.mark.parametrize("whole", [WIDE, GREY_LINEAR, LUT, CMYK], ids=["matrix", "grey", "table", "inks"])
def test_no_profile_breaks_the_door(whole: bytes):
    picture = Image.linear_gradient("L").resize((8, 8))
    places = st.integers(0, min(len(whole), 700))

    @given(st.lists(st.tuples(places, st.binary(max_size=6), st.integers(0, 6)), min_size=1, max_size=6), places)
    def try_it(changes: list[tuple[int, bytes, int]], length: int) -> None:
        data = whole
        for at, noise, lost in changes:
            data = data[:at] + noise + data[at + lost :]
        for one in (data, data[:length]):
            space = read_profile(one)
            if space is not None:
                for mode in ("L", "RGB", "CMYK"):
                    in_srgb(picture.convert(mode), space)

    try_it()
