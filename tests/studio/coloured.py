"""Small pictures whose numbers mean something else than sRGB, in every way a file can say so."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image

from tests.studio.pictures_in import GREY, GREY_ALPHA, RGB, RGBA, chunk, png, saved
from tests.studio.profiles_in import (
    ADOBE,
    P3,
    PROPHOTO,
    REC2020,
    SRGB,
    SRGB_CURVE,
    Chromaticities,
    elements,
    gamma,
    grey_profile,
    lab_of,
    linear,
    lut_profile,
    matrix_of,
    matrix_profile,
    parametric,
    patched,
    profile,
    srgb_of_color_management,
    table,
    without,
    xyz,
)

_PALETTE = 3
_RNG = np.random.default_rng(1)


def _chart() -> np.ndarray:
    """16 x 16, RGB: greys, dark greys, each primary, and what comes."""
    pixels = _RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    steps = np.arange(16)
    pixels[0], pixels[1] = steps[:, None] * 17, steps[:, None] * 3
    pixels[2:5] = 0
    for channel in range(3):
        pixels[2 + channel, :, channel] = steps * 17
    return pixels


CHART = _chart()
GREYS = np.arange(256, dtype=np.uint8).reshape(16, 16)
_DEEP = _RNG.integers(0, 65_536, (16, 16, 3), dtype=np.uint16)
_COLOURS = _RNG.integers(0, 256, 768, dtype=np.uint8).tobytes()


def rgb(*extra: bytes) -> bytes:
    return png(16, 16, 8, RGB, CHART.tobytes(), *extra)


def grey(*extra: bytes) -> bytes:
    return png(16, 16, 8, GREY, GREYS.tobytes(), *extra)


def grey_alpha(*extra: bytes) -> bytes:
    return png(16, 16, 8, GREY_ALPHA, np.stack([GREYS, np.full_like(GREYS, 255)], axis=-1).tobytes(), *extra)


def palette(*extra: bytes) -> bytes:
    return png(16, 16, 8, _PALETTE, GREYS.tobytes(), *extra, chunk(b"PLTE", _COLOURS))


def deep(*extra: bytes) -> bytes:
    return png(16, 16, 16, RGB, _DEEP.astype(">u2").tobytes(), *extra)


def deep_grey(*extra: bytes) -> bytes:
    return png(16, 16, 16, GREY, _DEEP[..., 0].astype(">u2").tobytes(), *extra)


def deep_alpha(*extra: bytes) -> bytes:
    opaque = np.concatenate([_DEEP, np.full((16, 16, 1), 65_535, np.uint16)], axis=-1)
    return png(16, 16, 16, RGBA, opaque.astype(">u2").tobytes(), *extra)


def jpeg(icc_profile: bytes = b"", mode: str = "RGB") -> bytes:
    options = {"icc_profile": icc_profile} if icc_profile else {}
    return saved(Image.fromarray(CHART).convert(mode), "JPEG", quality=100, subsampling=0, **options)


def jpeg_in_parts(profile: bytes, *numbers: int, total: int) -> bytes:
    """A JPEG with the halves of a profile in segments of these numbers; 2 has the second half, all others the first."""
    halves, middle = [], len(profile) // 2
    for number in numbers:
        half = profile[middle:] if number == 2 else profile[:middle]
        body = b"ICC_PROFILE\0" + bytes([number, total]) + half
        halves.append(b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body)
    file = jpeg()
    return file[:2] + b"".join(halves) + file[2:]


def webp(icc_profile: bytes = b"", quality: int = 0) -> bytes:
    options = {"icc_profile": icc_profile} if icc_profile else {}
    options |= {"quality": quality} if quality else {"lossless": True}
    return saved(Image.fromarray(CHART), "WEBP", **options)


def iccp(profile: bytes, name: bytes = b"p") -> bytes:
    return chunk(b"iCCP", name + b"\0\0" + zlib.compress(profile))


def gama(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def chrm(chromaticities: Chromaticities) -> bytes:
    red, green, blue, white = chromaticities
    return chunk(b"cHRM", struct.pack(">8I", *(round(100_000 * x) for pair in (white, red, green, blue) for x in pair)))


def srgb(intent: int = 0) -> bytes:
    return chunk(b"sRGB", bytes([intent]))


def cicp(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, matrix, full]))


def broken(one: bytes) -> bytes:
    """The chunk with a wrong checksum."""
    return one[:-1] + bytes([one[-1] ^ 1])


def _ink(cmyk: np.ndarray) -> np.ndarray:
    light = (1 - cmyk[:, :3]) * (1 - cmyk[:, 3:]) * 0.9 + 0.05
    return lab_of(light**1.8 @ matrix_of(SRGB).T)


def _wide(rgb: np.ndarray) -> np.ndarray:
    return lab_of(rgb**2.2 @ matrix_of(P3).T)


LINEAR = matrix_profile(SRGB, linear())
WIDE = matrix_profile(P3, SRGB_CURVE)
GREY_LINEAR = grey_profile(linear())
CMYK = lut_profile(_ink, inks=4, space=b"CMYK", grid=9)
LUT = lut_profile(_wide)
_CODES = b"cicp" + bytes(4)

MATRIX_PROFILES: dict[str, bytes] = {
    "sRGB as everybody has it": srgb_of_color_management(),
    "sRGB as a table": matrix_profile(
        SRGB,
        table(
            np.where(
                np.linspace(0, 1, 1024) <= 0.04045,
                np.linspace(0, 1, 1024) / 12.92,
                ((np.linspace(0, 1, 1024) + 0.055) / 1.055) ** 2.4,
            )
        ),
    ),
    "linear": LINEAR,
    "Display P3": WIDE,
    "Adobe RGB, version 2": matrix_profile(ADOBE, gamma(563 / 256), version=2),
    "ProPhoto": matrix_profile(PROPHOTO, gamma(1.8)),
    "ProPhoto with a straight part": matrix_profile(PROPHOTO, parametric(3, 1.8, 1, 0, 1 / 16, 1 / 32)),
    "parametric curve of one number": matrix_profile(P3, parametric(0, 1.9)),
    "of three": matrix_profile(SRGB, parametric(1, 2.2, 0.9, 0.1)),
    "of four": matrix_profile(SRGB, parametric(2, 2.2, 0.9, 0.05, 0.05)),
    "of seven": matrix_profile(REC2020, parametric(4, 2.2, 0.9, 0.1, 0.2, 0.05, 0.01, 0.0)),
    "that begins above 0": matrix_profile(SRGB, parametric(4, 2.2, 1, 0, 0.5, 0.2, 0.1, 0.05)),
    "that is none": matrix_profile(SRGB, parametric(0, -1)),
    "of an unknown kind": matrix_profile(SRGB, parametric(9, 2.2)),
    "three curves": matrix_profile(SRGB, gamma(1), gamma(1.8), gamma(2.6)),
    "a curve of three points": matrix_profile(SRGB, table([0, 0.2, 1])),
    "a curve that falls": matrix_profile(SRGB, table(np.linspace(1, 0, 64))),
    "primaries on a line": matrix_profile(SRGB, linear(), extra={b"gXYZ": xyz(0.4361, 0.2225, 0.0139)}),
    "of a scanner": patched(LINEAR, 12, b"scnr"),
    "with Lab beside a matrix": patched(LINEAR, 20, b"Lab "),
    "of version 5": patched(LINEAR, 8, b"\x05"),
    "without its mark": patched(LINEAR, 36, b"abcd"),
    "for another white": patched(LINEAR, 68, bytes(12)),
    "too short for its tags": patched(LINEAR, 0, struct.pack(">I", len(LINEAR) - 4)),
    "that says it is longer": patched(LINEAR, 0, struct.pack(">I", len(LINEAR) + 4)),
    "with bytes after it": LINEAR + bytes(100),
    "cut off": LINEAR[:-4],
    "without a white point": without(LINEAR, b"wtpt"),
    "without a curve": without(LINEAR, b"rTRC"),
    "without a primary": without(LINEAR, b"bXYZ"),
    "junk": b"junk" * 50,
    "a table": LUT,
    "a table of bytes": lut_profile(_wide, kind=b"mft1"),
    "a table, second choice": profile({b"A2B1": elements(P3, 2.2)}),
    "curves, matrix, curves": profile({b"A2B0": elements(P3, 2.2)}),
    "a table that is cut off": profile({b"A2B0": LUT[-400:-200]}, pcs=b"Lab ", version=2),
    "of greys, for colours": GREY_LINEAR,
    "of inks, for colours": CMYK,
    "with code points": matrix_profile(SRGB, linear(), extra={b"cicp": _CODES + bytes([12, 13, 0, 1])}),
    "with code points that mean nothing": matrix_profile(SRGB, linear(), extra={b"cicp": _CODES + bytes([2, 2, 0, 1])}),
}
PICTURES: dict[str, bytes] = {
    **{f"profile: {name}": rgb(iccp(one)) for name, one in MATRIX_PROFILES.items()},
    **{f"gamma {value}": rgb(gama(value)) for value in (0, 0.00002, 0.3, 0.45, 0.45455, 0.47, 0.5, 1, 20)},
    **{
        f"code points {primaries} and {transfer}": rgb(gama(1), cicp(primaries, transfer))
        for primaries, transfer in [
            *((primaries, 13) for primaries in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22, 99)),
            *((1, transfer) for transfer in (0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 17, 99)),
        ]
    },
    "PQ": rgb(cicp(9, 16)),
    "HLG": rgb(cicp(9, 18)),
    "P3 with PQ": rgb(cicp(12, 16)),
    "grey PQ": grey(cicp(9, 16)),
    "nothing said": rgb(),
    "sRGB": rgb(srgb()),
    "sRGB before gamma": rgb(gama(1), srgb()),
    "sRGB with an intent that is none": rgb(gama(1), srgb(9)),
    "gamma and primaries": rgb(gama(0.45455), chrm(ADOBE)),
    "gamma and sRGB's primaries": rgb(gama(0.45455), chrm(SRGB)),
    "primaries alone": rgb(chrm(P3)),
    "primaries that are none": rgb(gama(1), chrm(((0.3, 0.3),) * 4)),
    "primaries of zeros": rgb(gama(1), chrm(((0, 0),) * 4)),
    "profile before gamma": rgb(iccp(WIDE), gama(1)),
    "profile before sRGB": rgb(iccp(LINEAR), srgb()),
    "profile with a wrong checksum before gamma": rgb(broken(iccp(WIDE)), gama(1)),
    "profile without a name": rgb(iccp(WIDE, b""), gama(1)),
    "profile that is none before gamma": rgb(iccp(b"junk" * 50), gama(1)),
    "profile that is none before sRGB": rgb(iccp(b"junk" * 50), gama(1), srgb()),
    "profile of greys before gamma": rgb(iccp(GREY_LINEAR), gama(1)),
    "two profiles": rgb(iccp(WIDE), iccp(LINEAR)),
    "two gammas": rgb(gama(1), gama(0.45455)),
    "gamma with a wrong checksum": rgb(broken(gama(1))),
    "code points before profile": rgb(cicp(12, 13), iccp(LINEAR)),
    "code points before all": rgb(cicp(12, 13), gama(1), srgb()),
    "code points of a narrow range": rgb(gama(1), cicp(12, 13, full=0)),
    "gamma after the pixels": rgb()[:-12] + gama(1) + rgb()[-12:],
    "profile after the pixels": rgb()[:-12] + iccp(LINEAR) + rgb()[-12:],
    "grey with gamma": grey(gama(1)),
    "grey with gamma and primaries": grey(gama(1), chrm(P3)),
    "grey with code points": grey(cicp(1, 8)),
    "grey with its profile": grey(iccp(GREY_LINEAR)),
    "grey with a profile in Lab": grey(iccp(grey_profile(linear(), pcs=b"Lab "))),
    "grey with a profile of version 2": grey(iccp(grey_profile(gamma(2.2), version=2))),
    "grey with a profile of colours": grey(iccp(matrix_profile(P3, linear()))),
    "grey with a profile of inks": grey(iccp(CMYK)),
    "grey with a table": grey(iccp(lut_profile(lambda x: lab_of(x.repeat(3, 1) @ matrix_of(SRGB).T), 1, b"GRAY"))),
    "grey with alpha and a profile": grey_alpha(iccp(GREY_LINEAR)),
    "one bit": png(16, 16, 1, GREY, bytes([0x55, 0xAA] * 16), gama(1)),
    "four bits": png(16, 16, 4, GREY, bytes(range(0, 256, 2)), gama(1)),
    "palette": palette(),
    "palette with gamma": palette(gama(1)),
    "palette with gamma and primaries": palette(gama(0.45455), chrm(P3)),
    "palette with a profile": palette(iccp(matrix_profile(P3, linear()))),
    "palette with a profile of greys": palette(iccp(GREY_LINEAR)),
    "16 bits": deep(),
    "16 bits with gamma": deep(gama(1)),
    "16 bits with a profile": deep(iccp(WIDE)),
    "16 bits of grey": deep_grey(),
    "16 bits of grey with gamma": deep_grey(gama(1)),
    "16 bits of grey with a profile": deep_grey(iccp(GREY_LINEAR)),
    "16 bits with alpha and a profile": deep_alpha(iccp(LINEAR)),
    "JPEG": jpeg(),
    "JPEG with a profile": jpeg(WIDE),
    "JPEG with a table": jpeg(LUT),
    "JPEG with a profile of inks": jpeg(CMYK),
    "JPEG with a profile of greys": jpeg(GREY_LINEAR),
    "JPEG with the parts the other way round": jpeg_in_parts(LINEAR, 2, 1, total=2),
    "JPEG with parts numbered from 0": jpeg_in_parts(LINEAR, 0, 1, total=2),
    "JPEG with one part twice": jpeg_in_parts(LINEAR, 1, 1, total=2),
    "JPEG with a part missing": jpeg_in_parts(LINEAR, 1, 2, total=3),
    "grey JPEG": jpeg(mode="L"),
    "grey JPEG with its profile": jpeg(GREY_LINEAR, "L"),
    "grey JPEG with a profile of colours": jpeg(matrix_profile(P3, linear()), "L"),
    "inks": jpeg(mode="CMYK"),
    "inks with their profile": jpeg(CMYK, "CMYK"),
    "inks with a profile of colours": jpeg(LINEAR, "CMYK"),
    "WebP": webp(),
    "WebP with a profile": webp(WIDE),
    "WebP with a table": webp(LUT),
    "WebP with a profile of greys": webp(GREY_LINEAR),
    "lossy WebP with a profile": webp(WIDE, quality=90),
}
