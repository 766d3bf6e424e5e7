"""From the texts in an uploaded picture to what one of the known tools says about it."""

from __future__ import annotations

from collections.abc import Mapping

from studio.a1111 import read_parameters
from studio.comfy import read_graph
from studio.findings import Finding
from studio.invoke import read_dream, read_metadata, read_older_metadata

_READERS = {
    "parameters": read_parameters,  # first: other tools write it beside their own, for others to read
    "invokeai_metadata": read_metadata,
    "prompt": read_graph,
    "sd-metadata": read_older_metadata,
    "Dream": read_dream,
}


def finding_in(texts: Mapping[str, str]) -> Finding | None:
    """What another tool says about its picture; None where no text of it names a prompt.

    Args:
        texts: by PNG keyword, as `intake.Taken.text`.
    """
    for keyword, read in _READERS.items():
        finding = read(texts[keyword]) if keyword in texts else None
        if finding is not None and finding.prompt:
            return finding
    return None
