"""Objects, views and splats as JSON for the page, with the addresses of their files. Knows no layout."""

from __future__ import annotations

from studio.errors import BadRequest
from studio.geometry import camera_values
from studio.library.assets import Asset
from studio.service import Studio
from studio.splats.export import EXPORTS
from ui.shared.pictures import Answer, picture

VIEWER = "viewer"
"""The format of our own viewer, besides the export formats."""
ANTIMATTER_BYTES = 32
"""Per Gaussian in a .splat file. Source: antimatter15/splat, README."""
_MOST_OF_IT = 0.996
"""Share of the Gaussians inside the reported bounds, to ignore outliers."""


def crop_address(object_id: str) -> str:
    """The address of an object as models see it, relative to the page."""
    return f"diorama/crop/{object_id}"


def filled_address(splat_id: str) -> str:
    """The address of a splat's picture with the object painted out, relative to the page."""
    return f"diorama/filled/{splat_id}"


def splat_address(splat_id: str, format: str = VIEWER) -> str:
    """The address of a splat's file, relative to the page."""
    return f"diorama/splat/{splat_id}?format={format}"


def four_views(studio: Studio, owner: str, object_id: str) -> list[Answer | None]:
    """The newest view of each side of an object; None if there is none."""
    ids = studio.solids.views_of(owner, object_id)
    views = [studio.asset(owner, id) if id else None for id in ids]
    return [each and picture(studio, each) | {"elevation": each.recipe.views.elevation_deg} for each in views]


def object_of(studio: Studio, asset: Asset) -> Answer:
    """An object that can be turned into 3D."""
    return picture(studio, asset) | {"crop": crop_address(asset.id)}


def splats_of(studio: Studio, owner: str, object_id: str) -> list[Answer]:
    """The splats made from an object, newest first."""
    found = studio.relatives(owner, object_id).children
    return [picture(studio, one) for one in found if one.kind == "splat"]


def splat_of(studio: Studio, owner: str, asset: Asset) -> Answer:
    """Everything needed to show a splat, and what can be done with it."""
    splat, scene, said = studio.splats.splat(owner, asset.id), studio.splats.scene(owner, asset.id), asset.recipe.splat
    sizes = {"ply": studio.path(owner, asset.id).stat().st_size, "splat": ANTIMATTER_BYTES * splat.count}
    exports = [
        {
            "word": one.label,
            "kind": f"{one.suffix}, {in_mb(sizes[name])}" if name in sizes else one.suffix,
            "about": one.about,
            "href": splat_address(asset.id, name),
        }
        for name, one in EXPORTS.items()
    ]
    return picture(studio, asset) | {
        "data": splat_address(asset.id),
        "camera": camera_values(scene.camera) if scene else None,
        "size": [scene.camera.width, scene.camera.height] if scene else None,
        "photo": picture(studio, scene.picture) if scene else None,
        "filled": filled_address(asset.id) if scene and scene.mask is not None else "",
        "count": splat.count,
        "extent": [round(float(side), 4) for side in splat.bounds(_MOST_OF_IT).size],
        "fit": said.fit,
        "notes": [said.notes] if said.notes else [],
        "exports": exports,
    }


def in_mb(size: int) -> str:
    """A file's size in bytes for people: "3.4 MB", at least "0.1 MB"."""
    return f"{max(0.1, size / 1e6):.1f} MB"


def object_under(studio: Studio, owner: str, splat: Asset) -> Asset | None:
    """The object a splat stands on, if it still exists."""
    parents = studio.relatives(owner, splat.id).parents
    return next((as_object(studio, one) for one in parents if one.id == splat.parents[0]), None)


def as_object(studio: Studio, asset: Asset) -> Asset | None:
    """The asset itself, if it can be turned into 3D: an object, or a picture with a transparent background."""
    try:
        return studio.solids.object(asset.owner, asset.id)
    except BadRequest:
        return None
