"""Time of one toy picture: cold, in a new process, and warm, with the model loaded.

Run `python -m benchmarks.toy_picture`. Both are measured from the request to the saved file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.options import options_of
from benchmarks.table import Row, median_ms, print_table
from benchmarks.timing import seconds
from commands.sharing.identity import LOCAL_OWNER
from pipelines.catalog import models
from studio.contract import GenerateRequest
from studio.scheduling.contract import Done
from studio.service import Studio
from tests.app_process import ROOT

PROMPT = "a red ball on a grey background"
MODEL = "toy-klein"
COLD_ROUNDS, WARM_ROUNDS = 2, 9


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, cold=COLD_ROUNDS, warm=WARM_ROUNDS)
    cold = [from_the_command_line() for _ in range(options.cold)]
    first, *warm = in_one_studio(options.warm + 1)
    rows = [
        Row("cold: python cli.py generate", median(cold), len(cold), unit="s"),
        Row("first of a studio, the model loads", first, 1, unit="s"),
        median_ms("warm, p50", warm),
    ]
    print_table(f"One picture of {MODEL}, request to saved file", rows)


def from_the_command_line() -> float:
    """Seconds of a new process that generates one picture."""
    with tempfile.TemporaryDirectory() as outputs:
        command = [sys.executable, "cli.py", "generate", PROMPT, "--model", MODEL, "--outputs", outputs]
        return seconds(lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True))


def in_one_studio(count: int) -> list[float]:
    """Seconds of each of several pictures, one after the other."""
    taken = []
    with tempfile.TemporaryDirectory() as outputs:
        studio = Studio([spec for spec in models() if spec.id == MODEL], Path(outputs))
        try:
            for seed in range(count):
                began = time.perf_counter()
                job = studio.generate(LOCAL_OWNER, GenerateRequest(PROMPT, seed=seed))
                *_, last = studio.events(LOCAL_OWNER, job.id)
                if not isinstance(last, Done):
                    sys.exit(f"The picture was not made: {last}")
                taken.append(time.perf_counter() - began)
        finally:
            studio.close()
    return taken


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main(sys.argv[1:])
