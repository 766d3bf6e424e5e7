"""Loads safetensors files into networks, strictly. Knows no network by name, nor where files come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class WeightsMismatch(ValueError):
    """The file is broken, or belongs to another network; the message names file and cause."""


def open_network(
    build: Callable[[], Network],
    path: Path,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Network:
    """A network with the weights of a file, in evaluation mode, allocated only once.

    Args:
        build: makes the network, called on the meta device.
        path: a .safetensors file with exactly the network's keys and shapes, in any floating dtype. `__metadata__`
            is not needed: LGM's file has none.

    Raises:
        WeightsMismatch: keys are missing or surplus, a shape differs, a value is not finite, or the file is invalid.
        OSError: it cannot be read.
    """
    with torch.device("meta"):
        network = build()
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    # copied: tensors of the file are views of its mapping, which is closed
    weights = {key: value.to(device, dtype, copy=True) for key, value in _read(path, shapes).items()}
    network.load_state_dict(weights, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _read(path: Path, expected: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            found = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118, not a dict
            _compare(path, found, expected)
            weights = {key: file.get_tensor(key) for key in expected}
    except SafetensorError as error:
        raise WeightsMismatch(f"{path.name} is not a whole safetensors file ({error}): download it again.") from error
    for key, value in weights.items():
        if not value.is_floating_point() or not value.isfinite().all():
            raise WeightsMismatch(
                f"{path.name} is damaged: '{key}' holds values that are not numbers; download it again."
            )
    return weights


def _compare(path: Path, found: dict[str, tuple[int, ...]], expected: dict[str, tuple[int, ...]]) -> None:
    """Raise for the first kind of difference, with how many there are."""
    if missing := expected.keys() - found.keys():
        raise WeightsMismatch(f"{path.name} belongs to another network: it lacks {_named(missing, expected)}.")
    if unexpected := found.keys() - expected.keys():
        raise WeightsMismatch(f"{path.name} belongs to another network: it has {_named(unexpected, found)} too many.")
    wrong = [key for key in expected if found[key] != expected[key]]
    if wrong:
        key = wrong[0]
        raise WeightsMismatch(
            f"{path.name} belongs to another network: '{key}' is {list(found[key])} where {list(expected[key])} is "
            f"needed, and {len(wrong) - 1} more differ."
        )


def _named(some: set[str], order: dict[str, tuple[int, ...]]) -> str:
    first = next(key for key in order if key in some)
    return f"'{first}'" if len(some) == 1 else f"'{first}' and {len(some) - 1} more"
