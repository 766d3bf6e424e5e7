"""Trains and saves the bundled toy LGM: `python -m toybox.solid.train_lgm --minutes 278`.

The working folder keeps turntables and checkpoint: after an interruption, or with more minutes, the same command
resumes. Zero minutes save the checkpoint's current weights.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from toybox import checksums
from toybox.klein.run import Budget, Run
from toybox.optimizers import muon_and_adamw
from toybox.plan_options import plan_from_options
from toybox.solid.grids import make_grids
from toybox.solid.lgm_lesson import LgmLessons
from toybox.solid.records import trace_turntables
from toybox.solid.toy_lgm import FOLDER, build_model, save_model


@dataclass(frozen=True)
class Plan:
    """The options; the defaults are those of the shipped weights.

    Attributes:
        work: folder for traced turntables, checkpoint and log.
        result: folder of the finished model.
        turntables: number of traced turntables.
        seed: of the turntables.
        minutes: of training.
    """

    work: Path = Path(".train/solid")
    result: Path = FOLDER
    turntables: int = 4_240
    seed: int = 1
    minutes: float = 278.0


def train(plan: Plan) -> None:
    """Traces the turntables unless they exist, trains, and saves the averaged weights."""
    torch.manual_seed(5)
    model = build_model()
    rates = {"matrix_rate": 2e-3, "other_rate": 2e-3, "weight_decay": 0.02}
    optimizers = muon_and_adamw(model, lambda _name: True, **rates)  # Muon for the matrices of the attention
    run = Run("lgm", model, optimizers, average=0.998, budget=Budget(plan.minutes, plan.work))
    if run.share < 1:
        records = trace_turntables(plan.work, plan.turntables, plan.seed)
        grids = make_grids(plan.work, records)
        run.train(LgmLessons(model, grids, records, lambda: run.share, seed=3 + run.steps).step)
    run.average.copy_to(model)
    save_model(model, plan.result)
    if plan.result == FOLDER:
        checksums.update(FOLDER)


if __name__ == "__main__":
    train(plan_from_options(Plan, __doc__))
