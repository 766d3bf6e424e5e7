"""An auxiliary task for the encoder: which positions belong to the same region, everywhere at once.

A click trains the encoder on one region of a picture; this trains it on all of them in every step, which is what a
network trained from scratch on two cores lacks most. It is not saved with the model.

Source: the pixel embeddings of De Brabandere et al., "Semantic Instance Segmentation with a Discriminative Loss
Function" (2017), with the mask losses of the main task.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ANCHORS = 24
"""Positions per picture whose regions are predicted."""

_LENGTH = 24


class Sameness(nn.Module):
    """Projects the encoder's features to one vector per position; similar vectors mean the same region."""

    def __init__(self, channels: tuple[int, ...], size: int) -> None:
        """Prepares one projection per level.

        Args:
            channels: channels of each level of the features.
            size: side of the maps that are compared.
        """
        super().__init__()
        self.size = size
        self.levels = nn.ModuleList([nn.Conv2d(count, _LENGTH, 1) for count in channels])
        self.sharpness = nn.Parameter(torch.tensor(0.0))
        self.reach = nn.Parameter(torch.tensor(2.0))

    def forward(self, features: tuple[Tensor, ...], regions: Tensor, chance: torch.Generator) -> tuple[Tensor, Tensor]:
        """Loss and mean IoU of the regions at random positions.

        Args:
            features: (B, C, S, S) of each level.
            regions: (B, H, W) int64, H and W multiples of the maps' size.
            chance: draws the positions; every region of a picture is equally likely.
        """
        shape = (self.size, self.size)
        code = torch.stack(
            [
                F.interpolate(level(feature).float(), shape, mode="bilinear", align_corners=False)
                for level, feature in zip(self.levels, features, strict=True)
            ]
        ).sum(dim=0)
        step = regions.shape[-1] // self.size
        labels = regions[:, step // 2 :: step, step // 2 :: step].flatten(1)
        places = _places(labels, chance)
        code = code.flatten(2)
        anchors = code.gather(2, places[:, None].expand(-1, _LENGTH, -1))
        with torch.autocast(code.device.type, enabled=False):
            distance = torch.cdist(anchors.transpose(1, 2), code.transpose(1, 2)) ** 2 / _LENGTH**0.5
        logits = self.reach - self.sharpness.exp() * distance
        wanted = (labels.gather(1, places)[:, :, None] == labels[:, None]).float()
        inside, outside = wanted.sum(dim=2), (1 - wanted).sum(dim=2)
        surprise = F.softplus(logits) - logits * wanted
        balanced = (surprise * wanted).sum(dim=2) / inside + (surprise * (1 - wanted)).sum(dim=2) / outside.clamp(min=1)
        chances = logits.sigmoid()
        both, either = (chances * wanted).sum(dim=2), chances.sum(dim=2) + inside
        loss = balanced.mean() + (1 - (2 * both + 1) / (either + 1)).mean()
        with torch.no_grad():
            found = logits > 0
            overlap = ((found & (wanted > 0)).sum(dim=2) / (found | (wanted > 0)).sum(dim=2)).mean()
        return loss, overlap


def _places(labels: Tensor, chance: torch.Generator) -> Tensor:
    """Random positions (B, ANCHORS) in maps of region numbers (B, N), as many in small regions as in large ones."""
    counts = torch.zeros(len(labels), int(labels.max()) + 1).scatter_add_(1, labels, torch.ones_like(labels).float())
    rarity = 1 / counts.gather(1, labels)
    return torch.multinomial(rarity, ANCHORS, replacement=True, generator=chance)
