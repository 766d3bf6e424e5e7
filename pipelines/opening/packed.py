"""Quantized weights, as a plan says: cast by diffusers, packed by bitsandbytes, or read from GGUF.

Only the network, and text encoders larger than CLIP's, are quantized. No plan needs a package that is not installed:
see `installed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.hooks import apply_layerwise_casting
from diffusers.hooks.layerwise_casting import apply_layerwise_casting_hook

from pipelines.plan import BITSANDBYTES, Plan, Precision

KEPT_WHOLE = ("embed", "time_", "norm_out", "^shared$", *(f"^{name}$" for name in ("proj_out", "conv_in", "conv_out")))
"""Small but critical layers, in diffusers' notation for layer paths."""


def pack(pipeline: Any, network: str, plan: Plan) -> None:
    """Quantize the weights of an opened pipeline as planned; it is in main memory before and after.

    Beside a GGUF network, this only concerns the text encoders, as fp8.
    """
    if plan.precision == Precision.FULL:
        return
    kinds = {name: type(part).__name__ for name, part in pipeline.components.items()}
    text = [name for name, kind in kinds.items() if name.startswith("text_encoder") and not kind.startswith("CLIP")]
    for name in text if plan.precision.is_file else [network, *text]:
        module, work = getattr(pipeline, name), getattr(torch, plan.dtype if name == network else plan.other_dtype)
        if plan.precision in BITSANDBYTES:
            _by_bitsandbytes(module, work, is_4=plan.precision == Precision.NF4)
            module.to(plan.device).to("cpu")  # quantized on the way, layer by layer, faster on a GPU
        else:
            _cast(module, work)


def _cast(module: torch.nn.Module, work: torch.dtype) -> None:
    """To fp8; each layer is cast back as it is used."""
    # T5 casts its input to the dtype of a block's last layer, so such a block is cast back as a whole.
    whole = [(name, part) for name, part in module.named_modules() if name.endswith(".DenseReluDense")]
    skipped = (*KEPT_WHOLE, *(re.escape(name) for name, _ in whole))
    apply_layerwise_casting(module, torch.float8_e4m3fn, work, skip_modules_pattern=skipped)
    for _, part in whole:
        apply_layerwise_casting_hook(part, torch.float8_e4m3fn, work, non_blocking=False)


def _by_bitsandbytes(module: torch.nn.Module, work: torch.dtype, *, is_4: bool) -> None:
    """Replace linear layers by ones that quantize their weights when they are moved.

    Not with diffusers' own configuration, which requires a GPU.
    """
    layers: Any = import_module("bitsandbytes").nn
    for path, linear in [*module.named_modules()]:
        if type(linear) is not torch.nn.Linear or any(re.search(mark, path) for mark in KEPT_WHOLE):
            continue
        shape, has_bias = (linear.in_features, linear.out_features), linear.bias is not None
        # T5 casts its input to this layer's dtype, unless that is int8.
        if is_4 and not path.endswith(".wo"):
            packed = layers.Linear4bit(*shape, bias=has_bias, compute_dtype=work, quant_type="nf4", device="meta")
            packed.weight = layers.Params4bit(linear.weight.data, requires_grad=False, quant_type="nf4")
        else:
            packed = layers.Linear8bitLt(*shape, bias=has_bias, has_fp16_weights=False, threshold=6.0, device="meta")
            packed.weight = layers.Int8Params(linear.weight.data, requires_grad=False, has_fp16_weights=False)
        packed.bias = linear.bias
        parent, _, name = path.rpartition(".")
        setattr(module.get_submodule(parent), name, packed)


def read_gguf(kind: Any, file: Path, folder: Path, name: str, dtype: torch.dtype) -> torch.nn.Module:
    """A network from a GGUF file in its makers' layout, in main memory.

    Raises:
        RuntimeError, ValueError, KeyError: it is of another network.
        ImportError: the package gguf is not installed.
    """
    if find_spec("gguf") is None:
        raise ImportError(f"{file.name} is a GGUF file: run make extras, which installs what reads it")
    return kind.from_single_file(
        str(file),
        config=str(folder),
        subfolder=name,
        quantization_config=diffusers.GGUFQuantizationConfig(compute_dtype=dtype),
        dtype=dtype,
        local_files_only=True,
    )


@contextmanager
def seen_as(dtype: torch.dtype, *modules: torch.nn.Module) -> Iterator[None]:
    """Weights stored as fp8 appear to have another dtype while the block runs; nothing computes with them.

    Layers added meanwhile, such as a LoRA, take that dtype, as fp8 cannot be computed with.
    """
    weights = [weight for module in modules for weight in module.parameters()]
    kept = {weight: weight.data for weight in weights if weight.dtype == torch.float8_e4m3fn}
    try:
        for weight, data in kept.items():
            weight.data = torch.empty(1, dtype=dtype, device=data.device).expand(data.shape)
        yield
    finally:
        for weight, data in kept.items():
            weight.data = data
