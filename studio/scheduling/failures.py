"""Messages for jobs that failed with something other than a `StudioError`."""

from __future__ import annotations

import re

from studio.errors import GpuLost, OutOfMemory, StudioError

CRASHED = (
    "Diorama ended twice while it worked on this, so it was not tried again. "
    "Ask again with a smaller size or another model."
)
LEFT_AT_PROVIDER = (
    "Diorama ended while a provider worked on this, and the answer is lost; it may have been charged. "
    "What was made before is kept. Ask again if you still want it."
)
OUT_OF_MEMORY = (
    "The model ran out of memory and was unloaded. Try a smaller size or another model, or close other programs."
)
INTERNAL = "Something went wrong (the log has the details). Try again, or try another model."


def of_memory_or_card(error: BaseException) -> StudioError | None:
    """The error to show if memory or the GPU is at fault; None otherwise."""
    if isinstance(error, OutOfMemory):
        return error
    if is_out_of_memory(error):
        return OutOfMemory(OUT_OF_MEMORY)
    return GpuLost() if is_gpu_lost(error) else None


def is_gpu_lost(error: BaseException) -> bool:
    """Whether the driver gave up on the GPU or on this process; judged by name and message, without importing torch."""
    names, text = [kind.__name__ for kind in type(error).__mro__], str(error)
    is_driver = "AcceleratorError" in names or ("RuntimeError" in names and re.search(r"\b(CUDA|HIP) error\b", text))
    return bool(is_driver) and not is_out_of_memory(error)


def is_out_of_memory(error: BaseException) -> bool:
    """Python's own or torch's on any device; judged by name, without importing torch."""
    return any(kind.__name__ in ("MemoryError", "OutOfMemoryError") for kind in type(error).__mro__)
