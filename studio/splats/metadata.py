"""What a splat file says about itself beside its numbers: which way is up, the pose, the recipe. One line of ASCII.

The line stands in a PLY comment, in the comment of a gzip file, in the extras of a GLB. Reading trusts nothing: what
is not well-formed was not said. A key is never in it, because none is in a recipe.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from dataclasses import asdict
from typing import Any, NamedTuple, get_args

from studio.intake.settings.foreign_values import parsed
from studio.png_chunks import MAX_TEXT_BYTES, unpacked
from studio.recipe import Recipe, from_text, to_text
from studio.splats.splat import Camera, Crop, Pose, Splat
from studio.splats.transform import Up

KEYWORD = "diorama"
_LONG = 6_000
"""Characters from which the line is packed: Gradio's viewer looks for the end of a PLY header in the first 10,240."""
_PACKED = "zlib:"
_MOST = 1e6
"""No length, in world units or pixels, is larger."""


class About(NamedTuple):
    """What a file says about itself; None: it does not."""

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
    """The same as JSON values, for formats that hold JSON."""
    values: dict[str, Any] = {"up": up, "pose": _pose_values(splat.pose)}
    if splat.recipe is not None:
        values["recipe"] = json.loads(to_text(splat.recipe))
    return values


def read_line(line: str) -> About:
    """What a line of `line_about` says; NOTHING for any other text."""
    if line.startswith(_PACKED):
        try:
            data = unpacked(base64.b64decode(line.removeprefix(_PACKED), validate=True), MAX_TEXT_BYTES)
            line = (data or b"").decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            return NOTHING
    return read_values(parsed(line)) if len(line) <= MAX_TEXT_BYTES else NOTHING


def read_values(values: object) -> About:
    """What `values_about` made, whatever a stranger made of it."""
    if not isinstance(values, dict):
        return NOTHING
    up = values.get("up")
    recipe = values.get("recipe")
    return About(
        up=up if up in get_args(Up) else None,
        pose=_pose(values.get("pose")),
        recipe=from_text(json.dumps(recipe)) if isinstance(recipe, dict) else None,
    )


def camera_values(camera: Camera) -> dict[str, Any]:
    """A camera as JSON values: what `viewer.js` takes."""
    return asdict(camera) | {"crop": list(camera.crop), "target": list(camera.target)}


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
    rotation = _numbers(values.get("rotation"), 4)
    scale = _numbers([values.get("scale")], 1)
    translation = _numbers(values.get("translation"), 3)
    if rotation is None or scale is None or translation is None or not 0 < scale[0] <= _MOST:
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


def read_camera(values: object) -> Camera | None:
    """A camera of `camera_values`, whatever a stranger made of it; None where it is none."""
    if not isinstance(values, dict):
        return None
    width, height = _side(values.get("width")), _side(values.get("height"))
    angles = _numbers([values.get(name) for name in ("fov_deg", "radius", "azimuth_deg", "elevation_deg")], 4)
    crop, target = _numbers(values.get("crop"), 3), _numbers(values.get("target"), 3)
    if not width or not height or angles is None or crop is None or target is None:
        return None
    fov_deg, radius, azimuth_deg, elevation_deg = angles
    if not (0 < fov_deg < 180 and radius > 0 and crop[2] > 0 and abs(elevation_deg) <= 90):
        return None
    return Camera(width, height, Crop(*crop), fov_deg, radius, azimuth_deg, elevation_deg, target)


def _side(value: object) -> int:
    """A side in pixels; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST else 0


def _numbers(values: object, count: int) -> Any:
    """So many finite numbers of bounded size as a tuple of floats; None for anything else."""
    if not isinstance(values, list) or len(values) != count:
        return None
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MOST:
            return None
    return tuple(float(value) for value in values)
