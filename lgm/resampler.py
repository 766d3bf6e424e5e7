"""Turns a picture encoder's output into a few extra prompt tokens. Knows nothing of views.

Key names of ashawkey/mvdream_diffusers mv_unet.py; the design is IP-Adapter's "plus"
(https://arxiv.org/abs/2308.06721) after Flamingo's perceiver (https://arxiv.org/abs/2204.14198).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lgm.attention import attend

_DEPTH = 4
_HEADS = 12
_HEAD_WIDTH = 64
_GROWTH = 4


class PerceiverAttention(nn.Module):
    """The queries attend to the picture and to each other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = _HEADS * _HEAD_WIDTH
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)

    def forward(self, picture: Tensor, queries: Tensor) -> Tensor:
        picture, queries = self.norm1(picture), self.norm2(queries)
        keys, values = self.to_kv(torch.cat([picture, queries], dim=1)).chunk(2, dim=-1)
        return self.to_out(attend(self.to_q(queries), keys, values, _HEADS))


class Resampler(nn.Module):
    """Learned queries that read a picture's tokens in four layers."""

    def __init__(self, width: int, tokens: int, picture_width: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(1, tokens, width) / width**0.5)
        self.proj_in = nn.Linear(picture_width, width)
        self.proj_out = nn.Linear(width, width)
        self.norm_out = nn.LayerNorm(width)
        self.layers = nn.ModuleList(
            nn.ModuleList([PerceiverAttention(width), _feed_forward(width)]) for _ in range(_DEPTH)
        )

    def forward(self, picture: Tensor) -> Tensor:
        """
        Args:
            picture: [B, T, picture_width].

        Returns:
            [B, tokens, width]; not zero even for a picture of zeros.
        """
        queries = self.latents.expand(len(picture), -1, -1)
        picture = self.proj_in(picture)
        for layer in self.layers:
            attention, feed_forward = layer.children()
            queries = attention(picture, queries) + queries
            queries = feed_forward(queries) + queries
        return self.norm_out(self.proj_out(queries))


def _feed_forward(width: int) -> nn.Sequential:
    inner = _GROWTH * width
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, inner, bias=False),
        nn.GELU(),
        nn.Linear(inner, width, bias=False),
    )
