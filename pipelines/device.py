"""Where models run and in which precision: chosen once, then passed on."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Place(NamedTuple):
    """A device and the dtype that is right on it."""

    device: torch.device
    dtype: torch.dtype


def best_place() -> Place:
    """The GPU if there is one, else the CPU.

    bfloat16 needs compute capability 8.0 (Ampere); older cards get float16. CPUs and Apple chips get float32: the small
    models that run there are neither faster nor safer in half precision.
    """
    if torch.cuda.is_available():
        major, _ = torch.cuda.get_device_capability()
        return Place(torch.device("cuda"), torch.bfloat16 if major >= 8 else torch.float16)
    if torch.backends.mps.is_available():
        return Place(torch.device("mps"), torch.float32)
    return Place(torch.device("cpu"), torch.float32)
