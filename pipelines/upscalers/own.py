"""The family of the user's own upscalers: the architectures of `spandrel` (ESRGAN, SwinIR, HAT, DAT, SPAN and more)."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError, canonicalize_state_dict
from torch import Tensor
from torch.nn.functional import interpolate

from pipelines.hub.cache import Checkpoint
from pipelines.opening.damage import opening
from pipelines.plan import Plan
from pipelines.upscalers.tiles import Enlarging, Upscaler
from studio.errors import NotReady
from studio.validation import short

SCALES = (2, 4)
REACH = 16
"""Overlap of tiles, in pixels; farther ones hardly matter."""
TILE, TILE_ON_GPU = 96, 384
"""Side of a tile, which takes a large network (23 blocks of 64 channels) a few seconds on two cores."""


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> Upscaler:
    """
    Args:
        checkpoint: a .safetensors file, or a .pth file with nothing but tensors.

    Raises:
        NotReady: it is damaged, contains more than tensors, or does not enlarge colour pictures.
    """
    path, device = checkpoint.path, plans[0].device
    with opening(short(path)):
        try:
            network = ModelLoader().load_from_state_dict(canonicalize_state_dict(_tensors(path)))
        except UnsupportedModelError as error:
            raise NotReady(f"{short(path)} is not a known kind of upscaler. Choose another file.") from error
        except pickle.UnpicklingError as error:
            message = "holds more than weights, and opening it could run malicious code: get it as .safetensors"
            raise NotReady(f"{short(path)} {message}.") from error
    if not isinstance(network, ImageModelDescriptor) or network.scale < 2 or network.input_channels != 3:
        raise NotReady(f"{short(path)} does not enlarge pictures in colour. Choose another upscaler.")
    if any(not torch.isfinite(each).all() for each in network.model.parameters()):
        raise NotReady(f"{short(path)} holds values that are not numbers: download it again.")
    is_half = device == "cuda" and network.supports_half
    network = network.eval().to(device, torch.float16 if is_half else torch.float32)
    side = TILE if device == "cpu" else TILE_ON_GPU
    return Upscaler(Enlarging(lambda rgb, scale: enlarged(network, rgb, scale), SCALES, REACH, side, device))


def enlarged(network: ImageModelDescriptor[Any], rgb: Tensor, scale: int) -> Tensor:
    """[1, 3, H, W] -> [1, 3, scale * H, scale * W]: as many passes as needed, then reduced to size."""
    large, wanted = rgb.to(network.dtype), (scale * rgb.shape[-2], scale * rgb.shape[-1])
    while large.shape[-1] < wanted[-1]:
        large = network(large)
    large = large.float()
    return large if large.shape[-2:] == wanted else interpolate(large, wanted, mode="bicubic", antialias=True)


def _tensors(path: Path) -> dict[str, Any]:
    if path.suffix.lower() == ".safetensors":
        return {**load_file(path)}
    return torch.load(path, map_location="cpu", weights_only=True)
