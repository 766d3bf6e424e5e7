"""Trains and saves the bundled toy FLUX.2 klein: `python -m toybox.train`, or `make train`.

Every stage keeps a checkpoint in the working folder. After an interruption, the same command resumes; a finished stage
is not repeated. More minutes continue its training; delete its files to start it again. Zero minutes for every stage
save the checkpoints' current weights, even during training.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from toybox import checksums
from toybox.klein.autoencoder import load_autoencoder, train_autoencoder
from toybox.klein.enlarge import train_enlargement
from toybox.klein.flow import Teacher, train_flow
from toybox.klein.latents import encode_families
from toybox.klein.model import FOLDER, PICTURE_SIZE, build_pipeline, save_pipeline
from toybox.klein.pictures import trace_families
from toybox.klein.rewording import train_wordings
from toybox.klein.run import Budget
from toybox.klein.straighten import train_straightening
from toybox.klein.text import train_text_encoder
from toybox.klein.tokenizer import build_tokenizer
from toybox.plan_options import plan_from_options
from toybox.sam.fills import Fields
from toybox.wordings import every_word

SEED = 1


@dataclass(frozen=True)
class Plan:
    """The options; the defaults are those of the shipped weights.

    Attributes:
        work: folder for geometries, latents, checkpoints and logs.
        result: folder of the finished pipeline.
        families: traced geometries, two each.
        text_minutes: for the text encoder.
        autoencoder_minutes: for the autoencoder.
        flow_minutes: for the flow transformer.
        wordings_minutes: for the text encoder again, on other wordings.
        straighten_minutes: for the transformer again, on its own drawings.
        large_families: families that are traced again for larger pictures.
        enlarge_minutes: for the autoencoder's level for larger pictures.
    """

    work: Path = Path(".train")
    result: Path = FOLDER
    families: int = 10_000
    text_minutes: float = 12.0
    autoencoder_minutes: float = 22.0
    flow_minutes: float = 222.0
    wordings_minutes: float = 25.0
    straighten_minutes: float = 46.0
    large_families: int = 1_500
    enlarge_minutes: float = 60.0


def train(plan: Plan) -> None:
    """Runs all stages that are not finished yet."""
    geometries = trace_families(plan.work / "geometry.npy", plan.families, SEED)
    tokenizer = build_tokenizer(every_word())
    encoder = train_text_encoder(tokenizer, Budget(plan.text_minutes, plan.work, decay_from=0.5))
    autoencoder_folder = plan.work / "autoencoder"
    if not autoencoder_folder.exists():
        budget = Budget(plan.autoencoder_minutes, plan.work)
        train_autoencoder(geometries, budget).save_pretrained(autoencoder_folder)
    autoencoder = load_autoencoder(autoencoder_folder)
    families = encode_families(autoencoder, geometries, plan.work / "latents.npy", plan.families)
    transformer = train_flow(Teacher(tokenizer, encoder, families), Budget(plan.flow_minutes, plan.work))
    encoder = train_wordings(tokenizer, encoder, Budget(plan.wordings_minutes, plan.work, decay_from=0.5))
    teacher = Teacher(tokenizer, encoder, families)
    transformer = train_straightening(teacher, transformer, Budget(plan.straighten_minutes, plan.work, decay_from=0.5))
    large = trace_families(plan.work / "large.npy", plan.large_families, SEED, PICTURE_SIZE)
    budget = Budget(plan.enlarge_minutes, plan.work, decay_from=0.5)
    autoencoder = train_enlargement(autoencoder, large, Fields(), budget)
    pipeline = build_pipeline()
    pipeline.register_modules(vae=autoencoder, text_encoder=encoder, transformer=transformer)
    save_pipeline(pipeline, plan.result)
    checksums.update(plan.result)


if __name__ == "__main__":
    torch.set_num_threads(os.cpu_count() or 1)
    train(plan_from_options(Plan, __doc__))
