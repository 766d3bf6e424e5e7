"""Objects: named cut-outs of a picture. Makes, names and decodes them. Knows no models.

An object's file has the full frame of its picture, transparent outside the mask: its alpha is the mask (times the
picture's own), and fully transparent pixels have no colour.
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
    """RGBA of the full frame: transparent outside the mask, and without colour where fully so.

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
    """An object without the empty frame around it."""
    return image.crop(image.getchannel("A").getbbox()) if image.mode == "RGBA" else image  # fully selected


def flat(image: Image.Image, background: str = "white") -> Image.Image:
    """The picture as RGB, on a background if it is transparent."""
    if image.mode == "RGB":
        return image
    ground = Image.new("RGB", image.size, background)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def mask_in(path: Path) -> np.ndarray:
    """The mask of an object's file, see `mask_of`."""
    return mask_of(read_picture(path).image)


def mask_of(image: Image.Image) -> np.ndarray:
    """What is opaque: HW uint8. A picture without alpha is fully selected."""
    if image.mode == "RGBA":
        return np.asarray(image.getchannel("A"))
    return np.full((image.height, image.width), 255, np.uint8)


def png(image: Image.Image) -> bytes:
    """A PNG without a recipe, for use elsewhere."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def recipe(picture: Asset, spec: ModelSpec | None, request: SegmentRequest, found: Segmentation, name: str) -> Recipe:
    """The recipe of an object of this picture."""
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
    """A name fit for a title and a file, or "". Raises BadRequest if it is not text."""
    if not isinstance(name, str):
        raise BadRequest("The name of an object must be text, such as 'red ball'.")
    return " ".join(bounded(name, MAX_SHORT).split())


def suggested_name(
    prompt: str, taken: Sequence[str], changes: Sequence[str] = (), colour: np.ndarray | None = None
) -> str:
    """A short name from the picture's prompt that no other object of it has: "red ball", "blue cube", "red ball 2".

    If the prompt names several things, some with a colour, only those whose colour matches are candidates: better
    "object" than a wrong name.

    Args:
        prompt: of the picture, or of the first version of it.
        taken: names of its objects.
        changes: the instructions since, latest first. A red ball may be blue by now, so it is called "ball"; and
            "turn it into a house" makes a "house".
        colour: of the selection, RGB, linear, [0, 1]; None if unknown.
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
