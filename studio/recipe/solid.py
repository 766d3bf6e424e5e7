"""Views, splats and pictures of splats in their recipes. Malformed values count as missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from studio.geometry import NOT_TURNED, PictureCamera, Quaternion, numbers, quarter, read_camera
from studio.recipe.values import is_asset_id, is_text, is_whole, number

Four = tuple[str, str, str, str]
"""Asset ids of the views from the front, the right, the back and the left."""
NO_VIEWS: Four = ("", "", "", "")
Ground = Literal["photo", "filled", "plain"]
"""What is behind a splat: its picture, its picture with the object painted out, or one colour."""
_MOST_SPLATS = 2**31


@dataclass(frozen=True)
class ViewsRecipe:
    """From where a view shows its object, or which views a splat was made of."""

    elevation_deg: float = 0.0
    azimuth_deg: float | None = None  # of one view
    ids: Four = NO_VIEWS  # what a splat was made of; of one view: those it goes with


@dataclass(frozen=True)
class SplatRecipe:
    """How a splat fits and stands."""

    count: int = 0  # of its Gaussians
    fit: float | None = None  # IoU of its silhouette at the reset pose with the mask; None: there is no mask
    notes: str = ""  # what was assumed when its file was read
    turned: Quaternion = NOT_TURNED  # by how many quarters it was turned by hand, since its file was read
    erased: int = 0  # how many of the splats of the one it was made from were left out by hand
    origin: str = ""  # id of the splat whose place it took when it was turned; "": of none


@dataclass(frozen=True)
class RenderRecipe:
    """How a picture shows a splat."""

    camera: PictureCamera | None = None  # from where; None: nobody said
    ground: Ground = "photo"


def read_views(values: dict[str, Any]) -> ViewsRecipe:
    ids = values.get("ids")
    known = [one if is_asset_id(one) else "" for one in ids] if isinstance(ids, list) and len(ids) == 4 else NO_VIEWS
    front, right, back, left = known
    return ViewsRecipe(
        elevation_deg=number(values.get("elevation_deg"), -90, 90) or 0.0,
        azimuth_deg=number(values.get("azimuth_deg"), -360, 360),
        ids=(front, right, back, left),
    )


def read_splat(values: dict[str, Any]) -> SplatRecipe:
    count, notes, origin = values.get("count"), values.get("notes"), values.get("origin")
    erased = values.get("erased")
    turned = numbers(values.get("turned"), 4)
    return SplatRecipe(
        count=count if is_whole(count, _MOST_SPLATS) else 0,
        fit=number(values.get("fit"), 0, 1),
        notes=notes if is_text(notes) else "",
        turned=quarter(turned) if turned and abs(math.hypot(*turned) - 1) < 1e-3 else NOT_TURNED,
        erased=erased if is_whole(erased, _MOST_SPLATS) else 0,
        origin=origin if is_asset_id(origin) else "",
    )


def read_render(values: dict[str, Any]) -> RenderRecipe:
    ground: Any = values.get("ground")
    return RenderRecipe(
        camera=read_camera(values.get("camera")),
        ground=ground if ground in get_args(Ground) else "photo",
    )
