"""What the recipe of a view, a splat, or a picture of one says beyond those of pictures, and how it is begun.

It stands in `Recipe.turning` as JSON. Reading trusts nothing: what is not well-formed was not said.
"""

from __future__ import annotations

import json
import math
import secrets
from dataclasses import dataclass
from typing import Any, Literal, get_args

from PIL import Image

from studio.contract import Size, Task
from studio.geometry import NOT_TURNED, Camera, Quaternion, camera_values, quarter, read_camera
from studio.intake.settings.foreign_values import parsed
from studio.library.assets import Asset
from studio.recipe import NOW, Kind, Recipe, is_asset_id
from studio.solid.contract import AZIMUTHS_DEG, NO_VIEWS, SIDES, Four
from studio.splats.splat import Splat

SPLAT_SIZE = Size(512, 512)
"""What a splat that came without a picture says its size is: that of the picture it is painted on."""
Ground = Literal["photo", "filled", "plain"]
"""What is behind a splat: its picture, its picture with the object painted out, or one colour."""


@dataclass(frozen=True)
class SolidRecipe:
    """How something stands and fits."""

    elevation_deg: float = 0.0  # of the views
    azimuth_deg: float | None = None  # of one view
    views: Four = NO_VIEWS  # what a splat was made of; of one view: those it goes with
    fit: float | None = None  # IoU of the splat's silhouette at its reset pose with the mask; None: there is no mask
    splats: int = 0
    camera: Camera | None = None  # of a picture of a splat: where it was seen from
    ground: Ground = "photo"
    notes: str = ""  # what was assumed when the file of a splat was read
    turned: Quaternion = NOT_TURNED  # by how many quarters a splat was turned by hand, since its file was read
    origin: str = ""  # id of the splat whose place it took when it was turned; "": of none


def from_text(text: str) -> SolidRecipe:
    """What `Recipe.turning` says, whatever a stranger made of it."""
    values = parsed(text) if text else None
    if not isinstance(values, dict):
        return SolidRecipe()
    ground: Any = values.get("ground")
    notes = values.get("notes")
    splats = values.get("splats")
    fit = _number(values.get("fit"), 0, 1)
    return SolidRecipe(
        elevation_deg=_number(values.get("elevation_deg"), -90, 90) or 0.0,
        azimuth_deg=_number(values.get("azimuth_deg"), -360, 360),
        views=_views(values.get("views")),
        fit=fit,
        splats=splats if isinstance(splats, int) and not isinstance(splats, bool) and splats >= 0 else 0,
        camera=read_camera(values.get("camera")),
        ground=ground if ground in get_args(Ground) else "photo",
        notes=notes if isinstance(notes, str) else "",
        turned=_turned(values.get("turned")),
        origin=values["origin"] if is_asset_id(values.get("origin")) else "",
    )


def to_text(turning: SolidRecipe) -> str:
    """JSON with what there is to say."""
    values: dict[str, Any] = {"elevation_deg": turning.elevation_deg}
    if turning.azimuth_deg is not None:
        values["azimuth_deg"] = turning.azimuth_deg
    if any(turning.views):
        values["views"] = list(turning.views)
    if turning.fit is not None:
        values["fit"] = round(turning.fit, 4)
    if turning.splats:
        values["splats"] = turning.splats
    if turning.camera is not None:
        values |= {"camera": camera_values(turning.camera), "ground": turning.ground}
    if turning.notes:
        values["notes"] = turning.notes
    if turning.turned != NOT_TURNED:
        values["turned"] = list(turning.turned)
    if turning.origin:
        values["origin"] = turning.origin
    return json.dumps(values, separators=(",", ":"), allow_nan=False)


# --- recipes ----------------------------------------------------------------------------------------------------------


def view_recipe(asset: Asset, image: Image.Image, index: int, turning: SolidRecipe) -> Recipe:
    """Of one view of an object that no job and no model made; the rest is to be filled in."""
    title = f"{asset.title}, {SIDES[index]}"
    return recipe(asset.owner, "view", Task.VIEWS, Size(*image.size), title, (asset.id,), turning, index=index)


def splat_recipe(asset: Asset, splat: Splat, turning: SolidRecipe, parents: tuple[str, ...]) -> Recipe:
    """Of a splat that stands where an asset shows something."""
    camera = splat.pose.camera
    size = Size(camera.width, camera.height) if camera else SPLAT_SIZE
    return recipe(asset.owner, "splat", Task.SPLAT, size, asset.title, parents, turning)


def recipe(
    owner: str,
    kind: Kind,
    task: str,
    size: Size,
    title: str,
    parents: tuple[str, ...],
    turning: SolidRecipe,
    *,
    index: int = 0,
) -> Recipe:
    """A recipe that says no more than this."""
    return Recipe(
        id=secrets.token_hex(16),
        kind=kind,
        owner=owner,
        job_id="",
        index=index,
        task=str(task),
        model="",
        revision="",
        prompt="",
        prompt_sent="",
        style="",
        negative_prompt="",
        width=size.width,
        height=size.height,
        steps=None,
        guidance=None,
        seed=None,
        parents=parents,
        created=NOW,
        seconds=0.0,
        title=title,
        turning=to_text(turning),
    )


def _views(values: Any) -> Four:
    if not isinstance(values, list) or len(values) != len(AZIMUTHS_DEG):
        return NO_VIEWS
    front, right, back, left = (one if is_asset_id(one) else "" for one in values)
    return front, right, back, left


def _turned(values: Any) -> Quaternion:
    if not isinstance(values, list) or len(values) != 4:
        return NOT_TURNED
    parts = [_number(one, -1, 1) for one in values]
    known = [one for one in parts if one is not None]
    return quarter(known) if len(known) == 4 and abs(math.hypot(*known) - 1) < 1e-3 else NOT_TURNED


def _number(value: Any, low: float, high: float) -> float | None:
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    return float(value) if is_one else None
