"""Objects: named cut-outs of a picture. Makes, names and decodes them. Knows no models.

An object's file is the whole frame of its picture, see-through outside of the mask: its alpha is the mask (times the
picture's own), and no colour is left where nothing shows.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from studio import masks
from studio.contract import ModelSpec, Task
from studio.errors import BadRequest
from studio.intake.picture import read_picture
from studio.intake.settings.foreign_values import MAX_SHORT, bounded
from studio.library.assets import Asset
from studio.recipe import Recipe
from studio.recipe.selection import Box, SegmentRequest, SelectionRecipe
from studio.segmentation import colour_names
from studio.segmentation.contract import Segmentation

_PHRASES = re.compile(r"\s+(?:and|next to|beside|behind|in front of)\s+|[,;.]")
_PLACE = re.compile(r"\s+(?:on|in|at|under|over|before|against|with)\s.*", re.DOTALL)
_BROUGHT = re.compile(r"\b(?:add|into|with)\s+(?!more\b|it\b)(.+)", re.IGNORECASE | re.DOTALL)
_LONGEST_NAME = 40


def cut_out(image: Image.Image, mask: np.ndarray) -> Image.Image:
    """RGBA of the whole frame: see-through outside of the mask, and without colour where it is wholly so.

    Args:
        image: RGB or RGBA.
        mask: HW uint8 of the picture's size or smaller.
    """
    alpha = Image.fromarray(masks.resized(mask, image.size))
    if image.mode == "RGBA":
        alpha = ImageChops.multiply(alpha, image.getchannel("A"))
    result = Image.new("RGBA", image.size)
    result.paste(image.convert("RGB"), mask=alpha.point(lambda value: 255 if value else 0))
    result.putalpha(alpha)
    return result


def cropped(image: Image.Image) -> Image.Image:
    """What an object's file shows, without the empty frame around it."""
    return image.crop(image.getchannel("A").getbbox()) if image.mode == "RGBA" else image  # all of it is selected


def mask_in(path: Path) -> np.ndarray:
    """The mask of an object's file: HW uint8. A picture without alpha is selected as a whole."""
    image = read_picture(path).image
    if image.mode == "RGBA":
        return np.asarray(image.getchannel("A"))
    return np.full((image.height, image.width), 255, np.uint8)


def png(image: Image.Image) -> bytes:
    """A PNG without any recipe, to be used elsewhere."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def recipe(picture: Asset, spec: ModelSpec | None, request: SegmentRequest, found: Segmentation, name: str) -> Recipe:
    """What made an object of this picture."""
    box = None if found.box is None else Box(*map(float, found.box))
    return Recipe(
        kind="object",
        owner=picture.owner,
        task=Task.SEGMENT.value,
        model=spec.id if spec else "",
        revision=spec.revision if spec else "",
        width=picture.width,
        height=picture.height,
        parents=(picture.id,),
        seconds=round(found.seconds, 3),
        title=name,
        selection=SelectionRecipe(request, box, found.area),
    )


def checked_name(name: object) -> str:
    """A name fit for a title and a file, "" if there is none.

    Raises:
        BadRequest: it is no text.
    """
    if not isinstance(name, str):
        raise BadRequest("The name of an object must be text, such as 'red ball'.")
    return " ".join(bounded(name, MAX_SHORT).split())


def suggested_name(
    prompt: str, taken: Sequence[str], changes: Sequence[str] = (), colour: np.ndarray | None = None
) -> str:
    """A short name out of the picture's words that no other object of it has: "red ball", "blue cube", "red ball 2".

    Where several things are named, and some by their colour, one whose colour is not seen is no name for what is
    selected: rather "object" than a wrong one.

    Args:
        prompt: of the picture, or of the one it was made from first.
        taken: names of its objects.
        changes: what was asked of the picture since, the latest first. A red ball may be blue by now, it is called a
            "ball"; and "turn it into a house" makes a "house".
        colour: of what is selected, RGB, linear, [0, 1]; None if that is not known.
    """
    phrases = [_noun(phrase) for phrase in _PHRASES.split(prompt)]
    if changes:
        brought = [found[1] for found in map(_BROUGHT.search, changes) if found]
        new = [_noun(phrase) for each in brought for phrase in _PHRASES.split(each)]
        phrases = [*new, *(phrase.rpartition(" ")[2] for phrase in phrases)]
    names = list(dict.fromkeys(name for name in phrases if name)) or ["object"]
    if colour is not None and len(names) > 1 and any(map(colour_names.has_colour, names)):
        names = colour_names.fitting(colour, names) or ["object"]
    used = {name.casefold() for name in taken}
    for number in range(1, len(used) + 2):
        for name in names:
            numbered = name if number == 1 else f"{name} {number}"
            if numbered.casefold() not in used:
                return numbered
    return names[0]


def _noun(phrase: str) -> str:
    words = _PLACE.sub("", f" {phrase.strip()}").strip()
    words = re.sub(r"^(?:an?|the|one|two|three|some|my)\s+", "", words, flags=re.IGNORECASE)
    return words[:_LONGEST_NAME].strip()
