"""The devices torch finds when a model is about to be loaded, and freeing their memory."""

from __future__ import annotations

import ctypes
import gc
import math
import os
import sys

import torch

from pipelines.machine import Machine
from pipelines.plan import Means


def means(machine: Machine) -> Means:
    """The GPU with its free memory, main memory, and what the user and the packages allow."""
    ram_gb = machine.ram_gb
    asked = {"can": machine.can, "compiler": machine.compiler}
    if machine.lender is not None:  # CUDA knows the GPU only while it is lent
        gpu = machine.gpu
        return Means(gpu.free_gb, gpu.total_gb, ram_gb, gpu.capability, **asked) if gpu else without_card(machine)
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        total_gb = min(total / 1e9, machine.gpu.total_gb if machine.gpu else math.inf)
        if total_gb < 0.99 * total / 1e9:  # limited by the user, which torch must respect too
            torch.cuda.set_per_process_memory_fraction(total_gb * 1e9 / total)
        return Means(free / 1e9, total_gb, ram_gb, torch.cuda.get_device_capability(), **asked)
    if torch.backends.mps.is_available():
        total_gb = machine.gpu.total_gb if machine.gpu else ram_gb
        return Means(torch.mps.recommended_max_memory() / 1e9, total_gb, ram_gb, (0, 0), **asked)
    return Means(0.0, 0.0, ram_gb, (0, 0), **asked)


def is_fast(asked: bool) -> bool:
    """Whether to compile networks where that pays off: as the request or the machine's setting says."""
    return asked or os.environ.get("DIORAMA_COMPILE", "") == "1"


def without_card(machine: Machine) -> Means:
    """Main memory alone."""
    return Means(0.0, 0.0, machine.ram_gb, (0, 0), machine.can)


def release_memory() -> None:
    """Free what the last closed model took.

    glibc keeps freed memory between blocks in use: half a gigabyte for SAM 2.1 large, measured.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim:
            trim(0)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
