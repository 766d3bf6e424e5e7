"""The two optimizers that train the bundled transformers."""

from collections.abc import Callable

import torch
from torch import nn


def muon_and_adamw(
    model: nn.Module, is_inside: Callable[[str], bool], *, matrix_rate: float, other_rate: float, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """Muon for the inner matrices, AdamW for everything else.

    Args:
        is_inside: name of a parameter -> whether Muon optimises it, if it is a matrix.

    Source: Jordan et al., "Muon", https://kellerjordan.github.io/posts/muon/.
    """
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        (matrices if parameter.ndim == 2 and is_inside(name) else others).append(parameter)
    return [
        torch.optim.Muon(matrices, lr=matrix_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.98), weight_decay=weight_decay),
    ]
