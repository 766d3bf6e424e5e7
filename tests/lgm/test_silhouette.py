"""What Gaussians show comes nearer to the outline of their picture, and nothing else of them changes."""

from __future__ import annotations

import torch

from lgm.cameras import Camera, orbit_camera
from lgm.gaussians import Gaussians
from lgm.render import render
from lgm.silhouette import Target, fitted, target_loss
from tests.lgm.test_render import cloud

SIDE, STEPS = 48, 10


def target_of(wanted: Gaussians, camera: Camera) -> Target:
    with torch.no_grad():
        seen = render(wanted, camera)
    return Target(camera, seen.rgb, seen.alpha)


def spoiled(wanted: Gaussians) -> Gaussians:
    """The same, moved and stretched a little."""
    return wanted._replace(positions=wanted.positions * torch.tensor([1.08, 0.95, 1.0]) + torch.tensor([0.02, 0.01, 0]))


def test_it_comes_nearer_to_its_target():
    wanted = cloud(800)
    before, target = spoiled(wanted), target_of(wanted, orbit_camera(10, 0, SIDE))
    assert float(target_loss(fitted(before, target, STEPS), target)) < 0.7 * float(target_loss(before, target))


def test_what_it_gets_stays_as_it_is_and_only_the_positions_of_what_it_gives_are_others():
    before = spoiled(cloud(200))
    copy = Gaussians(*(each.clone() for each in before))
    with torch.no_grad():
        after = fitted(before, target_of(cloud(200), orbit_camera(10, 0, SIDE)), 2)
    for name, mine, kept, given in zip(Gaussians._fields, before, copy, after, strict=True):
        assert torch.equal(mine, kept) and not mine.requires_grad and not given.requires_grad
        assert torch.equal(given, kept) == (name != "positions")


def test_no_steps_change_nothing():
    wanted = cloud(100)
    target = target_of(wanted, orbit_camera(10, 0, SIDE))
    assert torch.equal(fitted(wanted, target, 0).positions, wanted.positions)
