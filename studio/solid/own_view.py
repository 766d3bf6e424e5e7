"""Your own picture as one of the four views: a photo's object is cut out, since models expect a white background.

Knows no models and no disk.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from studio import masks
from studio.segmentation.contract import Box
from studio.segmentation.outline import Hints, cut
from studio.segmentation.outline_model import SIDE
from studio.solid.contract import MAX_VIEW_SIDE, crop_of, square, view_square

_MARGIN = 0.02
"""Of width and height: the margin at the sides and the top that is surely background; objects may extend below."""
_WHITE, _MOSTLY = 240, 0.9
"""From which value on a channel counts as white, and how much white in the margin means there is nothing to cut out."""
_LEAST, _MOST = 0.02, 0.9
"""Of the picture: smaller or larger objects count as not found."""


def own_view(image: Image.Image) -> Image.Image:
    """RGB, square, on white, at most MAX_VIEW_SIDE.

    Args:
        image: RGB, or RGBA with only the object opaque.
    """
    mask = None if image.mode == "RGBA" else _thing(image)
    if mask is None:
        return view_square(image)
    alpha = Image.fromarray(masks.resized(mask, image.size))
    thing = image.copy()
    thing.putalpha(alpha)
    crop = crop_of(np.asarray(alpha))
    return square(thing, crop, min(MAX_VIEW_SIDE, max(1, round(crop.side))))


def _thing(image: Image.Image) -> np.ndarray | None:
    """The mask of the object in the middle, HW uint8 of any size; None if there is no background around it."""
    small = image.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    picture = np.asarray(small)
    height, width = picture.shape[:2]
    across, down = max(1, round(_MARGIN * width)), max(1, round(_MARGIN * height))
    rim = np.ones((height, width), bool)
    rim[down:-down, across:-across] = False
    if rim.all() or (picture[rim].min(axis=1) >= _WHITE).mean() > _MOSTLY:
        return None
    mask = masks.largest_part(cut(picture, Hints(box=Box(across, down, width - across, height))).mask)
    share = (mask >= masks.HALF).mean()
    return mask if _LEAST <= share <= _MOST else None
