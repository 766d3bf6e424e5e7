"""The picture to follow in the column: chosen, shown and removed."""

from __future__ import annotations

from typing import Any

from studio.contract import ModelSpec
from studio.errors import NotFound
from studio.service import Studio
from ui.shared.pictures import picture


def followed_of(studio: Studio, owner: str, spec: ModelSpec, control: Any) -> dict[str, Any]:
    """What the place shows for a model; {} if it follows none.

    Args:
        control: id of the chosen picture, as stored by the browser: untrusted.
    """
    if not (spec.control or spec.likeness):
        return {}
    makes = studio.model(spec.control).makes if spec.control else ""
    shown: dict[str, Any] = {"model": spec.id, "makes": makes, "what": makes or "likeness"}
    shown["hint"] = "A line drawing or a depth map is used as it is." if makes else "Optional: the words alone will do."
    if isinstance(control, str) and control:
        try:
            asset = studio.asset(owner, control)
        except NotFound:
            return shown
        shown["picture"] = None if asset.deleted else picture(studio, asset)
    return shown
