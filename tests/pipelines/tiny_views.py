"""Small parts of ImageDream's classes, with weights by the reference's rule; and a folder as the Hub keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModel,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

from lgm.config import MultiViewUNetConfig
from lgm.multiview_unet import MultiViewUNet
from pipelines.families.imagedream import Parts, text_tokens
from tests.lgm.reference import arrays, facts, filled

LOOP = facts("pipeline_loop")
INDEX = {
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
    "image_encoder": ["transformers", "CLIPVisionModel"],
    "requires_safety_checker": False,
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["mv_unet", "MultiViewUNetModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
"""Of ashawkey/imagedream-ipmv-diffusers. Source: imagedream_pipeline_facts.json of the reference data."""


def reference_parts() -> Parts:
    """Those of the fixture `pipeline_loop`."""
    components, tags = LOOP["components"], LOOP["weight_tags"]
    processor: dict[str, Any] = {key: components["feature_extractor"][key] for key in ("size", "crop_size")}
    unet = MultiViewUNet(MultiViewUNetConfig.from_json(components["unet"]))
    vae = AutoencoderKL(**components["vae"])
    scheduler = {key: value for key, value in components["scheduler"].items() if key != "cls"}
    text = CLIPTextModel(CLIPTextConfig(**components["text_encoder"]))
    image = CLIPVisionModel(CLIPVisionConfig(**components["image_encoder"]))
    with torch.inference_mode():
        filled(text, tags["text_encoder"], "text_model.")
        words = text_tokens(text, arrays("pipeline_loop")["input_ids"])
    return Parts(
        filled(unet, tags["unet"]),
        filled(vae, tags["vae"]),
        filled(image, tags["image_encoder"], "vision_model."),
        CLIPImageProcessorPil(**processor),
        DDIMScheduler(**scheduler),
        words,
    )


def save_imagedream(folder: Path) -> Path:
    """A tiny random model in the layout of ashawkey/imagedream-ipmv-diffusers, keys of CLIP with their prefixes."""
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "image_size": 8,
        "model_channels": 32,
        "channel_mult": [1, 2],
        "attention_resolutions": [1],
        "num_res_blocks": 1,
        "num_head_channels": 16,
        "context_dim": 32,
        "ip_dim": 4,
        "ip_width": 32,
    }
    unet = MultiViewUNet(MultiViewUNetConfig.from_json(settings))
    _save(
        folder / "unet", unet.state_dict(), {"_class_name": "MultiViewUNetModel", **settings}, "diffusion_pytorch_model"
    )
    AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[8, 8],
        norm_num_groups=4,
        layers_per_block=1,
        scaling_factor=0.18215,
    ).save_pretrained(folder / "vae")
    sizes: Any = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 4}
    vocabulary = _save_tokenizer(folder / "tokenizer")
    ids = {"vocab_size": vocabulary, "bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1, "pad_token_id": 0}
    text = CLIPTextModel(CLIPTextConfig(max_position_embeddings=77, **ids, **sizes))
    image = CLIPVisionModel(CLIPVisionConfig(image_size=28, patch_size=14, **sizes))
    for name, encoder, prefix in (("text_encoder", text, "text_model."), ("image_encoder", image, "vision_model.")):
        weights = {prefix + key: value for key, value in encoder.state_dict().items() if value.is_floating_point()}
        _save(folder / name, weights, encoder.config.to_dict(), "model")
    processor = {"do_resize": True, "size": {"shortest_edge": 28}, "crop_size": {"height": 28, "width": 28}}
    kinds = {"feature_extractor_type": "CLIPFeatureExtractor", "image_processor_type": "CLIPImageProcessor"}
    (folder / "feature_extractor").mkdir()
    (folder / "feature_extractor" / "preprocessor_config.json").write_text(
        json.dumps({**processor, **kinds, "use_square_size": False})
    )
    DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    ).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "MVDreamPipeline", **INDEX}))
    return folder


def picture(side: int = 64) -> Image.Image:
    """A disc with a gradient before white."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    shade = np.stack([x + 0.5, y + 0.5, 0 * x], axis=-1)
    return Image.fromarray((255 * np.where((x**2 + y**2 < 0.16)[..., None], shade, 1)).astype(np.uint8))


def _save(folder: Path, weights: dict[str, Tensor], config: dict[str, Any], name: str) -> None:
    folder.mkdir(parents=True)
    save_file(
        {key: value.contiguous() for key, value in weights.items()}, folder / f"{name}.safetensors", {"format": "pt"}
    )
    (folder / "config.json").write_text(json.dumps(config))


def _save_tokenizer(folder: Path) -> int:
    """In the files of the published one: every byte a token, "!" the first and the padding; the number of tokens."""
    folder.mkdir(parents=True)
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "pad_token": "!",
        "unk_token": "<|endoftext|>",
    }
    for name, content in (
        ("vocab.json", {token: number for number, token in enumerate(tokens)}),
        ("tokenizer_config.json", {**settings, "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}),
        ("special_tokens_map.json", {"pad_token": "!"}),
    ):
        (folder / name).write_text(json.dumps(content))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return len(tokens)
