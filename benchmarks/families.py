"""Each model family compared with a plain diffusers script, with the same random weights, in turn.

Run `python -m benchmarks.families` for tiny sizes (15 pictures of each), or with `--full` for LCM at its real size (two
pictures; 2 GB in the temporary folder, minutes per picture on a CPU). The table has the first picture, which loads the
weights, later ones, how much more CPU time ours takes (of one thread, so that other processes hardly matter), whether
the pictures are bit-identical, and the peak memory of the process. Ours includes progress and previews.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    Flux2KleinPipeline,
    FluxPipeline,
    LCMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
)
from PIL import Image

from benchmarks import cpu_picture
from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from pipelines.families.flux1 import Flux1
from pipelines.families.flux2 import Flux2Klein
from pipelines.families.stable_diffusion import StableDiffusion, StableDiffusionXL
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Placement, Plan
from studio.contract import ImageRequest, Size
from tests.pipelines.tiny import save_flux1, save_klein
from tests.pipelines.tiny_diffusion import save_sd15, save_sdxl

ROUNDS, STEPS, SMALL = 15, 8, Size(64, 64)
PROMISE = "<= 1.02"


@dataclass(frozen=True)
class Family:
    """How its weights are written, and which classes draw with them.

    Attributes:
        scheduler: of the plain script, and its settings; None means the saved one.
        more: further arguments of the plain script.
    """

    save: Callable[[Path], object]
    ours: Any
    plain: Any
    scheduler: tuple[Any, dict[str, Any]] | None = None
    variant: str = ""
    guidance: float = 5.0
    size: Size = SMALL
    steps: int = STEPS
    negative: bool = False


TINY = {
    "SD 1.5": Family(
        save_sd15,
        StableDiffusion,
        StableDiffusionPipeline,
        (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
        negative=True,
    ),
    "SDXL": Family(
        save_sdxl, StableDiffusionXL, StableDiffusionXLPipeline, (EulerDiscreteScheduler, {}), negative=True
    ),
    "SDXL-Lightning": Family(
        save_sdxl,
        StableDiffusionXL,
        StableDiffusionXLPipeline,
        (EulerDiscreteScheduler, {"timestep_spacing": "trailing"}),
        variant="lightning",
        guidance=0.0,
        steps=4,
    ),
    "LCM": Family(
        lambda folder: save_sd15(folder, distilled=True),
        StableDiffusion,
        StableDiffusionPipeline,
        (LCMScheduler, {}),
        variant="lcm",
        guidance=8.0,
        steps=4,
    ),
    "FLUX.1 dev": Family(lambda folder: save_flux1(folder, guided=True), Flux1, FluxPipeline, guidance=3.5),
    "FLUX.2 klein": Family(save_klein, Flux2Klein, Flux2KleinPipeline, guidance=1.0, size=Size(128, 128), steps=4),
}
FULL = {
    "LCM at full size": Family(
        cpu_picture.write,
        StableDiffusion,
        StableDiffusionPipeline,
        (LCMScheduler, {}),
        variant="lcm",
        guidance=8.0,
        size=Size(512, 512),
        steps=4,
    )
}
ON_CPU = Plan(Placement.RESIDENT, "cpu", "float32", "float32", 0.0, 1.0)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, full=False, rounds=0)
    families, rounds = (FULL, 2) if options.full else (TINY, ROUNDS)
    rows: list[Row] = []
    for name, family in families.items():
        with tempfile.TemporaryDirectory() as folder:
            family.save(Path(folder))
            rows += measure(name, family, Path(folder), options.rounds or rounds)
    rows.append(Row("memory at its peak, all of them", cpu_picture.peak_gb(), 1, unit="GB"))
    print_table("Pictures of each family, ours and the plain diffusers script", rows)


def measure(name: str, family: Family, folder: Path, rounds: int) -> list[Row]:
    """Load both, then draw the same pictures in turn."""
    makers, first, seconds, pictures = {}, {}, {"ours": [], "plain": []}, {"ours": [], "plain": []}
    for who, opened in {"plain": plain, "ours": ours}.items():
        began = time.perf_counter()
        makers[who] = opened(family, folder)
        makers[who](0)
        first[who] = time.perf_counter() - began
    for number in range(rounds):
        turn = ("ours", "plain") if number % 2 else ("plain", "ours")
        for who in turn:
            began = time.process_time()
            pictures[who].append(makers[who](number).tobytes())
            seconds[who].append(time.process_time() - began)
    ratio = statistics.median(a / b for a, b in zip(seconds["ours"], seconds["plain"], strict=True))
    equal = statistics.mean(a == b for a, b in zip(pictures["ours"], pictures["plain"], strict=True))
    return [
        Row(f"{name}: first picture, ours", first["ours"], 1, unit="s"),
        Row(f"{name}: first picture, plain", first["plain"], 1, unit="s"),
        Row(f"{name}: next picture, ours", statistics.median(seconds["ours"]), rounds, unit="s"),
        Row(f"{name}: next picture, ours to plain", ratio, rounds, PROMISE, unit="x"),
        Row(f"{name}: equal to the bit", equal, rounds, "100 %"),
    ]


def ours(family: Family, folder: Path) -> Callable[[int], Image.Image]:
    """Our code, including previews and progress."""
    model = family.ours(Checkpoint(folder, "random", variant=family.variant), [ON_CPU])

    def draw(seed: int) -> Image.Image:
        negative = "blurry" if family.negative else ""
        request = ImageRequest(
            *(f"a red fox {seed}", family.size),
            seed=seed,
            steps=family.steps,
            guidance=family.guidance,
            negative_prompt=negative,
        )
        return model.run(request, lambda _progress: None).image

    return draw


def plain(family: Family, folder: Path) -> Callable[[int], Image.Image]:
    """The script from diffusers' guide."""
    variant = "fp16" if any(folder.glob("*/*.fp16.safetensors")) else None
    pipeline = family.plain.from_pretrained(folder, dtype=torch.float32, variant=variant)
    pipeline.set_progress_bar_config(disable=True)
    if family.scheduler:
        kind, settings = family.scheduler
        pipeline.scheduler = kind.from_config(pipeline.scheduler.config, **settings)

    def draw(seed: int) -> Image.Image:
        return pipeline(
            prompt=f"a red fox {seed}",
            **({"negative_prompt": "blurry"} if family.negative else {}),
            num_inference_steps=family.steps,
            guidance_scale=family.guidance,
            generator=torch.Generator("cpu").manual_seed(seed),
            **family.size._asdict(),
        ).images[0]

    return draw


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
