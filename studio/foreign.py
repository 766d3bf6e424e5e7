"""From the texts in an uploaded picture to what one of the known tools says about it."""

from __future__ import annotations

from collections.abc import Mapping

from studio.a1111 import read_parameters
from studio.findings import Finding


def finding_in(texts: Mapping[str, str]) -> Finding | None:
    """What another tool says about its picture; None where none does.

    Args:
        texts: by PNG keyword, as `intake.Taken.text`.
    """
    finding = read_parameters(texts.get("parameters", ""))
    return finding if finding is not None and finding.prompt else None
