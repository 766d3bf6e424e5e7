"""What torch finds on this machine when a model is about to be loaded, and what it gives back."""

from __future__ import annotations

import gc
import math
import os

import torch

from pipelines.machine import Machine
from pipelines.plan import Means


def means(machine: Machine) -> Means:
    """The card with what is free on it now, main memory, and what the person and the packages allow."""
    ram_gb = machine.ram_gb
    asked = {"can": machine.can, "compile": os.environ.get("DIORAMA_COMPILE", "") == "1"}
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        total_gb = min(total / 1e9, machine.gpu.total_gb if machine.gpu else math.inf)
        if total_gb < 0.99 * total / 1e9:  # capped by a person: torch keeps to it, too
            torch.cuda.set_per_process_memory_fraction(total_gb * 1e9 / total)
        return Means(free / 1e9, total_gb, ram_gb, torch.cuda.get_device_capability(), **asked)
    if torch.backends.mps.is_available():
        total_gb = machine.gpu.total_gb if machine.gpu else ram_gb
        return Means(torch.mps.recommended_max_memory() / 1e9, total_gb, ram_gb, (0, 0), **asked)
    return Means(0.0, 0.0, ram_gb, (0, 0), **asked)


def release_memory() -> None:
    """Give back what the last model that was closed took."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
