"""Polishing: what Gaussians show comes nearer to what it ought to be, and nothing else of them changes."""

from __future__ import annotations

import pytest
import torch

from lgm.cameras import Camera, orbit_camera
from lgm.gaussians import Gaussians
from lgm.polish import Target, cut_away, polish, target_loss
from lgm.render import render
from tests.lgm.test_render import cloud

SIDE, STEPS = 48, 10


def targets(wanted: Gaussians, *, with_alpha: bool = True) -> list[Target]:
    """What four cameras see of it."""
    found = []
    for azimuth in (0, 90, 180, 270):
        seen = target_of(wanted, orbit_camera(10, azimuth, SIDE))
        found.append(seen if with_alpha else seen._replace(alpha=None))
    return found


def target_of(wanted: Gaussians, camera: Camera) -> Target:
    with torch.no_grad():
        seen = render(wanted, camera)
    return Target(camera, seen.rgb, seen.alpha)


def spoiled(wanted: Gaussians) -> Gaussians:
    """The same, moved, faded and darkened a little."""
    source = torch.Generator().manual_seed(1)
    return wanted._replace(
        positions=wanted.positions + 0.02 * torch.randn(wanted.positions.shape, generator=source),
        opacities=0.6 * wanted.opacities,
        colours=0.7 * wanted.colours,
    )


def error(gaussians: Gaussians, wanted: Gaussians, azimuth: float) -> float:
    return float(target_loss(gaussians, target_of(wanted, orbit_camera(20, azimuth, SIDE))))


@pytest.mark.parametrize("with_alpha", [True, False])
def test_it_comes_nearer_to_its_targets_and_to_what_no_target_shows(with_alpha: bool):
    wanted = cloud(800)
    before = spoiled(wanted)
    after = polish(before, targets(wanted, with_alpha=with_alpha), STEPS)
    for azimuth, share in ((0, 0.4), (45, 0.6), (200, 0.6)):
        assert error(after, wanted, azimuth) < share * error(before, wanted, azimuth)


def test_what_it_gets_stays_as_it_is_and_what_it_gives_is_a_splat_without_history():
    before = spoiled(cloud(200))
    copy = Gaussians(*(each.clone() for each in before))
    with torch.no_grad():
        after = polish(before, targets(cloud(200)), 2)
    for mine, kept in zip(before, copy, strict=True):
        assert torch.equal(mine, kept) and not mine.requires_grad
    assert not any(each.requires_grad for each in after)
    assert torch.equal(after.rotations, before.rotations)
    assert after.positions.shape == before.positions.shape
    assert after.scales.min() > 0 and after.opacities.min() >= 0 and after.opacities.max() <= 1
    assert after.colours.min() >= 0 and after.colours.max() <= 1


def test_what_stands_beside_the_object_is_cut_away_and_nothing_else():
    wanted = cloud(800)
    front = target_of(wanted, orbit_camera(10, 0, SIDE))
    assert front.alpha is not None
    half = front._replace(alpha=(torch.arange(SIDE) < SIDE // 2).float().expand(SIDE, -1))
    left = cut_away(wanted, half)
    seen = render(left, half.camera).alpha
    assert seen[:, SIDE // 2 + 6 :].max() < 0.5 * front.alpha[:, SIDE // 2 + 6 :].max()
    assert torch.allclose(seen[:, : SIDE // 2 - 6], front.alpha[:, : SIDE // 2 - 6], atol=0.1)
    kept = left.opacities > 0
    assert 0 < int(kept.sum()) < len(kept) and torch.equal(left.opacities[kept], wanted.opacities[kept])
    assert cut_away(wanted, front._replace(alpha=None)) is wanted


def test_a_target_that_weighs_more_is_met_better():
    wanted, before = cloud(400), spoiled(cloud(400))
    front, *others = targets(wanted)
    bright = front._replace(rgb=1 - front.rgb)  # it contradicts the others
    met = [
        float(target_loss(polish(before, [bright._replace(weight=weight), *others], STEPS), bright))
        for weight in (1.0, 10.0)
    ]
    assert met[1] < 0.95 * met[0]


def test_no_steps_change_nothing_that_can_be_seen_and_a_report_may_stop_it():
    wanted = cloud(100)
    same = polish(wanted, targets(wanted), 0)
    assert torch.allclose(same.positions, wanted.positions) and torch.allclose(same.scales, wanted.scales, rtol=1e-4)
    told = []

    def stop(step: int) -> None:
        told.append(step)
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        polish(wanted, targets(wanted), STEPS, stop)
    assert told == [1, 2, 3]
