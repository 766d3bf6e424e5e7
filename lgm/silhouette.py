"""Fits Gaussians to the outline of their source picture. Knows no network.

A network assumes a lens that the picture need not have, so its output misses the outline by a few pixels: what is
outside is made transparent, and the rest is bent by a few steps of gradient descent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lgm.cameras import Camera, projected
from lgm.gaussians import Gaussians
from lgm.render import render

_RATE = 0.004
"""Adam's learning rate, world units."""
_NODES = 12
"""Nodes along each edge of the lattice to bend: Gaussians moved one by one would fray the outline."""
_BETAS = (0.8, 0.95)  # for about ten steps; the defaults average over a hundred


class Target(NamedTuple):
    """What a camera should see."""

    camera: Camera
    rgb: Tensor  # [H, W, 3] in [0, 1] over white
    alpha: Tensor  # [H, W] in [0, 1]


def fitted(gaussians: Gaussians, target: Target, steps: int, report: Callable[[int], None] | None = None) -> Gaussians:
    """The same Gaussians in a slightly bent space, so that together they match the target.

    Args:
        gaussians: [N, ...] float32 on any device; not modified.
        steps: of Adam; each renders the target once, forward and backward.
        report: called after every step with its number, from 1; its exceptions propagate.

    Returns:
        [N, ...] in the same order, detached; only positions differ.
    """
    low, high = gaussians.positions.aminmax(dim=0)
    places = 2 * (gaussians.positions - low) / (high - low).clamp(min=1e-6) - 1
    nodes = gaussians.positions.new_zeros(1, 3, _NODES, _NODES, _NODES).requires_grad_()
    towards = target.camera.pose[:3, 2].to(nodes)
    adam = torch.optim.Adam([nodes], lr=_RATE, betas=_BETAS)

    def moved() -> Gaussians:
        shifts = F.grid_sample(nodes, places.flip(-1)[None, None, None], align_corners=True)[0, :, 0, 0].T
        shifts = shifts - (shifts @ towards)[:, None] * towards  # moving in depth is invisible
        return gaussians._replace(positions=gaussians.positions + shifts)

    with torch.enable_grad():
        for step in range(1, steps + 1):
            adam.zero_grad(set_to_none=True)
            target_loss(moved(), target).backward()
            adam.step()
            if report is not None:
                report(step)
    return moved().detach()


def cut_away(gaussians: Gaussians, target: Target) -> Gaussians:
    """The same Gaussians, transparent where the target's camera sees them outside the outline.

    Args:
        target: a pixel next to its outline still counts as inside.
    """
    camera = target.camera
    at, _ = projected(gaussians.positions, camera)
    column, row = (at[:, 0].long().clamp(0, camera.width - 1), at[:, 1].long().clamp(0, camera.height - 1))
    covered = F.max_pool2d(target.alpha[None], 3, stride=1, padding=1)[0] > 0.5
    return gaussians._replace(opacities=torch.where(covered[row, column], gaussians.opacities, 0))


def target_loss(gaussians: Gaussians, target: Target) -> Tensor:
    """The mean squared errors of colour and alpha."""
    seen = render(gaussians, target.camera)
    return (seen.rgb - target.rgb).square().mean() + (seen.alpha - target.alpha).square().mean()
