"""Fifth stage: the transformer learns from its own wobbly drawings what it should have drawn.

A flow transformer is trained on noised pictures but used on its own partial drawings. It has never seen a crooked one,
and continues it as if it were intended. This stage trains on exactly that: a noised picture, a few of the model's own
steps, and the velocity from there to the original picture.
Source of the idea: Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret
Online Learning" (2011).
"""

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from diffusers import Flux2Transformer2DModel
from torch import Tensor

from toybox.captions import SILENCE
from toybox.klein.flow import Batch, Teacher, Velocity, draw_batch, flow_loss, revise_batch, velocity
from toybox.klein.model import GUIDANCE, STEPS, build_scheduler
from toybox.klein.run import Budget, Run
from toybox.klein.text import hidden_states, tokenize

DRAWINGS, REVISIONS, PAIRED = 20, 5, 0.5
OTHER_DRAWINGS, OTHER_REVISIONS = 6, 4
"""Pictures per step that start from the model's own drawings, and those that are mixed with noise as before."""
_PEAK_RATE = 2e-4
_FIRST = (3, 4, 5)
"""The pipeline's steps at which its own drawing may begin: before them, too little is left of the picture."""


def train_straightening(teacher: Teacher, model: Flux2Transformer2DModel, budget: Budget) -> Flux2Transformer2DModel:
    """Trains a finished transformer, which ends with the averaged weights."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.0)
    run = Run("straighten", model, [optimizer], average=0.99, budget=budget)
    scheduler = build_scheduler()
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / STEPS, STEPS).tolist())
    sigmas: list[float] = torch.as_tensor(scheduler.sigmas).tolist()
    silence = hidden_states(teacher.encoder, tokenize(teacher.tokenizer, [SILENCE.text])).detach()

    def loss_of_step(step: int) -> dict[str, Tensor]:
        rng = random.Random(f"straighten {step}")
        torch.manual_seed(step)
        drawing = own_loss(model, draw_batch(teacher, rng, DRAWINGS, paired=PAIRED), silence, sigmas, rng)
        revision = own_loss(model, revise_batch(teacher, rng, REVISIONS), silence, sigmas, rng)
        others = flow_loss(model, draw_batch(teacher, rng, OTHER_DRAWINGS))
        others = others + flow_loss(model, revise_batch(teacher, rng, OTHER_REVISIONS))
        shown = {"drawing": drawing.detach(), "revision": revision.detach(), "others": others.detach() / 2}
        return {"loss": drawing + revision / 2 + others / 4, **shown}

    run.train(loss_of_step)
    run.average.copy_to(model)
    return model.eval()


def own_loss(model: Velocity, batch: Batch, silence: Tensor, sigmas: list[float], rng: random.Random) -> Tensor:
    """
    Squared error of the guided velocity after some of the model's own steps.

    Args:
        silence: (1, length, channels) states of the text encoder for the empty prompt.
        sigmas: of the pipeline's steps, decreasing, ending with 0.
    """
    first = rng.choice(_FIRST)
    last = rng.randrange(first + 1, len(sigmas) - 1)
    unguided = replace(batch, words=silence.expand_as(batch.words))
    mixed = torch.lerp(batch.wanted, torch.randn_like(batch.wanted), sigmas[first])
    with torch.no_grad():
        for sigma, after in pairwise(sigmas[first : last + 1]):
            mixed = mixed + (after - sigma) * guided(model, batch, unguided, mixed, sigma)
    found = guided(model, batch, unguided, mixed, sigmas[last])
    return (found * sigmas[last] - (mixed - batch.wanted)).square().mean() / sigmas[last]


def guided(model: Velocity, batch: Batch, unguided: Batch, mixed: Tensor, sigma: float) -> Tensor:
    """The velocity with guidance, as in the pipeline; no gradient flows through the unconditional part."""
    times = torch.full((len(mixed),), sigma)
    with torch.no_grad():
        silent = velocity(model, unguided, mixed, times)
    return silent + GUIDANCE * (velocity(model, batch, mixed, times) - silent)
