"""Sixth stage: one more level of the autoencoder turns the same latents into pictures of twice the size.

The transformer and its latents stay as they are. The larger encoder learns to encode a picture as the smaller one
encodes it at half the size; the larger decoder learns to decode the smaller one's latents into the larger picture.
"""

import random

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLFlux2
from torch import Tensor

from toybox.klein.autoencoder import random_picture
from toybox.klein.model import PICTURE_SIZE, build_autoencoder
from toybox.klein.pictures import Geometries
from toybox.klein.run import Budget, Run
from toybox.precision import training_precision
from toybox.sam.clutter import sample_clutter
from toybox.sam.fills import Fields

TOYS, CLUTTERS = 6, 2
"""Pictures per step; only the encoder learns from clutter, since people bring other pictures than toys, too."""
_PEAK_RATE = 1e-3
_GRADIENT_WEIGHT, _SQUARE_WEIGHT = 1.0, 4.0
_LATENT_NOISE = 0.1


def enlarged(small: AutoencoderKLFlux2) -> AutoencoderKLFlux2:
    """An autoencoder for pictures of twice the size that begins with the weights of the smaller one."""
    large = build_autoencoder(PICTURE_SIZE)
    large.load_state_dict({_name_in_large(name): value for name, value in small.state_dict().items()}, strict=False)
    return large


def _name_in_large(name: str) -> str:
    """The encoder's levels move back by one for the new first one; the decoder's new level is its last."""
    before, mark, after = name.partition("encoder.down_blocks.")
    if not mark:
        return name
    level, _, rest = after.partition(".")
    return f"{before}{mark}{int(level) + 1}.{rest}"


def train_enlargement(
    small: AutoencoderKLFlux2, geometries: Geometries, fields: Fields, budget: Budget
) -> AutoencoderKLFlux2:
    """Trains the larger autoencoder, which ends with the averaged weights and has the smaller one's latent statistics.

    Args:
        small: in evaluation mode.
        geometries: traced at `PICTURE_SIZE`.
        fields: source of noise for clutter.
    """
    torch.manual_seed(6)
    model = enlarged(small)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-3)
    run = Run("enlarge", model, [optimizer], average=0.998, budget=budget)
    deviation = small.bn.get_buffer("running_var").mean().sqrt()

    def loss_of_step(step: int) -> dict[str, Tensor]:
        rng = random.Random(f"enlarge {step}")
        torch.manual_seed(step)
        toys = torch.stack([random_picture(geometries, rng) for _ in range(TOYS)])
        chance = np.random.default_rng(step)
        others = torch.stack([clutter(chance, fields) for _ in range(CLUTTERS)])
        return losses(model, small, torch.cat([toys, others]) * 2 - 1, deviation)

    run.train(loss_of_step)
    run.average.copy_to(model)
    return model.eval()


def clutter(chance: np.random.Generator, fields: Fields) -> Tensor:
    """A picture of anything but toys, 3HW float32, [0, 1]."""
    image = sample_clutter(chance, fields, PICTURE_SIZE).image
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255


def losses(
    model: AutoencoderKLFlux2, small: AutoencoderKLFlux2, pictures: Tensor, deviation: Tensor
) -> dict[str, Tensor]:
    """The training losses for NCHW pictures in [-1, 1], toys first; "psnr" in dB is for the log."""
    toys = pictures[:TOYS]
    with training_precision():
        with torch.no_grad():
            wanted = small.encode(F.avg_pool2d(pictures, 2), return_dict=False)[0]
        found = model.encode(pictures, return_dict=False)[0]
        noise = torch.rand(TOYS, 1, 1, 1) * _LATENT_NOISE * torch.randn_like(wanted.mean[:TOYS])
        noisy = wanted.mean[:TOYS] + noise
        restored = model.decode(noisy, return_dict=False)[0].float()  # type: ignore[arg-type]  # any float will do
    latents = ((found.mean.float() - wanted.mean.float()) / deviation).square().mean()
    spread = (found.logvar.float() - wanted.logvar.float()).abs().mean()
    error = restored - toys
    absolute, square = error.abs().mean(), error.square().mean()
    gradient = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    loss = absolute + _GRADIENT_WEIGHT * gradient + _SQUARE_WEIGHT * square + latents + 0.01 * spread
    psnr = -10 * (square.detach() / 4).log10()
    return {"loss": loss, "latents": latents.detach(), "gradient": gradient.detach(), "psnr": psnr}
