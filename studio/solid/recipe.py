"""The common parts of recipes of views and splats."""

from __future__ import annotations

from PIL import Image

from studio.contract import Size, Task
from studio.library.assets import Asset
from studio.recipe import Recipe
from studio.recipe.solid import SplatRecipe, ViewsRecipe
from studio.solid.contract import SIDES
from studio.splats.splat import Splat

SPLAT_SIZE = Size(512, 512)
"""The nominal size of a splat without a picture."""


def view_recipe(asset: Asset, image: Image.Image, index: int, views: ViewsRecipe) -> Recipe:
    """Of a view that no job and no model made; callers add the rest."""
    return Recipe(
        kind="view",
        owner=asset.owner,
        index=index,
        task=Task.VIEWS.value,
        width=image.width,
        height=image.height,
        parents=(asset.id,),
        title=f"{asset.title}, {SIDES[index]}",
        views=views,
    )


def splat_recipe(owner: str, title: str, splat: Splat, said: SplatRecipe, parents: tuple[str, ...] = ()) -> Recipe:
    """Of a splat that no job and no model made; callers add the rest."""
    camera = splat.pose.camera
    size = Size(camera.width, camera.height) if camera else SPLAT_SIZE
    return Recipe(
        kind="splat",
        owner=owner,
        task=Task.SPLAT.value,
        width=size.width,
        height=size.height,
        parents=parents,
        title=title,
        splat=said,
    )
