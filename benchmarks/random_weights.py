"""Writes the large models with random weights, in the layouts of the Hub and the sizes of the published configurations.

Nothing is computed: one block of random numbers is written repeatedly, so that even a model with 4 billion parameters
is limited only by the disk.
"""

from __future__ import annotations

import json
import math
import shutil
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2Transformer2DModel,
    FluxTransformer2DModel,
    UNet2DConditionModel,
)
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModel,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5EncoderModel,
)

from lgm.config import BIG, IMAGEDREAM
from lgm.model import LGM
from lgm.multiview_unet import MultiViewUNet
from pipelines.families.sam import build, published_config
from pipelines.opening.single_file import clip_tokenizer
from pipelines.own_checkpoints import CONFIGS
from tests.pipelines.tiny import t5_tokenizer
from tests.pipelines.tiny_views import INDEX
from toybox.klein.tokenizer import build_tokenizer
from toybox.wordings import every_word

BLOCK = 2**22
"""Size of the block in numbers."""
SPREAD = 0.02
"""Standard deviation of a normal distribution around 0, a common initialisation."""
NAMES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32"}
"""Names in a safetensors header."""
PARAMETERS, ENCODER = "diffusion_pytorch_model", "model"
CLIP_H: dict[str, Any] = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 16,
    "patch_size": 14,
    "image_size": 224,
    "projection_dim": 1024,
    "hidden_act": "gelu",
}
"""Source: laion/CLIP-ViT-H-14-laion2B-s32B-b79K config.json."""
CLIP_TEXT_H: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "hidden_act": "gelu",
}
"""Source: stabilityai/stable-diffusion-2-1 text_encoder/config.json."""
CLIP_TEXT_L: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
}
KLEIN: dict[str, Any] = {
    "in_channels": 128,
    "num_layers": 5,
    "num_single_layers": 20,
    "attention_head_dim": 128,
    "num_attention_heads": 24,
    "joint_attention_dim": 7680,
    "axes_dims_rope": (32, 32, 32, 32),
    "guidance_embeds": False,
}
QWEN_4B: dict[str, Any] = {
    "vocab_size": 151936,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": True,
}
"""Source: black-forest-labs/FLUX.2-klein-4B transformer/config.json and text_encoder/config.json."""
T5_XXL: dict[str, Any] = {
    "vocab_size": 32128,
    "d_model": 4096,
    "d_ff": 10240,
    "d_kv": 64,
    "num_layers": 24,
    "num_heads": 64,
    "feed_forward_proj": "gated-gelu",
}
FLUX1_VAE: dict[str, Any] = {
    "latent_channels": 16,
    "scaling_factor": 0.3611,
    "shift_factor": 0.1159,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
    "sample_size": 1024,
}
SD_VAE: dict[str, Any] = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
}
"""Source: black-forest-labs/FLUX.1-schnell and runwayml's vae/config.json."""


def write_random(path: Path, shapes: Mapping[str, Sequence[int]], dtype: torch.dtype = torch.float16) -> None:
    """Write a safetensors file with these tensors; variances are ones.

    Source: https://huggingface.co/docs/safetensors, "Format".
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    size, end = dtype.itemsize, 0
    for key, shape in shapes.items():
        begin, end = end, end + size * math.prod(shape)
        header[key] = {"dtype": NAMES[dtype], "shape": list(shape), "data_offsets": [begin, end]}
    said = json.dumps(header).encode()
    said += b" " * (-len(said) % 8)
    numbers = (torch.randn(BLOCK, generator=torch.Generator().manual_seed(0)) * SPREAD).to(dtype)
    block, ones = _bytes(numbers), _bytes(torch.ones(BLOCK, dtype=dtype))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(said)) + said)
        for key, shape in shapes.items():
            left = size * math.prod(shape)
            source = ones if key.endswith("running_var") else block
            while left > 0:
                left -= file.write(source[:left])


def shapes_of(build: Callable[[], nn.Module], prefix: str = "") -> dict[str, tuple[int, ...]]:
    """The shapes of the network's state; it is built on the meta device."""
    with torch.device("meta"):
        network = build()
    return {
        prefix + key: tuple(value.shape) for key, value in network.state_dict().items() if value.is_floating_point()
    }


def part(folder: Path, build: Callable[[], Any], dtype: torch.dtype, *, stem: str, prefix: str = "") -> None:
    """Write one component of a pipeline: its configuration and its weights."""
    with torch.device("meta"):
        network = build()
    folder.mkdir(parents=True, exist_ok=True)
    config = network.config
    if hasattr(config, "to_json_file"):
        config.to_json_file(folder / "config.json")
    else:
        network.save_config(folder)
    write_random(folder / f"{stem}.safetensors", shapes_of(build, prefix), dtype)


def stable_diffusion(folder: Path, like: str, **unet: Any) -> None:
    """
    Args:
        like: "sd-1.5" or "sdxl": a folder of `pipelines/configs`.
        unet: what is different in the configuration of the UNet.
    """
    shutil.copytree(CONFIGS / like, folder, dirs_exist_ok=True)
    half = torch.float16
    for each in sorted(folder.iterdir()):
        if not (each / "config.json").is_file():
            continue
        config = json.loads((each / "config.json").read_text()) | (unet if each.name == "unet" else {})
        (each / "config.json").write_text(json.dumps(config))
        if each.name in ("unet", "vae"):
            kind: Any = UNet2DConditionModel if each.name == "unet" else AutoencoderKL
            shapes = shapes_of(lambda kind=kind, config=config: kind.from_config(config))
            write_random(each / f"{PARAMETERS}.fp16.safetensors", shapes, half)
        else:
            encoder: Any = CLIPTextModelWithProjection if each.name == "text_encoder_2" else CLIPTextModel
            prefix = "" if encoder is CLIPTextModelWithProjection else "text_model."
            shapes = shapes_of(lambda k=encoder, c=config: k(CLIPTextConfig(**c)), prefix)
            write_random(each / f"{ENCODER}.fp16.safetensors", shapes, half)
    clip_tokenizer().save_pretrained(folder / "tokenizer")
    if like == "sdxl":
        clip_tokenizer(pad_token="!").save_pretrained(folder / "tokenizer_2")


def klein(folder: Path) -> None:
    """FLUX.2 klein 4B, 16 GB."""
    half, tokenizer = torch.bfloat16, build_tokenizer(every_word())
    part(folder / "transformer", lambda: Flux2Transformer2DModel(**KLEIN), half, stem=PARAMETERS)
    part(folder / "vae", AutoencoderKLFlux2, half, stem=PARAMETERS)
    part(folder / "text_encoder", lambda: Qwen3ForCausalLM(Qwen3Config(**QWEN_4B)), half, stem=ENCODER)
    tokenizer.save_pretrained(folder / "tokenizer")
    FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "Flux2KleinPipeline",
        "is_distilled": True,
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "Qwen3ForCausalLM"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "transformer": ["diffusers", "Flux2Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLFlux2"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))


def flux1(folder: Path, *, guided: bool) -> None:
    """FLUX.1 schnell, or dev with guidance, 34 GB; its tokenizers know only letters."""
    half = torch.bfloat16
    part(folder / "transformer", lambda: FluxTransformer2DModel(guidance_embeds=guided), half, stem=PARAMETERS)
    part(folder / "vae", lambda: AutoencoderKL(**SD_VAE | FLUX1_VAE), half, stem=PARAMETERS)
    clip = CLIPTextConfig(**CLIP_TEXT_L)
    part(folder / "text_encoder", lambda: CLIPTextModel(clip), half, stem=ENCODER, prefix="text_model.")
    part(folder / "text_encoder_2", lambda: T5EncoderModel(T5Config(**T5_XXL)), half, stem=ENCODER)
    clip_tokenizer().save_pretrained(folder / "tokenizer")
    t5_tokenizer().save_pretrained(folder / "tokenizer_2")
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0 if guided else 1.0, use_dynamic_shifting=guided)
    scheduler.save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "FluxPipeline",
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "tokenizer_2": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "FluxTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))


def sam_large(folder: Path) -> None:
    """SAM 2.1 large, as the published .pt file; its weights have the package's random initial values."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model": build(published_config("l")).state_dict()}, folder / "sam2.1_hiera_large.pt")


def imagedream(folder: Path) -> None:
    """ImageDream, 4 GB: float16 with the keys of the published files."""
    half = torch.float16
    write_random(folder / "unet" / f"{PARAMETERS}.safetensors", shapes_of(lambda: MultiViewUNet(IMAGEDREAM)), half)
    settings = {"_class_name": "MultiViewUNetModel", "ip_dim": IMAGEDREAM.ip_dim}
    (folder / "unet" / "config.json").write_text(json.dumps(settings))
    part(folder / "vae", lambda: AutoencoderKL(**SD_VAE, scaling_factor=0.18215), half, stem=PARAMETERS)
    vision, text = CLIPVisionConfig(**CLIP_H), CLIPTextConfig(**CLIP_TEXT_H)
    part(folder / "image_encoder", lambda: CLIPVisionModel(vision), half, stem=ENCODER, prefix="vision_model.")
    part(folder / "text_encoder", lambda: CLIPTextModel(text), half, stem=ENCODER, prefix="text_model.")
    clip_tokenizer(pad_token="!").save_pretrained(folder / "tokenizer")
    (folder / "feature_extractor").mkdir()
    processor = {"do_resize": True, "size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}
    kinds = {"feature_extractor_type": "CLIPFeatureExtractor", "image_processor_type": "CLIPImageProcessor"}
    (folder / "feature_extractor" / "preprocessor_config.json").write_text(json.dumps({**processor, **kinds}))
    betas: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    DDIMScheduler(**betas, clip_sample=False, set_alpha_to_one=False, steps_offset=1).save_pretrained(
        folder / "scheduler"
    )
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "MVDreamPipeline", **INDEX}))


def lgm(folder: Path) -> None:
    """LGM "big", 0.8 GB."""
    write_random(folder / "model_fp16_fixrot.safetensors", shapes_of(lambda: LGM(BIG)), torch.float16)


def _bytes(numbers: torch.Tensor) -> memoryview:
    return memoryview(numbers.view(torch.uint8).numpy().data)
