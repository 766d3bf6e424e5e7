"""Time to write and read a splat as PLY, compared with plyfile, and in every other format, on one thread.

Run `python -m benchmarks.ply`. The numbers are for 65,536 splats, as LGM makes. "A tuple list through plyfile" is how
LGM's `save_ply` and most scripts write; plyfile's reader is timed on bytes, like an upload, and on a memory-mapped
file, both including the conversion to one array, which is always needed. Times are CPU time, so that other processes
hardly matter.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from plyfile import PlyData, PlyElement

from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from benchmarks.timing import repeated
from studio.splats.any_format import read_splat
from studio.splats.export import EXPORTS
from studio.splats.formats.ply import NAMES, read_ply, write_ply
from studio.splats.splat import SH_C0, Splat

SPLATS = 65_536
ROUNDS = 7
WRITE_TIMES, READ_TIMES = 50, 10
"""The promised speed-up over plyfile."""
_SLOW_ROUNDS = 3
"""Reading by plyfile from bytes takes about a second."""


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, splats=SPLATS, rounds=ROUNDS)
    splat = some_splat(options.splats)
    rows = [*writing(splat, options.rounds), *reading(splat, options.rounds), *others(splat, options.rounds)]
    print_table(f"{options.splats:,} splats as files", rows)


def writing(splat: Splat, rounds: int) -> list[Row]:
    """Write PLY: ours, and a list of tuples through plyfile."""
    ours = Row("write PLY, ours", 1000 * median(lambda: write_ply(splat), rounds), rounds, unit="ms")
    theirs = Row(
        "write PLY, a tuple list through plyfile",
        1000 * median(lambda: by_tuples(splat), min(rounds, _SLOW_ROUNDS)),
        min(rounds, _SLOW_ROUNDS),
        unit="ms",
    )
    return [ours, theirs, Row("write PLY, times faster", theirs.value / ours.value, rounds, f">= {WRITE_TIMES}", "x")]


def reading(splat: Splat, rounds: int) -> list[Row]:
    """Read PLY: ours, and plyfile's reader."""
    data, slow = write_ply(splat), min(rounds, _SLOW_ROUNDS)
    ours = Row("read PLY, ours", 1000 * median(lambda: read_ply(data), rounds), rounds, unit="ms")
    theirs = Row("read PLY, plyfile", 1000 * median(lambda: by_plyfile(io.BytesIO(data)), slow), slow, unit="ms")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "splat.ply"
        path.write_bytes(data)
        mapped = Row(
            "read PLY, plyfile, mapped, numbers as stored",
            1000 * median(lambda: by_plyfile(path), rounds),
            rounds,
            unit="ms",
        )
    times = Row("read PLY, times faster than plyfile", theirs.value / ours.value, rounds, f">= {READ_TIMES}", "x")
    return [ours, theirs, times, mapped]


def others(splat: Splat, rounds: int) -> list[Row]:
    """Every export format: time to write, size, and time to read if it can be read."""
    rows: list[Row] = []
    for name, export in EXPORTS.items():
        began = time.process_time()
        data = export.write(splat)
        rows.append(Row(f"write {name}, once", 1000 * (time.process_time() - began), 1, unit="ms"))
        if name in ("splat", "spz"):
            rows.append(
                Row(f"read {name}", 1000 * median(lambda file=data: read_splat(file), rounds), rounds, unit="ms")
            )
        rows.append(Row(f"size of {name}", len(data) / 1e6, 1, unit="MB"))
    return rows


def median(work: Callable[[], object], rounds: int) -> float:
    """Median CPU seconds."""
    return statistics.median(repeated(work, rounds, time.process_time))


def by_tuples(splat: Splat) -> bytes:
    """Write a PLY file the usual way: a tuple for each splat."""
    opacities = np.clip(splat.opacities, 1e-6, 1 - 1e-6)[:, None]
    logs = (np.log(opacities / (1 - opacities)), np.log(splat.scales + 1e-8))
    columns = np.concatenate([splat.positions, (splat.colours - 0.5) / SH_C0, *logs, splat.rotations], axis=1)
    rows = np.empty(splat.count, [(name, "f4") for name in NAMES])
    rows[:] = [tuple(row) for row in columns]
    file = io.BytesIO()
    PlyData([PlyElement.describe(rows, "vertex")]).write(file)
    return file.getvalue()


def by_plyfile(source: Path | io.BytesIO) -> np.ndarray:
    """(N, 14) float32: the columns of a PLY file."""
    element = PlyData.read(source)["vertex"]
    return np.stack([np.asarray(element[name]) for name in NAMES], axis=1)


def some_splat(count: int) -> Splat:
    """A hollow ball of small splats, which can be meshed."""
    random = np.random.default_rng(0)
    out = random.normal(size=(count, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    rotations = random.normal(size=(count, 4))
    return Splat(
        positions=(0.5 * out).astype(np.float32),
        scales=random.uniform(0.005, 0.02, (count, 3)).astype(np.float32),
        rotations=(rotations / np.linalg.norm(rotations, axis=1, keepdims=True)).astype(np.float32),
        opacities=random.uniform(0.5, 1, count).astype(np.float32),
        colours=np.clip(0.5 + 0.5 * out, 0, 1).astype(np.float32),
    )


if __name__ == "__main__":
    main()
