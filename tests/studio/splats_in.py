"""Splats for the tests, files that are meant to be refused, and how two splats are compared."""

from __future__ import annotations

import gzip
import re
import secrets
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from studio.errors import BadSplat
from studio.geometry import Crop, PictureCamera
from studio.recipe import Recipe
from studio.splats.any_format import read_splat
from studio.splats.formats.ply import NAMES
from studio.splats.splat import SH_COUNTS, Pose, Splat

FIXTURES = Path(__file__).parent / "fixtures"
"""`gaussians.ply`, `gaussians_raw.ply` and `ply.npz` are those of the reference data (LGM's own writer and reader)."""
COLUMNS = "".join(f"property float {name}\n" for name in NAMES)
CAMERA = PictureCamera(640, 480, Crop(-20.5, 60.0, 300.25), elevation_deg=12.0)


def some(count: int = 50, *, degree: int = 0, seed: int = 0, pose: Pose | None = None) -> Splat:
    """A splat whose Gaussians have nothing in common."""
    random = np.random.default_rng(seed)
    rotations = random.normal(size=(count, 4))
    rest = random.uniform(-0.9, 0.9, (count, SH_COUNTS[degree], 3)).astype(np.float32) if degree else None
    return Splat(
        positions=random.uniform(-1, 1, (count, 3)).astype(np.float32),
        scales=random.uniform(0.002, 0.1, (count, 3)).astype(np.float32),
        rotations=(rotations / np.linalg.norm(rotations, axis=1, keepdims=True)).astype(np.float32),
        opacities=random.uniform(0.05, 0.99, count).astype(np.float32),
        colours=random.uniform(0, 1, (count, 3)).astype(np.float32),
        sh_rest=rest,
        pose=pose or Pose(camera=CAMERA),
    )


def recipe(**changes: object) -> Recipe:
    """What made a splat."""
    values: dict = {
        "id": secrets.token_hex(16),
        "kind": "splat",
        "owner": "local",
        "job_id": "",
        "index": 0,
        "task": "splat",
        "model": "toy-lgm",
        "revision": "1",
        "prompt": "a red ball – größer",
        "prompt_sent": "",
        "style": "",
        "negative_prompt": "",
        "width": 128,
        "height": 128,
        "steps": None,
        "guidance": None,
        "seed": 7,
        "parents": (secrets.token_hex(16), secrets.token_hex(16)),
        "created": 1_790_000_000.5,
        "seconds": 1.5,
        "title": "red ball",
    }
    return Recipe(**values | changes)


def assert_same(splat: Splat, other: Splat, **tolerances: float) -> None:
    """Array by array, in the same order.

    Args:
        tolerances: largest difference of an array, 1e-6 where it is not named; `rotations` is compared as
            1 - |dot product|, because q and -q turn alike.
    """
    assert splat.count == other.count
    for name in ("positions", "scales", "opacities", "colours", "sh_rest"):
        one, two = getattr(splat, name), getattr(other, name)
        assert (one is None) == (two is None), name
        if one is not None:
            difference = float(np.abs(one - two).max())
            assert difference <= tolerances.get(name, 1e-6), f"{name} differ by {difference}"
    alike = np.abs((splat.rotations * other.rotations).sum(axis=1))
    assert float((1 - alike).max()) <= tolerances.get("rotations", 1e-6), f"rotations differ by {(1 - alike).max()}"


def complaint(file: bytes, most_mb: float = 40) -> str:
    """The sentence that refuses a file, which was found without much memory."""
    tracemalloc.start()
    try:
        with pytest.raises(BadSplat) as caught:
            read_splat(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    sentence = str(caught.value)
    assert re.fullmatch(r"[A-Z].{20,260}\.", sentence), sentence
    assert peak < most_mb * 1e6, f"{peak / 1e6:.0f} MB"
    return sentence


def assert_sound(splat: Splat) -> None:
    assert splat.count > 0
    for array in (splat.positions, splat.scales, splat.rotations, splat.opacities, splat.colours):
        assert array.dtype == np.float32 and np.isfinite(array).all()
    assert ((splat.opacities >= 0) & (splat.opacities <= 1)).all() and (splat.scales >= 0).all()
    assert np.allclose(np.linalg.norm(splat.rotations, axis=1), 1, atol=1e-4)
    assert np.isfinite(splat.bounds().size).all()


def ply(body: bytes = b"", count: object = 1, form: str = "binary_little_endian", columns: str = COLUMNS) -> bytes:
    return f"ply\nformat {form} 1.0\nelement vertex {count}\n{columns}end_header\n".encode() + body


def spz(count: int, body: bytes, version: int = 3, degree: int = 0, bits: int = 12, flags: int = 0) -> bytes:
    return gzip.compress(struct.pack("<4sIIBBBB", b"NGSP", version, count, degree, bits, flags, 0) + body, 1)
