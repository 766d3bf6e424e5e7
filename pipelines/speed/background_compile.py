"""A network that is compiled while it already works plainly, and then works compiled if both answer alike."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch._dynamo.exc import FailOnRecompileLimitHit

log = logging.getLogger(__name__)

SPARE_GB = 4.0
"""Free on the card, so that what the compiler tries out never takes the place of a picture that is made meanwhile."""
TOLERANCE = 0.02
"""Of the largest number in an answer: float16 rounds to 0.001, many times in a network."""


def pays(device: torch.device) -> bool:
    """Whether compiling is possible and quicker there: a card with fast bfloat16, a compiler for it, room to try."""
    if device.type != "cuda" or find_spec("triton") is None or torch.cuda.get_device_capability(device) < (8, 0):
        return False
    return torch.cuda.mem_get_info(device)[0] / 1e9 >= SPARE_GB


class BackgroundCompiled:
    """Calls a function of a network; one thread at a time. It is compiled for the shapes of the first call."""

    def __init__(self, plainly: Callable[..., Tensor], *, backend: str = "inductor") -> None:
        """
        Args:
            plainly: of tensors and numbers, the batch first.
            backend: of torch.compile.
        """
        self._plainly, self._backend = plainly, backend
        self._compiled: Callable[..., Tensor] | None = None
        self._shape = torch.Size()
        self._thread: threading.Thread | None = None

    def __call__(self, batch: Tensor, *more: Any) -> Tensor:
        if self._thread is None:
            sample = [each.clone() if isinstance(each, Tensor) else each for each in (batch, *more)]
            # The program ends without waiting for it, see `commands.terminal`.
            self._thread = threading.Thread(target=self._warm_up, args=sample, name="compile", daemon=True)
            self._thread.start()
        compiled = self._compiled
        return (compiled if compiled and batch.shape == self._shape else self._plainly)(batch, *more)

    @property
    def is_compiled(self) -> bool:
        """Whether calls like the first one are answered by what was compiled."""
        return self._compiled is not None

    def wait(self) -> None:
        """Until nothing is compiled any more."""
        if self._thread:
            self._thread.join()

    @torch.inference_mode()  # as pictures are made: else it would be compiled once more for them
    def _warm_up(self, batch: Tensor, *more: Any) -> None:
        compiled = torch.compile(self._plainly, fullgraph=True, dynamic=False, backend=self._backend)
        try:
            wanted, found = self._plainly(batch, *more), compiled(batch, *more)
        except (RuntimeError, FailOnRecompileLimitHit) as error:  # also of memory, and all that the compiler raises
            log.warning("A network runs uncompiled: %s", error)
            return
        off = float((found - wanted).abs().max() / wanted.abs().max())
        if not off <= TOLERANCE:
            log.warning("A network runs uncompiled: compiled, its answer is off by %.3f", off)
            return
        self._shape, self._compiled = batch.shape, compiled
