"""Views, splats and pictures of splats in their recipes. Malformed values count as missing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from studio.geometry import NOT_TURNED, PictureCamera, Quaternion, numbers, quarter, read_camera
from studio.recipe.values import is_asset_id, is_text, is_whole, number

Four = tuple[str, str, str, str]
"""Asset ids of the front, right, back and left views."""
NO_VIEWS: Four = ("", "", "", "")
Ground = Literal["photo", "filled", "plain"]
"""What is behind a splat: its picture, its picture with the object painted out, or one colour."""
_MOST_SPLATS = 2**31


@dataclass(frozen=True)
class ViewsRecipe:
    """The camera of a view, or the views a splat was made from."""

    elevation_deg: float = 0.0
    azimuth_deg: float | None = None  # of one view
    ids: Four = NO_VIEWS  # what a splat was made from; of one view: those it belongs with


@dataclass(frozen=True)
class SplatRecipe:
    """How a splat fits its picture and how it is oriented."""

    count: int = 0  # of its Gaussians
    fit: float | None = None  # IoU of its silhouette at the reset pose and the mask; None: no mask
    notes: str = ""  # assumptions made when its file was read
    turned: Quaternion = NOT_TURNED  # rotation by hand, relative to its file
    erased: int = 0  # how many Gaussians of the original were erased by hand
    origin: str = ""  # id of the splat it replaced by being turned; "": none


@dataclass(frozen=True)
class RenderRecipe:
    """How a picture shows a splat."""

    camera: PictureCamera | None = None  # None: unknown
    ground: Ground = "photo"


def four(values: Iterable[str]) -> Four:
    front, right, back, left = values
    return front, right, back, left


def read_views(values: dict[str, Any]) -> ViewsRecipe:
    ids = values.get("ids")
    known = [one if is_asset_id(one) else "" for one in ids] if isinstance(ids, list) and len(ids) == 4 else NO_VIEWS
    return ViewsRecipe(
        elevation_deg=number(values.get("elevation_deg"), -90, 90) or 0.0,
        azimuth_deg=number(values.get("azimuth_deg"), -360, 360),
        ids=four(known),
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
