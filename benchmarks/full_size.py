"""Memory use of the large models at full size on a CPU, with random weights in the layouts of the Hub.

Run `python -m benchmarks.full_size`, with ids to select some. Each model runs in its own process: it is written to the
temporary folder (16 GB for klein 4B, and as much memory), loaded by the code for the real one, run for one step at its
default size, and deleted. GPU memory is estimated from main memory: the largest models use 16 bits per number, as on a
GPU; the others 32, which is faster on a CPU, and their memory is halved.

Only the model's memory counts: pages that the process has written to, and weights that stay mapped. Pages of files that
are only read once do not count, because the system can reclaim them at any time.
"""

from __future__ import annotations

import argparse
import gc
import pkgutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks import random_weights
from benchmarks.table import Row, print_table
from pipelines.families import FAMILIES
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Dtype, Means, Needs, Placement, Plan, plans
from pipelines.records import RECORDS
from studio.contract import ImageRequest, Progress, Size
from studio.recipe.selection import Point
from studio.segmentation.contract import MaskRequest
from studio.solid.contract import SplatRequest, ViewsRequest

CARD = Means(80.0, 80.0, 256.0, (8, 0))
PROMISE = "0.85 to 1.15 x"
LOOK_SECONDS = 0.01
PICTURE = Image.linear_gradient("L").resize((1024, 1024)).convert("RGB")


@dataclass(frozen=True)
class Sample:
    """How a model is written, and what it is asked to do.

    Attributes:
        file: its single file in the folder; "" if the folder is the model.
        dtype: in which it is measured.
        halved: whether it uses half as many bits on a GPU.
    """

    write: Callable[[Path], object]
    request: Any
    file: str = ""
    dtype: Dtype = "float32"
    halved: bool = True


def drawn(side: int, guidance: float) -> ImageRequest:
    return ImageRequest("a red ball", Size(side, side), seed=1, steps=1, guidance=guidance)


SAMPLES = {
    "sd-1.5": Sample(partial(random_weights.stable_diffusion, like="sd-1.5"), drawn(512, 7.5)),
    "sam2.1-large": Sample(
        random_weights.sam_large,
        MaskRequest(lambda: PICTURE, "picture", Size(1024, 1024), points=(Point(500.0, 500.0),)),
        file="sam2.1_hiera_large.pt",
        halved=False,  # its weights stay in 32 bits on a GPU, too
    ),
    "lgm": Sample(
        random_weights.lgm,
        SplatRequest((PICTURE.resize((256, 256)),) * 4, 0.0),
        file="model_fp16_fixrot.safetensors",
    ),
    "imagedream": Sample(
        random_weights.imagedream, ViewsRequest(PICTURE.resize((512, 512)), 0.0, seed=1, steps=1, guidance=5.0)
    ),
    "sdxl": Sample(
        partial(random_weights.stable_diffusion, like="sdxl"), drawn(1024, 5.0), dtype="bfloat16", halved=False
    ),
    "flux2-klein-4b": Sample(random_weights.klein, drawn(1024, 1.0), dtype="bfloat16", halved=False),
}
LARGEST = "flux2-klein-4b"


class Watch:
    """Tracks the peak of this process's own memory, in GB."""

    def __init__(self) -> None:
        self.before = own_gb()
        self.peak_gb = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            self.peak_gb = max(self.peak_gb, own_gb() - self.before)


def own_gb() -> float:
    """GB of memory that this process has written to."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) * 1024 / 1e9


def mapped_gb(folder: Path) -> float:
    """GB of mapped files in this folder, whether or not they have been read."""
    regions = (line.split() for line in Path("/proc/self/maps").read_text().splitlines() if str(folder) in line)
    ends = [[int(end, 16) for end in region[0].split("-")] for region in regions]
    return sum(end - start for start, end in ends) / 1e9


def announced(name: str) -> tuple[float, Plan]:
    """GB that the plan for a GPU promises, and the plan for this CPU."""
    needs = next(each for each in RECORDS if each.id == name).needs
    plan = plans(CARD, needs)[0]
    dtype = SAMPLES[name].dtype
    here = Plan(Placement.RESIDENT, "cpu", dtype, dtype, 0.0, plan.gpu_gb, tiles=plan.tiles)
    return (plan.gpu_gb if isinstance(needs, Needs) else needs.gpu_gb), here


def measure(name: str, folder: Path) -> list[Row]:
    """Load, run one step, close."""
    sample, record = SAMPLES[name], next(each for each in RECORDS if each.id == name)
    said_gb, plan = announced(name)
    checkpoint = Checkpoint(
        folder / sample.file, record.label, record.text_tokens, variant=record.variant, without=record.unopened
    )
    kind = pkgutil.resolve_name(FAMILIES[record.family])  # imports what it needs
    watch, began = Watch(), time.monotonic()
    model = kind(checkpoint, [plan])
    opened = time.monotonic()
    kept_gb = mapped_gb(folder)
    model.run(sample.request, _tell)
    stepped = time.monotonic()
    model.close()
    del model
    gc.collect()
    watch.close()
    peak_gb = watch.peak_gb + kept_gb
    measured = peak_gb / 2 if sample.halved else peak_gb
    return [
        Row("opened", opened - began, 1, unit="s"),
        Row("one step", stepped - opened, 1, unit="s"),
        Row("memory, announced", said_gb, 1, unit="GB"),
        Row(f"memory, at its peak, {sample.dtype}", peak_gb, 1, unit="GB"),
        Row(
            "announced to half of that" if sample.halved else "announced to measured",
            said_gb / measured,
            1,
            PROMISE,
            unit="x",
        ),
        Row("memory that is not back", own_gb() - watch.before, 1, unit="GB"),
    ]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help=f"ids ({', '.join(SAMPLES)}); none: all but {LARGEST}")
    parser.add_argument("--folder", type=Path, help="measure the one that was written there")
    options = parser.parse_args(arguments)
    names = options.models or [name for name in SAMPLES if name != LARGEST]
    if options.folder:
        print_table(f"{names[0]} at full size, random weights, on the CPU", measure(names[0], options.folder))
        return
    for name in names:
        with tempfile.TemporaryDirectory() as place:
            SAMPLES[name].write(Path(place))
            subprocess.run([sys.executable, "-m", "benchmarks.full_size", name, "--folder", place], check=True)


def _tell(progress: Progress) -> None:
    print(f"step {progress.step} of {progress.steps} {progress.note}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
