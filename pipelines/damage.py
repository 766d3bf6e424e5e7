"""What damaged weights do, as sentences: they cannot be opened, or what comes of them is no number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from safetensors import SafetensorError

from lgm.weights import WeightsMismatch
from studio.errors import NotReady, StudioError


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
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        cause = str(error) if isinstance(error, WeightsMismatch) else " ".join(str(error).split())[:200]
        cause = "weights are missing" if "meta tensor" in cause else cause
        raise unusable(whose, cause) from error


def unusable(whose: str, reason: str) -> NotReady:
    return NotReady(f"The weights of {whose} cannot be opened ({reason}). Fetch them again.")


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
