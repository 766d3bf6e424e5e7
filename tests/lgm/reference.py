"""The reference data, and the rules that make weights and inputs from names. Source: its own README."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

FIXTURES = Path(__file__).parent / "fixtures"
_SHARPER = {"qkv", "to_q", "to_k", "to_k_ip", "to_kv", "q_proj", "k_proj"}


def facts(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def arrays(name: str) -> dict[str, Tensor]:
    with np.load(FIXTURES / f"{name}.npz") as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def generator(name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))


def weight(tag: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """float32."""
    values = generator(f"{tag}/{key}").standard_normal(shape)
    owner, _, leaf = key.rpartition(".")
    if leaf == "bias":
        values *= 0.05
    elif leaf == "weight" and len(shape) == 1:
        values = 1 + 0.1 * values
    elif leaf == "weight":
        sharper = 1.5 if owner.rpartition(".")[2] in _SHARPER else 1.0
        values *= sharper / math.sqrt(math.prod(shape[1:]))
    else:
        values /= math.sqrt(shape[-1])
    return values.astype(np.float32)


def filled(network: nn.Module, tag: str, prefix: str = "") -> Any:
    """The network with the weights of the rule, in evaluation mode; it may be on the meta device."""
    weights = {
        key: torch.from_numpy(weight(tag, prefix + key, tuple(value.shape)))
        for key, value in network.state_dict().items()
        if value.is_floating_point()
    }
    network.load_state_dict(weights, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def normal(name: str, *shape: int) -> Tensor:
    return torch.from_numpy(generator(f"input/{name}").standard_normal(shape).astype(np.float32))


def images(name: str, count: int, side: int) -> Tensor:
    """[count, 3, side, side] float32 in [0, 1]."""
    noise = generator(f"input/{name}").random((count, 3, side, side))
    view, channel = np.arange(count)[:, None, None, None], np.arange(3)[None, :, None, None]
    centres = (np.arange(side) + 0.5) / side
    x, y = centres[None, None, None, :], centres[None, None, :, None]
    waves = np.sin(2 * np.pi * ((1 + view) * x + (1 + channel) * y) + 0.7 * view + 1.3 * channel)
    return torch.from_numpy((0.7 * (0.5 + 0.5 * waves) + 0.3 * noise).astype(np.float32))


def assert_near(got: Tensor, expected: Tensor, *, most: float, rms: float | None = None) -> None:
    """Within the bounds of the reference's README: the largest error, and the root of the mean squared one."""
    assert got.shape == expected.shape
    error = (got.double() - expected.double()).abs()
    assert error.max() <= most, f"largest error {error.max():.3g}, allowed {most:.3g}"
    if rms is not None:
        root = error.square().mean().sqrt()
        assert root <= rms, f"rms error {root:.3g}, allowed {rms:.3g}"
