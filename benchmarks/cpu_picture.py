"""Peak memory of a full-size model that makes a picture on the CPU, with random weights of the real shapes.

Run `python -m benchmarks.cpu_picture`. It writes 2 GB to the temporary folder and deletes them again.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import random_weights
from benchmarks.table import Row, print_table
from pipelines.families.stable_diffusion import StableDiffusion
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Means, plan
from pipelines.records.stable_diffusion import LCM
from studio.contract import ImageRequest, Size


def write(folder: Path) -> None:
    """Write LCM Dreamshaper 7 with random half-precision weights, in the layout of the Hub."""
    random_weights.stable_diffusion(folder, "sd-1.5", time_cond_proj_dim=256)


def measure(folder: Path, ram_gb: float) -> list[Row]:
    """Measure in a new process, since the peak is that of the whole process."""
    chosen = plan(Means(0.0, 0.0, ram_gb, (0, 0)), LCM.needs)
    if chosen is None:
        raise SystemExit(f"no plan with {ram_gb} GB")
    before = peak_gb()
    began = time.monotonic()
    model = StableDiffusion(Checkpoint(folder, "random", variant="lcm"), [chosen])
    opened = time.monotonic()
    request = ImageRequest("a red fox", Size(512, 512), seed=1, steps=4, guidance=8.0)
    picture = model.run(request, lambda told: print(f"step {told.step} of {told.steps}", flush=True))
    drawn = time.monotonic()
    assert picture.image.size == (512, 512)
    return [
        Row("opened", opened - began, 1, unit="s"),
        Row("first picture: 4 steps of 512 x 512", drawn - opened, 1, unit="s"),
        Row("memory at its peak, Python and torch included", peak_gb(), 1, f"{chosen.ram_gb:.2f} GB", unit="GB"),
        Row("of that before it was opened", before, 1, unit="GB"),
    ]


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="measure what was written there")
    options = parser.parse_args()
    if options.folder:
        print_table("LCM at full size, random weights, CPU", measure(options.folder, 24.0))
        return
    with tempfile.TemporaryDirectory() as place:
        write(Path(place))
        subprocess.run([sys.executable, "-m", "benchmarks.cpu_picture", "--folder", place], check=True)


if __name__ == "__main__":
    main()
