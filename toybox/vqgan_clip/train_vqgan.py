"""Trains and saves the bundled toy VQGAN: `python -m toybox.vqgan_clip.train_vqgan --minutes 60`.

It starts from the outer layers of the toy FLUX.2's smaller autoencoder (from `make train`), which already know the toy
world: the layers between 16 x 16 and the 8 x 8 codes first learn to reconstruct the features of those layers, then all
layers to reconstruct pixels. The working folder keeps scenes and checkpoint: after an interruption, or with more
minutes, the same command resumes. Zero minutes save the checkpoint's current weights.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import VQModel
from safetensors.torch import save_file

from pipelines.families.vqgan_clip import TYPICAL
from toybox import checksums
from toybox.klein.autoencoder import load_autoencoder, random_picture
from toybox.klein.pictures import Geometries, trace_families
from toybox.klein.run import Budget, Run
from toybox.plan_options import plan_from_options
from toybox.vqgan_clip.model import VQGAN_FOLDER, build_vqgan, save_vqgan
from toybox.vqgan_clip.vqgan_lesson import VqganLearner

_PEAK_RATE, _TYPICAL = 2e-3, 512


@dataclass(frozen=True)
class Plan:
    """The options; the defaults are those of the shipped weights.

    Attributes:
        work: folder for traced scenes, checkpoint and log.
        autoencoder: folder of the toy FLUX.2's autoencoder for pictures of 128 x 128.
        result: folder of the finished model.
        families: number of families, two traced scenes each.
        minutes: of training.
    """

    work: Path = Path(".train/vqgan_clip")
    autoencoder: Path = Path(".train/autoencoder")
    result: Path = VQGAN_FOLDER
    families: int = 1_300
    minutes: float = 60.0


def train(plan: Plan) -> None:
    """Traces the scenes unless they exist, trains, and saves the averaged weights."""
    torch.manual_seed(7)
    model = build_vqgan()
    learner = VqganLearner(model, load_autoencoder(plan.autoencoder))
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=_PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-3)
    run = Run("vqgan", learner, [optimizer], average=0.995, budget=Budget(plan.minutes, plan.work))
    geometries = trace_families(plan.work / "geometry.npy", plan.families, seed=1)
    if run.share < 1:
        learner.geometries = geometries
        run.train(lambda number: learner.step(number, run.share))
    run.average.copy_to(learner)
    plan.result.mkdir(parents=True, exist_ok=True)
    save_typical_codes(model, geometries, plan.result)
    save_vqgan(model, plan.result)
    if plan.result == VQGAN_FOLDER:
        checksums.update(VQGAN_FOLDER)


@torch.no_grad()
def save_typical_codes(model: VQModel, geometries: Geometries, folder: Path) -> None:
    """Writes the codes of some training pictures next to the weights: starting points of a search."""
    vqgan, rng = model.eval(), random.Random("typical")
    codes = []
    for _ in range(_TYPICAL // 8):
        pictures = torch.stack([random_picture(geometries, rng) for _ in range(8)])
        latents = vqgan.encode(pictures * 2 - 1).latents  # type: ignore[union-attr]  # no tuple was asked for
        codes.append(vqgan.quantize(latents)[2][2].view(latents[:, 0].shape))
    save_file({"codes": torch.cat(codes).short()}, folder / TYPICAL)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(plan_from_options(Plan, __doc__))
