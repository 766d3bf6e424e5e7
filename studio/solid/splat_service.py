"""Existing splats of one studio: import, reading, placing, matching, rendering, export. Makes none itself.

Thread-safe; splats never change: moving, turning or scaling one makes a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

import numpy as np
from PIL import Image

from studio import validation
from studio.contract import Size, Task
from studio.errors import BadRequest, NotFound
from studio.geometry import PictureCamera
from studio.imaging import inpaint_quick
from studio.intake.picture import read_picture
from studio.library.assets import Asset
from studio.library.database import Database
from studio.library.store import Store
from studio.recipe import Recipe
from studio.recipe.solid import Ground, RenderRecipe, SplatRecipe, ViewsRecipe
from studio.scheduling.changes import Changes
from studio.segmentation import objects
from studio.segmentation.objects import flat, mask_of
from studio.solid import fit as solid_fit
from studio.solid.contract import camera_of, crop_of
from studio.solid.orientation import Standing
from studio.solid.recipe import splat_recipe
from studio.solid.uploads import SplatUploads
from studio.solid.views_service import Solids
from studio.splats.any_format import read_splat
from studio.splats.erasing import Erasure, kept_of
from studio.splats.export import export_splat
from studio.splats.rasterizer import facing, painted, within
from studio.splats.splat import Splat
from studio.splats.transform import placed
from studio.splats.upright import TURNS, UPRIGHT, Axis, Turn, followed

MAX_RENDERED_SIDE = 1024
MAX_TURNS = 24
_MOST_PAIRS = 60_000_000
"""For a rendered picture: at most half a minute."""


class Backdrop(NamedTuple):
    """What a splat stands on."""

    camera: PictureCamera
    picture: Asset
    mask: np.ndarray | None  # HW uint8, the object in the picture; None: no object


class Splats:
    """`owner` is whoever asks; the splats of others do not exist for them."""

    def __init__(self, store: Store, database: Database, changes: Changes, solids: Solids) -> None:
        self._store, self._changes, self._solids = store, changes, solids
        self._uploads, self._standing = SplatUploads(store), Standing(store, database)
        self._latest: tuple[Path, int, Splat] | None = None  # opening a splat asks for it several times

    # --- in and out ---------------------------------------------------------------------------------------------------

    def take_in(self, owner: str, source: bytes | Path, name: str, up: str = "") -> Asset:
        """Keep an uploaded splat, once. Its recipe notes what was assumed; see `SplatRecipe.notes`.

        Args:
            up: the axis of the file that points up, see `upright.Axis`; "": as the file says, or a guess.

        Raises:
            BadSplat: not a splat that Diorama reads.
            BadRequest: there is no such axis.
            StorageFailed
        """
        if up not in ("", *UPRIGHT):
            raise BadRequest(f"The axis that points up is one of {', '.join(UPRIGHT)}, not {validation.shown(up)}.")
        kept, rotation = self._uploads.take_in(owner, source, name, cast(Axis, up) if up else None)
        if rotation is not None:
            kept = self._standing.turn(owner, kept.id, rotation, further=False)
        self._changes.note(owner)
        return kept

    def asset(self, owner: str, asset_id: str) -> Asset:
        """Raises NotFound, as do all methods that follow, if it does not exist, is deleted or belongs to somebody
        else.
        """
        asset = self._store.asset(owner, asset_id)
        if asset.kind != "splat" or asset.deleted:
            raise NotFound("splat", asset_id)
        return asset

    def splat(self, owner: str, asset_id: str) -> Splat:
        """Raises BadSplat if its file is damaged."""
        asset = self.asset(owner, asset_id)
        path = self._store.path(owner, asset.id)
        latest, changed_ns = self._latest, path.stat().st_mtime_ns
        if latest is None or latest[:2] != (path, changed_ns):
            latest = self._latest = path, changed_ns, read_splat(path, asset.name).splat
        return latest[2]

    def export(self, owner: str, asset_id: str, format: str) -> bytes:
        """A file for other tools; see `splats.export.EXPORTS`.

        Raises:
            BadRequest: there is no such format.
        """
        if not isinstance(format, str):
            raise BadRequest(f"The format must be text such as 'ply', not {validation.shown(format)}.")
        if format == "ply":  # unchanged: reading and writing again would round
            return self._store.path(owner, self.asset(owner, asset_id).id).read_bytes()
        return export_splat(self.splat(owner, asset_id), format)

    # --- on its picture -----------------------------------------------------------------------------------------------

    def scene(self, owner: str, asset_id: str) -> Backdrop | None:
        """What a splat stands on; None if nothing, or if that is gone."""
        return self._scene(self.asset(owner, asset_id), self.splat(owner, asset_id))

    def match_size(self, owner: str, asset_id: str) -> Asset:
        """A new splat scaled and moved across the picture to cover the object best, or the same if it already does.

        Raises:
            BadRequest: it stands on no object.
        """
        asset, splat = self.asset(owner, asset_id), self.splat(owner, asset_id)
        scene = self._scene(asset, splat)
        if scene is None or scene.mask is None:
            raise BadRequest(f"{validation.shown(asset.title)} is not on an object: there is no size to match.")
        before = solid_fit.fit(splat, scene.mask)
        matched = solid_fit.matched(splat, scene.mask)
        fit = solid_fit.fit(matched, scene.mask)
        if fit <= before:
            return asset
        said = replace(asset.recipe.splat, fit=fit)
        return self._keep(asset, matched, said, (*asset.parents, asset.id), asset.recipe.views)

    def turn(self, owner: str, asset_id: str, turns: Sequence[str]) -> Asset:
        """The splat rotated by quarter turns, one after the other, which replaces it; the old one is in the trash.

        Args:
            turns: see `upright.Turn`; at most MAX_TURNS.

        Raises:
            BadRequest: there is no such turn, or it stands on a picture.
        """
        if isinstance(turns, str) or not isinstance(turns, Sequence) or not 0 < len(turns) <= MAX_TURNS:
            raise BadRequest(f"Give a list of 1 to {MAX_TURNS} quarter turns, not {validation.shown(turns)}.")
        wrong = [one for one in turns if not isinstance(one, str) or one not in TURNS]
        if wrong:
            raise BadRequest(f"A quarter turn is one of {', '.join(TURNS)}, not {validation.shown(wrong[0])}.")
        asset = self.asset(owner, asset_id)
        if self._scene(asset, self.splat(owner, asset.id)) is not None:
            raise BadRequest(f"{validation.shown(asset.title)} stands on a picture: turn the one it was made of.")
        rotation = followed(TURNS[cast(Turn, one)] for one in turns)
        kept = self._standing.turn(owner, asset.id, rotation, further=True)
        self._changes.note(owner)
        return kept

    def place(self, owner: str, asset_id: str, on: str) -> Asset:
        """A new splat that stands on an object, or in the middle of a picture.

        Args:
            on: asset id of the object or picture.
        """
        asset, splat = self.asset(owner, asset_id), placed(self.splat(owner, asset_id))
        target = self._solids.picture(owner, on)
        mask = mask_of(read_picture(self._store.path(owner, target.id)).image)
        size = Size(target.width, target.height)
        fit = None
        if mask.all():
            splat = solid_fit.standing(splat, camera_of(solid_fit.middle_of(size), size))
        else:
            splat = solid_fit.matched(solid_fit.standing(splat, camera_of(crop_of(mask), size)), mask)
            fit = solid_fit.fit(splat, mask)
        return self._keep(asset, splat, SplatRecipe(splat.count, fit), (target.id, asset.id), ViewsRecipe())

    def erase(self, owner: str, asset_id: str, erasures: Sequence[Erasure]) -> Asset:
        """A new splat without the erased parts.

        Raises:
            BadRequest: nothing would be left, or nothing is there.
        """
        asset, splat = self.asset(owner, asset_id), self.splat(owner, asset_id)
        kept, title = kept_of(splat, erasures), validation.shown(asset.title)
        if not kept.any():
            raise BadRequest(f"All {splat.count:,} splats of {title} would be erased. Leave something.")
        if kept.all():
            raise BadRequest(f"None of the {splat.count:,} splats of {title} lies there. Nothing was erased.")
        left, scene = splat.only(kept), self._scene(asset, splat)
        fit = solid_fit.fit(left, scene.mask) if scene is not None and scene.mask is not None else None
        said = SplatRecipe(left.count, fit, asset.recipe.splat.notes, erased=splat.count - left.count)
        return self._keep(asset, left, said, (*asset.parents, asset.id), asset.recipe.views)

    # --- pictures of it -----------------------------------------------------------------------------------------------

    def filled_png(self, owner: str, asset_id: str) -> bytes:
        """The picture a splat stands on, with its object painted out. Raises BadRequest if it stands on none."""
        return objects.png(self._behind(self.scene(owner, asset_id), owner, "filled"))

    def rendered_png(
        self, owner: str, asset_id: str, camera: PictureCamera | None = None, ground: str = "photo"
    ) -> bytes:
        """A splat as a camera sees it, over its background; the longest side has MAX_RENDERED_SIDE pixels at most.

        Args:
            camera: of the picture it stands on; None: the one that *Reset* returns to.
            ground: see `recipe.solid.Ground`.
        """
        asset, splat = self.asset(owner, asset_id), self.splat(owner, asset_id)
        seen = within(camera or splat.pose.camera or facing(splat), MAX_RENDERED_SIDE)
        size = (seen.width, seen.height)
        if _ground(ground) == "plain":
            behind = Image.new("RGB", size, "white")
        else:
            behind = self._behind(self._scene(asset, splat), owner, ground).resize(size, reducing_gap=3.0)
        return objects.png(painted(splat, seen, _MOST_PAIRS).over(behind))

    def keep_view(
        self,
        owner: str,
        asset_id: str,
        content: bytes | Path,
        *,
        camera: PictureCamera | None = None,
        ground: str = "photo",
        picture: str = "",
    ) -> Asset:
        """Keep a picture of a splat that the page rendered.

        Args:
            content: PNG, JPEG or WebP.
            camera: its camera; None: unknown.
            picture: asset id of the picture behind it; "" for none.

        Raises:
            BadPicture: not a picture that Diorama reads.
        """
        asset = self.asset(owner, asset_id)
        parents = (asset.id,) if not picture else (self._solids.picture(owner, picture).id, asset.id)
        image = read_picture(content).image
        recipe = Recipe(
            kind="image",
            owner=owner,
            task=Task.SPLAT.value,
            width=image.width,
            height=image.height,
            parents=parents,
            title=asset.title,
            render=RenderRecipe(camera, _ground(ground)),
        )
        kept = self._store.save(image, recipe)
        self._changes.note(owner)
        return kept

    # --- inside -------------------------------------------------------------------------------------------------------

    def _scene(self, asset: Asset, splat: Splat) -> Backdrop | None:
        camera = splat.pose.camera
        if camera is None or not asset.parents:
            return None
        try:
            picture = self._solids.picture_of(asset.owner, asset.parents[0])
        except (NotFound, BadRequest):
            return None
        mask = mask_of(read_picture(self._store.path(asset.owner, asset.parents[0])).image)
        if mask.shape != (camera.height, camera.width):
            return None
        return Backdrop(camera, picture, None if mask.all() else mask)

    def _behind(self, scene: Backdrop | None, owner: str, ground: str) -> Image.Image:
        """RGB of the whole picture."""
        if scene is None:
            raise BadRequest("This splat is not on a picture: choose a plain ground, or place it on one.")
        image = flat(read_picture(self._store.path(owner, scene.picture.id)).image)
        if ground == "photo" or scene.mask is None:
            return image
        return inpaint_quick.fill_behind(image, scene.mask)

    def _keep(
        self, asset: Asset, splat: Splat, said: SplatRecipe, parents: tuple[str, ...], views: ViewsRecipe
    ) -> Asset:
        """Store a splat made from another."""
        recipe = splat_recipe(asset.owner, asset.title, splat, said, parents)
        recipe = replace(recipe, model=asset.model, revision=asset.recipe.revision, views=views)
        kept = self._store.save_splat(replace(splat, recipe=recipe))
        self._changes.note(asset.owner)
        return kept


def _ground(value: Any) -> Ground:
    if value not in get_args(Ground):
        raise BadRequest(f"The ground is one of {', '.join(get_args(Ground))}, not {validation.shown(value)}.")
    return value
