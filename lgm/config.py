"""The sizes of the networks, named as in the published configurations. Knows no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CHANNELS = 9
"""Channels of LGM's input: three of colour, six of the ray."""
PARAMETERS = 14
"""Numbers per Gaussian: position 3, opacity 1, scale 3, rotation 4 (w first), colour 3."""


@dataclass(frozen=True)
class LGMConfig:
    """LGM; the defaults are `big`. Keys and values of 3DTopia/LGM core/options.py, so that `LGMConfig(**json)` works.

    `up_channels` may be shorter than `down_channels`: every missing step halves the side of the splat's grid.
    """

    input_size: int = 256  # side of the four views, pixels
    down_channels: Sequence[int] = (64, 128, 256, 512, 1024, 1024)
    down_attention: Sequence[bool] = (False, False, False, True, True, True)
    mid_attention: bool = True
    up_channels: Sequence[int] = (1024, 1024, 512, 256, 128)
    up_attention: Sequence[bool] = (True, True, True, False, False)
    splat_size: int = 128  # one Gaussian for each pixel of a view at this side
    output_size: int = 512  # side of the pictures it was trained to render, pixels
    fovy: float = 49.1  # degrees, of all cameras
    znear: float = 0.5
    zfar: float = 2.5
    num_views: int = 8  # rendered in one step of training
    num_input_views: int = 4
    cam_radius: float = 1.5  # of all cameras from the object, world units
    num_heads: int = 16  # of every attention; the published networks have no other number

    def __post_init__(self) -> None:
        for down, attention in ((self.down_channels, self.down_attention), (self.up_channels, self.up_attention)):
            if len(down) != len(attention):
                raise ValueError(f"got {len(down)} blocks and {len(attention)} attention flags, expected as many")
        missing = len(self.down_channels) - len(self.up_channels)
        if missing < 0 or self.input_size != self.splat_size * 2**missing:
            raise ValueError(
                f"got input_size {self.input_size}, splat_size {self.splat_size}, {len(self.down_channels)} down and "
                f"{len(self.up_channels)} up blocks; expected input_size = splat_size * 2^(down - up)"
            )

    @property
    def count(self) -> int:
        """Gaussians per splat."""
        return self.num_input_views * self.splat_size**2


BIG = LGMConfig()
"""3DTopia/LGM `big`: 65,536 Gaussians, 415 M parameters; weights ashawkey/LGM model_fp16_fixrot.safetensors."""


@dataclass(frozen=True)
class MultiViewUNetConfig:
    """The multi-view diffusion network; the defaults are ImageDream's.

    Keys and values of ashawkey/imagedream-ipmv-diffusers unet/config.json, so that `MultiViewUNetConfig(**json)` works;
    without `ip_dim` in the json it is MVDream's, which sees words only: pass `ip_dim=0`, or use `from_json`.
    """

    image_size: int = 32  # side of the latents it was trained on
    in_channels: int = 4
    out_channels: int = 4
    model_channels: int = 320
    attention_resolutions: Sequence[int] = (4, 2, 1)  # how often halved, where attention stands
    num_res_blocks: int = 2
    channel_mult: Sequence[int] = (1, 2, 4, 4)
    num_head_channels: int = 64
    transformer_depth: int = 1
    context_dim: int = 1024  # width of the text tokens
    camera_dim: int = 16
    ip_dim: int = 16  # tokens made of the picture; 0: the network sees none
    ip_weight: float = 1.0
    ip_width: int = 1280  # of the picture encoder's tokens; the published networks know one encoder, CLIP ViT-H/14

    def __post_init__(self) -> None:
        if self.transformer_depth != 1:
            raise ValueError(f"got transformer_depth {self.transformer_depth}, expected 1: no published model has more")

    @classmethod
    def from_json(cls, config: dict) -> MultiViewUNetConfig:
        """From a config.json, where an absent `ip_dim` means none; keys of diffusers' own ("_class_name") are left out.

        Raises:
            TypeError: there is a key no multi-view UNet has.
        """
        known = {key: value for key, value in config.items() if not key.startswith("_") and key != "use_checkpoint"}
        return cls(**{"ip_dim": 0, **known})


IMAGEDREAM = MultiViewUNetConfig()
"""ashawkey/imagedream-ipmv-diffusers unet: 942 M parameters."""
