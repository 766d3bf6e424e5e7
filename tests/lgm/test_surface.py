"""The closed surface: what hints at an object becomes one that nothing shines through, where the object is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lgm.cameras import Camera, orbit_camera
from lgm.gaussians import Gaussians
from lgm.render import render, rotation_matrices
from lgm.surface import Outline, closed_surface
from lgm.surface_colours import View, coloured

RADIUS, CELLS, SIDE = 0.4, 40, 96


def hairy_ball(count: int = 7000, opacity: float = 0.9, top: float = 1.0) -> Gaussians:
    """Needles in all directions on a ball, with gaps between them, and none above a height of `top` radii."""
    source = torch.Generator().manual_seed(0)
    normals = F.normalize(torch.randn(count, 3, generator=source), dim=-1)
    normals = normals[normals[:, 1] <= top]
    return Gaussians(
        positions=(RADIUS - 0.015) * normals,  # a needle is as thick as that
        opacities=torch.full((len(normals),), opacity),
        scales=torch.tensor([0.015, 0.005, 0.005]).repeat(len(normals), 1),
        rotations=F.normalize(torch.randn(len(normals), 4, generator=source), dim=-1),
        colours=torch.rand(len(normals), 3, generator=source),
    )


def cameras(count: int = 8, elevation_deg: float = 10.0) -> list[Camera]:
    return [orbit_camera(elevation_deg, 360 * index / count, SIDE) for index in range(count)]


def outlines() -> list[Outline]:
    return [Outline(camera) for camera in cameras()]


def true_outline(camera: Camera) -> Tensor:
    """[H, W] bool: where the ball is seen."""
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    distance = float(camera.pose[:3, 3].norm())
    radius = camera.fx * RADIUS / (distance**2 - RADIUS**2) ** 0.5
    return (x - camera.cx).square() + (y - camera.cy).square() < radius**2


@pytest.mark.parametrize(("elevation_deg", "azimuth_deg"), [(0, 22), (35, 100), (-20, 200), (70, 300)])
@torch.inference_mode()
def test_nothing_shines_through_and_it_is_where_the_object_is(elevation_deg: float, azimuth_deg: float):
    before = hairy_ball(3000)
    discs, normals, _ = closed_surface(before, outlines(), CELLS)
    camera = orbit_camera(elevation_deg, azimuth_deg, SIDE)
    seen, truth = render(discs, camera).alpha, true_outline(camera)
    shut_before, shut = ((alpha[truth] >= 0.98).float().mean() for alpha in (render(before, camera).alpha, seen))
    assert 1 - shut < 0.6 * (1 - shut_before)
    assert ((seen > 0.5) & truth).sum() > 0.87 * ((seen > 0.5) | truth).sum()
    assert float(discs.positions.norm(dim=-1).quantile(0.95)) == pytest.approx(RADIUS, rel=0.1)
    across = rotation_matrices(discs.rotations)[..., 2]
    assert torch.allclose(across, normals, atol=2e-3) and bool((discs.scales[:, 2] < discs.scales[:, 0]).all())


@torch.inference_mode()
def test_a_hollow_that_no_camera_sees_into_gets_a_lid():
    discs, *_ = closed_surface(hairy_ball(top=0.6), [Outline(camera) for camera in cameras(elevation_deg=0)], CELLS)
    above = render(discs, orbit_camera(89, 0, SIDE))
    middle = slice(SIDE // 2 - 5, SIDE // 2 + 5)
    assert above.alpha[middle, middle].min() > 0.98
    depth = (above.depth / above.alpha)[middle, middle]
    assert depth.max() < 1.5 - 0.1  # a lid near the rim, not the bottom: the camera stands 1.5 above the middle


@torch.inference_mode()
def test_what_an_outline_says_is_empty_is_empty():
    front = orbit_camera(10, 0, SIDE)
    left = (torch.arange(2 * SIDE) < SIDE).float().expand(2 * SIDE, -1)  # in pixels of another size
    discs, *_ = closed_surface(hairy_ball(), [Outline(front, left), *outlines()[1:]], CELLS)
    alpha = render(discs, front).alpha
    assert alpha[:, SIDE // 2 + 3 :].max() < 0.5 and alpha[SIDE // 2, SIDE // 4 + 6 : SIDE // 2 - 3].min() > 0.9


@torch.inference_mode()
def test_where_there_is_only_mist_there_is_no_surface():
    assert len(closed_surface(hairy_ball(200, opacity=0.02), outlines(), CELLS).normals) == 0


@torch.inference_mode()
def test_each_side_has_the_colours_of_its_view_and_what_none_shows_those_around_it():
    surface = closed_surface(hairy_ball(), outlines(), CELLS)
    red, blue = (torch.tensor(rgb)[:, None, None].expand(3, 64, 64) for rgb in ([0.9, 0.1, 0.1], [0.1, 0.1, 0.9]))
    everywhere = torch.ones(SIDE, SIDE)
    front, back = orbit_camera(10, 0, SIDE), orbit_camera(10, 180, SIDE)
    z = torch.where(surface.discs.positions.norm(dim=-1) > 0.9 * RADIUS, surface.normals[:, 2], 0)  # inside is dark
    both = coloured(surface, [View(front, red, everywhere), View(back, blue, everywhere)])
    for side, wanted in ((z > 0.5, red), (z < -0.5, blue)):
        assert (both.colours[side] - wanted[:, 0, 0]).abs().mean() < 0.01
    alone = coloured(surface, [View(front, red, everywhere)])
    assert torch.allclose(alone.colours, red[:, 0, 0].expand_as(alone.colours), atol=0.03)


@torch.inference_mode()
def test_beside_what_may_be_taken_of_a_view_nothing_is():
    surface = closed_surface(hairy_ball(), outlines(), CELLS)
    halves = torch.tensor([[0.9, 0.1, 0.1], [1.0, 1.0, 1.0]])[(torch.arange(64) >= 32).long()].T[:, None, :]
    left = (torch.arange(64) < 30).float().expand(64, -1)
    discs = coloured(surface, [View(orbit_camera(10, 0, SIDE), halves.expand(3, 64, 64), left)])
    assert discs.colours[:, 1].max() < 0.2
