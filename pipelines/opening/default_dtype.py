"""torch's default dtype, of one thread alone.

diffusers and transformers set it for the whole process while they make a network of another dtype. What another thread
computes meanwhile would be in that dtype, too: clicks fail in SAM, and VQGAN + CLIP draws something else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_MAKERS = {
    torch.arange,
    torch.empty,
    torch.eye,
    torch.full,
    torch.linspace,
    torch.ones,
    torch.rand,
    torch.randn,
    torch.scalar_tensor,
    torch.tensor,
    torch.zeros,
}
"""What makes tensors of the default dtype."""


class _OwnDefault(TorchFunctionMode):
    """Makes tensors of this thread in `dtype` where none is asked for. torch keeps such modes for each thread."""

    def __init__(self) -> None:
        super().__init__()
        self.dtype = self._everybodys = torch.get_default_dtype()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        made = func(*args, **given)
        if func not in _MAKERS or given.get("dtype") or made.dtype != self._everybodys:
            return made
        is_array = func is torch.tensor and hasattr(args[0] if args else None, "dtype")  # whose dtype stays
        return made if is_array else made.to(self.dtype)


@contextmanager
def own_default_dtype() -> Iterator[None]:
    """While the block runs, `torch.set_default_dtype` of this thread is for this thread, and ends with the block.

    One thread at a time.
    """
    builder, mode = threading.get_ident(), _OwnDefault()
    plainly_get, plainly_set = torch.get_default_dtype, torch.set_default_dtype

    def get() -> torch.dtype:
        return mode.dtype if threading.get_ident() == builder else plainly_get()

    def change(dtype: torch.dtype, /) -> None:
        if threading.get_ident() == builder:
            mode.dtype = dtype
        else:
            plainly_set(dtype)

    torch.get_default_dtype, torch.set_default_dtype = get, change  # type: ignore[assignment]
    try:
        with mode:
            yield
    finally:
        torch.get_default_dtype, torch.set_default_dtype = plainly_get, plainly_set
