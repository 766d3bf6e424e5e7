"""Splats for the tests, and how two of them are compared."""

from __future__ import annotations

import secrets
from pathlib import Path

import numpy as np

from studio.recipe import Recipe
from studio.splat import SH_COUNTS, Camera, Crop, Pose, Splat

FIXTURES = Path(__file__).parent / "fixtures"
"""`gaussians.ply`, `gaussians_raw.ply` and `ply.npz` are those of the reference data (LGM's own writer and reader)."""
CAMERA = Camera(640, 480, Crop(-20.5, 60.0, 300.25), elevation_deg=12.0)


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
