"""One training step: pictures are encoded once and clicked several times, with a loss for each answer.

Source: Kirillov et al., "Segment Anything" (2023), section 3 and appendix A (losses 20 : 1 : 1, clicks in the region of
error, the earlier mask fed back, the best of three masks follows the gradient), and Ravi et al., "SAM 2" (2024),
appendix D (absolute error for the predicted IoU, of all masks).
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from toybox.precision import training_precision
from toybox.sam.clicks import Prompt, boxes, corrections, first_clicks
from toybox.sam.pictures import Source, choose_targets, draw_pictures, normalised, target_masks
from toybox.sam.sameness import Sameness

PICTURES, TARGETS = 10, 6
FINE = 2
"""Clicks are placed and IoU is measured at this multiple of the network's resolution."""

_ROUNDS = (1, 1, 1, 2, 2, 3)
_BOX_FIRST = 0.3
_FOCAL, _DICE, _SCORE, _ORDER = 20.0, 1.0, 1.0, 0.2
_SAMENESS = 0.5
_SINGLE_AT_ONE_CLICK, _THREE_LATER = 0.5, 0.3
_CLEARLY, _SOFTLY = 0.05, 0.1
_LOGIT_LIMIT = 32.0
"""Source: `SAM2ImagePredictor._predict` clamps the logits that it returns for the next round."""


class Features(NamedTuple):
    """The encoder's feature maps, from fine to coarse.

    Attributes:
        fine: (B, C / 8, S / 4, S / 4) for pictures of side S.
        middle: (B, C / 4, S / 8, S / 8).
        coarse: (B, C, S / 16, S / 16).
    """

    fine: Tensor
    middle: Tensor
    coarse: Tensor

    def repeated(self, times: int) -> "Features":
        """Repeats every picture this many times in a row."""
        return Features(*(feature.repeat_interleave(times, dim=0) for feature in self))


class Answer(NamedTuple):
    """Four masks per prompt: the single mask, then the three for ambiguous prompts.

    Attributes:
        logits: (N, 4, S / 4, S / 4).
        scores: (N, 4), the predicted IoU.
    """

    logits: Tensor
    scores: Tensor


def encode(model: SAM2Base, images: Tensor) -> Features:
    """Encodes pictures (B, 3, H, W) in [0, 1] as in the predictor."""
    seen = normalised(images).contiguous(memory_format=torch.channels_last)  # a sixth faster on a CPU
    fine, middle, coarse = model.forward_image(seen)["backbone_fpn"]
    return Features(fine, middle, coarse + model.no_mem_embed.view(1, -1, 1, 1))


def answer(model: SAM2Base, features: Features, prompt: Prompt, earlier: Tensor | None) -> Answer:
    """Runs the decoder, with the logits (N, 1, S / 4, S / 4) of an earlier answer or None."""
    encoder = model.sam_prompt_encoder
    sparse, dense = encoder(points=(prompt.points * model.image_size, prompt.labels), boxes=None, masks=earlier)
    logits, scores, *_ = model.sam_mask_decoder.predict_masks(
        image_embeddings=features.coarse,
        image_pe=encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        repeat_image=False,
        high_res_features=[features.fine, features.middle],
    )
    return Answer(logits.float(), scores.float())


class Learner(nn.Module):
    """What is trained: the model, and an auxiliary task for its encoder."""

    def __init__(self, model: SAM2Base) -> None:
        super().__init__()
        width = model.sam_prompt_embed_dim
        self.model = model
        self.sameness = Sameness((width // 8, width // 4, width), model.image_size // 4)


class Turn(NamedTuple):
    """How a batch is clicked: whether it starts with a box, and the number of rounds."""

    with_box: bool
    rounds: int


class Batch(NamedTuple):
    """One training batch.

    Attributes:
        images: (B, 3, S, S) float32, [0, 1].
        regions: (B, S, S) int64.
        targets: (B * 6, 64) bool, see `choose_targets`.
    """

    images: Tensor
    regions: Tensor
    targets: Tensor


def draw_turn(rng: np.random.Generator) -> Turn:
    """Draws how the batches of a step are clicked."""
    return Turn(with_box=bool(rng.random() < _BOX_FIRST), rounds=int(rng.choice(_ROUNDS)))


def draw_batch(source: Source, rng: np.random.Generator, size: int) -> Batch:
    """Draws pictures of a size, and their targets."""
    pictures = draw_pictures(source, rng, PICTURES, size)
    return Batch(pictures.images, pictures.regions, choose_targets(pictures, rng, TARGETS))


def learn(learner: Learner, batch: Batch, turn: Turn, chance: torch.Generator) -> Tensor:
    """Runs one batch forward and backward: its gradients are added to the learner's.

    Returns:
        (4,): loss, IoU of the auxiliary task, and IoU of the first and the last round.
    """
    with sdpa_kernel(SDPBackend.MATH):
        with training_precision():
            features = encode(learner.model, batch.images)
            same_loss, same = learner.sameness(features, batch.regions, chance)
            loss, overlaps = judge_rounds(learner.model, features, batch.regions, batch.targets, turn, chance)
        (loss + _SAMENESS * same_loss).backward()
    return torch.stack([loss.detach(), same, overlaps[0], overlaps[-1]])


def judge_rounds(
    model: SAM2Base, features: Features, regions: Tensor, targets: Tensor, turn: Turn, chance: torch.Generator
) -> tuple[Tensor, list[Tensor]]:
    """Clicks on every target of every picture, and in each further round where the mask is wrong.

    Args:
        model: the network.
        features: of B pictures.
        regions: (B, H, W) int64 of the same pictures.
        targets: (B * each, 64) bool, see `choose_targets`.
        turn: how to click.
        chance: random generator.

    Returns:
        The mean loss, and the mean IoU of the mask that the app would show after each round.
    """
    wanted = target_masks(regions, targets, FINE * model.image_size // 4)
    coarse_wanted = F.avg_pool2d(wanted, FINE)
    features = features.repeated(len(targets) // len(regions))
    prompt = boxes(wanted, chance) if turn.with_box else first_clicks(wanted, chance)
    earlier: Tensor | None = None
    losses, overlaps = [], []
    for number in range(turn.rounds):
        found = answer(model, features, prompt, earlier)
        ambiguous = number == 0 and not turn.with_box
        with torch.no_grad():
            fine = F.interpolate(found.logits, wanted.shape[-2:], mode="bilinear", align_corners=False)
            true_scores = overlaps_of(fine, wanted)
            shown = (found.scores[:, 1:].argmax(dim=1) + 1) * ambiguous
        mask_loss = mask_losses(found.logits, coarse_wanted)
        single, three = mask_loss[:, 0].mean(), mask_loss[:, 1:].amin(dim=1).mean()
        weights = (_SINGLE_AT_ONE_CLICK, 1.0) if ambiguous else (1.0, _THREE_LATER)
        score_loss = _SCORE * (found.scores - true_scores).abs().mean()
        if ambiguous:
            score_loss = score_loss + _ORDER * order_loss(found.scores[:, 1:], true_scores[:, 1:])
        losses.append(weights[0] * single + weights[1] * three + score_loss)
        overlaps.append(true_scores.gather(1, shown[:, None]).mean())
        if number + 1 < turn.rounds:
            prompt = prompt.with_click(*corrections(wanted, _one_each(fine, shown), chance))
            earlier = _one_each(found.logits.detach(), shown).clamp(-_LOGIT_LIMIT, _LOGIT_LIMIT)
    return torch.stack(losses).mean(), overlaps


def mask_losses(logits: Tensor, wanted: Tensor) -> Tensor:
    """20 x focal + dice for each mask: (N, M, S, S) and (N, 1, S, S) to (N, M).

    Source: Lin et al., "Focal Loss for Dense Object Detection" (2017), with alpha 0.25 and gamma 2; Milletari et al.,
    "V-Net" (2016), for dice.
    """
    chance = logits.sigmoid()
    surprise = F.softplus(logits) - logits * wanted
    miss = chance + wanted - 2 * chance * wanted
    focal = (0.5 * miss * miss * surprise).mean(dim=(2, 3))
    both = (chance * wanted).sum(dim=(2, 3))
    either = chance.sum(dim=(2, 3)) + wanted.sum(dim=(2, 3))
    return _FOCAL * focal + _DICE * (1 - (2 * both + 1) / (either + 1))


def order_loss(scores: Tensor, true_scores: Tensor) -> Tensor:
    """Ranking loss of scores (N, M) for masks whose true IoU clearly differs; a scalar.

    Source: Burges et al., "Learning to Rank using Gradient Descent" (2005).
    """
    better = true_scores[:, :, None] - true_scores[:, None] > _CLEARLY
    lead = scores[:, :, None] - scores[:, None]
    return (F.softplus(-lead / _SOFTLY) * better).sum() / better.sum().clamp(min=1)


def overlaps_of(logits: Tensor, wanted: Tensor) -> Tensor:
    """The IoU of masks (N, M, S, S) with the true ones (N, 1, S, S); (N, M) float32."""
    found, right = logits > 0, wanted > 0.5
    both = (found & right).sum(dim=(2, 3))
    return both / (found | right).sum(dim=(2, 3)).clamp(min=1)


def _one_each(masks: Tensor, which: Tensor) -> Tensor:
    """Selects one mask each: (N, M, S, S) and (N,) to (N, 1, S, S)."""
    return masks[torch.arange(len(masks)), which][:, None]
