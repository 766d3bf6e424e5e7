"""Speed and memory of the large models on a GPU, compared with plain scripts, without any download.

Run `python -m benchmarks.gpu` on a machine with an NVIDIA GPU, 64 GB of main memory and 60 GB of disk: random weights
of the full sizes are written to the temporary folder. It takes at most eight minutes; what did not fit is listed at the
end. Without a GPU, or with `--tiny`, the same runs at tiny sizes on the CPU, where the numbers mean little.

The floor is the FLOPs of a picture (counted by torch) at the speed of a large matrix product on this GPU.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, FluxPipeline
from PIL import Image
from sam2.sam2_image_predictor import SAM2ImagePredictor

from benchmarks import gpu_models
from benchmarks.gpu_bench import Bench
from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from pipelines.families.flux1 import Flux1
from pipelines.families.imagedream import FRAMES, GUIDANCE, ImageDream
from pipelines.families.lgm_splat import Splatter
from pipelines.families.sam import Sam
from pipelines.hub.cache import Checkpoint
from pipelines.machine import installed
from pipelines.plan import Means, Placement, Plan, plans
from pipelines.records.flux import IN_FILES
from studio.contract import ImageRequest, Size
from studio.recipe.selection import Point
from studio.segmentation.contract import MaskRequest
from studio.solid.contract import SplatRequest, ViewsRequest

MINUTES, PAIRS = 7.5, 10
BUDGETS_GB = (6.0, 8.0, 12.0, 24.0)
PROMPT = "a small robot watering a bonsai tree"


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, tiny=False, pairs=PAIRS)
    is_tiny = options.tiny or not torch.cuda.is_available()
    device = torch.device("cpu" if is_tiny else "cuda")
    bench = Bench(
        device, gpu_models.TINY if is_tiny else gpu_models.FULL, options.pairs, time.monotonic() + 60 * MINUTES
    )
    if is_tiny:
        bench.missing.append("every figure of a GPU: there is none here" if not options.tiny else "full sizes")
    bench.tflops = rate(bench)
    bench.rows.append(Row("a large matrix product", bench.tflops, 1, unit="TFLOP/s"))
    with tempfile.TemporaryDirectory() as place:
        for each in (splat, clicks, schnell, dev, budgets):
            with bench.part(each.__name__):
                each(bench, Path(place))
    name = "the CPU, tiny" if is_tiny else torch.cuda.get_device_name()
    print_table(f"Ours and the plain scripts, random weights, on {name}", bench.rows)
    print("\n".join(["", *(f"missing: {each}" for each in bench.missing)]), flush=True)


def rate(bench: Bench) -> float:
    """TFLOPS of a large bfloat16 matrix product, the best of five."""
    side = bench.sizes.product
    left, right = (torch.randn(side, side, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    best = min(bench.seconds(lambda: left @ right) for _ in range(5))
    return 2 * side**3 / best / 1e12


def schnell(bench: Bench, place: Path) -> None:
    """FLUX.1 schnell with four steps, eager and compiled."""
    folder = bench.sizes.flux1(place / "schnell", guided=False)
    pictures(bench, "schnell, 4 steps", folder, steps=4, promise="<= 1.02 x")
    if bench.device.type != "cuda":
        bench.missing.append("schnell, compiled: compiling pays on a GPU only")
    elif bench.has_time("schnell, compiled", 90):
        pictures(bench, "schnell, compiled", folder, steps=4, promise="<= 0.75 x", compiled=True)


def dev(bench: Bench, place: Path) -> None:
    """FLUX.1 dev with 28 steps."""
    if bench.has_time("dev, 28 steps", 150):
        folder = bench.sizes.flux1(place / "dev", guided=True)
        pictures(bench, "dev, 28 steps", folder, steps=bench.sizes.dev_steps, guidance=3.5)


def pictures(
    bench: Bench,
    name: str,
    folder: Path,
    *,
    steps: int,
    guidance: float = 0.0,
    promise: str = "",
    compiled: bool = False,
) -> None:
    """Our model, and the plain script with the same loaded weights."""
    dtype: Any = "bfloat16" if bench.device.type == "cuda" else "float32"
    device: Any = bench.device.type
    plan = Plan(Placement.RESIDENT, device, dtype, dtype, 0.0, 1.0, compiles=compiled)
    tokens, side = bench.sizes.tokens, bench.sizes.side
    began = time.perf_counter()
    model = Flux1(Checkpoint(folder, "random", text_tokens=tokens), [plan])
    plain_pipeline: Any = FluxPipeline(**model.pipeline.components)
    plain_pipeline.scheduler = type(plain_pipeline.scheduler).from_config(plain_pipeline.scheduler.config)
    plain_pipeline.set_progress_bar_config(disable=True)
    bench.rows.append(Row(f"{name}: opened", time.perf_counter() - began, 1, unit="s"))
    request = ImageRequest(PROMPT, Size(side, side), seed=1, steps=steps, guidance=guidance)

    def plain() -> Image.Image:
        return plain_pipeline(
            PROMPT,
            width=side,
            height=side,
            num_inference_steps=steps,
            guidance_scale=guidance,
            max_sequence_length=tokens,
            generator=torch.Generator("cpu").manual_seed(1),
        ).images[0]

    def ours() -> Image.Image:
        return model.run(request, lambda _progress: None).image

    expected = plain()
    if compiled:  # plain first, while the weights they share are uncompiled
        plain_seconds = [bench.seconds(plain) for _ in range(bench.pairs)]
        request = replace(request, fast=True)
        bench.rows.append(Row(f"{name}: warm-up", bench.seconds(ours), 1, unit="s"))
        ours_seconds = [bench.seconds(ours) for _ in range(bench.pairs)]
        ratio = statistics.median(ours_seconds) / statistics.median(plain_seconds)
        bench.rows.append(Row(f"{name}: ours", statistics.median(ours_seconds), bench.pairs, unit="s"))
        bench.rows.append(Row(f"{name}: ours to plain", ratio, bench.pairs, promise, unit="x"))
    else:
        bench.compare(name, ours, plain, promise)
        is_same = ours().tobytes() == expected.tobytes()
        bench.rows.append(Row(f"{name}: equal to the bit", float(is_same), 1, "100 %"))
    model.close()


def clicks(bench: Bench, _place: Path) -> None:
    """SAM 2: encoding a picture, and a click on an encoded one."""
    network = bench.sizes.sam().to(bench.device)
    ours, plain_predictor = Sam(network), SAM2ImagePredictor(network)
    side = network.image_size
    plain_predictor._bb_feat_sizes = [(side // part, side // part) for part in (4, 8, 16)]
    picture = Image.linear_gradient("L").resize((side, side)).convert("RGB")
    point, count = Point(side / 2, side / 2), iter(range(10**9))

    def click(key: str) -> object:
        request = MaskRequest(lambda: picture, key, Size(side, side), points=(point,))
        ours._answers.clear()
        return ours.run(request, lambda _progress: None)

    def plain(is_new: bool) -> object:
        is_gpu = bench.device.type == "cuda"
        with torch.inference_mode(), torch.autocast(bench.device.type, torch.bfloat16, enabled=is_gpu):
            if is_new:
                plain_predictor.set_image(np.array(picture))
            return plain_predictor.predict(np.array([[side / 2, side / 2]]), np.array([1]), return_logits=True)

    bench.compare("SAM 2, new picture", lambda: click(str(next(count))), partial(plain, True))
    bench.compare("SAM 2, next click", lambda: click("known"), partial(plain, False))
    ours.close()


def splat(bench: Bench, place: Path) -> None:
    """From a photo to a splat: ImageDream, then LGM."""
    views, splatter = bench.sizes.views(place, bench.device), bench.sizes.splatter(place, bench.device)
    picture = Image.linear_gradient("L").resize((256, 256)).convert("RGB")
    steps = bench.sizes.views_steps

    def ours() -> object:
        made = views.run(ViewsRequest(picture, 0.0, seed=1, steps=steps, guidance=GUIDANCE), lambda _progress: None)
        return splatter.run(SplatRequest(made.images, 0.0), lambda _progress: None)

    bench.compare("photo to splat", ours, lambda: plain_splat(views, splatter, picture, steps))
    name = "photo to splat, compiled"
    if bench.device.type != "cuda":
        bench.missing.append(f"{name}: compiling pays on a GPU only")
    elif bench.has_time(name, 120):
        network = views.compile_in_background()
        bench.rows.append(Row(f"{name}: warm-up", bench.seconds(lambda: (ours(), network.wait())), 1, unit="s"))
        taken = [bench.seconds(ours) for _ in range(bench.pairs)]
        bench.rows.append(Row(f"{name}: ours", statistics.median(taken), bench.pairs, "<= 1.0 s", unit="s"))
        bench.rows.append(Row(f"{name}: answers alike", float(network.is_compiled), 1, "100 %"))
    views.close()
    splatter.close()


@torch.inference_mode()
def plain_splat(views: ImageDream, splatter: Splatter, picture: Image.Image, steps: int) -> object:
    """A naive loop: inputs are recomputed at every step, and the views are decoded one by one."""
    parts, pixels = views._parts, np.asarray(picture)
    like, noise = next(parts.unet.parameters()), views.noise(1)
    seen = views.seen(pixels, torch.from_numpy(pixels.astype(np.float32) / 255), noise.posterior)
    context = parts.words.to(like).repeat_interleave(FRAMES, dim=0)
    tokens = seen.tokens.to(like).repeat_interleave(FRAMES, dim=0)
    camera = gpu_models.cameras().repeat(2, 1).to(like)
    scheduler: Any = DDIMScheduler.from_config(parts.scheduler.config)
    scheduler.set_timesteps(steps, device=like.device)
    latents = noise.latents.to(like.device, torch.float32)
    for timestep in scheduler.timesteps:
        batch = latents.to(like.dtype).repeat(2, 1, 1, 1)
        answer = parts.unet(
            batch,
            timestep.repeat(len(batch)),
            context,
            camera,
            num_frames=FRAMES,
            ip=tokens,
            ip_img=seen.latents.to(like),
        ).float()
        without, wanted = answer.chunk(2)
        latents = scheduler.step(without + GUIDANCE * (wanted - without), timestep, latents).prev_sample
    decoded = torch.cat([views.decoded(latents[[frame]]) for frame in range(4)])
    pictures = (decoded * 255).round().byte().cpu().numpy()
    request = SplatRequest(tuple(map(Image.fromarray, pictures)), 0.0)
    return splatter.gaussians(splatter._views(request))


def budgets(bench: Bench, place: Path) -> None:
    """schnell on GPUs with 6 to 24 GB: the plan, its time and its memory."""
    folder = place / "schnell"
    if bench.device.type != "cuda":
        for budget_gb in BUDGETS_GB:
            plan = plans(Means(budget_gb, budget_gb, 64.0, (8, 6), installed()), IN_FILES)[0]
            bench.missing.append(f"schnell in {budget_gb:.0f} GB: there is no card; the plan is {plan}")
        return
    total_gb = torch.cuda.mem_get_info()[1] / 1e9
    for budget_gb in BUDGETS_GB:
        name = f"schnell in {budget_gb:.0f} GB"
        if not bench.has_time(name, 45):
            continue
        torch.cuda.set_per_process_memory_fraction(min(1.0, budget_gb / total_gb))
        means = Means(budget_gb, budget_gb, 64.0, torch.cuda.get_device_capability(), installed())
        ways = [way for way in plans(means, IN_FILES) if not way.precision.is_file]
        with bench.part(name):
            model = Flux1(Checkpoint(folder, "random", text_tokens=256), ways)
            request = ImageRequest(PROMPT, Size(1024, 1024), seed=1, steps=4, guidance=0.0)
            torch.cuda.reset_peak_memory_stats()
            draw = lambda model=model, request=request: model.run(request, lambda _progress: None)  # noqa: E731
            draw()
            seconds, plan = bench.seconds(draw), model.plan
            peak = torch.cuda.max_memory_allocated() / 1e9
            bench.rows.append(Row(f"{name}: {plan.placement.name.lower()}, {plan.precision}", seconds, 1, unit="s"))
            bench.rows.append(Row(f"{name}: peak", peak, 1, f"<= {plan.gpu_gb:.1f} GB", unit="GB"))
            model.close()
    torch.cuda.set_per_process_memory_fraction(1.0)


if __name__ == "__main__":
    main(sys.argv[1:])
