"""SPAN, a small network that enlarges pictures 2 or 4 times. Source: https://github.com/hongyuanyu/SPAN, Apache-2.0.

Made for clean pictures, such as generated ones: it also sharpens noise and JPEG blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import silu

from pipelines.hub.cache import Checkpoint
from pipelines.opening.damage import reason
from pipelines.plan import Plan
from pipelines.upscalers.tiles import Enlarging, Upscaler
from studio.errors import NotReady
from studio.validation import short

CHANNELS, BLOCKS = 48, 6
MEAN = (0.4488, 0.4371, 0.4040)
RANGE = 255.0
REACH = 3 * BLOCKS + 3
"""Receptive field radius, in pixels: the number of 3 x 3 convolutions in a row."""
TILE = 192
"""Side of a tile, in pixels: 30 MB of features, and a Stop within a second."""


class Span(nn.Module):
    """[B, 3, H, W] -> [B, 3, sH, sW], RGB in [0, 1], not clamped."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(3)) for _ in range(BLOCKS)
        )
        self.last = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.merge = nn.Conv2d(4 * CHANNELS, CHANNELS, 1)
        self.up = nn.Conv2d(CHANNELS, 3 * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, rgb: Tensor) -> Tensor:
        features = first = self.first((rgb - rgb.new_tensor(MEAN).view(3, 1, 1)) * RANGE)
        kept = []
        for block in self.blocks:
            one, two, three = block  # type: ignore[misc]
            inner = silu(one(features))
            strength = three(silu(two(inner)))
            features = (strength + features) * (torch.sigmoid(strength) - 0.5)
            kept.append((features, inner))
        merged = torch.cat([first, self.last(features), kept[0][0], kept[-1][1]], dim=1)
        return self.shuffle(self.up(self.merge(merged)))


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> Upscaler:
    """
    Args:
        checkpoint: a folder with `x2.safetensors`, `x4.safetensors`, or one of them.

    Raises:
        NotReady: a file is not a SPAN.
    """
    networks = {}
    for path in sorted(checkpoint.path.glob("x*.safetensors")):
        network = Span(int(path.stem[1:]))
        try:
            network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        except (RuntimeError, SafetensorError, OSError) as error:
            raise NotReady(f"{short(path)} holds no SPAN network: {reason(error)}") from error
        networks[network.shuffle.upscale_factor] = network.eval().to(plans[0].device)
    return Upscaler(Enlarging(lambda rgb, scale: networks[scale](rgb), tuple(networks), REACH, TILE, plans[0].device))
