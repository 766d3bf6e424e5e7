"""Previews from latents without the cost of the autoencoder: a linear map, fitted once.

Measured on the toy klein's autoencoder with a 512 x 512 picture, against the original at half size: this map 21.4 dB,
decoding latents averaged 2 x 2 21.4 dB, a map fitted to decoded noise 19.9 dB.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from PIL import Image

FIT_SIDE_PX = 256
"""Side of the picture the map is fitted to: with 8 x 8 pixels per cell, 1,024 samples for some 50 numbers."""


class Projection(NamedTuple):
    """Latents to colours, cell by cell."""

    weight: torch.Tensor  # (C, 3) float32
    bias: torch.Tensor  # (3,) float32

    def picture(self, latents: torch.Tensor) -> Image.Image:
        """RGB, one pixel per latent cell.

        Args:
            latents: (1, C, h, w), as `vae.decode` takes them.
        """
        cells = rearrange(latents, "1 c h w -> h w c").float().cpu()
        rgb = (cells @ self.weight + self.bias).clamp(-1, 1)
        return Image.fromarray(((rgb + 1) * 127.5).round().byte().numpy())


def fit(vae: Any, device: torch.device) -> Projection:
    """Least squares between an autoencoder's latents of a picture and the picture's colours.

    One encode of a small picture; nothing is downloaded and no table of factors is trusted.
    """
    picture = soft_noise(FIT_SIDE_PX)
    latents = vae.encode(picture.to(device, vae.dtype)).latent_dist.mode()  # (1, C, h, w)
    cells = rearrange(latents, "1 c h w -> (h w) c").double().cpu()
    colours = F.adaptive_avg_pool2d(picture, latents.shape[-2:])
    wanted = rearrange(colours, "1 c h w -> (h w) c").double()
    ones = torch.ones(len(cells), 1, dtype=torch.float64)
    found = torch.linalg.lstsq(torch.cat([cells, ones], dim=1), wanted, driver="gelsd").solution.float()
    return Projection(found[:-1], found[-1])


def soft_noise(side_px: int) -> torch.Tensor:
    """Coloured clouds of every size, coarse ones stronger as in photographs: (1, 3, H, W) float32 in [-1, 1]."""
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(1, 3, side_px, side_px)
    for cells in (2, 4, 8, 16, 32):
        noise = torch.randn(1, 3, cells, cells, generator=generator)
        total += F.interpolate(noise, size=(side_px, side_px), mode="bicubic", align_corners=False) / cells**0.5
    return (0.6 * total / total.std()).clamp(-1, 1)
