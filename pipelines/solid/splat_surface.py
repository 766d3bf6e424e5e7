"""Turns a small LGM's output into an opaque surface: closed, coloured by the views, and with the camera of its
picture.

A small network's sixteen thousand Gaussians stand like hair, with gaps between them, though mostly in the right places.
Source of the constants: measured on toys, by `benchmarks/toy_3d.py`.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from lgm.cameras import Camera, orbit_camera
from lgm.gaussians import Gaussians
from lgm.silhouette import Target, fitted
from lgm.surface import Outline, closed_surface, depth_of
from lgm.surface_colours import View, coloured
from pipelines.solid.picture_camera import aimed, lens_of, picture_camera
from studio.geometry import PictureCamera
from studio.solid.contract import AZIMUTHS_DEG, SplatRequest

_SIDE, _FRONT_SIDE = 128, 256
"""Side of the pictures that close and colour a surface; the front has more detail."""
_AROUND = 8
"""Cameras around the network's output, at the elevation of the views and at each of `_OTHERS_DEG`."""
_OTHERS_DEG = (-40.0, 0.0, 30.0, 60.0)
"""These only use the outline: depths are best where the views are."""
_FRONT_WEIGHT = 3.0
"""The front is the person's own picture; the other three were generated."""
_GOOD, _STEPS = 0.97, 8
"""The intersection over union from which on a splat stays as it is, and steps of `lgm.silhouette.fitted` otherwise."""
_FEWEST = 100
"""Least number of discs for a surface."""
_PALE, _CLOSED, _SAFE = 0.93, 5, 3
"""A view's object is darker than this, with holes up to this size filled, and used this far from its edge."""


@torch.no_grad()
def closed(gaussians: Gaussians, request: SplatRequest) -> tuple[Gaussians, PictureCamera | None]:
    """A small network's output as a closed surface in the colours of the views, and the camera of its picture.

    Args:
        gaussians: [N, ...] around the origin.

    Returns:
        No camera if the object's mask in the front view is unknown.
    """
    outlines = [Outline(camera) for camera in _around(request.elevation_deg)]
    outlines += [Outline(camera, has_depth=False) for each in _OTHERS_DEG for camera in _around(each)]
    mask, camera = None, None
    if request.front_mask is not None:
        mask = values(request.front_mask, "L", _SIDE).to(gaussians.positions)
        camera = picture_camera(gaussians, mask, request.elevation_deg)
        outlines.append(Outline(lens_of(camera, _SIDE), mask))
    surface = closed_surface(gaussians, outlines)
    if len(surface.normals) < _FEWEST:
        return gaussians, camera
    if request.front_mask is not None and mask is not None and camera is not None:
        camera, overlap = aimed(surface.discs, mask, camera)
        if overlap < _GOOD:
            surface = surface._replace(discs=fitted(surface.discs, _front(request, camera, mask), _STEPS))
    return coloured(surface, _colour_views(gaussians, request, camera)), camera


def _front(request: SplatRequest, camera: PictureCamera, mask: Tensor) -> Target:
    rgb = values(request.views[0], "RGB", _SIDE).to(mask)
    return Target(lens_of(camera, _SIDE), rgb, mask)


def _around(elevation_deg: float) -> list[Camera]:
    return [orbit_camera(elevation_deg, 360 * index / _AROUND, _SIDE) for index in range(_AROUND)]


def _colour_views(gaussians: Gaussians, request: SplatRequest, front: PictureCamera | None) -> list[View]:
    """The four views, each masked to what it and the Gaussians both show, without the rim."""
    views = []
    for index, (azimuth, view) in enumerate(zip(AZIMUTHS_DEG, request.views, strict=True)):
        camera = orbit_camera(request.elevation_deg, azimuth, _SIDE)
        if index == 0 and request.front_mask is not None and front is not None:
            camera, weight, side = lens_of(front, _SIDE), _FRONT_WEIGHT, _FRONT_SIDE
            inside = _shrunk(values(request.front_mask, "L", _SIDE), 1)
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
