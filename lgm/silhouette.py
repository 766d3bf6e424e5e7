"""Fits Gaussians to the outline of their source picture. Knows no network.

A network's output misses the outline by a pixel or two: it is bent by a few steps of gradient descent.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lgm.cameras import Camera
from lgm.gaussians import Gaussians
from lgm.render import render

_RATE = 0.001
"""Adam's learning rate, world units."""
_NODES = 12
"""Nodes along each edge of the lattice to bend: Gaussians moved one by one would fray the outline."""
_BETAS = (0.8, 0.95)  # for about ten steps; the defaults average over a hundred


class Target(NamedTuple):
    """What a camera should see."""

    camera: Camera
    rgb: Tensor  # [H, W, 3] in [0, 1] over white
    alpha: Tensor  # [H, W] in [0, 1]


def fitted(gaussians: Gaussians, target: Target, steps: int) -> Gaussians:
    """The same Gaussians in a slightly bent space, so that together they match the target.

    Args:
        gaussians: [N, ...] float32 on any device; not modified.
        steps: of Adam; each renders the target once, forward and backward.

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
        for _ in range(steps):
            adam.zero_grad(set_to_none=True)
            target_loss(moved(), target).backward()
            adam.step()
    return moved().detach()


def target_loss(gaussians: Gaussians, target: Target) -> Tensor:
    """The mean squared errors of colour and alpha."""
    seen = render(gaussians, target.camera)
    return (seen.rgb - target.rgb).square().mean() + (seen.alpha - target.alpha).square().mean()
