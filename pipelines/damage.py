"""Sentences about damaged weights: they cannot be opened, or produce invalid numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from safetensors import SafetensorError

from lgm.weights import WeightsMismatch
from studio.errors import NotReady, StudioError

_FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^/\n'\"]+/)+")
"""What stands before the name of a file in a whole path; not in the address of a page."""


@contextmanager
def opening(whose: str) -> Iterator[None]:
    """Weights are opened while the block runs.

    Args:
        whose: the model, and where they lie if no error of its file says so.

    Raises:
        NotReady: they are missing, damaged or of another model.
        torch.OutOfMemoryError: they did not fit.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except KeyError as error:
        raise unusable(whose, f"it has no {error.args[0]}") from error
    except (OSError, ValueError, TypeError, RuntimeError, IndexError, ImportError, SafetensorError) as error:
        cause = str(error) if isinstance(error, WeightsMismatch) else reason(error)
        cause = "weights are missing" if "meta tensor" in cause else cause
        raise unusable(whose, cause) from error


def reason(error: Exception) -> str:
    """What a library says, in one short line, without where the host keeps its files: visitors read it, too."""
    return " ".join(_FOLDERS.sub("", str(error)).split())[:200]


def unusable(whose: str, cause: str) -> NotReady:
    return NotReady(f"The weights of {whose} cannot be opened ({cause}). Fetch them again.")


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
