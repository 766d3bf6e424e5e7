"""From a picture to a splat, stage by stage, with networks of the published sizes; and the renderer.

Run `python -m benchmarks.splat_path`. The path needs a GPU with 12 GB, and 5 GB in the temporary folder for random
weights, which are as fast as the real ones.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from benchmarks.gpu_models import FULL
from benchmarks.options import options_of
from benchmarks.table import Row, median_ms, print_table
from lgm.cameras import orbit_camera
from lgm.config import BIG
from lgm.gaussians import Gaussians
from lgm.render import render
from pipelines.families.imagedream import GUIDANCE, STEPS, ImageDream
from pipelines.families.lgm_splat import Splatter
from studio.contract import Progress
from studio.solid.contract import SplatRequest, ViewsRequest

ROUNDS = 5
PROMISED_MS = 1000
"""The promise for the whole path on an H200; the FLOPs alone would take about 100 ms."""


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, rounds=ROUNDS, splats=BIG.count)
    print_table("Drawing a ball of Gaussians, in torch", renderer(options.splats, options.rounds))
    if not torch.cuda.is_available():
        print("\nThe path from picture to splat is measured where there is a GPU; here is none.")
        return
    device = torch.device("cuda")
    with tempfile.TemporaryDirectory() as place:
        dream, splatter = FULL.views(Path(place), device), FULL.splatter(Path(place), device)
    rows = path(dream, splatter, options.rounds, STEPS)
    print_table(f"Picture to splat, {STEPS} steps, random float16 weights, {torch.cuda.get_device_name()}", rows)


def renderer(splats: int, rounds: int) -> list[Row]:
    """Render one picture for display, and two for training."""
    rows = []
    for count, size, learns in ((splats, 512, False), (splats // 4, 128, True), (splats // 16, 64, True)):
        what = "drawn and differentiated" if learns else "drawn"
        seconds = [drawn(ball(count), size, learns=learns) for _ in range(rounds)]
        rows.append(median_ms(f"{count:,} at {size} x {size}, {what}", seconds))
    return rows


def drawn(gaussians: Gaussians, size: int, *, learns: bool) -> float:
    """Seconds to render one picture, and for its gradients."""
    leaves = Gaussians(*(each.requires_grad_(learns) for each in gaussians))
    began = time.perf_counter()
    with torch.set_grad_enabled(learns):
        seen = render(leaves, orbit_camera(20, 30, size))
        if learns:
            (seen.rgb.square().mean() + seen.alpha.mean()).backward()
    return time.perf_counter() - began


def ball(count: int) -> Gaussians:
    """Gaussians on a sphere, as wide as the distance between them."""
    source = torch.Generator().manual_seed(0)
    return Gaussians(
        positions=0.5 * F.normalize(torch.randn(count, 3, generator=source), dim=-1),
        opacities=torch.full((count,), 0.9),
        scales=torch.full((count, 3), 0.5 * math.sqrt(math.pi / count)),
        rotations=F.normalize(torch.randn(count, 4, generator=source), dim=-1),
        colours=torch.rand(count, 3, generator=source),
    )


def path(dream: ImageDream, splatter: Splatter, rounds: int, steps: int) -> list[Row]:
    """Each stage alone, and the whole path as in the app."""
    times: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        measured = {} if number == 0 else times  # the first is a warm-up
        _measure(dream, splatter, steps, partial(_timed, measured))
    whole = "a picture to a splat, as the app runs it"
    return [
        median_ms(name, seconds, f"<= {PROMISED_MS} ms" if name == whole else "") for name, seconds in times.items()
    ]


def _measure(dream: ImageDream, splatter: Splatter, steps: int, timed: Callable[[str, Callable[[], Any]], Any]) -> None:
    picture = Image.new("RGB", (512, 512), "white")
    picture.paste((200, 80, 60), (50, 50, 460, 460))
    order = ViewsRequest(picture, 0.0, 1, steps, GUIDANCE)
    noise = dream.noise(1)
    pixels = np.asarray(picture)
    values = torch.from_numpy(pixels / np.float32(255))
    with torch.inference_mode():
        seen = timed("look at it (CLIP, VAE)", lambda: dream.seen(pixels, values, noise.posterior))
        options = {"elevation_deg": 0.0, "steps": steps, "guidance": GUIDANCE}
        latents = timed(f"{steps} steps", lambda: dream.denoised(seen, noise.latents, **options))
        timed("decode four views", lambda: dream.decoded(latents[:4]))
    views = timed("all of the views, with previews", lambda: dream.run(order, _ignored).images)
    timed("four views to a splat", lambda: splatter.run(SplatRequest(views, 0.0), _ignored))
    timed(
        "a picture to a splat, as the app runs it",
        lambda: splatter.run(SplatRequest(dream.run(order, _ignored).images, 0.0), _ignored),
    )


def _timed(times: dict[str, list[float]], name: str, work: Callable[[], Any]) -> Any:
    _settle()
    began = time.perf_counter()
    answer = work()
    _settle()
    times.setdefault(name, []).append(time.perf_counter() - began)
    return answer


def _settle() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _ignored(_progress: Progress) -> None:
    pass


if __name__ == "__main__":
    main(sys.argv[1:])
