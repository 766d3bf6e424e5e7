"""IP-Adapter: a picture as part of the prompt. Adds it to an opened Stable Diffusion; knows no requests.

Its weights are two files: the adapter (`image_proj.*`, `ip_adapter.*`) and a CLIP that encodes the picture.
Source: https://huggingface.co/h94/IP-Adapter and diffusers 0.42.1, loaders/ip_adapter.py.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

from pipelines.checkpoint_kinds import Shapes, read_header

_HEAD = 80
"""Width of a head of its CLIP, ViT-H/14. Source: models/image_encoder/config.json there."""


_PLACES = "vision_model.embeddings.position_ids"
"""A buffer that older versions of transformers saved."""


def open_encoder(file: Path, device: str, dtype: torch.dtype) -> CLIPVisionModelWithProjection:
    """The CLIP with these weights.

    Raises:
        KeyError, RuntimeError: they are of another network.
    """
    with torch.device("meta"):
        encoder = _empty(read_header(file))
    weights = {name: each.to(dtype) for name, each in load_file(file, device=device).items() if name != _PLACES}
    encoder.load_state_dict(weights, assign=True)
    embeddings = encoder.vision_model.embeddings
    places = torch.arange(embeddings.num_positions, device=device)[None]
    embeddings.register_buffer("position_ids", places, persistent=False)
    return encoder.eval()


def _empty(shapes: Shapes) -> CLIPVisionModelWithProjection:
    """A CLIP of the weights' size."""
    width, _, patch, _ = shapes["vision_model.embeddings.patch_embedding.weight"]
    places, _ = shapes["vision_model.embeddings.position_embedding.weight"]
    inner, _ = shapes["vision_model.encoder.layers.0.mlp.fc1.weight"]
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=inner,
        projection_dim=shapes["visual_projection.weight"][0],
        num_hidden_layers=sum(name.endswith(".mlp.fc1.weight") for name in shapes),
        num_attention_heads=max(1, width // _HEAD),
        image_size=math.isqrt(places - 1) * patch,
        patch_size=patch,
        hidden_act="gelu",
    )
    return CLIPVisionModelWithProjection(config)


def put_on(pipeline: Any, file: Path) -> None:
    """Add an adapter to the UNet of a pipeline that already has the CLIP.

    Raises:
        ValueError, KeyError, RuntimeError: it is not an adapter, or for another network.
    """
    side = pipeline.image_encoder.config.image_size
    pipeline.register_modules(feature_extractor=CLIPImageProcessor(size=side, crop_size=side))
    parts: dict[str, dict[str, Any]] = {"image_proj": {}, "ip_adapter": {}}
    for name, value in load_file(file).items():
        part, _, rest = name.partition(".")
        if part not in parts:
            raise ValueError(f"{file.name} is no IP-Adapter: it has {name[:60]}")
        parts[part][rest] = value
    if not all(parts.values()):
        raise ValueError(f"{file.name} is no IP-Adapter")
    pipeline.load_ip_adapter(parts, subfolder="", weight_name=file.name, image_encoder_folder=None)
