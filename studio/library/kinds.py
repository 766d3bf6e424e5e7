"""The kinds of files in an outputs folder, by ending: their folder, their recipe, and their picture.

Knows no index and changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from studio.errors import BadSplat
from studio.intake.picture import read_picture
from studio.library import files
from studio.recipe import FoundRecipe, read_png, to_text
from studio.splats.any_format import read_splat
from studio.splats.formats.ply import write_ply
from studio.splats.formats.ply_header import MAX_HEADER_BYTES, read_header
from studio.splats.metadata import KEYWORD, read_line
from studio.splats.rasterizer import portrait
from studio.splats.splat import Splat

FOLDERS = {".png": "images", ".ply": "splats"}


def names_in(folder: Path) -> Iterator[str]:
    """Names of the files that may be assets: complete, and no links. Raises StorageFailed if the folder is a link."""
    files.refuse_link(folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            if (
                entry.name.endswith(tuple(FOLDERS))
                and not entry.name.startswith(files.TEMPORARY)
                and entry.is_file(follow_symlinks=False)
            ):
                yield entry.name


def read_recipe(path: Path) -> FoundRecipe | None:
    """The recipe in a file, or None. Reads its head, never its pixels or Gaussians. Raises OSError."""
    return read_png(path) if path.suffix == ".png" else _read_ply(path)


def picture_of(path: Path, side: int) -> Image.Image:
    """What an asset looks like: a picture as it is, a splat rendered `side` pixels large.

    Raises:
        BadPicture, BadSplat: the file is damaged.
    """
    return read_picture(path).image if path.suffix == ".png" else portrait(read_splat(path, path.name).splat, side)


def splat_file(splat: Splat) -> tuple[bytes, FoundRecipe]:
    """The file of a splat that has a recipe, and the recipe as it will be read."""
    if splat.recipe is None:
        raise ValueError("got a splat without a recipe, expected one with it")
    recipe = splat.recipe
    return write_ply(splat), FoundRecipe(recipe, to_text(recipe), recipe.width, recipe.height)


def is_whole(thumbnail: Path) -> bool:
    """Whether a thumbnail was written completely: WebP starts with its length. A power cut may truncate one."""
    try:
        with open(thumbnail, "rb", opener=files.private) as file:
            head = file.read(8)
            return head[:4] == b"RIFF" and int.from_bytes(head[4:], "little") + 8 <= os.fstat(file.fileno()).st_size
    except OSError:
        return False


def _read_ply(path: Path) -> FoundRecipe | None:
    with path.open("rb") as file:
        head = file.read(MAX_HEADER_BYTES)
    try:
        comments = read_header(head).comments
    except BadSplat:
        return None
    for comment in comments:
        word, _, rest = comment.partition(" ")
        recipe = read_line(rest).recipe if word == KEYWORD else None
        if recipe is not None:
            return FoundRecipe(recipe, to_text(recipe), recipe.width, recipe.height)
    return None
