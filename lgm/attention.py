"""Attention across the views of one object, as used by both networks. Knows nothing of cameras or pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SKIP_SCALE = 0.5**0.5
"""Preserves the variance of a sum of two streams of equal variance. Source: 3DTopia/LGM core/unet.py."""


def attend(queries: Tensor, keys: Tensor, values: Tensor, heads: int) -> Tensor:
    """Softmax attention, scaled by the square root of a head's width.

    Args:
        queries: [B, L, heads * width].
        keys, values: [B, M, heads * width].

    Returns:
        [B, L, heads * width].
    """
    q, k, v = (each.unflatten(-1, (heads, -1)).transpose(1, 2) for each in (queries, keys, values))  # [B, heads, L, w]
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class FusedAttention(nn.Module):
    """Self-attention with one matrix for queries, keys and values. Key names of LGM's `attn`."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.proj = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        queries, keys, values = self.qkv(tokens).chunk(3, dim=-1)
        return self.proj(attend(queries, keys, values, self.heads))


class ViewAttention(nn.Module):
    """LGM's block: every pixel of every view of an object attends to all of them."""

    def __init__(self, channels: int, views: int, heads: int) -> None:
        super().__init__()
        self.views = views
        self.norm = nn.GroupNorm(32, channels, eps=1e-5)
        self.attn = FusedAttention(channels, heads)

    def forward(self, x: Tensor) -> Tensor:
        """
        Args:
            x: [B * V, C, H, W], the view changing fastest.
        """
        height, width = x.shape[2:]
        tokens = self.norm(x).unflatten(0, (-1, self.views))  # [B, V, C, H, W]
        tokens = tokens.permute(0, 1, 3, 4, 2).flatten(1, 3)  # [B, V*H*W, C]
        tokens = self.attn(tokens).unflatten(1, (self.views, height, width))  # [B, V, H, W, C]
        return (tokens.permute(0, 1, 4, 2, 3).flatten(0, 1) + x) * SKIP_SCALE


class CrossAttention(nn.Module):
    """Attention to other tokens, or self-attention; the last `picture_tokens` use their own matrices.

    Key names of ashawkey/mvdream_diffusers mv_unet.py. Words and picture are attended to separately, with the same
    queries, and the results are added (IP-Adapter, https://arxiv.org/abs/2308.06721, equation 5).
    """

    def __init__(
        self, channels: int, context: int, heads: int, *, picture_tokens: int = 0, picture_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.heads = heads
        self.picture_tokens = picture_tokens
        self.picture_weight = picture_weight
        if picture_tokens:
            self.to_k_ip = nn.Linear(context, channels, bias=False)
            self.to_v_ip = nn.Linear(context, channels, bias=False)
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """
        Args:
            x: [B, L, C].
            context: [B, M, context]; None: x itself.
        """
        seen = x if context is None else context
        queries = self.to_q(x)
        words = seen[:, : seen.shape[1] - self.picture_tokens]
        out = attend(queries, self.to_k(words), self.to_v(words), self.heads)
        if self.picture_tokens:
            picture = seen[:, -self.picture_tokens :]
            answer = attend(queries, self.to_k_ip(picture), self.to_v_ip(picture), self.heads)
            out = torch.add(out, answer, alpha=self.picture_weight)
        return self.to_out(out)
