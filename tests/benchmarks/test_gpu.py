"""The benchmark of GPUs runs from end to end without one, at tiny sizes, and says that its figures are missing."""

from __future__ import annotations

import re

import pytest

from benchmarks import gpu


def test_without_a_gpu_every_part_runs_and_what_is_missing_is_named(capsys: pytest.CaptureFixture[str]):
    gpu.main(["--tiny", "--pairs", "1"])
    printed = capsys.readouterr().out
    for part in ("photo to splat", "SAM 2, new picture", "SAM 2, next click", "schnell, 4 steps", "dev, 28 steps"):
        assert f"{part}: ours to plain" in printed
        assert f"{part}: of the floor, ours" in printed
    for missing in (
        "full sizes",
        "schnell, compiled",
        "photo to splat, compiled",
        *(f"schnell in {each} GB" for each in (6, 8, 12, 24)),
    ):
        assert f"missing: {missing}" in printed
    assert re.findall(r"equal to the bit +([\d.]+ %)", printed) == ["100.0 %"] * 2
