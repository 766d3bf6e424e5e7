"""One training step: pictures are encoded once, clicked several times, and every answer is judged.

Source: Kirillov et al., "Segment Anything" (2023), section 3 and appendix A (losses 20 : 1 : 1, clicks in the region of
error, the earlier mask fed back, the best of three masks follows the gradient), and Ravi et al., "SAM 2" (2024),
appendix D (absolute error for the predicted IoU, of all masks).
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from toybox.sam.clicks import Prompt, boxes, corrections, first_clicks
from toybox.sam.model import MASK_SIZE
from toybox.sam.pictures import Source, choose_targets, draw_pictures, normalised, target_masks
from toybox.sam.sameness import Sameness

PICTURES, TARGETS = 10, 6
FINE_SIZE = 2 * MASK_SIZE
"""Clicks are placed and IoU is measured at half the size of the picture, twice as fine as the network draws."""

_ROUNDS = (1, 1, 1, 2, 2, 3)
_BOX_FIRST = 0.3
_FOCAL, _DICE, _SCORE = 20.0, 1.0, 1.0
_SAMENESS = 0.5
_SINGLE_AT_ONE_CLICK, _THREE_LATER = 0.5, 0.3
_LOGIT_LIMIT = 32.0
"""Source: `SAM2ImagePredictor._predict` clamps what it hands back for the next round."""


class Features(NamedTuple):
    """What the encoder found in each picture, from fine to coarse.

    Attributes:
        fine: (B, C / 8, 64, 64).
        middle: (B, C / 4, 32, 32).
        coarse: (B, C, 16, 16).
    """

    fine: Tensor
    middle: Tensor
    coarse: Tensor

    def repeated(self, times: int) -> "Features":
        """Every picture so many times in a row."""
        return Features(*(feature.repeat_interleave(times, dim=0) for feature in self))


class Answer(NamedTuple):
    """The four masks for each prompt: the one for clear prompts, then the three for ambiguous ones.

    Attributes:
        logits: (N, 4, 64, 64).
        scores: (N, 4), the predicted IoU.
    """

    logits: Tensor
    scores: Tensor


def encode(model: SAM2Base, images: Tensor) -> Features:
    """Encodes pictures (B, 3, H, W) in [0, 1] as the predictor does."""
    seen = normalised(images).contiguous(memory_format=torch.channels_last)  # a sixth faster on a CPU
    fine, middle, coarse = model.forward_image(seen)["backbone_fpn"]
    return Features(fine, middle, coarse + model.no_mem_embed.view(1, -1, 1, 1))


def answer(model: SAM2Base, features: Features, prompt: Prompt, earlier: Tensor | None) -> Answer:
    """Asks the decoder, with the logits (N, 1, 64, 64) of an earlier answer or None."""
    encoder = model.sam_prompt_encoder
    sparse, dense = encoder(points=(prompt.points, prompt.labels), boxes=None, masks=earlier)
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
    """What is trained: the model to be stored, and the second task that helps its encoder along."""

    def __init__(self, model: SAM2Base) -> None:
        super().__init__()
        width = model.sam_prompt_embed_dim
        self.model = model
        self.sameness = Sameness((width // 8, width // 4, width), MASK_SIZE)


class Turn(NamedTuple):
    """How a batch is clicked: whether with a box at first, and how often in all."""

    with_box: bool
    rounds: int


class Lessons:
    """Training steps for one model: several batches at once, each in a thread of its own.

    On two cores that takes little more than half of the time of one larger batch whose every operation is shared by two
    threads, for most operations are small. Torch should be told to use one thread (`torch.set_num_threads(1)`).
    """

    def __init__(self, learner: Learner, source: Source, threads: int) -> None:
        self.learner, self.source, self.threads = learner, source, threads

    def step(self, number: int) -> dict[str, Tensor]:
        """Adds the gradients of a step to the model's.

        Args:
            number: of the step; it decides what is drawn and clicked.

        Returns:
            "loss", a value without history, because its gradients are already there; and the mean IoU after the first
            click or box and in the last of three or more rounds.
        """
        rng = np.random.default_rng([number, 7])
        turn = Turn(with_box=bool(rng.random() < _BOX_FIRST), rounds=int(rng.choice(_ROUNDS)))
        with sdpa_kernel(SDPBackend.MATH), ThreadPoolExecutor(self.threads) as pool:
            found = list(
                pool.map(lambda seed: self._learn(seed, turn), rng.integers(2**31, size=self.threads).tolist())
            )
        loss, same, first, last = torch.stack(found).mean(dim=0)
        many = float(turn.rounds > 2)
        return {
            "loss": loss.requires_grad_(),
            "same": same,
            "click": first * (1.0 - turn.with_box),
            "box": first * float(turn.with_box),
            "last": last * many,
            "boxes": torch.tensor(float(turn.with_box)),
            "lasts": torch.tensor(many),
        }

    def _learn(self, seed: int, turn: Turn) -> Tensor:
        """One batch forth and back; loss and IoU of the first and last round."""
        rng = np.random.default_rng(seed)
        pictures = draw_pictures(self.source, rng, PICTURES)
        targets = choose_targets(pictures, rng, TARGETS)
        chance = torch.Generator().manual_seed(seed)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = encode(self.learner.model, pictures.images)
            same_loss, same = self.learner.sameness(features, pictures.regions, chance)
            loss, overlaps = judge_rounds(self.learner.model, features, pictures.regions, targets, turn, chance)
        ((loss + _SAMENESS * same_loss) / self.threads).backward()
        return torch.stack([loss.detach(), same, overlaps[0], overlaps[-1]])


def judge_rounds(
    model: SAM2Base, features: Features, regions: Tensor, targets: Tensor, turn: Turn, chance: torch.Generator
) -> tuple[Tensor, list[Tensor]]:
    """Clicks on every target of every picture, again and again where the mask is wrong.

    Args:
        model: to be asked.
        features: of B pictures.
        regions: (B, H, W) int64 of the same pictures.
        targets: (B * each, 64) bool, see `choose_targets`.
        turn: how to click.
        chance: decides where.

    Returns:
        The mean loss, and the mean IoU of what a person would see after each round.
    """
    wanted = target_masks(regions, targets, FINE_SIZE)
    coarse_wanted = F.avg_pool2d(wanted, FINE_SIZE // MASK_SIZE)
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
        score_loss = (found.scores - true_scores).abs().mean()
        losses.append(weights[0] * single + weights[1] * three + _SCORE * score_loss)
        overlaps.append(true_scores.gather(1, shown[:, None]).mean())
        if number + 1 < turn.rounds:
            prompt = prompt.with_click(*corrections(wanted, _one_each(fine, shown), chance))
            earlier = _one_each(found.logits.detach(), shown).clamp(-_LOGIT_LIMIT, _LOGIT_LIMIT)
    return torch.stack(losses).mean(), overlaps


def mask_losses(logits: Tensor, wanted: Tensor) -> Tensor:
    """20 x focal + dice for each mask: (N, M, S, S) and (N, 1, S, S) become (N, M).

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


def overlaps_of(logits: Tensor, wanted: Tensor) -> Tensor:
    """The true IoU of masks (N, M, S, S) with the wanted ones (N, 1, S, S); (N, M) float32."""
    found, right = logits > 0, wanted > 0.5
    both = (found & right).sum(dim=(2, 3))
    return both / (found | right).sum(dim=(2, 3)).clamp(min=1)


def _one_each(masks: Tensor, which: Tensor) -> Tensor:
    """(N, M, S, S) and (N,) become (N, 1, S, S)."""
    return masks[torch.arange(len(masks)), which][:, None]
