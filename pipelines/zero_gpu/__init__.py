"""Models on a ZeroGPU Space: a GPU is lent for one call at a time, to a forked process.

A model is opened in the main process, where the package `spaces` emulates CUDA; its work is done by a function
decorated with `spaces.GPU`. Inputs, outputs and progress are pickled, and Stop ends the work after its step. Each
picture is a call of its own, as short ones have priority in the platform's queue.

Sources: https://huggingface.co/docs/hub/spaces-zerogpu and spaces 0.51.3, zero/wrappers.py
"""

from __future__ import annotations

import os
import pkgutil
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from studio.contract import ImageRequest, Model, Progress, Tell
from studio.errors import Cancelled, NotReady, OutOfMemory, StudioError

GPU_GB, CAPABILITY = 48.0, (12, 0)
"""Of the lent GPU: half an RTX Pro 6000 (August 2026)."""
BEGIN_SECONDS, MOST_SECONDS = 15, 120
"""Of a call: for moving the weights, and the maximum to request."""
_OTHER_SECONDS = 15
"""Of other work than pictures."""
_OUT_OF_MEMORY = "OutOfMemoryError"
"""Only the class name of a worker's error is passed on; this is torch's."""


def is_here() -> bool:
    """Whether this is a ZeroGPU Space."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


@cache
def lender() -> Lender:
    """This process's lender. Only this imports `spaces`, which must come before any use of CUDA."""
    return Lender()


def seconds_of(request: Any) -> int:
    """For how long to request a GPU: by steps and size, plus start-up."""
    if not isinstance(request, ImageRequest):
        return BEGIN_SECONDS + _OTHER_SECONDS
    megapixels = request.size.width * request.size.height / 1e6
    return min(MOST_SECONDS, round(BEGIN_SECONDS + (1 + request.steps * 0.5) * max(0.25, megapixels)))


@dataclass(frozen=True)
class _Answer:
    value: Any


@dataclass(frozen=True)
class _SaidError:
    """An error's message for people, as errors themselves may not be picklable."""

    sentence: str
    is_out_of_memory: bool


class Lender:
    """Runs models where the GPU is."""

    def __init__(self) -> None:
        self._gpu = pkgutil.resolve_name("spaces:GPU")
        self._refused = pkgutil.resolve_name("gradio:Error")  # from the platform: no quota, no GPU, or the worker died
        self._functions: dict[str, Callable[[Any], Iterator[Any]]] = {}
        self._opened: dict[str, Model] = {}

    def prepare(self, model_id: str) -> None:
        """Make the function of a model. The platform requires at least one before the page is served."""

        def work(request: Any) -> Iterator[Any]:
            yield from _worked(self._opened[model_id], request)

        if model_id not in self._functions:
            self._functions[model_id] = self._gpu(duration=seconds_of)(work)

    def lend(self, model_id: str, model: Model) -> Model:
        """A model that runs `model` on a lent GPU.

        The worker process is forked from this one at the first request.
        """
        self.prepare(model_id)
        self._opened[model_id] = model

        def close() -> None:
            self._opened.pop(model_id, None)
            model.close()

        return _Lent(self._functions[model_id], close, self._refused)


class _Lent:
    """A model that runs in another process."""

    def __init__(
        self, ask: Callable[[Any], Iterator[Any]], close: Callable[[], None], refused: type[Exception]
    ) -> None:
        self._ask, self.close, self._refused = ask, close, refused

    def run(self, request: Any, tell: Tell) -> Any:
        """
        Raises:
            NotReady: no GPU was lent, or the work was interrupted; the message says why.
            OutOfMemory: it did not fit.
        """
        if isinstance(request, ImageRequest):
            request = replace(request, late=None)
        tell(Progress(0, 0, "waiting for a GPU"))
        answer: _Answer | None = None
        said = self._ask(request)
        try:
            for each in said:
                if isinstance(each, Progress):
                    tell(each)
                elif isinstance(each, _SaidError):
                    raise (OutOfMemory if each.is_out_of_memory else NotReady)(each.sentence)
                else:
                    answer = each
        except self._refused as error:
            raise _refusal(str(getattr(error, "message", error))) from None
        finally:
            said.close()  # type: ignore[attr-defined]  # a generator: on Stop, the worker ends after its step
        if answer is None:
            raise NotReady("The lent GPU gave no answer. Try again.")
        return answer.value


def _worked(model: Model, request: Any) -> Iterator[Any]:
    """In the worker: the model's reports, then its result."""
    said: queue.SimpleQueue[Any] = queue.SimpleQueue()
    is_stopped = threading.Event()

    def tell(progress: Progress) -> None:
        if is_stopped.is_set():
            raise Cancelled
        said.put(progress)

    def work() -> None:
        try:
            said.put(_Answer(model.run(request, tell)))
        except Cancelled:
            pass
        except StudioError as error:
            said.put(_SaidError(str(error), isinstance(error, OutOfMemory)))
        finally:
            said.put(None)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            while (each := said.get()) is not None:
                yield each
        finally:
            is_stopped.set()
        working.result()  # raises its error, for the log; the page gets its name


def _refusal(message: str) -> StudioError:
    if message == _OUT_OF_MEMORY:
        return OutOfMemory("The lent GPU ran out of memory. Try a smaller size or another model.")
    if " " not in message:  # a class name
        return NotReady("Something went wrong on the lent GPU; the log has the details.")
    return NotReady(f"ZeroGPU lends no card now: {message.strip().rstrip('.')}.")
