"""Turns a small LGM's output into an opaque surface: closed, coloured by the views, and aligned with its picture.

A small network's sixteen thousand Gaussians stand like hair, with gaps between them, though mostly in the right places.
Source of the constants: measured on toys, by `benchmarks/toy_3d.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from lgm.cameras import orbit_camera
from lgm.gaussians import Gaussians
from lgm.silhouette import Target, cut_away, fitted
from lgm.surface import Outline, Surface, closed_surface, depth_of
from lgm.surface_colours import View, coloured
from studio.solid.contract import AZIMUTHS_DEG, SplatRequest

_FIT_SIDE = 96
"""Side of renderings while fitting the splat to its front view."""
_SIDE, _FRONT_SIDE = 128, 256
"""Side of the pictures that close and colour a surface; the front has more detail."""
_AROUND = 8
"""Cameras around the network's output, at the elevation of the views and at each of `_STEEP_DEG`."""
_STEEP_DEG = (-40.0, 60.0)
"""These only use the outline, as the views show nothing from below or above."""
_FRONT_WEIGHT = 3.0
"""The front is the person's own picture; the other three were generated."""
_FEWEST = 100
"""Least number of discs for a surface."""
_PALE, _CLOSED, _SAFE = 0.93, 5, 3
"""A view's object is darker than this, with holes up to this size filled, and used this far from its edge."""


def closed(gaussians: Gaussians, request: SplatRequest, steps: int, report: Callable[[int], None]) -> Gaussians:
    """A small network's output as a closed surface in the colours of the views, fitted to its front view.

    Args:
        gaussians: [N, ...] around the origin.
        steps: see `lgm.silhouette.fitted`; none if the object's mask in the front view is unknown.
        report: called after each of them.
    """
    front = front_of(request, gaussians.positions.device)
    cameras = [orbit_camera(request.elevation_deg, 360 * i / _AROUND, _SIDE) for i in range(_AROUND)]
    outlines = [Outline(camera) for camera in cameras]
    steep = [orbit_camera(elevation, 360 * i / _AROUND, _SIDE) for elevation in _STEEP_DEG for i in range(_AROUND)]
    outlines += [Outline(camera, has_depth=False) for camera in steep]
    if front is not None:
        gaussians = cut_away(gaussians, front)
        outlines[0] = Outline(cameras[0], front.alpha)
    surface = closed_surface(gaussians, outlines)
    if len(surface.normals) < _FEWEST:
        return gaussians
    views = _colour_views(gaussians, request)
    discs = coloured(surface, views)
    if front is None:
        return discs
    return coloured(Surface(fitted(discs, front, steps, report), *surface[1:]), views)


def front_of(request: SplatRequest, device: torch.device | str = "cpu") -> Target | None:
    """The target for the front camera, if the object's mask there is known."""
    if request.front_mask is None:
        return None
    rgb, alpha = values(request.views[0], "RGB", _FIT_SIDE), values(request.front_mask, "L", _FIT_SIDE)
    return Target(orbit_camera(request.elevation_deg, AZIMUTHS_DEG[0], _FIT_SIDE), rgb.to(device), alpha.to(device))


def _colour_views(gaussians: Gaussians, request: SplatRequest) -> list[View]:
    """The four views, each masked to what it and the Gaussians both show, without the rim."""
    views = []
    for index, (azimuth, view) in enumerate(zip(AZIMUTHS_DEG, request.views, strict=True)):
        camera = orbit_camera(request.elevation_deg, azimuth, _SIDE)
        if index == 0 and request.front_mask is not None:
            inside, weight, side = values(request.front_mask, "L", _SIDE), _FRONT_WEIGHT, _FRONT_SIDE
            inside = _shrunk(inside, 1)
        else:
            darkest = values(view, "RGB", _SIDE).amin(-1)
            shown = _shrunk(_grown((darkest < _PALE).float(), _CLOSED), _CLOSED + _SAFE)
            inside, weight, side = shown * _shrunk(depth_of(gaussians, camera)[1].cpu(), _SAFE - 1), 1.0, _SIDE
        rgb = values(view, "RGB", side).permute(2, 0, 1)
        views.append(View(camera, rgb.to(gaussians.positions), inside.to(gaussians.positions), weight))
    return views


def _grown(plane: Tensor, pixels: int) -> Tensor:
    """[H, W]: dilation."""
    return F.max_pool2d(plane[None], 2 * pixels + 1, 1, pixels)[0]


def _shrunk(plane: Tensor, pixels: int) -> Tensor:
    return -_grown(-plane, pixels)


def values(picture: Image.Image, mode: str, side: int) -> Tensor:
    """[side, side] or [side, side, 3] float32 in [0, 1]."""
    small = picture.convert(mode).resize((side, side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(small)).float() / 255
