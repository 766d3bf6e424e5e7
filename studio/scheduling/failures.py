"""What a person reads of a job that failed for a reason no `StudioError` gives, and how such a reason is told."""

from __future__ import annotations

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


def is_out_of_memory(error: BaseException) -> bool:
    """Python's own, and torch's on any device: known by name, because torch is not imported in here."""
    return any(kind.__name__ in ("MemoryError", "OutOfMemoryError") for kind in type(error).__mro__)
