"""VQGANs of taming-transformers, opened as diffusers' `VQModel`: the same network under other names.

Source of names and layout: github.com/CompVis/taming-transformers taming/modules/diffusionmodules/model.py (MIT).
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from diffusers import VQModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipelines.opening.damage import reason
from studio.errors import NotReady
from studio.validation import short

NORM_GROUPS = 32
"""Of every VQGAN of taming; it does not show in the weights."""
ALLOWED = "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"
"""The one class that Lightning 1 left in checkpoints, as an unused key."""
_RENAMED = (
    (r"\.down\.(\d+)\.block\.", r".down_blocks.\1.resnets."),
    (r"\.down\.(\d+)\.attn\.", r".down_blocks.\1.attentions."),
    (r"\.down\.(\d+)\.downsample\.conv\.", r".down_blocks.\1.downsamplers.0.conv."),
    (r"\.up\.(\d+)\.block\.", r".up_blocks.\1.resnets."),
    (r"\.up\.(\d+)\.attn\.", r".up_blocks.\1.attentions."),
    (r"\.up\.(\d+)\.upsample\.conv\.", r".up_blocks.\1.upsamplers.0.conv."),
    (r"\.mid\.block_1\.", ".mid_block.resnets.0."),
    (r"\.mid\.attn_1\.", ".mid_block.attentions.0."),
    (r"\.mid\.block_2\.", ".mid_block.resnets.1."),
    (r"\.nin_shortcut\.", ".conv_shortcut."),
    (r"coder\.norm_out\.", "coder.conv_norm_out."),
    (r"(attentions\.\d+)\.norm\.", r"\1.group_norm."),
    (r"(attentions\.\d+)\.([qkv])\.", r"\1.to_\2."),
    (r"(attentions\.\d+)\.proj_out\.", r"\1.to_out.0."),
)


class _Stub:
    """Replaces `ALLOWED` while a checkpoint is read."""


def open_vqgan(state: Mapping[str, Tensor], params: Mapping[str, Any]) -> VQModel:
    """A VQGAN from taming's state dict and configuration, in evaluation mode and without gradients of its weights.

    Args:
        state: with taming's keys and shapes; those that start with "loss." are not needed.
        params: model.params of its model.yaml: "ddconfig", "n_embed" and "embed_dim".

    Raises:
        ValueError: the weights do not match this configuration; the message says which.
    """
    config = diffusers_config(params)
    with torch.device("meta"):
        model: Any = VQModel.from_config(config)
    levels = len(config["block_out_channels"])
    weights = {
        diffusers_key(key, levels): value[:, :, 0, 0] if _is_attention_matrix(key, value) else value
        for key, value in state.items()
        if not key.startswith("loss.")
    }
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    for what, names in (("lacks", wanted.keys() - weights.keys()), ("has also", weights.keys() - wanted.keys())):
        if names:
            raise ValueError(f"it {what} {len(names)} weights, such as {min(names)}")
    for key, value in weights.items():
        if tuple(value.shape) != wanted[key]:
            raise ValueError(f"{key} has the shape {tuple(value.shape)}, not {wanted[key]}")
        if not bool(value.isfinite().all()):
            raise ValueError(f"{key} holds numbers that are not finite")
    model.load_state_dict({key: value.float() for key, value in weights.items()}, strict=True, assign=True)
    return model.eval().requires_grad_(False)


def diffusers_config(params: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of `VQModel` for taming's model.params; see `open_vqgan`.

    Raises:
        ValueError: it is not of a VQGAN.
    """
    network = params["ddconfig"]
    if network["double_z"]:
        raise ValueError("it is an autoencoder without codes, not a VQGAN")
    multiples, resolution = tuple(network["ch_mult"]), network["resolution"]
    attends = [resolution // 2**level in network["attn_resolutions"] for level in range(len(multiples))]
    return {
        "in_channels": network["in_channels"],
        "out_channels": network["out_ch"],
        "down_block_types": tuple("AttnDownEncoderBlock2D" if each else "DownEncoderBlock2D" for each in attends),
        "up_block_types": tuple("AttnUpDecoderBlock2D" if each else "UpDecoderBlock2D" for each in reversed(attends)),
        "block_out_channels": tuple(network["ch"] * each for each in multiples),
        "layers_per_block": network["num_res_blocks"],
        "latent_channels": network["z_channels"],
        "sample_size": resolution,
        "num_vq_embeddings": params["n_embed"],
        "norm_num_groups": NORM_GROUPS,
        "vq_embed_dim": params["embed_dim"],
    }


def diffusers_key(key: str, levels: int) -> str:
    """The name in `VQModel` for a key of taming, which counts the decoder's `levels` resolutions from the output."""
    key = re.sub(r"\.up\.(\d+)\.", lambda found: f".up.{levels - 1 - int(found[1])}.", key)
    for pattern, name in _RENAMED:
        key = re.sub(pattern, name, key)
    return key


def params_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The configuration of a state dict, derived from names and shapes.

    Raises:
        ValueError: it is not of a VQGAN of taming.
    """
    if "quantize.embed.weight" in state:
        raise ValueError("it is a VQGAN with Gumbel quantisation, which is not supported")
    try:
        channels = state["encoder.conv_in.weight"].shape[0]
        levels = 1 + max(int(found[1]) for key in state if (found := re.match(r"encoder\.down\.(\d+)\.", key)))
        blocks = 1 + max(
            int(found[1]) for key in state if (found := re.match(r"encoder\.down\.0\.block\.(\d+)\.", key))
        )
        widths = [state[f"encoder.down.{level}.block.0.conv1.weight"].shape[0] for level in range(levels)]
        resolution = 16 * 2 ** (levels - 1)
        attends = [level for level in range(levels) if f"encoder.down.{level}.attn.0.q.weight" in state]
        latents, codes = state["encoder.conv_out.weight"].shape[0], state["quantize.embedding.weight"].shape
        return {
            "ddconfig": {
                "double_z": latents != state["quant_conv.weight"].shape[1],
                "z_channels": latents,
                "resolution": resolution,
                "in_channels": state["encoder.conv_in.weight"].shape[1],
                "out_ch": state["decoder.conv_out.weight"].shape[0],
                "ch": channels,
                "ch_mult": [width // channels for width in widths],
                "num_res_blocks": blocks,
                "attn_resolutions": [resolution // 2**level for level in attends],
            },
            "n_embed": codes[0],
            "embed_dim": codes[1],
        }
    except (KeyError, ValueError) as error:
        raise ValueError("it is not a VQGAN of taming-transformers") from error


def open_file(path: Path) -> tuple[VQModel, str]:
    """A VQGAN from last.ckpt, or from its converted copy; and the first digits of its SHA-256.

    A checkpoint is read once, without executing anything in it, and then saved beside itself as .safetensors.

    Raises:
        NotReady: it cannot be opened; the message says why and what to do.
    """
    try:
        twin = path.with_suffix(".safetensors")
        if path != twin and not _is_made_of(twin, path):
            state = checkpoint_weights(path)
            model = open_vqgan(state, params_of(state))
            return model, _kept(state, twin, path)
        with safe_open(twin, "pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
        return open_vqgan(state, params_of(state)), metadata.get("source_sha256", "")[:12]
    except (OSError, RuntimeError, ValueError, SafetensorError, UnpicklingError, EOFError, zipfile.BadZipFile) as error:
        raise NotReady(
            f"{short(path)} cannot be opened ({reason(error)}). Download last.ckpt of the VQGAN again."
        ) from error


def checkpoint_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a Lightning checkpoint without "loss."; nothing in the file is executed.

    Raises:
        ValueError: it contains objects that could execute code; the message names one.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError("it is damaged, or an old pickle that could run anything")
    if strange := set(torch.serialization.get_unsafe_globals_in_checkpoint(path)) - {ALLOWED}:
        raise ValueError(f"it holds {min(strange)}, which could run anything")
    with torch.serialization.safe_globals([(_Stub, ALLOWED)]):
        content = torch.load(path, weights_only=True, mmap=True, map_location="cpu")
    state = content.get("state_dict", content) if isinstance(content, dict) else {}
    return {key: value for key, value in state.items() if not key.startswith("loss.") and isinstance(value, Tensor)}


def _is_attention_matrix(key: str, value: Tensor) -> bool:
    """Taming's attention consists of 1 x 1 convolutions."""
    return bool(re.search(r"\.attn(_1)?\.(\d+\.)?(q|k|v|proj_out)\.weight$", key)) and value.ndim == 4


def _is_made_of(twin: Path, source: Path) -> bool:
    if not twin.is_file() or not source.exists():
        return twin.is_file()
    with safe_open(twin, "pt") as file:
        same_bytes = (file.metadata() or {}).get("source_bytes") == str(source.stat().st_size)
    return same_bytes and twin.stat().st_mtime >= source.stat().st_mtime


def _kept(state: Mapping[str, Tensor], twin: Path, source: Path) -> str:
    with source.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    metadata = {"source_sha256": sha256, "source_bytes": str(source.stat().st_size), "source": source.name}
    if os.access(twin.parent, os.W_OK):
        part = twin.with_suffix(".part")
        save_file({key: value.contiguous() for key, value in state.items()}, part, metadata=metadata)
        part.replace(twin)
    return sha256[:12]
