"""Turntables traced for the tests of the toys that are taught by them: few, and each of them more than once."""

import numpy as np
import pytest

from toybox.solid.grids import Grids, make_grids
from toybox.solid.records import Records, trace_planes, turntable_of

SEED, COUNT = 7, 8


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Records, Grids]:
    """As `trace_turntables` and `make_grids` leave them."""
    folder = tmp_path_factory.mktemp("solid")
    pair = [trace_planes(turntable_of(SEED, index)) for index in range(2)]
    for name, part in (("planes", 0), ("depths", 1)):
        np.save(folder / f"{name}.npy", np.stack([pair[index % 2][part] for index in range(COUNT)]))
    records = Records(folder, SEED)
    return records, make_grids(folder, records)
