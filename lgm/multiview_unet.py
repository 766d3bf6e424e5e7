"""ImageDream's network: predicts the noise in five latents of one object, each seen by its own camera.

Stable Diffusion 2's U-Net with self-attention across all views of an object and the camera as an input, and with a
picture attended to besides the words. Without the picture (`ip_dim=0`) it is MVDream's. Modules are named as in the
published weights. Source: MVDream, https://arxiv.org/abs/2308.16512; ImageDream, https://arxiv.org/abs/2312.02201;
ashawkey/mvdream_diffusers mv_unet.py.

A batch is B objects times F views, views varying fastest. With a picture F is 5: four views, and one that carries
the picture itself and has a camera of zeros.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lgm.attention import CrossAttention
from lgm.config import IMAGEDREAM, MultiViewUNetConfig
from lgm.resampler import Resampler

_MAX_PERIOD = 10_000


class MultiViewUNet(nn.Module):
    """See the module; `forward` is one step of denoising."""

    def __init__(self, config: MultiViewUNetConfig = IMAGEDREAM) -> None:
        super().__init__()
        self.config = config
        base = config.model_channels
        embedding = 4 * base
        if config.ip_dim:
            self.image_embed = Resampler(config.context_dim, config.ip_dim, config.ip_width)
        self.time_embed = _embedder(base, embedding)
        self.camera_embed = _embedder(config.camera_dim, embedding)

        levels = [(base * times, 2**level) for level, times in enumerate(config.channel_mult)]
        width = base
        kept = [base]  # channels of the skips
        self.input_blocks = nn.ModuleList([Stage([nn.Conv2d(config.in_channels, base, 3, padding=1)])])
        for out, halved in levels:
            for _ in range(config.num_res_blocks):
                self.input_blocks.append(Stage([ResBlock(width, embedding, out), *_attention(config, out, halved)]))
                width = out
                kept.append(width)
            if halved < levels[-1][1]:
                self.input_blocks.append(Stage([Downsample(width)]))
                kept.append(width)
        self.middle_block = Stage(
            [ResBlock(width, embedding, width), Transformer(config, width), ResBlock(width, embedding, width)]
        )
        self.output_blocks = nn.ModuleList()
        for out, halved in reversed(levels):
            for layer in range(config.num_res_blocks + 1):
                parts = [ResBlock(width + kept.pop(), embedding, out), *_attention(config, out, halved)]
                if halved > 1 and layer == config.num_res_blocks:
                    parts.append(Upsample(out))
                self.output_blocks.append(Stage(parts))
                width = out
        self.out = nn.Sequential(
            nn.GroupNorm(32, width, eps=1e-5), nn.SiLU(), nn.Conv2d(width, config.out_channels, 3, padding=1)
        )

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        camera: Tensor,
        *,
        num_frames: int,
        ip: Tensor | None = None,
        ip_img: Tensor | None = None,
    ) -> Tensor:
        """The noise in `x`, which is left as it is (the published code writes `ip_img` into it).

        Args:
            x: [B*F, 4, h, w] latents.
            timesteps: [B*F].
            context: [B*F, L, context_dim] text tokens.
            camera: [B*F, 16].
            num_frames: F.
            ip: [B*F, T, ip_width] tokens of the picture, the same for all views of an object; only with `ip_dim`.
            ip_img: [B, 4, h, w] latents of the picture, which take the place of the last view; only with `ip_dim`.

        Returns:
            [B*F, 4, h, w].
        """
        tokens = None if ip is None else self.picture_tokens(ip[::num_frames])
        return self.denoise(x, timesteps, self.seen(context, tokens, num_frames), camera, num_frames, ip_img)

    def picture_tokens(self, ip: Tensor) -> Tensor:
        """[B, ip_dim, context_dim] of [B, T, ip_width]: the same in every step, so computed once."""
        return self.image_embed(ip)

    def seen(self, context: Tensor, picture_tokens: Tensor | None, num_frames: int) -> Tensor:
        """The tokens `denoise` attends to: words, then the picture.

        Args:
            context: [B*F, L, context_dim].
            picture_tokens: [B, ip_dim, context_dim]; None for a network without a picture.
        """
        if (picture_tokens is None) == bool(self.config.ip_dim):
            raise ValueError(f"got {'no' if picture_tokens is None else 'a'} picture with ip_dim {self.config.ip_dim}")
        if picture_tokens is None:
            return context
        return torch.cat([context, picture_tokens.repeat_interleave(num_frames, dim=0)], dim=1)

    def denoise(
        self,
        x: Tensor,
        timesteps: Tensor,
        seen: Tensor,
        camera: Tensor,
        num_frames: int,
        ip_img: Tensor | None = None,
    ) -> Tensor:
        """`forward` with the result of `seen`; the other arguments are the same."""
        if (ip_img is not None) != bool(self.config.ip_dim):
            raise ValueError(f"got {'an' if ip_img is not None else 'no'} ip_img with ip_dim {self.config.ip_dim}")
        if ip_img is not None:
            views = x.unflatten(0, (-1, num_frames))  # [B, F, 4, h, w]
            x = torch.cat([views[:, :-1], ip_img[:, None]], dim=1).flatten(0, 1)
        waves = timestep_embedding(timesteps, self.config.model_channels).to(x.dtype)
        embedding = self.time_embed(waves) + self.camera_embed(camera)
        kept = []
        for stage in self.input_blocks:
            x = stage(x, embedding, seen, num_frames)
            kept.append(x)
        x = self.middle_block(x, embedding, seen, num_frames)
        for stage in self.output_blocks:
            x = stage(torch.cat([x, kept.pop()], dim=1), embedding, seen, num_frames)
        return self.out(x)


class Stage(nn.ModuleList):
    """A sequence of layers, each given the inputs it needs."""

    def forward(self, x: Tensor, embedding: Tensor, seen: Tensor, views: int) -> Tensor:
        for part in self:
            if isinstance(part, ResBlock):
                x = part(x, embedding)
            elif isinstance(part, Transformer):
                x = part(x, seen, views)
            else:
                x = part(x)
        return x


class ResBlock(nn.Module):
    """Two convolutions with the time and camera embedding between them, plus the input."""

    def __init__(self, channels: int, embedding: int, out: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(32, channels, eps=1e-5), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, out))
        # The third is dropout in training; it keeps the published key names.
        self.out_layers = nn.Sequential(
            nn.GroupNorm(32, out, eps=1e-5), nn.SiLU(), nn.Identity(), nn.Conv2d(out, out, 3, padding=1)
        )
        self.skip_connection = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        inner = self.in_layers(x) + self.emb_layers(embedding)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(inner)


class Transformer(nn.Module):
    """Attention across all pixels of all views, then to words and picture, then a feed-forward, plus the input."""

    def __init__(self, config: MultiViewUNetConfig, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(config, channels)])
        self.proj_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, seen: Tensor, views: int) -> Tensor:
        tokens = self.norm(x).flatten(2).transpose(1, 2)  # [B*F, h*w, C]
        tokens = self.transformer_blocks[0](self.proj_in(tokens), seen, views)
        return self.proj_out(tokens).transpose(1, 2).unflatten(2, x.shape[2:]) + x


class TransformerBlock(nn.Module):
    def __init__(self, config: MultiViewUNetConfig, channels: int) -> None:
        super().__init__()
        heads = channels // config.num_head_channels
        self.attn1 = CrossAttention(channels, channels, heads)
        self.ff = FeedForward(channels)
        self.attn2 = CrossAttention(
            channels, config.context_dim, heads, picture_tokens=config.ip_dim, picture_weight=config.ip_weight
        )
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(self, tokens: Tensor, seen: Tensor, views: int) -> Tensor:
        joint = self.norm1(tokens).unflatten(0, (-1, views)).flatten(1, 2)  # [B, F*h*w, C]
        tokens = self.attn1(joint).unflatten(1, (views, -1)).flatten(0, 1) + tokens  # [B*F, h*w, C]
        tokens = self.attn2(self.norm2(tokens), seen) + tokens
        return self.ff(self.norm3(tokens)) + tokens


class FeedForward(nn.Module):
    """Expands four times, with GEGLU. The identity is dropout in training."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.net = nn.Sequential(GatedGelu(channels, 4 * channels), nn.Identity(), nn.Linear(4 * channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class GatedGelu(nn.Module):
    """GEGLU, with the exact gelu. Source: https://arxiv.org/abs/2002.05202."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 2 * out)

    def forward(self, x: Tensor) -> Tensor:
        x, gate = self.proj(x).chunk(2, dim=-1)
        return x * F.gelu(gate)


class Downsample(nn.Module):
    """Half the height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    """Twice the height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def timestep_embedding(timesteps: Tensor, width: int) -> Tensor:
    """Sinusoids of decreasing frequency, cosines first.

    Args:
        timesteps: [B].

    Returns:
        [B, width] float32. Source: "Attention is all you need", https://arxiv.org/abs/1706.03762, section 3.5.
    """
    half = width // 2
    steps = torch.arange(half, dtype=torch.float32, device=timesteps.device)
    angles = timesteps.float()[:, None] * torch.exp(-math.log(_MAX_PERIOD) * steps / half)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def _embedder(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(channels, out), nn.SiLU(), nn.Linear(out, out))


def _attention(config: MultiViewUNetConfig, channels: int, halved: int) -> list[nn.Module]:
    return [Transformer(config, channels)] if halved in config.attention_resolutions else []
