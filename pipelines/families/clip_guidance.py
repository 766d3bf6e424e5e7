"""The VQGAN + CLIP method: optimises a latent until CLIP finds the prompts in the decoded picture.

Everything is float32 and works on the device of its tensors; pictures are NCHW in [0, 1], latents (1, C, h, w).

Source of the method: K. Crowson's notebooks (MIT), github.com/EleutherAI/vqgan-clip notebooks/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of CLIP's input. Source: openai/clip-vit-base-patch32 preprocessor_config.json."""
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_WEIGHTED = re.compile(
    rf"(?P<text>.*[^\d\s:]|.*\s)\s*:\s*(?P<weight>{_NUMBER})(?:\s*:\s*(?P<stop>{_NUMBER}))?\s*", re.S
)


class Wish(NamedTuple):
    """One text of a prompt; a negative weight is for what to avoid."""

    text: str
    weight: float = 1.0
    stop: float = -math.inf


class Prompt(NamedTuple):
    """A text as CLIP reads it.

    Attributes:
        embeds: (M, D), of any length.
        weight: negative ones push the picture away.
        stop: no gradient once sign(weight) * distance is at most this.
    """

    embeds: Tensor
    weight: float = 1.0
    stop: float = -math.inf


class Step(NamedTuple):
    """The state in one step, before the latent moved.

    Attributes:
        image: (1, 3, H, W), [0, 1].
        cuts: (N, 3, S, S), CLIP's input before normalisation.
        embeds: (N, D), CLIP's output, not normalised.
        losses: one per prompt.
    """

    image: Tensor
    cuts: Tensor
    embeds: Tensor
    losses: Tensor


def wishes(prompt: str) -> list[Wish]:
    """The texts of a prompt such as "a castle:2 | fog:0.5 | text:-0.3".

    The part after the last colon is a weight only if it is a number and no digit precedes the colon: "a cat: the
    movie" and "a clock at 12:30" are texts. A second number is where to stop.
    """
    found = []
    for part in prompt.split("|"):
        said = _WEIGHTED.fullmatch(part)
        if said and math.isfinite(weight := float(said["weight"])):
            stop = float(said["stop"]) if said["stop"] else -math.inf
            found.append(Wish(said["text"].strip(), weight, stop))
        else:
            found.append(Wish(part.strip()))
    return [wish for wish in found if wish.text]


def step(
    vqgan: Any,
    clip: Any,
    z: Tensor,
    optimizer: torch.optim.Optimizer,
    prompts: list[Prompt],
    cut: Callable[[Tensor], Tensor],
) -> Step:
    """One step of the method; z moves, and z.grad keeps the gradient of the summed losses.

    Args:
        vqgan: `diffusers.VQModel`.
        clip: `transformers.CLIPModel`.
        z: (1, C, h, w) leaf with requires_grad, the only parameter of the optimizer.
        prompts: what the picture should match.
        cut: makes CLIP's input, (N, 3, S, S), from the picture, (1, 3, H, W), both [0, 1]; differentiable.
    """
    optimizer.zero_grad()
    codebook = vqgan.quantize.embedding.weight
    with torch.enable_grad():
        image = decoded(vqgan, quantised(z.movedim(1, -1), codebook).movedim(-1, 1))
        cuts = cut(image)
        embeds = seen(clip, cuts)
        losses = torch.stack([distance(embeds, prompt) for prompt in prompts])
        losses.sum().backward()
    optimizer.step()
    with torch.no_grad():
        low, high = (bound[:, None, None] for bound in codebook.aminmax(dim=0))
        z.copy_(z.maximum(low).minimum(high))
    return Step(image.detach(), cuts.detach(), embeds.detach(), losses.detach())


def decoded(vqgan: Any, z_q: Tensor) -> Tensor:
    """The picture of vectors that are not quantised again, (N, C, h, w) to (N, 3, H, W)."""
    return clamped(vqgan.decode(z_q, force_not_quantize=True).sample / 2 + 0.5)


def seen(clip: Any, pictures: Tensor) -> Tensor:
    """CLIP's embeddings, (N, D), not normalised, of pictures of its input size."""
    return clip.get_image_features(for_clip(pictures)).pooler_output


def for_clip(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1], normalised for CLIP."""
    mean, std = (torch.tensor(values).view(3, 1, 1).to(pictures) for values in (MEAN, STD))
    return (pictures - mean) / std


def read(clip: Any, tokenizer: Any, text: str) -> Tensor:
    """CLIP's embedding of a text, (1, D), not normalised; longer texts are truncated."""
    most = clip.config.text_config.max_position_embeddings
    tokens = tokenizer([text], truncation=True, max_length=most, return_tensors="pt").to(clip.device)
    with torch.no_grad():
        return clip.get_text_features(tokens["input_ids"], tokens["attention_mask"]).pooler_output


def distance(embeds: Tensor, prompt: Prompt) -> Tensor:
    """Half the squared angle between pictures (N, D) and a prompt, times its weight, as one number. Ignores lengths."""
    one, other = F.normalize(embeds[:, None], dim=-1), F.normalize(prompt.embeds[None], dim=-1)
    angles = (one - other).norm(dim=-1).div(2).arcsin().square().mul(2)  # [N, M]
    signed = angles * math.copysign(1, prompt.weight) if prompt.weight else angles * 0
    stopped = _Replaced.apply(signed, signed.clamp(min=prompt.stop))
    return abs(prompt.weight) * stopped.mean()


def quantised(x: Tensor, codebook: Tensor) -> Tensor:
    """The nearest rows of the codebook (K, C) for vectors (..., C); the gradient goes straight through."""
    flat = x.flatten(end_dim=-2)
    squares = flat.square().sum(dim=1, keepdim=True) + codebook.square().sum(dim=1) - 2 * flat @ codebook.T
    return _Replaced.apply(codebook[squares.argmin(dim=1)].view(x.shape), x)


def clamped(x: Tensor) -> Tensor:
    """Clamps to [0, 1]; clamped values only get gradients that lead back inside."""
    return _Clamped.apply(x)


class _Replaced(torch.autograd.Function):
    """The first of two tensors of one shape, with the gradient of the second."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, source: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0]


class _Clamped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        return gradient * (gradient * (x - x.clamp(0, 1)) >= 0)


# --- what CLIP looks at -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cutter:
    """Cuts a picture into random squares and augments them, so that the picture matches at any scale.

    Attributes:
        side: of CLIP's input, in pixels.
        count: of squares, the whole picture included.
        smallest: side of the smallest square as a share of the picture's shorter side.
        flip: whether squares may be mirrored.
        noise: maximum standard deviation of added noise.
        chance: random generator; on the CPU, so that a seed means the same everywhere.
    """

    side: int
    count: int
    smallest: float
    flip: bool
    noise: float
    chance: torch.Generator

    def __call__(self, image: Tensor) -> Tensor:
        """(1, 3, H, W) to (count, 3, side, side), both [0, 1]."""
        height, width = image.shape[-2:]
        most = min(height, width)
        cuts = [shrunk_whole(image, self.side)]
        for share, down, across in torch.rand(self.count - 1, 3, generator=self.chance).tolist():
            size = round(most * (self.smallest + (1 - self.smallest) * share))
            top, left = int(down * (height - size + 1)), int(across * (width - size + 1))
            cuts.append(resampled(image[..., top : top + size, left : left + size], self.side))
        return self._disturbed(clamped(torch.cat(cuts)))

    def _disturbed(self, cuts: Tensor) -> Tensor:
        """Rotated, shifted and tinted a little, with noise."""
        count = len(cuts)
        drawn = torch.rand(count, 9, generator=self.chance) * 2 - 1  # the same numbers, however many are used
        angle, mirror = drawn[:, 0] * 0.15, torch.where((drawn[:, 1] < 0) & self.flip, -1.0, 1.0)
        rows = [angle.cos() * mirror, -angle.sin(), drawn[:, 2] * 0.05]
        rows += [angle.sin() * mirror, angle.cos(), drawn[:, 3] * 0.05]
        matrix = torch.stack(rows, dim=1).view(count, 2, 3).to(cuts)
        grid = F.affine_grid(matrix, list(cuts.shape), align_corners=False)
        cuts = F.grid_sample(cuts, grid, padding_mode="reflection", align_corners=False)
        tint = (1 + 0.05 * drawn[:, 4], 0.02 * drawn[:, 5:8], self.noise * drawn[:, 8].abs())
        gain, shift, strength = (value.view(count, -1, 1, 1).to(cuts) for value in tint)
        noise = torch.randn(cuts.shape, generator=self.chance).to(cuts)
        return cuts * gain + shift + strength * noise


def shrunk_whole(image: Tensor, side: int) -> Tensor:
    """The whole picture, (1, 3, H, W), as a square: the mean of average and maximum pooling."""
    return (F.adaptive_avg_pool2d(image, side) + F.adaptive_max_pool2d(image, side)) / 2


def resampled(image: Tensor, side: int) -> Tensor:
    """(N, 3, H, W) to (N, 3, side, side): Lanczos along each axis that shrinks, then bicubic."""
    height, width = image.shape[-2:]
    image = _smoothed(image, side / height, axis=2)
    image = _smoothed(image, side / width, axis=3)
    return F.interpolate(image, size=(side, side), mode="bicubic", align_corners=True)


def _smoothed(image: Tensor, ratio: float, *, axis: int) -> Tensor:
    if ratio >= 1:
        return image
    reach = math.ceil(2 / ratio) - 1
    places = ratio * torch.arange(-reach, reach + 1, dtype=torch.float32)
    taps = torch.sinc(places) * torch.sinc(places / 2)
    taps = (taps / taps.sum()).to(image)
    channels = image.shape[1]
    kernel = taps.view(1, 1, -1, 1) if axis == 2 else taps.view(1, 1, 1, -1)
    padding = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
    padded = F.pad(image, padding, mode="reflect")
    return F.conv2d(padded, kernel.expand(channels, -1, -1, -1), groups=channels)
