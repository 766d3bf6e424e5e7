"""Trains and saves the bundled toy SAM 2: `python -m toybox.sam.train --minutes 300`.

The working folder keeps scenes and checkpoint: after an interruption, or with more minutes, the same command resumes.
Zero minutes save the checkpoint's current weights, even during training.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from toybox import checksums
from toybox.klein.run import Budget, Run
from toybox.optimizers import muon_and_adamw
from toybox.plan_options import plan_from_options
from toybox.sam.lesson import Learner
from toybox.sam.model import FOLDER, PICTURE_SIZE, build_model, save_model
from toybox.sam.toys import trace_toys
from toybox.sam.workers import Workers

_MATRICES = ("model.image_encoder.trunk.blocks", "model.sam_mask_decoder.transformer")
_MATRIX_RATE, _OTHER_RATE, _WEIGHT_DECAY = 3e-3, 2e-3, 0.02


@dataclass(frozen=True)
class Plan:
    """The options; the defaults are those of the shipped weights.

    Attributes:
        work: folder for traced scenes, checkpoint and log.
        result: folder of the finished model.
        scenes: number of traced scenes of the toy world.
        seed: of the scenes.
        minutes: of training.
        window: side of the crops that most of the training uses; a step takes half as long as with whole pictures.
        whole_from: share of the minutes after which pictures are whole.
    """

    work: Path = Path(".train/sam")
    result: Path = FOLDER
    scenes: int = 1_500
    seed: int = 1
    minutes: float = 382.0
    window: int = 256
    whole_from: float = 0.8


def train(plan: Plan) -> None:
    """Traces the scenes unless they exist, trains, and saves the averaged weights."""
    torch.manual_seed(5)
    learner = Learner(build_model())
    run = Run("sam", learner, optimizers(learner), average=0.998, budget=Budget(plan.minutes, plan.work))
    if run.share < 1:
        toys = trace_toys(plan.work / "toys.npy", plan.scenes, plan.seed)
        with Workers(learner, toys, os.cpu_count() or 1) as workers:
            run.train(
                lambda number: workers.step(number, PICTURE_SIZE if run.share >= plan.whole_from else plan.window)
            )
    run.average.copy_to(learner)
    save_model(learner.model, plan.result)
    if plan.result == FOLDER:
        checksums.update(FOLDER)


def optimizers(learner: Learner) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of trunk and decoder, AdamW for everything else that is used."""
    rates = {"matrix_rate": _MATRIX_RATE, "other_rate": _OTHER_RATE, "weight_decay": _WEIGHT_DECAY}
    return muon_and_adamw(learner, lambda name: name.startswith(_MATRICES), **rates)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(plan_from_options(Plan, __doc__))
