"""A network that is compiled while it already runs uncompiled, and then runs compiled if both results match."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)

SPARE_GB = 4.0
"""Free GPU memory, so that the compiler's trials never displace a picture being made."""
TOLERANCE = 0.02
"""Relative to the largest number in a result: float16 rounds to 0.001, many times in a network."""


def pays(device: torch.device) -> bool:
    """Whether compiling is possible and faster there: a GPU with fast bfloat16, a compiler for it, enough memory."""
    if device.type != "cuda" or find_spec("triton") is None or torch.cuda.get_device_capability(device) < (8, 0):
        return False
    return torch.cuda.mem_get_info(device)[0] / 1e9 >= SPARE_GB


def compiler_errors() -> tuple[type[Exception], ...]:
    """What torch's compiler raises; none where it is not imported, which takes over a second of processor."""
    found = sys.modules.get("torch._dynamo.exc")
    return (found.TorchDynamoException, found.FailOnRecompileLimitHit) if found else ()


class BackgroundCompiled:
    """Calls a function of a network; not thread-safe. Compiled for the shapes of the first call."""

    def __init__(self, plainly: Callable[..., Tensor], *, backend: str = "inductor") -> None:
        """
        Args:
            plainly: takes tensors and numbers, the batch first.
            backend: of torch.compile.
        """
        self._plainly, self._backend = plainly, backend
        self._compiled: Callable[..., Tensor] | None = None
        self._shape = torch.Size()
        self._thread: threading.Thread | None = None

    def __call__(self, batch: Tensor, *more: Any) -> Tensor:
        if self._thread is None:
            sample = [each.clone() if isinstance(each, Tensor) else each for each in (batch, *more)]
            # The program exits without waiting for it, see `commands.terminal`.
            self._thread = threading.Thread(target=self._warm_up, args=sample, name="compile", daemon=True)
            self._thread.start()
        compiled = self._compiled
        return (compiled if compiled and batch.shape == self._shape else self._plainly)(batch, *more)

    @property
    def is_compiled(self) -> bool:
        """Whether calls like the first one now run compiled."""
        return self._compiled is not None

    def wait(self) -> None:
        """Wait until compilation has ended."""
        if self._thread:
            self._thread.join()

    @torch.inference_mode()  # as for pictures, or it would be compiled again for them
    def _warm_up(self, batch: Tensor, *more: Any) -> None:
        compiled = torch.compile(self._plainly, fullgraph=True, dynamic=False, backend=self._backend)
        try:
            wanted, found = self._plainly(batch, *more), compiled(batch, *more)
        except (RuntimeError, *compiler_errors()) as error:  # including out of memory, and compiler errors
            log.warning("A network runs uncompiled: %s", error)
            return
        off = float((found - wanted).abs().max() / wanted.abs().max())
        if not off <= TOLERANCE:
            log.warning("A network runs uncompiled: compiled, its answer is off by %.3f", off)
            return
        self._shape, self._compiled = batch.shape, compiled
