"""LGM: four views of an object to Gaussians. Knows no files, and of pictures only their normalisation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lgm.cameras import default_rays
from lgm.config import BIG, CHANNELS, PARAMETERS, LGMConfig
from lgm.gaussians import Gaussians, unpacked
from lgm.unet import UNet

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class LGM(nn.Module):
    """Source: Tang et al., LGM, https://arxiv.org/abs/2402.05054; 3DTopia/LGM core/models.py."""

    def __init__(self, config: LGMConfig = BIG) -> None:
        super().__init__()
        self.config = config
        self.unet = UNet(config)
        self.conv = nn.Conv2d(PARAMETERS, PARAMETERS, 1)

    def forward(self, inputs: Tensor) -> Gaussians:
        """
        Args:
            inputs: [B, V, 9, H, H], as `inputs_of` makes them.

        Returns:
            [B, N, ...] with N = V * S * S; Gaussian n belongs to view, row, column of the grid in that order.
        """
        return activated(self.raw(inputs), self.config.num_input_views)

    def raw(self, inputs: Tensor) -> Tensor:
        """[B * V, 14, S, S]: the network's output before activation."""
        side, views = self.config.input_size, self.config.num_input_views
        if inputs.shape[1:] != (views, CHANNELS, side, side):
            raise ValueError(f"got {tuple(inputs.shape)}, expected [B, {views}, {CHANNELS}, {side}, {side}]")
        return self.conv(self.unet(inputs.flatten(0, 1)))

    def inputs_of(self, views: Tensor, elevation_deg: float = 0.0) -> Tensor:
        """Colour and ray of every pixel, as the input of `forward`.

        Args:
            views: [B, V, 3, H, H] RGB in [0, 1] over white, at azimuth 0, 90, 180, 270 degrees in that order.
            elevation_deg: of all four cameras, positive above.

        Returns:
            [B, V, 9, H, H] of the dtype of `views`.
        """
        mean, std = (views.new_tensor(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
        rays = default_rays(self.config, elevation_deg).to(views)
        return torch.cat([(views - mean) / std, rays.expand(len(views), -1, -1, -1, -1)], dim=2)


def activated(raw: Tensor, views: int) -> Gaussians:
    """The network's output as valid Gaussians.

    Args:
        raw: [B * V, 14, S, S].
        views: V.

    Source: 3DTopia/LGM core/models.py. Rotations are normalised each by itself, as the "fixrot" weights want it.
    """
    rows = raw.unflatten(0, (-1, views)).permute(0, 1, 3, 4, 2).flatten(1, 3)  # [B, V*S*S, 14]
    one = unpacked(rows)
    return Gaussians(
        positions=one.positions.clamp(-1, 1),
        opacities=one.opacities.sigmoid(),
        scales=0.1 * F.softplus(one.scales),
        rotations=F.normalize(one.rotations, dim=-1),
        colours=0.5 * one.colours.tanh() + 0.5,
    )
