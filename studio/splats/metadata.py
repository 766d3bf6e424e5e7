"""Metadata of a splat file: up axis, pose, recipe. One line of ASCII.

It goes into a PLY comment, a gzip comment, or the extras of a GLB. Reading trusts nothing: malformed parts count as
missing. It never contains a key, because recipes do not.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from typing import Any, NamedTuple, get_args

from studio.geometry import LONGEST, camera_values, numbers, read_camera
from studio.intake.settings.foreign_values import parsed
from studio.png_chunks import MAX_TEXT_BYTES, unpacked
from studio.recipe import Recipe, from_values, to_values
from studio.splats.splat import Pose, Splat
from studio.splats.transform import Up

KEYWORD = "diorama"
_LONG = 6_000
"""Characters above which the line is compressed: Gradio's viewer expects a PLY header to end within 10,240."""
_PACKED = "zlib:"


class About(NamedTuple):
    """A file's own metadata; None: missing."""

    up: Up | None = None
    pose: Pose | None = None
    recipe: Recipe | None = None


NOTHING = About()


def line_about(splat: Splat, up: Up) -> str:
    """One line of printable ASCII without line breaks.

    Args:
        up: of the coordinates in the file.
    """
    text = json.dumps(values_about(splat, up), separators=(",", ":"), allow_nan=False)
    if len(text) < _LONG:
        return text
    return _PACKED + base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def values_about(splat: Splat, up: Up) -> dict[str, Any]:
    """The same as JSON values, for formats that hold JSON.

    Of the pose it keeps the camera: the file has world coordinates.
    """
    values: dict[str, Any] = {"up": up, "pose": _pose_values(Pose(camera=splat.pose.camera))}
    if splat.recipe is not None:
        values["recipe"] = to_values(splat.recipe)
    return values


def read_line(line: str) -> About:
    """The content of a line from `line_about`; NOTHING for any other text."""
    if line.startswith(_PACKED):
        try:
            data = unpacked(base64.b64decode(line.removeprefix(_PACKED), validate=True), MAX_TEXT_BYTES)
            line = (data or b"").decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            return NOTHING
    return read_values(parsed(line)) if len(line) <= MAX_TEXT_BYTES else NOTHING


def read_values(values: object) -> About:
    """The inverse of `values_about`, for untrusted values."""
    if not isinstance(values, dict):
        return NOTHING
    up = values.get("up")
    return About(
        up=up if up in get_args(Up) else None,
        pose=_pose(values.get("pose")),
        recipe=from_values(values.get("recipe")),
    )


def _pose_values(pose: Pose) -> dict[str, Any]:
    return {
        "rotation": list(pose.rotation),
        "scale": pose.scale,
        "translation": list(pose.translation),
        "camera": camera_values(pose.camera) if pose.camera else None,
    }


def _pose(values: object) -> Pose | None:
    if not isinstance(values, dict):
        return None
    rotation = numbers(values.get("rotation"), 4)
    scale = numbers([values.get("scale")], 1)
    translation = numbers(values.get("translation"), 3)
    if rotation is None or scale is None or translation is None or not 0 < scale[0] <= LONGEST:
        return None
    length = math.hypot(*rotation)
    if not 0.5 < length < 2:
        return None
    turned = tuple(value / length for value in rotation) if abs(length - 1) > 1e-6 else rotation
    camera = values.get("camera")
    return Pose(
        rotation=turned,
        scale=scale[0],
        translation=translation,
        camera=read_camera(camera) if camera is not None else None,
    )
