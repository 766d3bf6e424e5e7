"""One training step of the toy VQGAN: reconstruct pictures from codes, even if some of the codes are wrong.

The wrong codes are for VQGAN + CLIP: its search visits combinations of codes that no encoder produces, and a decoder
that has never seen any turns them into noise.
"""

import random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toybox.klein.autoencoder import random_picture
from toybox.klein.pictures import Geometries

BATCH, NEW, PIXEL_BATCH = 24, 6, 8
"""Pictures per step, how many of them are new, and how many per step with the pixel loss."""
QUANTISED_FROM, PIXELS_FROM = 0.06, 0.75
_KEPT = 6000
_COMMITMENT, _GRADIENT, _SQUARE = 0.25, 0.5, 4.0
_FORGET = 0.98
_MOST_WRONG = 0.4
_SHALLOW = 3
"""Blocks of the encoder above 16 x 16."""


class VqganLearner(nn.Module):
    """The model, the losses of a step, and the codebook, which is updated by moving averages instead of a gradient.

    Attributes:
        model: to train.
        geometries: to be set before the first step.
        counts: moving average of how often each code is chosen.
        sums: moving average of the latents that chose it.
    """

    geometries: Geometries
    counts: Tensor
    sums: Tensor

    def __init__(self, model: Any, teacher: Any) -> None:
        """Copies the outer layers of the teacher, toy FLUX.2's smaller autoencoder, wherever names and shapes agree."""
        super().__init__()
        self.model = model
        self._teacher = (teacher.requires_grad_(False),)  # in a tuple, it is no submodule
        self._earlier: list[tuple[Tensor, Tensor]] = []
        self.codebook = model.quantize.embedding.weight.requires_grad_(False)
        self.register_buffer("counts", torch.zeros(len(self.codebook)))
        self.register_buffer("sums", torch.zeros_like(self.codebook))
        _copy_matching(teacher.encoder, model.encoder, skip=("conv_out", "mid_block", "conv_norm_out"))
        _copy_matching(teacher.decoder, model.decoder, skip=("conv_in", "mid_block", "up_blocks"))
        for index, block in enumerate(teacher.decoder.up_blocks):
            _copy_matching(block, model.decoder.up_blocks[index + 1], skip=())

    def step(self, number: int, share: float) -> dict[str, Tensor]:
        """The losses of a step; "psnr" in dB and "used codes" are for the log.

        Args:
            number: of the step; seeds the new pictures.
            share: of the training that is over, [0, 1].
        """
        rng = random.Random(f"vqgan {number}")
        pixels = share >= PIXELS_FROM
        pictures = torch.stack([random_picture(self.geometries, rng) for _ in range(PIXEL_BATCH if pixels else NEW)])
        pictures = pictures * 2 - 1
        shallow, wanted = self._shallow(pictures), self._wanted(pictures)
        if not pixels:
            shallow, wanted = self._with_earlier(shallow, wanted, rng)
        latents = self._latents(shallow)
        if share < QUANTISED_FROM:
            quantised, commitment = latents + 0.05 * torch.randn_like(latents), latents.square().mean() * 0.01
            used = torch.zeros(())
        else:
            quantised, commitment, used = self._quantise(latents)
            quantised = with_wrong_codes(quantised)
        features = self._inner_decode(quantised)
        loss = commitment * _COMMITMENT + F.mse_loss(features, wanted) / wanted.square().mean()
        if not pixels:
            return {"loss": loss, "used codes": used}
        error = self._outer_decode(features) - pictures
        square = error.square().mean()
        gradient = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        loss = loss * 0.2 + error.abs().mean() + _GRADIENT * gradient + _SQUARE * square
        return {"loss": loss, "used codes": used, "psnr": -10 * (square.detach() / 4).log10()}

    def _with_earlier(self, shallow: Tensor, wanted: Tensor, rng: random.Random) -> tuple[Tensor, Tensor]:
        """Adds earlier pictures to a batch, whose outer features need not be computed again."""
        pairs = list(zip(shallow.half(), wanted.half(), strict=True))
        earlier = rng.choices(self._earlier or pairs, k=BATCH - NEW)
        self._earlier = (self._earlier + pairs)[-_KEPT:]
        old_shallow, old_wanted = (torch.stack(values).float() for values in zip(*earlier, strict=True))
        return torch.cat([shallow, old_shallow]), torch.cat([wanted, old_wanted])

    @torch.no_grad()
    def _shallow(self, pictures: Tensor) -> Tensor:
        """The features of the encoder's frozen outer layers, (N, 64, 16, 16)."""
        hidden = self.model.encoder.conv_in(pictures)
        for block in self.model.encoder.down_blocks[:_SHALLOW]:
            hidden = block(hidden)
        return hidden

    def _latents(self, hidden: Tensor) -> Tensor:
        encoder = self.model.encoder
        for block in encoder.down_blocks[_SHALLOW:]:
            hidden = block(hidden)
        hidden = encoder.conv_act(encoder.conv_norm_out(encoder.mid_block(hidden)))
        return self.model.quant_conv(encoder.conv_out(hidden))

    def _inner_decode(self, quantised: Tensor) -> Tensor:
        """Decodes up to the first layer that has the teacher's shape, (N, 64, 16, 16)."""
        decoder = self.model.decoder
        hidden = decoder.mid_block(decoder.conv_in(self.model.post_quant_conv(quantised)))
        return decoder.up_blocks[1].resnets[0](decoder.up_blocks[0](hidden), None)

    def _outer_decode(self, features: Tensor) -> Tensor:
        decoder = self.model.decoder
        hidden = decoder.up_blocks[1].resnets[1](features, None)
        hidden = decoder.up_blocks[1].upsamplers[0](hidden)
        for block in decoder.up_blocks[2:]:
            hidden = block(hidden)
        return decoder.conv_out(decoder.conv_act(decoder.conv_norm_out(hidden)))

    @torch.no_grad()
    def _wanted(self, pictures: Tensor) -> Tensor:
        """The teacher's features at the same layer."""
        teacher = self._teacher[0]
        decoder = teacher.decoder
        hidden = teacher.post_quant_conv(teacher.encode(pictures, return_dict=False)[0].mean)
        return decoder.up_blocks[0].resnets[0](decoder.mid_block(decoder.conv_in(hidden)), None)

    def _quantise(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The nearest codes with a straight-through gradient, the commitment loss, and the share of codes in use."""
        flat = latents.movedim(1, -1).reshape(-1, latents.shape[1])
        counts, sums = self.counts, self.sums
        if not counts.any():
            _sow(self.codebook, flat.detach())
            counts.fill_(1.0)
            sums.copy_(self.codebook)
        nearest = torch.cdist(flat.detach(), self.codebook).argmin(dim=1)
        chosen = self.codebook[nearest].view(len(latents), *latents.shape[2:], -1).movedim(-1, 1)
        self._follow(flat.detach(), nearest)
        return latents + (chosen - latents).detach(), F.mse_loss(latents, chosen), (counts > 0.1).float().mean()

    @torch.no_grad()
    def _follow(self, flat: Tensor, nearest: Tensor) -> None:
        """Moves each code towards the mean of its latents; a code unused for long is reset to a random latent."""
        counts, sums = self.counts, self.sums
        counts.mul_(_FORGET).add_(nearest.bincount(minlength=len(counts)).float(), alpha=1 - _FORGET)
        sums.mul_(_FORGET).index_add_(0, nearest, flat, alpha=1 - _FORGET)
        idle = counts < 0.02
        if idle.any():
            fresh = flat[torch.randint(len(flat), (int(idle.sum()),))]
            counts[idle], sums[idle] = 0.2, fresh * 0.2
        self.codebook.copy_(sums / counts[:, None])


def with_wrong_codes(quantised: Tensor) -> Tensor:
    """Replaces up to two fifths of the codes of every second picture by those of another picture in the batch."""
    count, _, height, width = quantised.shape
    share = torch.rand(count, 1, 1, 1) * _MOST_WRONG * (torch.arange(count) % 2).view(-1, 1, 1, 1)
    wrong = torch.rand(count, 1, height, width) < share
    places = torch.randperm(height * width)
    other = quantised.roll(1, dims=0).flatten(2)
    shuffled = torch.where(torch.rand(count, 1, 1) < 0.5, other, other[:, :, places]).view_as(quantised)
    return torch.where(wrong, shuffled.detach(), quantised)


@torch.no_grad()
def _sow(codebook: Tensor, flat: Tensor) -> None:
    """Initialises the codes with latents, slightly perturbed where there are fewer latents than codes."""
    picked = flat[torch.randint(len(flat), (len(codebook),))]
    codebook.copy_(picked + 0.01 * flat.std() * torch.randn_like(picked))


@torch.no_grad()
def _copy_matching(source: nn.Module, target: nn.Module, *, skip: tuple[str, ...]) -> None:
    there = dict(target.named_parameters())
    for name, value in source.named_parameters():
        if not name.startswith(skip or ("-",)) and name in there and there[name].shape == value.shape:
            there[name].copy_(value)
