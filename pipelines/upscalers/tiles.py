"""Runs an upscaling network tile by tile."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from studio.contract import ImageRequest, ImageResult, Progress, Tell
from studio.errors import BadRequest


@dataclass(frozen=True)
class Enlarging:
    """How a network enlarges a tile.

    Attributes:
        run: [1, 3, H, W] and a factor -> [1, 3, factor * H, factor * W]; RGB in [0, 1], need not be clamped.
        scales: its factors.
        reach: receptive field radius, in pixels.
        tile: side of a tile, in pixels.
        device: of the network.
    """

    run: Callable[[Tensor, int], Tensor]
    scales: tuple[int, ...]
    reach: int
    tile: int
    device: str


class Upscaler:
    """A loaded network; not thread-safe."""

    def __init__(self, network: Enlarging) -> None:
        self._network: Enlarging | None = network

    @torch.no_grad()
    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        """Enlarge `references[0]`, RGB, to `size`, tile by tile; reports after each.

        Raises:
            BadRequest: the network lacks this factor.
        """
        network = self._network
        assert network, "closed"
        (source,) = request.references
        scale = request.size.width // source.width
        if scale not in network.scales or (source.width * scale, source.height * scale) != request.size:
            raise BadRequest(f"This model enlarges {' or '.join(map(str, network.scales))} times, to no other size.")
        rgb = pil_to_tensor(source).unsqueeze(0).to(network.device).float() / 255
        large = torch.empty(3, request.size.height, request.size.width, dtype=torch.uint8)
        tiles = [*_tiles(source.width, source.height, network.tile)]
        for number, (left, top, right, bottom) in enumerate(tiles):
            tell(Progress(number, len(tiles)))
            x, y = max(0, left - network.reach), max(0, top - network.reach)
            seen = network.run(rgb[..., y : bottom + network.reach, x : right + network.reach], scale)[0]
            kept = seen[:, scale * (top - y) : scale * (bottom - y), scale * (left - x) : scale * (right - x)]
            place = large[:, scale * top : scale * bottom, scale * left : scale * right]
            place.copy_((255 * kept).round().clamp(0, 255))
        tell(Progress(len(tiles), len(tiles)))
        return ImageResult(to_pil_image(large), request.seed)

    def close(self) -> None:
        """Free its memory."""
        self._network = None
        gc.collect()


def _tiles(width: int, height: int, side: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right, bottom of squares that cover a picture once, row by row."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield left, top, min(left + side, width), min(top + side, height)
