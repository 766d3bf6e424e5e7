"""Where people click: first points, boxes, and corrections where the mask is wrong. Knows no networks.

Masks are (N, 1, S, S) float32 of any size S; points are (N, 2) float32, x then y, as shares of the picture's side.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

ADD, REMOVE, CORNER, OPPOSITE = 1, 0, 2, 3
"""The labels of the prompt encoder: a click on the object, a click off it, the corners of a box."""

_REACH = 0.1
"""As a share of the side: the radius of a place's surroundings."""
_EAGERNESS = (0.0, 0.0, 4.0, 12.0)
_BOX_NOISE, _MOST_BOX_NOISE = 0.08, 0.05


class Prompt(NamedTuple):
    """The clicks so far.

    Attributes:
        points: (N, P, 2) float32, [0, 1].
        labels: (N, P) int32, see `ADD`.
    """

    points: Tensor
    labels: Tensor

    def with_click(self, points: Tensor, labels: Tensor) -> "Prompt":
        """The prompt with one more click (N, 2) per mask and its label (N,)."""
        return Prompt(
            torch.cat([self.points, points[:, None]], dim=1), torch.cat([self.labels, labels[:, None]], dim=1)
        )


class Deepest(NamedTuple):
    """A point of a mask.

    Attributes:
        x: in pixels of the mask, from the left.
        y: likewise, from the top.
        depth: number of erosions by a 3 x 3 square that it survives; 0 for an empty mask.
    """

    x: float
    y: float
    depth: int


def first_clicks(masks: Tensor, chance: torch.Generator) -> Prompt:
    """A random point in each mask: for some masks anywhere, for others near the middle."""
    points = _random_points(masks, chance)
    return Prompt(points[:, None], torch.full((len(masks), 1), ADD, dtype=torch.int32))


def boxes(masks: Tensor, chance: torch.Generator) -> Prompt:
    """The box around each mask as two corners, as imprecise as people's boxes."""
    size = masks.shape[-1]
    inside = masks[:, 0] > 0.5
    low, high = _extent(inside.any(dim=1)), _extent(inside.any(dim=2))
    tight = torch.stack([low[0], high[0], low[1], high[1]], dim=1) / size  # x0, y0, x1, y1
    sides = (tight[:, 2:] - tight[:, :2]).repeat(1, 2)
    noise = (torch.randn(tight.shape, generator=chance) * _BOX_NOISE * sides).clamp(-_MOST_BOX_NOISE, _MOST_BOX_NOISE)
    careless = torch.rand(len(masks), 1, generator=chance) < 0.6
    corners = (tight + noise * careless).clamp(0, 1)
    labels = torch.tensor([[CORNER, OPPOSITE]], dtype=torch.int32).expand(len(masks), -1)
    return Prompt(corners.view(-1, 2, 2), labels)


def corrections(masks: Tensor, found: Tensor, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """A click where the predicted mask is wrong, mostly in the middle of a large error.

    Args:
        masks: ground truth.
        found: predicted logits of the same shape.
        chance: random generator.

    Returns:
        Points (N, 2) and labels (N,) int32. Where nothing is wrong, a point in the mask.
    """
    wanted, selected = masks > 0.5, found > 0
    wrong = wanted ^ selected
    nothing = ~wrong.flatten(1).any(dim=1)
    wrong[nothing] = wanted[nothing]
    points = _random_points(wrong.float(), chance)
    return points, labels_at(points, wanted)


def labels_at(points: Tensor, wanted: Tensor) -> Tensor:
    """`ADD` for points inside the true mask (N, 1, S, S) bool, `REMOVE` outside; (N,) int32."""
    size = wanted.shape[-1]
    places = (points * size).long().clamp(0, size - 1)
    inside = wanted[torch.arange(len(points)), 0, places[:, 1], places[:, 0]]
    return torch.where(inside, ADD, REMOVE).to(torch.int32)


def deepest_point(mask: np.ndarray) -> Deepest:
    """The point of a mask, HW bool of any size, farthest from its edge; the picture's edge counts, too."""
    left = F.pad(torch.from_numpy(mask).float()[None], (1, 1, 1, 1))
    depths = torch.zeros_like(left)
    while left.any():
        depths += left
        left = -F.max_pool2d(-left, 3, stride=1, padding=1)
    inner = depths[0, 1:-1, 1:-1]
    row, column = divmod(int(inner.argmax()), inner.shape[1])
    return Deepest(column + 0.5, row + 0.5, int(inner.max()))


def _random_points(masks: Tensor, chance: torch.Generator) -> Tensor:
    """A random pixel of each mask: for half of them any pixel, for the others more likely one deep inside."""
    inside = masks > 0.5
    empty = ~inside.flatten(1).any(dim=1)
    inside[empty] = masks[empty] == masks[empty].amax(dim=(1, 2, 3), keepdim=True)
    reach = int(_REACH * masks.shape[-1]) // 2
    along = F.avg_pool2d(inside.float(), (1, 2 * reach + 1), stride=1, padding=(0, reach))
    around = F.avg_pool2d(along, (2 * reach + 1, 1), stride=1, padding=(reach, 0))
    eagerness = torch.tensor(_EAGERNESS)[torch.randint(len(_EAGERNESS), (len(masks),), generator=chance)]
    weights = (inside * around ** eagerness[:, None, None, None]).flatten(1).cumsum(dim=1)
    drawn = torch.rand(len(masks), 1, generator=chance) * weights[:, -1:]
    chosen = torch.searchsorted(weights, drawn, right=True)[:, 0].clamp_(max=weights.shape[1] - 1)
    jitter = torch.rand(len(masks), 2, generator=chance) - 0.5
    return _centres(chosen, masks.shape[-1]) + jitter / masks.shape[-1]


def _centres(places: Tensor, size: int) -> Tensor:
    rows, columns = places // size, places % size
    return (torch.stack([columns, rows], dim=1) + 0.5) / size


def _extent(used: Tensor) -> tuple[Tensor, Tensor]:
    """The first index that is set along a line, and one past the last, (N, S) bool."""
    size = used.shape[1]
    places = torch.arange(size)
    first = torch.where(used, places, size).amin(dim=1)
    last = torch.where(used, places, -1).amax(dim=1) + 1
    return first.clamp(max=size - 1).float(), last.clamp(min=1).float()
