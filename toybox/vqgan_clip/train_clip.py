"""Trains and saves the bundled toy CLIP: `python -m toybox.vqgan_clip.train_clip`.

It starts from the first layers of the bundled toy ImageDream's picture encoder. Every stage starts from the averaged
weights of the one before it and keeps a checkpoint in the working folder. After an interruption, the same command
resumes, with the current toy VQGAN; a finished stage is not repeated. More minutes continue a stage; delete the
checkpoints of later ones then. Zero minutes for every stage save the checkpoints' current weights.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import VQModel
from safetensors.torch import load_file
from transformers import CLIPModel

from toybox import checksums
from toybox.klein.pictures import trace_families
from toybox.klein.run import Budget, Run
from toybox.optimizers import muon_and_adamw
from toybox.plan_options import plan_from_options
from toybox.solid.toy_views import FOLDER as VIEWS_FOLDER
from toybox.vqgan_clip.clip_lesson import ATTRIBUTES, MATCH, SUMS, ClipLearner
from toybox.vqgan_clip.model import CLIP_FOLDER, VQGAN_FOLDER, build_clip, save_clip


@dataclass(frozen=True)
class Plan:
    """The options; the minutes are about what the shipped weights got of one core.

    Attributes:
        work: folder for traced scenes, checkpoints and logs.
        vqgan: folder of the toy VQGAN; without it, all pictures are renderings.
        result: folder of the finished model.
        families: number of families, two traced scenes each.
        match_minutes: for matching captions and pictures.
        attributes_minutes: for captions that are wrong in one attribute, with more noise and hidden patches.
        sums_minutes: for embeddings that are sums of their attributes' directions.
    """

    work: Path = Path(".train/vqgan_clip")
    vqgan: Path = VQGAN_FOLDER
    result: Path = CLIP_FOLDER
    families: int = 1_300
    match_minutes: float = 8.0
    attributes_minutes: float = 5.0
    sums_minutes: float = 9.0


def train(plan: Plan) -> None:
    """Traces the scenes unless they exist, runs the stages that are not finished, and saves the averaged weights."""
    torch.manual_seed(8)
    clip = build_clip()
    begin_with_views(clip)
    learner = ClipLearner(clip, open_vqgan(plan.vqgan))
    stages = (
        ("clip_match", MATCH, plan.match_minutes),
        ("clip_attributes", ATTRIBUTES, plan.attributes_minutes),
        ("clip_sums", SUMS, plan.sums_minutes),
    )
    rates = {"matrix_rate": 2e-3, "other_rate": 1e-3, "weight_decay": 0.01}
    for name, learner.lesson, minutes in stages:
        optimizers = muon_and_adamw(learner, lambda name: ".layers." in name, **rates)
        run = Run(name, learner, optimizers, average=0.998, budget=Budget(minutes, plan.work))
        if run.share < 1:
            torch.manual_seed(run.steps)
            learner.geometries = trace_families(plan.work / "geometry.npy", plan.families, seed=1)
            run.train(learner.step)
        run.average.copy_to(learner)
    save_clip(clip, plan.result)
    if plan.result == CLIP_FOLDER:
        checksums.update(CLIP_FOLDER)


def open_vqgan(folder: Path) -> VQModel | None:
    """The toy VQGAN as float32; None if it does not exist yet."""
    if not (folder / "config.json").exists():
        return None
    return VQModel.from_pretrained(folder, torch_dtype=torch.float32).eval().requires_grad_(False)


@torch.no_grad()
def begin_with_views(clip: CLIPModel) -> None:
    """Initialises the picture tower with layers of the toy ImageDream's picture encoder."""
    learned = load_file(VIEWS_FOLDER / "image_encoder" / "model.safetensors")
    there = clip.vision_model.state_dict()
    for name, value in learned.items():
        if name in there and not name.startswith(("encoder.layers.2", "post_")):
            there[name].copy_(value.float())


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(plan_from_options(Plan, __doc__))
