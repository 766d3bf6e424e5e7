"""Some steps of descent on the Gaussians themselves: what they show is brought nearer to pictures of them.

A network says in one go where Gaussians belong; what is left to do by then is small, and drawing them says exactly
what. Knows no network.

Source of the idea: Kerbl et al., https://arxiv.org/abs/2308.04079, section 5, begun from what LGM says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lgm.cameras import Camera, world_to_camera
from lgm.gaussians import Gaussians
from lgm.render import render

_RATES = {"positions": 0.001, "opacities": 0.3, "scales": 0.05, "colours": 0.03}
"""Of Adam: world units, logits, logarithms, shares. Measured on toys: with positions four times as quick, what no
picture shows comes out 0.3 dB worse."""
_BETAS = (0.8, 0.95)  # for some ten steps; the usual ones remember a hundred
_FAINT = 1e-4


class Target(NamedTuple):
    """What a camera ought to see."""

    camera: Camera
    rgb: Tensor  # [H, W, 3] in [0, 1] over white
    alpha: Tensor | None = None  # [H, W] what is covered; None: not known
    weight: float = 1.0


def polish(
    gaussians: Gaussians, targets: Sequence[Target], steps: int, report: Callable[[int], None] | None = None
) -> Gaussians:
    """The same Gaussians, each a little moved, sized, coloured and thinned, so that they look like the targets.

    Args:
        gaussians: [N, ...] float32 on any device; they stay as they are.
        steps: of Adam; each draws every target once, forth and back.
        report: called after every step with its number from 1; what it raises passes.

    Returns:
        [N, ...] in the same order, without history; rotations are the same.
    """
    moved = {
        "positions": gaussians.positions.clone(),
        "opacities": gaussians.opacities.clamp(_FAINT, 1 - _FAINT).logit(),
        "scales": gaussians.scales.clamp(min=_FAINT).log(),
        "colours": gaussians.colours.clone(),
    }
    for value in moved.values():
        value.requires_grad_()
    adam = torch.optim.Adam([{"params": [moved[name]], "lr": rate} for name, rate in _RATES.items()], betas=_BETAS)
    with torch.enable_grad():
        for step in range(1, steps + 1):
            adam.zero_grad(set_to_none=True)
            for target in targets:  # one after the other: memory for one picture at a time
                target_loss(_gaussians(moved, gaussians.rotations), target).backward()
            adam.step()
            if report is not None:
                report(step)
    return _gaussians(moved, gaussians.rotations).detach()


def cut_away(gaussians: Gaussians, target: Target) -> Gaussians:
    """The same Gaussians; what its camera sees of them beside what is covered, has no opacity any more.

    Descent would not get there in some steps: it makes them as pale as the ground instead.

    Args:
        target: with alpha; a pixel beside it still counts as covered.
    """
    if target.alpha is None:
        return gaussians
    camera = target.camera
    view = world_to_camera(camera.pose).to(gaussians.positions)
    x, y, z = (gaussians.positions @ view[:3, :3].T + view[:3, 3]).unbind(-1)
    column = (camera.fx * x / z + camera.cx).long().clamp(0, camera.width - 1)
    row = (camera.fy * y / z + camera.cy).long().clamp(0, camera.height - 1)
    covered = F.max_pool2d(target.alpha[None], 3, stride=1, padding=1)[0] > 0.5
    return gaussians._replace(opacities=torch.where(covered[row, column], gaussians.opacities, 0))


def target_loss(gaussians: Gaussians, target: Target) -> Tensor:
    """The mean squared error of colour, and of what is covered where that is known."""
    seen = render(gaussians, target.camera)
    loss = (seen.rgb - target.rgb).square().mean()
    if target.alpha is not None:
        loss = loss + (seen.alpha - target.alpha).square().mean()
    return target.weight * loss


def _gaussians(moved: dict[str, Tensor], rotations: Tensor) -> Gaussians:
    return Gaussians(
        moved["positions"], moved["opacities"].sigmoid(), moved["scales"].exp(), rotations, moved["colours"].clamp(0, 1)
    )
