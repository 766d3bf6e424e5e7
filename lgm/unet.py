"""LGM's asymmetric U-Net: four views in, fourteen numbers per pixel out. Knows nothing of cameras or Gaussians.

    views -> conv_in -> down blocks -> mid block -> up blocks -> norm_out, conv_out
                             '--------- skips ---------'

Modules are named as in the published weights. Source: 3DTopia/LGM core/unet.py;
https://arxiv.org/abs/2402.05054.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lgm.attention import SKIP_SCALE, ViewAttention
from lgm.config import CHANNELS, PARAMETERS, LGMConfig

DOWN_LAYERS = 2
UP_LAYERS = 3


class ResnetBlock(nn.Module):
    """Two convolutions plus the input."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(32, channels, eps=1e-5)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.norm2 = nn.GroupNorm(32, out, eps=1e-5)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.shortcut = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(F.silu(self.norm1(x)))
        inner = self.conv2(F.silu(self.norm2(inner)))
        return (inner + self.shortcut(x)) * SKIP_SCALE


class DownBlock(nn.Module):
    """Every layer's output is kept as a skip, the downsampled one too."""

    def __init__(self, channels: int, out: int, views: int, heads: int, *, last: bool) -> None:
        super().__init__()
        self.nets = nn.ModuleList(ResnetBlock(channels if i == 0 else out, out) for i in range(DOWN_LAYERS))
        self.attns = _attentions(DOWN_LAYERS, out, views, heads)
        self.downsample = None if last else nn.Conv2d(out, out, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        kept = []
        for net, attention in zip(self.nets, self.attns, strict=True):
            x = attention(net(x))
            kept.append(x)
        if self.downsample is not None:
            kept.append(self.downsample(x))
        return kept


class MidBlock(nn.Module):
    """A layer, then attention and another layer."""

    def __init__(self, channels: int, views: int, heads: int) -> None:
        super().__init__()
        self.nets = nn.ModuleList(ResnetBlock(channels, channels) for _ in range(2))
        self.attns = _attentions(1, channels, views, heads)

    def forward(self, x: Tensor) -> Tensor:
        return self.nets[1](self.attns[0](self.nets[0](x)))


class UpBlock(nn.Module):
    """Each layer reads one skip, the last made first."""

    def __init__(self, channels: int, skip: int, out: int, views: int, heads: int, *, last: bool) -> None:
        super().__init__()
        widths = [channels] + [out] * (UP_LAYERS - 1)
        skips = [out] * (UP_LAYERS - 1) + [skip]
        self.nets = nn.ModuleList(ResnetBlock(a + b, out) for a, b in zip(widths, skips, strict=True))
        self.attns = _attentions(UP_LAYERS, out, views, heads)
        self.upsample = None if last else nn.Conv2d(out, out, 3, padding=1)

    def forward(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        for net, attention in zip(self.nets, self.attns, strict=True):
            x = attention(net(torch.cat([x, skips.pop()], dim=1)))
        return x if self.upsample is None else self.upsample(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class UNet(nn.Module):
    """With fewer up than down blocks the output is smaller than the input, and the first skips are unused."""

    def __init__(self, config: LGMConfig) -> None:
        super().__init__()
        down, up, views = list(config.down_channels), list(config.up_channels), config.num_input_views
        heads = config.num_heads
        self.conv_in = nn.Conv2d(CHANNELS, down[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            DownBlock(before, out, views, heads if attention else 0, last=i == len(down) - 1)
            for i, (before, out, attention) in enumerate(
                zip([down[0], *down[:-1]], down, config.down_attention, strict=True)
            )
        )
        self.mid_block = MidBlock(down[-1], views, heads if config.mid_attention else 0)
        # The skip of the last layer of an up block comes from the next level up; above the topmost from conv_in.
        skips = [down[max(-2 - i, -len(down))] for i in range(len(up))]
        self.up_blocks = nn.ModuleList(
            UpBlock(before, skip, out, views, heads if attention else 0, last=i == len(up) - 1)
            for i, (before, skip, out, attention) in enumerate(
                zip([down[-1], *up[:-1]], skips, up, config.up_attention, strict=True)
            )
        )
        self.norm_out = nn.GroupNorm(32, up[-1], eps=1e-5)
        self.conv_out = nn.Conv2d(up[-1], PARAMETERS, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """
        Args:
            x: [B * V, 9, H, H], the view changing fastest.

        Returns:
            [B * V, 14, S, S].
        """
        x = self.conv_in(x)
        skips = [x]
        for block in self.down_blocks:
            skips += block(skips[-1])
        x = self.mid_block(skips[-1])
        for block in self.up_blocks:
            x = block(x, skips)
        return self.conv_out(F.silu(self.norm_out(x)))


def _attentions(count: int, channels: int, views: int, heads: int) -> nn.ModuleList:
    """With no heads, placeholders without weights: the published keys count them."""
    return nn.ModuleList(ViewAttention(channels, views, heads) if heads else nn.Identity() for _ in range(count))
