"""SPAN, a small network that enlarges pictures 2 or 4 times. Source: https://github.com/hongyuanyu/SPAN, Apache-2.0.

Made for clean pictures, such as generated ones: noise and JPEG blocks come out sharper, too.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import silu
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from pipelines.damage import reason
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Plan
from studio.contract import ImageRequest, ImageResult, Progress, Tell
from studio.errors import BadRequest, NotReady
from studio.validation import short

CHANNELS, BLOCKS = 48, 6
MEAN = (0.4488, 0.4371, 0.4040)
RANGE = 255.0
REACH = 3 * BLOCKS + 3
"""Pixels around one that it depends on: as many as there are convolutions of 3 x 3 in a row."""
TILE = 192
"""Side of what goes through the network at once, in pixels: 30 MB of its features, and a Stop within a second."""


class Span(nn.Module):
    """[B, 3, H, W] -> [B, 3, sH, sW], RGB in [0, 1], not clamped."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(3)) for _ in range(BLOCKS)
        )
        self.last = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.merge = nn.Conv2d(4 * CHANNELS, CHANNELS, 1)
        self.up = nn.Conv2d(CHANNELS, 3 * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, rgb: Tensor) -> Tensor:
        features = first = self.first((rgb - rgb.new_tensor(MEAN).view(3, 1, 1)) * RANGE)
        kept = []
        for block in self.blocks:
            one, two, three = block  # type: ignore[misc]
            inner = silu(one(features))
            strength = three(silu(two(inner)))
            features = (strength + features) * (torch.sigmoid(strength) - 0.5)
            kept.append((features, inner))
        merged = torch.cat([first, self.last(features), kept[0][0], kept[-1][1]], dim=1)
        return self.shuffle(self.up(self.merge(merged)))


class Upscaler:
    """The loaded networks; used by one thread at a time."""

    def __init__(self, networks: dict[int, Span], device: str) -> None:
        """
        Args:
            networks: by how many times they enlarge, in evaluation mode, on their device.
        """
        self._networks, self._device = networks, device

    @torch.no_grad()
    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        """Enlarge `references[0]`, RGB, to `size`, tile by tile; reports after each.

        Raises:
            BadRequest: no network enlarges so many times.
        """
        (source,) = request.references
        scale = request.size.width // source.width
        if scale not in self._networks or (source.width * scale, source.height * scale) != request.size:
            raise BadRequest(f"This model enlarges {' or '.join(map(str, self._networks))} times, to no other size.")
        rgb = pil_to_tensor(source).unsqueeze(0).to(self._device).float() / 255
        large = torch.empty(3, request.size.height, request.size.width, dtype=torch.uint8)
        tiles = [*_tiles(source.width, source.height)]
        for number, (left, top, right, bottom) in enumerate(tiles):
            tell(Progress(number, len(tiles)))
            x, y = max(0, left - REACH), max(0, top - REACH)
            seen = self._networks[scale](rgb[..., y : bottom + REACH, x : right + REACH])[0]
            kept = seen[:, scale * (top - y) : scale * (bottom - y), scale * (left - x) : scale * (right - x)]
            place = large[:, scale * top : scale * bottom, scale * left : scale * right]
            place.copy_((255 * kept).round().clamp(0, 255))
        tell(Progress(len(tiles), len(tiles)))
        return ImageResult(to_pil_image(large), request.seed)

    def close(self) -> None:
        """Give memory back."""
        self._networks.clear()
        gc.collect()


def _tiles(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right, bottom of squares that cover a picture once, row by row."""
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            yield left, top, min(left + TILE, width), min(top + TILE, height)


def open_checkpoint(checkpoint: Checkpoint, plans: Sequence[Plan]) -> Upscaler:
    """
    Args:
        checkpoint: a folder with `x2.safetensors`, `x4.safetensors`, as many as there are.

    Raises:
        NotReady: a file is no SPAN.
    """
    networks = {}
    for path in sorted(checkpoint.path.glob("x*.safetensors")):
        network = Span(int(path.stem[1:]))
        try:
            network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        except (RuntimeError, SafetensorError, OSError) as error:
            raise NotReady(f"{short(path)} holds no SPAN network: {reason(error)}") from error
        networks[network.shuffle.upscale_factor] = network.eval().to(plans[0].device)
    return Upscaler(networks, plans[0].device)
