"""Time to open an outputs folder with very many pictures, after a clean exit and after kill -9.

Run `python -m benchmarks.opening`. The files are empty, because files with a row are not opened. Each start is a new
process; the time is that of `Studio(...)`, without imports.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.gallery_page import fill
from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from studio.library.database import Database
from tests.app_process import ROOT

PICTURES = 100_000
_OPEN = """if True:
    import os, signal, sys, time
    from pathlib import Path
    from studio.service import Studio
    began, processor = time.perf_counter(), time.process_time()
    studio = Studio([], Path(sys.argv[1]))
    print(time.perf_counter() - began, time.process_time() - processor, flush=True)
    if sys.argv[2] == "die":
        studio.star("local", studio.gallery("local").assets[0].id, True)
        os.kill(os.getpid(), signal.SIGKILL)
    studio.close()
"""


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    count = options_of(__doc__, arguments, pictures=PICTURES).pictures
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, count)
        rows = []
        for what, how in (("in good order", "die"), ("after kill -9", "close")):
            seconds, processor = opened(folder, how)
            rows.append(Row(f"{what}: by the clock", seconds, count, "<= 4, idle", "s"))
            rows.append(Row(f"{what}: processor time", processor, count, unit="s"))
    print_table(f"Opening a folder of {count:,} pictures", rows)


def lay_out(folder: Path, count: int) -> None:
    """Create the rows, and a file and a thumbnail for each."""
    with closing(Database(folder / "diorama.sqlite")) as database:
        fill(database, count)
        rows = database.rows("SELECT id, name, deleted, starred FROM assets")
    for each in ("images", "trash", "thumbs", "splats"):
        (folder / each).mkdir(mode=0o700)
    for row in rows:
        (folder / ("trash" if row["deleted"] else "images") / row["name"]).touch()
        (folder / "thumbs" / f"{row['id']}.webp").touch()
    notes = (f'{{"asset": "{row["id"]}", "starred": true}}\n' for row in rows if row["starred"])
    (folder / "notes.jsonl").write_text("".join(notes))


def opened(folder: Path, how: str) -> tuple[float, float]:
    """Wall-clock and CPU seconds of opening."""
    done = subprocess.run([sys.executable, "-c", _OPEN, folder, how], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, -signal.SIGKILL):
        sys.exit(f"The studio ended with status {done.returncode}.")
    seconds, processor = done.stdout.split()
    return float(seconds), float(processor)


if __name__ == "__main__":
    main(sys.argv[1:])
