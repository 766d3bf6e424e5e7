"""The benchmark of splat files runs to its end at a tiny size, and what plyfile writes there is what we write."""

from __future__ import annotations

import io

import numpy as np
import pytest

from benchmarks import ply
from studio.splats.formats.ply import write_ply
from tests.benchmarks.test_tables import table_of


def test_splat_files_are_measured_beside_plyfile(capsys: pytest.CaptureFixture[str]):
    ply.main(["--splats", "800", "--rounds", "1"])
    rows = table_of(capsys.readouterr().out)
    assert {"write PLY, times faster", "read PLY, times faster than plyfile", "write spz, once", "size of glb"} <= set(
        rows
    )


def test_both_ways_of_writing_make_the_same_columns():
    splat = ply.some_splat(100)
    ours, theirs = (ply.by_plyfile(io.BytesIO(data)) for data in (write_ply(splat, "+y"), ply.by_tuples(splat)))
    assert np.abs(ours - theirs).max() < 1e-4
