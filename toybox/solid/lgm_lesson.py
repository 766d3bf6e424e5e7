"""One training step of the toy LGM: first surface supervision alone, then rendering losses as well.

Every pixel of the four views has its own Gaussian, so the traced depth gives its position. Rendered pictures, at twice
the size, then teach scales, rotations, edge coverage and occlusion: Gaussians trained on exact surfaces alone extend a
pixel too far all around (outline IoU 0.92).

Source of the second part: Tang et al., LGM (2024), section 3.4: squared errors of colour and alpha at views all around.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lgm.cameras import Camera, focal_px, orbit_pose
from lgm.config import LGMConfig
from lgm.gaussians import Gaussians
from lgm.model import LGM, activated
from lgm.render import render
from toybox.precision import training_precision
from toybox.solid.grids import Grids, sample_colour
from toybox.solid.photos import photo_of
from toybox.solid.records import SIZE, Records, coverage_of, shade_bytes
from toybox.solid.toy_lgm import FIRST_SCALE
from toybox.solid.turntable import FOV_DEG, VIEWS

BATCH = 4
DRAWN_FROM = 0.25
"""Share of the time after which pictures are rendered, too: before, they would show fog."""
DRAWN = 2
"""Rendered views of each turntable per step."""

_POSITION, _OPACITY, _COLOUR, _SIZE = 3.0, 1.0, 1.0, 0.1
_LATER = {"position": 0.5, "opacity": 0.05, "colour": 0.1, "size": 0.0}
"""The factor of these losses while pictures are rendered."""
_DRAWN_COLOUR, _DRAWN_ALPHA = 10.0, 5.0
_PHOTOS = 0.6
"""Share of first views that are replaced by the photo."""
_NOISE, _WASH = 0.02, 0.05
"""Of the views, so that the model does not rely on perfect ones: those of the toy multi-view model are not."""


class Batch(NamedTuple):
    """Some turntables in some colours.

    Attributes:
        views: (B, 4, 3, H, W) over white.
        coverage: (B, 4, H, W).
        positions: (B, 4, 3, H, W), NaN outside the object.
        angles: (B, 8, 2) azimuth and elevation in degrees.
        colours: (B, 3) of the objects.
        indexes: of the turntables.
    """

    views: Tensor
    coverage: Tensor
    positions: Tensor
    angles: Tensor
    colours: Tensor
    indexes: list[int]


class LgmLessons:
    """Draws batches and computes losses."""

    def __init__(
        self,
        model: LGM,
        grids: Grids,
        records: Records,
        share: Callable[[], float],
        seed: int = 3,
        batch: int = BATCH,
    ) -> None:
        """
        Args:
            model: to train.
            grids: all of them are for training.
            records: the traced turntables of the grids.
            share: how much of the time is over, [0, 1].
            batch: turntables per step.
        """
        self._model, self._grids, self._records, self._share = model, grids, records, share
        self._random, self._batch = random.Random(seed), batch

    def step(self, _number: int) -> dict[str, Tensor]:
        """Losses by name; "loss" is minimised."""
        batch = self.draw(self._batch)
        shown = blemished(self._with_photos(batch))
        elevations = batch.angles[:, 0, 1].tolist()
        asked = [self._model.inputs_of(one[None], up) for one, up in zip(shown, elevations, strict=True)]
        with training_precision():
            raw = self._model.raw(torch.cat(asked)).float()
        gaussians = activated(raw, VIEWS)
        losses = surface_losses(raw, gaussians, batch)
        if self._share() >= DRAWN_FROM:
            losses = {name: _LATER[name] * value for name, value in losses.items()} | self._drawn(gaussians, batch)
        return losses | {"loss": torch.stack(list(losses.values())).sum()}

    def draw(self, count: int) -> Batch:
        """Random turntables, each in a colour that its kind may have."""
        indexes = sorted(self._random.sample(range(len(self._grids)), count))
        planes = torch.from_numpy(np.stack([self._grids.planes[index][1 : 1 + VIEWS] for index in indexes]))
        colour = torch.stack([sample_colour(int(self._grids.kinds[index]), self._random) for index in indexes])
        white = torch.ones(3)
        return Batch(
            views=shade_bytes(planes, colour[:, None], white),
            coverage=coverage_of(planes),
            positions=torch.from_numpy(np.stack([self._grids.positions[index] for index in indexes])).float(),
            angles=torch.from_numpy(np.stack([self._grids.angles[index] for index in indexes])),
            colours=colour,
            indexes=indexes,
        )

    def _with_photos(self, batch: Batch) -> Tensor:
        """The views; some first ones are replaced by the photo, with its different lens, as in the app."""
        views = batch.views.clone()
        for place, (index, colour) in enumerate(zip(batch.indexes, batch.colours, strict=True)):
            if self._random.random() < _PHOTOS:
                views[place, 0] = photo_of(self._records, index, colour, views.shape[-1], self._random)
        return views

    def _drawn(self, gaussians: Gaussians, batch: Batch) -> dict[str, Tensor]:
        """Squared errors of colour and alpha in some rendered views of each turntable."""
        colour, alpha = [], []
        views = range(batch.angles.shape[1])
        for place, view in (
            (place, view) for place in range(self._batch) for view in self._random.sample(views, DRAWN)
        ):
            planes = torch.from_numpy(self._records.planes[batch.indexes[place], 1 + view].copy())
            seen = shade_bytes(planes, batch.colours[place], torch.ones(3)).permute(1, 2, 0)
            camera = camera_at(batch.angles[place, view], SIZE, self._model.config)
            drawn = render(gaussians.one(place), camera)
            colour.append((drawn.rgb - seen).square().mean())
            alpha.append((drawn.alpha - coverage_of(planes)).square().mean())
        return {
            "drawn": _DRAWN_COLOUR * torch.stack(colour).mean(),
            "outline": _DRAWN_ALPHA * torch.stack(alpha).mean(),
        }


def blemished(views: Tensor) -> Tensor:
    """Views (B, V, 3, H, W) with some noise and a random tint each, as from a model."""
    tone = 1 + _WASH * torch.randn(*views.shape[:2], 3, 1, 1)
    return (views * tone + _NOISE * torch.randn_like(views)).clamp(0, 1)


def surface_losses(raw: Tensor, gaussians: Gaussians, batch: Batch) -> dict[str, Tensor]:
    """The distance of every pixel's Gaussian from the surface that the pixel sees.

    Args:
        raw: (B * 4, 14, S, S).
        gaussians: of `raw`.
        batch: with S x S pixels.
    """
    at = batch.positions.permute(0, 1, 3, 4, 2).flatten(1, 3)
    covered = batch.coverage.flatten(1)
    is_on = (covered > 0.5) & at.isfinite().all(-1)
    colours = batch.views.permute(0, 1, 3, 4, 2).flatten(1, 3)
    logits = raw.unflatten(0, (-1, VIEWS))[:, :, 3].flatten(1)
    return {
        "position": _POSITION * (gaussians.positions[is_on] - at[is_on]).abs().sum(-1).mean(),
        "opacity": _OPACITY * F.binary_cross_entropy_with_logits(logits, (covered > 0.5).float()),
        "colour": _COLOUR * (gaussians.colours[is_on] - colours[is_on]).abs().sum(-1).mean(),
        "size": _SIZE * (gaussians.scales[is_on] / FIRST_SCALE).log().abs().mean(),
    }


def camera_at(angles: Tensor, size: int, config: LGMConfig) -> Camera:
    """One of the cameras around the object.

    Args:
        angles: (2,) azimuth and elevation in degrees.
    """
    azimuth_deg, elevation_deg = angles.tolist()
    f_px = focal_px(size, FOV_DEG)
    pose = orbit_pose(elevation_deg, azimuth_deg, config.cam_radius)
    return Camera(pose, f_px, f_px, size / 2, size / 2, size, size)
