"""A folder of diffusers as the single file that the original code would have written: other names, the same weights.

Key names: CompVis/stable-diffusion, Stability-AI/generative-models and mlfoundations/open_clip, as diffusers reads
them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

Weights = dict[str, torch.Tensor]
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
_VAE = {
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0": "mid.attn_1",
    ".group_norm.": ".norm.",
    ".to_q.": ".q.",
    ".to_k.": ".k.",
    ".to_v.": ".v.",
    ".to_out.0.": ".proj_out.",
    "conv_shortcut": "nin_shortcut",
    "conv_norm_out": "norm_out",
    ".downsamplers.0.": ".downsample.",
    ".upsamplers.0.": ".upsample.",
    ".resnets.": ".block.",
}
_OPEN_CLIP = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "encoder.layers.": "transformer.resblocks.",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.": "attn.",
    "final_layer_norm": "ln_final",
}


def save_single_file(folder: Path, file: Path, *, leave_out: str = "") -> Path:
    """
    Args:
        folder: as `tiny_diffusion` saves it.
        leave_out: prefix of keys that are not written.
    """
    weights = {f"model.diffusion_model.{name}": value for name, value in unet(_of(folder, "unet")).items()}
    weights |= {f"first_stage_model.{name}": value for name, value in vae(_of(folder, "vae")).items()}
    words = {name.removeprefix("text_model."): value for name, value in _of(folder, "text_encoder").items()}
    if (folder / "text_encoder_2").is_dir():
        weights |= {f"conditioner.embedders.0.transformer.text_model.{name}": value for name, value in words.items()}
        second = open_clip(_of(folder, "text_encoder_2"))
        weights |= {f"conditioner.embedders.1.model.{name}": value for name, value in second.items()}
    else:
        weights |= {f"cond_stage_model.transformer.text_model.{name}": value for name, value in words.items()}
    kept = {
        name: value.contiguous() for name, value in weights.items() if not leave_out or not name.startswith(leave_out)
    }
    save_file(kept, file)
    return file


def unet(weights: Mapping[str, torch.Tensor]) -> Weights:
    found: Weights = {}
    for name, value in weights.items():
        if match := re.fullmatch(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", name):
            side, level, kind, index, rest = match[1], int(match[2]), match[3], int(match[4]), match[5]
            if kind.endswith("samplers"):
                has_attention = f"up_blocks.{level}.attentions.0.norm.weight" in weights
                place, index = (0, 2) if side == "down" else (1 + has_attention, 2)
                rest = rest.replace("conv.", "op.") if side == "down" else rest
            else:
                place = int(kind == "attentions")
            number = 3 * level + index + (side == "down")
            name = f"{'input' if side == 'down' else 'output'}_blocks.{number}.{place}.{rest}"
        name = _renamed(name, _UNET)
        is_resnet = ".transformer_blocks." not in name
        found[_renamed(name, {f".{old}.": f".{new}." for old, new in _RESNET.items()}) if is_resnet else name] = value
    return found


def vae(weights: Mapping[str, torch.Tensor]) -> Weights:
    levels = 1 + max(int(each) for name in weights for each in re.findall(r"decoder\.up_blocks\.(\d)", name))
    found: Weights = {}
    for name, value in weights.items():
        name = re.sub(r"down_blocks\.", "down.", name)
        name = re.sub(r"up_blocks\.(\d)", lambda match: f"up.{levels - 1 - int(match[1])}", name)
        is_attention = ".attentions." in name and name.endswith("weight") and value.ndim == 2
        found[_renamed(name, _VAE)] = value[..., None, None] if is_attention else value
    return found


def open_clip(weights: Mapping[str, torch.Tensor]) -> Weights:
    found: Weights = {}
    for name, value in weights.items():
        name = name.removeprefix("text_model.")
        if name == "text_projection.weight":
            found["text_projection"] = value.T
        elif match := re.fullmatch(r"(encoder\.layers\.\d+\.self_attn\.)q_proj\.(weight|bias)", name):
            prefix = "text_model." if f"text_model.{name}" in weights else ""
            parts = [weights[f"{prefix}{match[1]}{each}_proj.{match[2]}"] for each in "qkv"]
            found[_renamed(f"{match[1]}in_proj_{match[2]}", _OPEN_CLIP)] = torch.cat(parts)
        elif not re.search(r"self_attn\.[kv]_proj", name):
            found[_renamed(name, _OPEN_CLIP)] = value
    return found


def _renamed(name: str, table: Mapping[str, str]) -> str:
    for old, new in table.items():
        name = name.replace(old, new)
    return name


def _of(folder: Path, part: str) -> Weights:
    return load_file(next((folder / part).glob("*.safetensors")))
