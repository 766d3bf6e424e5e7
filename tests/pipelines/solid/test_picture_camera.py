"""The camera of a picture is found from the outline in it, and is the same for the renderer and the page."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lgm.cameras import orbit_camera, projected
from lgm.gaussians import Gaussians
from lgm.render import render
from pipelines.solid.picture_camera import lens_of, picture_camera
from studio.geometry import Crop, PictureCamera
from tests.projection import project

SIDE = 96
WHOLE = Crop(0, 0, SIDE)


def table() -> Gaussians:
    """A round plate with a pole on its edge, so that it looks different from every height."""
    around = torch.rand(2500, generator=torch.Generator().manual_seed(3)) * 2 * torch.pi
    out = 0.5 * torch.rand(2500, generator=torch.Generator().manual_seed(4)).sqrt()
    plate = torch.stack([out * around.cos(), torch.full_like(out, -0.2), out * around.sin()], -1)
    pole = torch.stack([torch.full((400,), 0.25), torch.linspace(-0.2, 0.4, 400), torch.full((400,), -0.3)], -1)
    positions = torch.cat([plate, pole])
    count = len(positions)
    turned = torch.tensor([[1.0, 0, 0, 0]]).expand(count, -1)
    return Gaussians(positions, torch.full((count,), 0.95), torch.full((count, 3), 0.02), turned, torch.zeros(count, 3))


def overlap(first: torch.Tensor, second: torch.Tensor) -> float:
    first, second = first > 0.5, second > 0.5
    return float((first & second).sum() / (first | second).sum())


@pytest.mark.parametrize("told_deg", [10.0, 14.0, 18.0])
def test_it_is_where_the_outline_was_seen_from(told_deg: float):
    true = PictureCamera(SIDE, SIDE, WHOLE, 22, 3.2, 0, 16, (0.06, -0.04, 0))
    outline = render(table(), lens_of(true, SIDE)).alpha
    found = picture_camera(table(), outline, told_deg)
    assert found.elevation_deg == pytest.approx(16, abs=2.1) and (found.width, found.crop) == (SIDE, WHOLE)
    assert overlap(render(table(), lens_of(found, SIDE)).alpha, outline) > 0.97
    assert overlap(render(table(), orbit_camera(told_deg, 0, SIDE)).alpha, outline) < 0.8


def test_where_nothing_is_covered_it_is_the_camera_of_any_picture():
    nowhere = picture_camera(table(), torch.zeros(SIDE, SIDE), 20)
    assert abs(nowhere.elevation_deg - 20) <= 8 and np.isfinite(nowhere.position()).all()


def test_what_the_renderer_sees_is_what_the_page_shows():
    camera = PictureCamera(SIDE, SIDE, WHOLE, 22, 3.2, 70, -16, (0.06, -0.04, 0.1))
    places = np.array([[0.21, -0.13, 0.17], [-0.3, 0.2, 0.4]])
    where, depth = project(camera, places)
    at, z = projected(torch.tensor(places), lens_of(camera, SIDE))
    assert np.allclose(at, where, atol=1e-6) and np.allclose(z, depth)
