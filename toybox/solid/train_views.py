"""Trains and saves the bundled toy ImageDream: `python -m toybox.solid.train_views --minutes 180`.

The working folder keeps turntables and checkpoints: after an interruption, or with more minutes, the same command
resumes. Zero minutes save the checkpoints' current weights.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from toybox import checksums
from toybox.klein.run import Budget, Run
from toybox.optimizers import muon_and_adamw
from toybox.plan_options import plan_from_options
from toybox.solid.grids import make_grids
from toybox.solid.records import trace_turntables
from toybox.solid.toy_views import FOLDER, build_parts, save_parts
from toybox.solid.views_lesson import AutoencoderLessons, Learner, Source, ViewsLessons, measure_latents


@dataclass(frozen=True)
class Plan:
    """The options; the defaults are those of the shipped weights.

    Attributes:
        work: folder for traced turntables, checkpoints and logs.
        result: folder of the finished model.
        turntables: number of traced turntables.
        seed: of the turntables.
        autoencoder_minutes: of training the autoencoder.
        minutes: of training the network.
    """

    work: Path = Path(".train/solid")
    result: Path = FOLDER
    turntables: int = 4_240
    seed: int = 1
    autoencoder_minutes: float = 72.0
    minutes: float = 180.0


def train(plan: Plan) -> None:
    """Traces the turntables unless they exist, trains both parts, and saves the averaged weights."""
    torch.manual_seed(6)
    parts = build_parts()
    vae = Run(
        "views_vae",
        parts.vae,
        [torch.optim.AdamW(parts.vae.parameters(), 2e-3, (0.9, 0.99), weight_decay=1e-3)],
        average=0.995,
        budget=Budget(plan.autoencoder_minutes, plan.work),
    )
    learner = Learner(parts)
    rates = {"matrix_rate": 2e-3, "other_rate": 1e-3, "weight_decay": 0.01}
    optimizers = muon_and_adamw(learner, lambda name: "embedding" not in name, **rates)
    run = Run("views", learner, optimizers, average=0.999, budget=Budget(plan.minutes, plan.work))
    records = trace_turntables(plan.work, plan.turntables, plan.seed)
    source = Source(make_grids(plan.work, records), records, plan.seed + vae.steps + run.steps)
    vae.train(AutoencoderLessons(parts.vae, source).step)
    vae.average.copy_to(parts.vae)
    parts.vae.eval().requires_grad_(False)
    measure_latents(parts.vae, Source(source.grids, records, 0))
    run.train(ViewsLessons(parts, source).step)
    run.average.copy_to(learner)
    save_parts(parts, plan.result)
    if plan.result == FOLDER:
        checksums.update(FOLDER)


if __name__ == "__main__":
    train(plan_from_options(Plan, __doc__))
