"""How networks run fastest on this CPU: measured once per processor and PyTorch, and stored beside the downloads."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.autoencoders.vae import Decoder

from pipelines.hub.cache import Checkpoint
from pipelines.machine import processor_name
from pipelines.opening.building import building
from pipelines.plan import Dtype, Plan

SMALL_BYTES = 200_000_000
"""Smaller weights are left as they are, so that bundled models draw the same on every machine."""
GAIN = 0.9
"""Less than a tenth faster is not worth different rounding."""


class CpuWay(NamedTuple):
    dtype: Dtype = "float32"
    channels_last: bool = False  # an autoencoder's memory layout


class Seconds(NamedTuple):
    """Of parts of a diffusion model in float32 and bfloat16; in the faster one, of an autoencoder in both layouts."""

    float32: float
    bfloat16: float
    plain: float
    channels_last: float

    @property
    def way(self) -> CpuWay:
        return CpuWay(_quicker(self.float32, self.bfloat16), self.channels_last < GAIN * self.plain)


def suited(plans: Sequence[Plan], checkpoint: Checkpoint, folder: Path) -> tuple[Plan, ...]:
    """The plans, adapted to this CPU if the weights are large enough for it to matter.

    Args:
        folder: where measurements are stored.
    """
    path = checkpoint.path
    files = [path] if path.is_file() else [*path.glob("*/*.safetensors"), *checkpoint.parts.values()]
    if all(plan.device != "cpu" for plan in plans) or sum(file.stat().st_size for file in files) < SMALL_BYTES:
        return tuple(plans)
    way = known(folder)
    share = 0.5 if way.dtype == "bfloat16" else 1.0
    changes: dict[str, Any] = {"dtype": way.dtype, "other_dtype": way.dtype, "channels_last": way.channels_last}
    return tuple(
        replace(plan, ram_gb=share * plan.ram_gb, **changes) if plan.device == "cpu" else plan for plan in plans
    )


def known(folder: Path, *, side: int = 16) -> CpuWay:
    """The measurement, made within a second if needed.

    Args:
        side: of the measured latent.
    """
    file, machine = folder / "diorama-cpu.json", f"{processor_name()}, PyTorch {torch.__version__}"
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(file.read_text(encoding="utf-8"))
        if said["machine"] == machine and said["dtype"] in get_args(Dtype):
            return CpuWay(said["dtype"], bool(said["channels_last"]))
    way = measured(side).way
    with suppress(OSError):  # measured again next time
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"machine": machine, **way._asdict()}), encoding="utf-8")
    return way


@torch.no_grad()
def measured(side: int = 16) -> Seconds:
    """With random weights, at about the widths of Stable Diffusion 1.5."""
    with building():
        block = BasicTransformerBlock(320, 8, 40, cross_attention_dim=768).eval()
        decoder = Decoder(4, 3, ("UpDecoderBlock2D",) * 2, (64, 128), 1).eval()
    tokens, words, latents = torch.randn(1, side * side, 320), torch.randn(1, 77, 768), torch.randn(1, 4, side, side)

    def pieces(name: Dtype) -> Callable[[], object]:
        dtype = getattr(torch, name)
        narrow, decodes = deepcopy(block).to(dtype), deepcopy(decoder).to(dtype)
        inputs = tokens.to(dtype), words.to(dtype), latents.to(dtype)
        return lambda: (narrow(inputs[0], encoder_hidden_states=inputs[1]), decodes(inputs[2]))

    float32, bfloat16 = fastest(2, pieces("float32"), pieces("bfloat16"))
    dtype = getattr(torch, _quicker(float32, bfloat16))
    plain, last = decoder.to(dtype), deepcopy(decoder).to(dtype).to(memory_format=torch.channels_last)
    latents = latents.to(dtype)
    return Seconds(float32, bfloat16, *fastest(6, lambda: plain(latents), lambda: last(latents)))


def _quicker(float32: float, bfloat16: float) -> Dtype:
    return "bfloat16" if bfloat16 < GAIN * float32 else "float32"


def fastest(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Seconds of the fastest run of each, taking turns, after one to warm up: other processes only make it slower."""
    taken = [[math.inf] for _ in works]
    for number in range(rounds + 1):
        for work, seconds in zip(works, taken, strict=True):
            began = time.perf_counter()
            work()
            if number:
                seconds.append(time.perf_counter() - began)
    return [min(seconds) for seconds in taken]
