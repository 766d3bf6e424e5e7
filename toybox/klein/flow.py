"""Third stage: the flow transformer learns to draw from captions, and to edit pictures by instruction."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers import Flux2KleinPipeline, Flux2Transformer2DModel
from torch import Tensor
from transformers import Qwen2Tokenizer, Qwen3ForCausalLM

from toybox.captions import SILENCE, Phrase
from toybox.klein.latents import PAIRED_DRAWINGS, EncodedFamilies
from toybox.klein.model import MAX_SEQUENCE_LENGTH, build_transformer
from toybox.klein.run import Budget, Run
from toybox.klein.text import hidden_states, tokenize, with_unknown_words
from toybox.optimizers import muon_and_adamw
from toybox.precision import training_precision

Velocity = Callable[..., tuple[Tensor, ...]]
"""A `Flux2Transformer2DModel`, compiled or not, called with `return_dict=False`."""

DRAWINGS, REVISIONS, REVISION_BATCHES = 22, 28, 2
_MATRIX_RATE, _OTHER_RATE, _WEIGHT_DECAY = 3e-3, 1e-3, 0.02
_SILENT = 0.1
_TIME_MEAN, _TIME_DEVIATION, _UNIFORM_TIMES = 0.4, 1.0, 0.15
_REVISION_TIME_MEAN = 1.4
"""The intended object must be identified while noise still hides it: later steps can see what was decided."""
_OBJECT_WEIGHT = 4.0


@dataclass(frozen=True)
class Teacher:
    """What stays fixed while the transformer learns: the text encoder and the encoded pictures."""

    tokenizer: Qwen2Tokenizer
    encoder: Qwen3ForCausalLM
    families: EncodedFamilies


@dataclass(frozen=True)
class Batch:
    """Pictures to draw.

    Attributes:
        wanted: (N, 64, 64) latents of the pictures.
        words: (N, length, channels) states of the text encoder.
        sources: (N, 64, 64) latents of the pictures to edit; None for captions.
        weights: (N, 64) weight of each token's error; None for equal weights.
        time_mean: mean of the logit of the times; larger means more noise.
    """

    wanted: Tensor
    words: Tensor
    sources: Tensor | None = None
    weights: Tensor | None = None
    time_mean: float = _TIME_MEAN


def train_flow(teacher: Teacher, budget: Budget) -> Flux2Transformer2DModel:
    """Trains on drawings and edits in every step; the model ends with the averaged weights."""
    torch.manual_seed(3)
    model = build_transformer()
    torch.nn.init.zeros_(model.proj_out.weight)
    run = Run("flow", model, optimizers(model), average=0.998, budget=budget)
    compiled = torch.compile(model, dynamic=False)

    def loss_of_step(step: int) -> dict[str, Tensor]:
        rng = random.Random(f"flow {step}")
        torch.manual_seed(step)
        drawing = flow_loss(compiled, draw_batch(teacher, rng))
        revisions = [flow_loss(compiled, revise_batch(teacher, rng)) for _ in range(REVISION_BATCHES)]
        revision = torch.stack(revisions).mean()
        share = DRAWINGS / (DRAWINGS + REVISION_BATCHES * REVISIONS)
        return {
            "loss": share * drawing + (1 - share) * revision,
            "drawing": drawing.detach(),
            "revision": revision.detach(),
        }

    run.train(loss_of_step)
    run.average.copy_to(model)
    return model.eval()


def optimizers(model: Flux2Transformer2DModel) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for everything else."""
    rates = {"matrix_rate": _MATRIX_RATE, "other_rate": _OTHER_RATE, "weight_decay": _WEIGHT_DECAY}
    return muon_and_adamw(model, lambda name: "transformer_blocks" in name, **rates)


def flow_loss(model: Velocity, batch: Batch) -> Tensor:
    """Weighted squared error of the velocity at random times between picture (0) and noise (1)."""
    times = random_times(len(batch.wanted), batch.time_mean)
    noise = torch.randn_like(batch.wanted)
    mixed = torch.lerp(batch.wanted, noise, times[:, None, None])
    errors = (velocity(model, batch, mixed, times) - (noise - batch.wanted)).square().mean(dim=-1)  # [N, 64]
    return errors.mean() if batch.weights is None else (errors * batch.weights).sum() / batch.weights.sum()


def velocity(model: Velocity, batch: Batch, mixed: Tensor, times: Tensor) -> Tensor:
    """The model's velocity for pictures (N, 64, 64) mixed with noise at the times (N,), called as in the pipeline."""
    pictures, places = mixed, _picture_places()
    if batch.sources is not None:
        pictures = torch.cat([mixed, batch.sources], dim=1)
        places = torch.cat([places, _source_places()])
    with training_precision():
        found = model(
            hidden_states=pictures,
            timestep=times,
            encoder_hidden_states=batch.words,
            txt_ids=_word_places(),
            img_ids=places,
            return_dict=False,
        )[0]
    return found[:, : mixed.shape[1]].float()


def random_times(count: int, mean: float) -> Tensor:
    """Mostly logit-normal times shifted towards noise, like the pipeline's steps; some uniform."""
    normal = torch.sigmoid(torch.randn(count) * _TIME_DEVIATION + mean)
    return torch.where(torch.rand(count) < _UNIFORM_TIMES, torch.rand(count), normal)


def draw_batch(
    teacher: Teacher, rng: random.Random, count: int = DRAWINGS, *, paired: float = PAIRED_DRAWINGS
) -> Batch:
    """Pictures with captions; the given share has two objects."""
    drawings = [teacher.families.drawing(rng, paired) for _ in range(count)]
    wanted = teacher.families.latents[[drawing.row for drawing in drawings]].float()
    return Batch(wanted, _say(teacher, [drawing.phrase for drawing in drawings], rng))


def revise_batch(teacher: Teacher, rng: random.Random, count: int = REVISIONS) -> Batch:
    """Edited pictures with their sources and instructions."""
    revisions = [teacher.families.revision(rng) for _ in range(count)]
    latents = teacher.families.latents
    return Batch(
        wanted=latents[[revision.row for revision in revisions]].float(),
        words=_say(teacher, [revision.phrase for revision in revisions], rng),
        sources=latents[[revision.source_row for revision in revisions]].float(),
        weights=1 + _OBJECT_WEIGHT * teacher.families.objects([revision.family for revision in revisions]),
        time_mean=_REVISION_TIME_MEAN,
    )


@torch.no_grad()
def _say(teacher: Teacher, phrases: list[Phrase], rng: random.Random) -> Tensor:
    heard = [SILENCE if rng.random() < _SILENT else with_unknown_words(phrase, rng) for phrase in phrases]
    tokens = tokenize(teacher.tokenizer, [phrase.text for phrase in heard])
    return hidden_states(teacher.encoder, tokens)


def _word_places() -> Tensor:
    return Flux2KleinPipeline._prepare_text_ids(torch.empty(1, MAX_SEQUENCE_LENGTH, 1))[0]


def _picture_places() -> Tensor:
    return Flux2KleinPipeline._prepare_latent_ids(torch.empty(1, 1, 8, 8))[0]


def _source_places() -> Tensor:
    return Flux2KleinPipeline._prepare_image_ids([torch.empty(1, 1, 8, 8)])[0]
