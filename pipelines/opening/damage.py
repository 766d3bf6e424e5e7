"""Messages about damaged weights: they cannot be opened, or produce invalid numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from safetensors import SafetensorError

from lgm.weights import WeightsMismatch
from studio.errors import NotReady, StudioError

_FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^/\n'\"]+/)+")
"""The folders of an absolute path; not of a web address."""


@contextmanager
def opening(whose: str) -> Iterator[None]:
    """Turns errors from opening weights in this block into messages.

    Args:
        whose: the model, and where its weights are if the error does not say so.

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
    """A library's message, in one short line, without paths of this machine, as visitors read it too."""
    return " ".join(_FOLDERS.sub("", str(error)).split())[:200]


def unusable(whose: str, cause: str) -> NotReady:
    return NotReady(f"The weights of {whose} cannot be opened ({cause}). Fetch them again.")


def check_numbers(label: str, what: str, *values: torch.Tensor) -> None:
    """Raises StudioError if the values are not finite.

    Args:
        what: they represent: "picture".
    """
    if not all(bool(each.isfinite().all()) for each in values):
        raise StudioError(
            f"{label} produced invalid numbers, not a {what}. Its weights may be damaged: fetch them again, or choose "
            "another model."
        )
