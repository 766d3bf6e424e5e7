"""An object put into the middle of a square picture as LGM was shown objects: whole pixels, rounded here and there.

For comparing with the published numbers: the app itself shows models an exact crop (`studio.solid.contract`), whose
camera is a camera of the picture. Knows nothing of models; pictures are tensors, rows first.
"""

from __future__ import annotations

import torch
from torch import Tensor

BORDER = 0.2
"""Share of the square that the longer side of the object leaves free. Source: 3DTopia/LGM infer.py."""


def recenter(picture: Tensor, mask: Tensor, border: float = BORDER) -> Tensor:
    """The object in the middle of a square as large as the picture's longer side, as LGM was shown objects.

    Args:
        picture: [H, W, 3 or 4] uint8 in [0, 255] or floating in [0, 1]; RGB, or RGBA that is not premultiplied.
        mask: [H, W] bool, True on the object.

    Returns:
        [S, S, 3 or 4] of the dtype of `picture`; transparent black around RGBA, white around RGB.

    Raises:
        ValueError: nothing of the mask, or a single row or column, is set.

    Source: PyPI kiui 0.2.3, op.py, recenter. Its box leaves out the last row and column that are set.
    """
    rows, columns = (torch.nonzero(mask.any(dim=axis))[:, 0] for axis in (1, 0))
    if not len(rows) or rows[0] == rows[-1] or columns[0] == columns[-1]:
        raise ValueError("got a mask less than two pixels high or wide, expected an object")
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) - top, int(columns[-1]) - left
    size = max(picture.shape[:2])
    scale = int(size * (1 - border)) / max(height, width)
    new_height, new_width = max(1, int(height * scale)), max(1, int(width * scale))
    at_row, at_column = (size - new_height) // 2, (size - new_width) // 2

    whole = picture.dtype == torch.uint8
    values = picture.float() / 255 if whole else picture.float()
    result = torch.zeros(size, size, picture.shape[2]) if picture.shape[2] == 4 else torch.ones(size, size, 3)
    result[at_row : at_row + new_height, at_column : at_column + new_width] = resized(
        values[top : top + height, left : left + width], new_height, new_width
    )
    return (result * 255).to(torch.uint8) if whole else result.to(picture.dtype)


def resized(picture: Tensor, height: int, width: int) -> Tensor:
    """As OpenCV's resize with INTER_AREA does: each pixel the mean of what it covers, or between pixels if enlarged.

    Args:
        picture: [H, W, C] floating.

    Returns:
        [height, width, C] float32.
    """
    enlarged = height > picture.shape[0] or width > picture.shape[1]
    weigh = _between if enlarged else _covered
    down, across = (
        weigh(torch.arange(count + 1, dtype=torch.float64) * (length / count), length).float()
        for count, length in ((height, picture.shape[0]), (width, picture.shape[1]))
    )
    return torch.einsum("yh,hwc,xw->yxc", down, picture.float(), across)


def _covered(edges: Tensor, length: int) -> Tensor:
    """[N, length] float64: which share of the stretch between neighbouring edges each pixel of a line is."""
    pixels = torch.arange(length, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], pixels + 1) - torch.maximum(edges[:-1, None], pixels)
    return overlap.clamp(min=0) / (edges[1:] - edges[:-1])[:, None]


def _between(edges: Tensor, length: int) -> Tensor:
    """[N, length] float64: OpenCV's own weights where INTER_AREA enlarges; a pixel is mixed only across an edge.

    Source: opencv modules/imgproc/src/resize.cpp, the branch `area_mode`.
    """
    count = len(edges) - 1
    cells = torch.arange(count)
    first = edges[:-1].floor().long().clamp(max=length - 1)
    share = (cells + 1) - (first + 1) * (count / length)
    share = torch.where((share <= 0) | (first == length - 1), 0.0, share - share.floor())
    weights = torch.zeros(count, length, dtype=torch.float64)
    weights[cells, first] += 1 - share
    weights[cells, (first + 1).clamp(max=length - 1)] += share
    return weights
