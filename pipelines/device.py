"""What torch finds on this machine when a model is about to be loaded, and what it gives back."""

from __future__ import annotations

import gc

import torch

from pipelines.plan import Means


def means(ram_gb: float) -> Means:
    """The card with what is free on it now, and main memory, in GB."""
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        return Means(free / 1e9, total / 1e9, ram_gb, torch.cuda.get_device_capability())
    if torch.backends.mps.is_available():
        return Means(torch.mps.recommended_max_memory() / 1e9, ram_gb, ram_gb, (0, 0))
    return Means(0.0, 0.0, ram_gb, (0, 0))


def release_memory() -> None:
    """Give back what the last model that was closed took."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
