"""Identifies a weight file by the names and shapes of its tensors: reads only its header, unpickles nothing.

diffusers takes every unknown file for Stable Diffusion 1.5, so this comes first. Key names and their meaning are as in
diffusers 0.42.1, loaders/single_file_utils.py, `infer_diffusers_model_type`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

UNET = "model.diffusion_model."
INPAINTING = 9
"""Input channels of an inpainting UNet: the latents, the mask, and the latents of the surroundings."""
MAX_HEADER_BYTES = 100_000_000
"""safetensors' own limit."""
_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}
Shapes = Mapping[str, tuple[int, ...]]


class Kind(NamedTuple):
    """What was recognised."""

    name: str  # "Stable Diffusion 1.5", for people
    like: str = ""  # id of the model that it is opened like; "": not supported
    part: str = ""  # its only component; "": it is complete
    v_prediction: bool = False
    inpaints: bool = False  # its UNet needs a mask


def read_header(path: Path) -> Shapes:
    """Name and shape of every tensor of a safetensors file.

    Raises:
        ValueError: invalid or incomplete; the message is the end of a sentence about the file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(64)
        if other := not_weights(start):
            raise ValueError(other)
        begin = start[:8]
        file.seek(8)
        length = int.from_bytes(begin, "little")
        if is_pickle(begin) and length > size:
            raise ValueError("is pickled, and opening it could run malicious code: get it as .safetensors")
        if len(begin) < 8 or not 2 <= length <= min(size - 8, MAX_HEADER_BYTES):
            raise ValueError("is not a safetensors file, or was cut off: download it again")
        try:
            header = json.loads(file.read(length))
            tensors = {name: each for name, each in header.items() if name != "__metadata__"}
            end = max((each["data_offsets"][1] for each in tensors.values()), default=0)
            shapes = {name: tuple(map(int, each["shape"])) for name, each in tensors.items()}
            are_whole = all(_fits(each) for each in tensors.values())
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            raise ValueError("is not a safetensors file, or is damaged: download it again") from None
    if not tensors or not are_whole:
        raise ValueError("is damaged: download it again")
    if 8 + length + end > size:
        raise ValueError(f"was cut off: {size:,} of {8 + length + end:,} bytes are here; download it again")
    return shapes


def not_weights(start: bytes) -> str:
    """What a file is that is not weights, as the end of a sentence about it; "" if it may be weights.

    Args:
        start: its first 64 bytes.
    """
    text = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")):
        return "is not a safetensors file but a web page, as a proxy or a sign-in answers: download it again"
    if text.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the weights: run git lfs pull where it came from, or download it again"
    return ""


def is_pickle(start: bytes) -> bool:
    """Whether a file that starts like this looks pickled; so can the length of a safetensors header."""
    return start[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def _fits(tensor: dict[str, Any]) -> bool:
    """Whether a tensor has as many bytes as its shape takes."""
    begin, end = tensor["data_offsets"]
    return end - begin == prod(tensor["shape"]) * _BYTES.get(tensor["dtype"], 1)


def kind_of(shapes: Shapes) -> Kind:
    """The kind of a file with these tensors; unknown ones get a name that says so."""
    of_no_use = _no_model(shapes)
    if of_no_use:
        return Kind(of_no_use)
    bare = {name.removeprefix(UNET): shape for name, shape in shapes.items()}
    return _flux(bare) or _other(shapes, bare) or _stable_diffusion(shapes) or _by_diffusers(shapes) or Kind("")


def _no_model(shapes: Shapes) -> str:
    """The name of files that draw nothing by themselves, or are not supported."""
    has = shapes.__contains__
    if any(".lora_" in name or name.startswith("lora_") or ".lokr_" in name or ".hada_" in name for name in shapes):
        return "a LoRA"
    if has("quantize.embedding.weight"):
        return "a VQGAN"
    if has("control_model.time_embed.0.weight") or has("controlnet_cond_embedding.conv_in.weight"):
        return "a ControlNet"
    if any(name.endswith((".scale_weight", ".weight_scale", ".absmax", ".quant_map")) for name in shapes):
        return "a model in 4 or 8 bits with scales"
    if has("encoder.conv_in.weight") and has("decoder.conv_in.weight"):
        return "an autoencoder (VAE)"
    return ""


def _flux(bare: Shapes) -> Kind | None:
    """FLUX in its makers' names, with or without a UNet's prefix."""
    if "distilled_guidance_layer.in_proj.bias" in bare:
        return Kind("Chroma")
    if "early_stream_modulations.image.lin.weight" in bare:
        return Kind("FLUX.3")
    if shape := bare.get("single_stream_modulation.lin.weight", bare.get("single_stream_modulation.linear.weight")):
        is_klein = shape[-1] == 3072
        return Kind("FLUX.2 klein 4B", "flux2-klein-4b", "transformer") if is_klein else Kind("FLUX.2 dev or klein 9B")
    by_diffusers = "single_transformer_blocks.0.attn.to_q.weight" in bare and "context_embedder.weight" in bare
    if "double_blocks.0.img_attn.norm.key_norm.scale" not in bare and not by_diffusers:
        return None
    columns = bare.get("img_in.weight", bare.get("x_embedder.weight", (0, 0)))[-1]
    if columns in (128, 384):
        return Kind("FLUX.1 Fill" if columns == 384 else "FLUX.1 Canny or Depth")
    guided = any(name.startswith(("guidance_in.", "time_text_embed.guidance_embedder.")) for name in bare)
    if guided:
        return Kind("FLUX.1 dev", "flux1-dev", "transformer")
    return Kind("FLUX.1 schnell", "flux1-schnell", "transformer")


def _other(shapes: Shapes, bare: Shapes) -> Kind | None:
    if "edm_mean" in shapes:
        return Kind("Playground 2.5")
    if any(name.startswith("joint_blocks.") for name in bare):
        return Kind("SD 3 or 3.5")
    if "conditioner.embedders.0.model.transformer.resblocks.9.mlp.c_proj.bias" in shapes:
        return Kind("the SDXL refiner")
    return None


def _stable_diffusion(shapes: Shapes) -> Kind | None:
    """In the names of the original code."""
    first = shapes.get(f"{UNET}input_blocks.0.0.weight")
    if first is None:
        return None
    channels = first[1] if len(first) == 4 else 0
    columns = shapes.get(f"{UNET}input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight", (0,))[-1]
    is_xl = f"{UNET}label_emb.0.0.weight" in shapes
    name = "SDXL" if is_xl else {768: "Stable Diffusion 1.5", 1024: "Stable Diffusion 2"}.get(columns, "")
    like = {"SDXL": "sdxl", "Stable Diffusion 1.5": "sd-1.5"}.get(name, "")
    words = ("conditioner.embedders.1.model.",) if is_xl else ("cond_stage_model.transformer.",)
    is_whole = all(_has(shapes, prefix) for prefix in (*words, "first_stage_model.decoder."))
    if channels in (8, INPAINTING):
        purpose = f"{name} for {'inpainting' if channels == INPAINTING else 'instructions (pix2pix)'}".strip()
        return Kind(purpose, like, inpaints=True) if channels == INPAINTING and is_whole and like else Kind(purpose)
    return Kind(name, like, "" if is_whole else "unet", v_prediction="v_pred" in shapes)


def _by_diffusers(shapes: Shapes) -> Kind | None:
    """A UNet alone, in the names of diffusers."""
    if shapes.get("conv_in.weight", (0, 0))[1] != 4 or "down_blocks.0.resnets.0.conv1.weight" not in shapes:
        return None
    deciding = ("down_blocks.0.attentions.0", "down_blocks.1.attentions.0")
    columns = [shapes.get(f"{each}.transformer_blocks.0.attn2.to_k.weight", (0,))[-1] for each in deciding]
    if columns[0] == 768:
        return Kind("Stable Diffusion 1.5", "sd-1.5", "unet")
    return Kind("SDXL", "sdxl", "unet") if columns == [0, 2048] else Kind("Stable Diffusion 2" * (1024 in columns))


def _has(shapes: Shapes, prefix: str) -> bool:
    return any(name.startswith(prefix) for name in shapes)
