"""What damaged weights do, as sentences: they cannot be opened, or what comes of them is no number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError

from lgm.weights import WeightsMismatch
from studio.errors import NotReady, StudioError


@contextmanager
def opening(label: str, source: Path) -> Iterator[None]:
    """The weights of a model are opened while the block runs.

    Raises:
        NotReady: they are missing, damaged or of another model.
        torch.OutOfMemoryError: they did not fit.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except WeightsMismatch as error:  # it names the file
        raise NotReady(f"The weights of {label} cannot be opened ({error}). Fetch them again.") from error
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise unusable(label, source, " ".join(str(error).split())[:200]) from error


def unusable(label: str, source: Path, reason: str) -> NotReady:
    return NotReady(f"The weights of {label} in {source} cannot be opened ({reason}). Fetch them again.")


def check_numbers(label: str, what: str, *values: torch.Tensor) -> None:
    """
    Args:
        what: they are to be: "picture".

    Raises:
        StudioError: they are not.
    """
    if not all(bool(each.isfinite().all()) for each in values):
        raise StudioError(
            f"{label} produced invalid numbers, not a {what}. Its weights may be damaged: fetch them again, or choose "
            "another model."
        )
