"""The toy LGM's data and lessons: what it is taught is what was traced, and one step of it teaches."""

from dataclasses import replace
from pathlib import Path

import torch

from lgm.cameras import world_to_camera
from lgm.gaussians import Gaussians
from lgm.render import render
from toybox.solid.grids import SIDE, Grids, facing
from toybox.solid.lgm_lesson import LgmLessons, camera_at
from toybox.solid.records import Records, coverage_of, shade_bytes
from toybox.solid.toy_lgm import CONFIG, build_model, load_model, save_model
from toybox.solid.turntable import VIEWS


def test_every_pixel_of_a_view_knows_the_place_it_sees(made: tuple[Records, Grids]) -> None:
    _, grids = made
    middles = torch.arange(SIDE) + 0.5
    for view in range(VIEWS):
        camera = camera_at(torch.from_numpy(grids.angles[0, view].copy()), SIDE, CONFIG)
        at = torch.from_numpy(grids.positions[0, view].copy()).float().permute(1, 2, 0)
        ours = world_to_camera(camera.pose).float()
        x, y, z = (at @ ours[:3, :3].T + ours[:3, 3]).unbind(-1)
        seen = z.isfinite()
        assert 200 < int(seen.sum()) < SIDE * SIDE
        across, down = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
        assert (across - middles)[seen].abs().max() < 0.3
        assert (down - middles[:, None])[seen].abs().max() < 0.3


def test_gaussians_on_the_surfaces_look_like_the_object_from_cameras_that_saw_nothing_of_it(
    made: tuple[Records, Grids],
) -> None:
    records, grids = made
    colour = torch.tensor([0.9, 0.2, 0.1])
    shown = torch.from_numpy(grids.planes[0, 1 : 1 + VIEWS].copy())
    at = torch.from_numpy(grids.positions[0].copy()).float().permute(0, 2, 3, 1).flatten(0, 2)
    on = at.isfinite().all(-1) & (coverage_of(shown).flatten() > 0.5)
    colours = shade_bytes(shown, colour, torch.ones(3)).permute(0, 2, 3, 1).flatten(0, 2)[on]
    count = len(colours)
    turns = torch.tensor([1.0, 0, 0, 0]).expand(count, 4)
    splat = Gaussians(at[on], torch.full((count,), 0.95), torch.full((count, 3), 0.006), turns, colours)
    for view in range(VIEWS, 8):
        planes = torch.from_numpy(records.planes[0, 1 + view].copy())
        drawn = render(splat, camera_at(torch.from_numpy(grids.angles[0, view].copy()), 128, CONFIG))
        ours, theirs = drawn.alpha > 0.5, coverage_of(planes) > 0.5
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.85
        wrong = (drawn.rgb - shade_bytes(planes, colour, torch.ones(3)).permute(1, 2, 0)).square().mean()
        assert -10 * torch.log10(wrong) > 17


def test_turning_the_camera_to_the_front_turns_the_world_with_it() -> None:
    assert torch.allclose(facing(torch.tensor([1.0, 0.2, 0.0]), 90), torch.tensor([0.0, 0.2, 1.0]), atol=1e-6)


def test_some_steps_on_two_objects_teach(made: tuple[Records, Grids]) -> None:
    records, grids = made
    torch.manual_seed(0)
    model = build_model(replace(CONFIG, down_channels=(32,) * 4, up_channels=(32,) * 4))
    lessons = LgmLessons(model, grids, records, lambda: 0.0, batch=2)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    losses = []
    for step in range(12):
        told = lessons.step(step)
        told["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(told["loss"].item())
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    drawn = LgmLessons(model, grids, records, lambda: 1.0, batch=1).step(0)
    drawn["drawn"].backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_what_is_stored_says_the_same_again(tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = build_model().eval()
    save_model(model, tmp_path)
    inputs = model.inputs_of(torch.rand(1, VIEWS, 3, SIDE, SIDE), 15.0)
    with torch.no_grad():
        ours, theirs = model.raw(inputs), load_model(tmp_path).raw(inputs)
    assert (ours - theirs).abs().max() < 0.02
