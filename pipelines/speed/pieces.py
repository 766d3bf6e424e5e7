"""Parts of Stable Diffusion 1.5 at their real widths, and the seconds they take here."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.resnet import ResnetBlock2D

from pipelines.opening.building import building
from pipelines.speed.cpu_ways import fastest


@torch.no_grad()
def network() -> float:
    """The topmost level of the network at 512 x 512 pixels."""
    with building():
        resnet = ResnetBlock2D(in_channels=320, temb_channels=1280)
        block = BasicTransformerBlock(320, 8, 40, cross_attention_dim=768)
    cells, tokens = torch.randn(1, 320, 64, 64), torch.randn(1, 64 * 64, 320)
    time_of, words = torch.randn(1, 1280), torch.randn(1, 77, 768)
    return fastest(2, lambda: (resnet(cells, time_of), block(tokens, encoder_hidden_states=words)))[0]


@torch.no_grad()
def decode() -> float:
    """The last level of the autoencoder, for a quarter of the picture."""
    no_time: Any = None
    with building():
        resnet = ResnetBlock2D(in_channels=128, temb_channels=no_time)
    cells = torch.randn(1, 128, 256, 256)
    return fastest(2, lambda: resnet(cells, None))[0]
