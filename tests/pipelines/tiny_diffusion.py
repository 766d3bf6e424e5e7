"""Tiny random checkpoints of Stable Diffusion's families, saved as the Hub keeps the large ones.

As many levels and layers as the large ones have, so that every key name of theirs exists.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tests.pipelines.tiny import clip_tokenizer

BETAS: Any = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1}


def save_sd15(
    folder: Path, *, channels: int = 4, variant: str | None = None, distilled: bool = False, words: int = 16
) -> Path:
    """
    Args:
        channels: 9 for a UNet that fills a mask.
        distilled: takes guidance as a number, as LCM does.
        words: width of the text encoder; 768 is the real one's.
    """
    torch.manual_seed(0)
    pipeline = StableDiffusionPipeline(
        scheduler=PNDMScheduler(**BETAS, skip_prk_steps=True, set_alpha_to_one=False),
        vae=_vae(scaling_factor=0.18215),
        text_encoder=CLIPTextModel(_text(words, 2, "quick_gelu", 16)),
        tokenizer=clip_tokenizer(),
        unet=UNet2DConditionModel(
            sample_size=8,
            in_channels=channels,
            layers_per_block=2,
            block_out_channels=(8, 16, 16, 16),
            down_block_types=(*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
            up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
            cross_attention_dim=words,
            attention_head_dim=2,
            norm_num_groups=4,
            time_cond_proj_dim=8 if distilled else None,
        ),
        safety_checker=None,  # pyright: ignore[reportArgumentType]
        feature_extractor=None,  # pyright: ignore[reportArgumentType]
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, variant=variant)
    return folder


def save_sdxl(folder: Path, *, channels: int = 4, variant: str | None = None) -> Path:
    """Encoders of two widths and ten layers in the second: else one cannot be told from the other in a single file."""
    torch.manual_seed(0)
    pipeline = StableDiffusionXLPipeline(
        scheduler=EulerDiscreteScheduler(**BETAS, timestep_spacing="leading"),
        vae=_vae(scaling_factor=0.13025, force_upcast=True),
        text_encoder=CLIPTextModel(_text(16, 2, "quick_gelu", 16)),
        text_encoder_2=CLIPTextModelWithProjection(_text(24, 10, "gelu", 20)),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(pad_token="!"),
        unet=UNet2DConditionModel(
            sample_size=8,
            in_channels=channels,
            layers_per_block=2,
            block_out_channels=(8, 16, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 1, 2),
            attention_head_dim=(1, 2, 2),
            cross_attention_dim=40,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=68,
            norm_num_groups=4,
        ),
        force_zeros_for_empty_prompt=True,
    )
    pipeline.save_pretrained(folder, variant=variant)
    return folder


def _vae(**settings: Any) -> AutoencoderKL:
    return AutoencoderKL(
        latent_channels=4,
        block_out_channels=(4, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        norm_num_groups=4,
        sample_size=64,
        **settings,
    )


def _text(width: int, layers: int, activation: str, projection: int) -> CLIPTextConfig:
    tokenizer = clip_tokenizer()
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=77,
        hidden_act=activation,
        projection_dim=projection,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
