"""Progress and Stop while a language model writes."""

from __future__ import annotations

from typing import Any

import torch
from transformers import StoppingCriteriaList

from studio.contract import Progress, Tell


def stopping(tell: Tell, most: int) -> StoppingCriteriaList:
    """For `generate`: called after every token; an exception from `tell` ends it.

    Args:
        most: tokens.
    """
    written = 0

    def heard(tokens: torch.Tensor, _scores: Any, **_more: Any) -> torch.Tensor:
        nonlocal written
        written += 1
        tell(Progress(min(written, most), most))
        return torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)

    tell(Progress(0, most))
    return StoppingCriteriaList([heard])  # pyright: ignore[reportArgumentType]
