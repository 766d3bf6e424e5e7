"""The numbers that training computes with."""

import torch


def training_precision() -> torch.autocast:
    """bfloat16 where the processor has it: a third faster. Elsewhere it is emulated at half of the speed: float32."""
    has_it = torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_it)
