"""The renderer against an independent float64 evaluation of the published equations, and against itself."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lgm.cameras import Camera, orbit_camera
from lgm.gaussians import Gaussians, unpacked
from lgm.render import SHUT, render, rotation_matrices
from tests.lgm.reference import arrays, assert_near

REFERENCE = arrays("render")
VIEWS = range(3)


def scene(dtype: torch.dtype = torch.float32) -> Gaussians:
    return unpacked(REFERENCE["gaussians"].to(dtype))


def camera(view: int, size: int = 64) -> Camera:
    elevation, azimuth = REFERENCE["elev_azim"][view].tolist()
    return orbit_camera(-elevation, azimuth, size)


def cloud(count: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Gaussians:
    """Gaussians around the middle, of every shape."""
    source = torch.Generator().manual_seed(seed)
    values = torch.randn(count, 14, generator=source, dtype=torch.float64).to(dtype)
    one = unpacked(values)
    return Gaussians(
        positions=0.25 * one.positions,
        opacities=one.opacities.sigmoid(),
        scales=0.03 * one.scales.exp().clamp(max=3),
        rotations=torch.nn.functional.normalize(one.rotations, dim=-1),
        colours=one.colours.sigmoid(),
    )


@pytest.mark.parametrize("view", VIEWS)
@torch.inference_mode()
def test_the_published_equations_are_met(view: int):
    assert_near(camera(view).pose, REFERENCE["poses_opengl_c2w"][view], most=2e-6)
    got = render(scene(), camera(view))
    expected = REFERENCE["rgba"][view]
    assert_near(got.rgb.clamp(0, 1), expected[..., :3], most=5e-3, rms=1e-4)
    assert_near(got.alpha, expected[..., 3], most=5e-3, rms=1e-4)
    assert_near(got.depth, REFERENCE["depth_accum"][view], most=1e-2, rms=2e-4)


@pytest.mark.parametrize("view", VIEWS)
@torch.inference_mode()
def test_rasterizers_that_cut_at_three_sigma_differ_no_more_than_is_known(view: int):
    got = render(scene(), camera(view))
    assert_near(got.rgb.clamp(0, 1), REFERENCE["rgb_tile_cut"][view], most=3e-2, rms=1e-3)


@torch.inference_mode()
def test_smaller_gaussians_are_drawn_smaller():
    got = render(scene(), camera(0), scale_modifier=0.5)
    expected = REFERENCE["rgba_scale_modifier_0p5_view0"]
    assert_near(got.rgb.clamp(0, 1), expected[..., :3], most=5e-3, rms=1e-4)
    assert_near(got.alpha, expected[..., 3], most=5e-3, rms=1e-4)


def plain(gaussians: Gaussians, camera: Camera) -> Tensor:
    """[H, W, 5]: the slow readable twin, one Gaussian after another over the whole picture."""
    view = torch.linalg.inv(camera.pose * camera.pose.new_tensor([1, -1, -1, 1])).to(gaussians.positions)
    points = gaussians.positions @ view[:3, :3].T + view[:3, 3]
    rows, columns = (torch.arange(count).to(points) + 0.5 for count in (camera.height, camera.width))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    drawn = torch.zeros(camera.height, camera.width, 5, dtype=gaussians.positions.dtype)
    through = torch.ones(camera.height, camera.width, dtype=gaussians.positions.dtype)
    is_done = torch.zeros_like(through, dtype=torch.bool)
    for i in points[:, 2].argsort().tolist():
        px, py, pz = points[i].tolist()
        if pz <= 0.2:
            continue
        turn = rotation_matrices(gaussians.rotations[i])
        covariance = turn @ gaussians.scales[i].square().diag() @ turn.T
        across, down = 0.15 * camera.width / camera.fx, 0.15 * camera.height / camera.fy
        sx = min(max(px / pz, -camera.cx / camera.fx - across), (camera.width - camera.cx) / camera.fx + across)
        sy = min(max(py / pz, -camera.cy / camera.fy - down), (camera.height - camera.cy) / camera.fy + down)
        slope = points.new_tensor([[camera.fx, 0, -camera.fx * sx], [0, camera.fy, -camera.fy * sy]]) / pz
        flat = slope @ view[:3, :3] @ covariance @ view[:3, :3].T @ slope.T + 0.3 * torch.eye(2).to(points)
        away = torch.stack([x - (camera.fx * px / pz + camera.cx), y - (camera.fy * py / pz + camera.cy)], dim=-1)
        distance = (away @ torch.linalg.inv(flat) * away).sum(-1)
        alpha = (gaussians.opacities[i] * (-0.5 * distance).exp()).clamp(max=0.99)
        alpha = alpha.where((alpha >= 1 / 255) & ~is_done, 0.0)
        is_done |= through * (1 - alpha) < SHUT
        alpha = alpha.where(~is_done, 0.0)
        feature = torch.cat([gaussians.colours[i], points.new_tensor([1.0, pz])])
        drawn += (alpha * through)[..., None] * feature
        through = through * (1 - alpha)
    return drawn


@pytest.mark.parametrize(
    ("width", "height", "left", "top"), [(61, 43, 0, 0), (40, 70, -25, 12), (33, 20, 30, 30), (16, 16, 70, -40)]
)
@torch.inference_mode()
def test_an_off_centre_window_shows_what_the_slow_twin_shows(width: int, height: int, left: int, top: int):
    gaussians = cloud(150, dtype=torch.float64)
    seen = orbit_camera(20, 70, 64).window(left, top, width, height)
    got = render(gaussians, seen, background=(0, 0, 0))
    expected = plain(gaussians, seen)
    assert_near(got.rgb, expected[..., :3], most=1e-9)
    assert_near(got.alpha, expected[..., 3], most=1e-9)
    assert_near(got.depth, expected[..., 4], most=1e-9)


@torch.inference_mode()
def test_the_picture_around_a_crop_shows_the_same_object_at_its_place():
    gaussians, small = cloud(100), orbit_camera(-15, 200, 64)
    whole = small.window(-32, -8, 128, 96)
    assert_near(render(gaussians, whole).rgb[8:72, 32:96], render(gaussians, small).rgb, most=2e-2, rms=1e-3)


@torch.inference_mode()
def test_many_opaque_gaussians_in_a_row_shut_the_pixel():
    """More than two slices of a tile's list, the nearest blue: nothing behind it shows."""
    count = 100
    positions = torch.stack([torch.zeros(count), torch.zeros(count), torch.linspace(-0.5, 0.5, count)], dim=-1)
    colours = torch.tensor([1.0, 0.0, 0.0]).repeat(count, 1)
    colours[-1] = torch.tensor([0.0, 0.0, 1.0])
    made = Gaussians(
        positions, torch.full((count,), 0.98), torch.full((count, 3), 0.2), torch.eye(4)[:1].repeat(count, 1), colours
    )
    got = render(made, orbit_camera(0, 0, 32))
    assert_near(got.rgb[16, 16], torch.tensor([0.02, 0.0, 0.98]), most=1e-2)
    assert 0.999 < got.alpha[16, 16] < 1
    assert_near(got.depth[16, 16], torch.tensor(1.0), most=2e-3)


@torch.inference_mode()
def test_nothing_to_see_is_the_background():
    behind = cloud(10)._replace(positions=torch.tensor([0.0, 0.0, 5.0]).repeat(10, 1))
    for nothing in (behind, cloud(10)._replace(opacities=torch.full((10,), 0.003)), cloud(10).only(torch.arange(0))):
        got = render(nothing, orbit_camera(0, 0, 20), background=(0.2, 0.4, 0.6))
        assert_near(got.rgb, torch.tensor([0.2, 0.4, 0.6]).expand(20, 20, 3), most=1e-6)
        assert not got.alpha.any() and not got.depth.any()


@torch.inference_mode()
def test_a_picture_may_be_the_background():
    behind = torch.rand(24, 30, 3, generator=torch.Generator().manual_seed(0))
    seen = orbit_camera(0, 0, 24).window(-3, 0, 30, 24)
    over = render(cloud(20), seen, background=behind)
    black = render(cloud(20), seen, background=(0, 0, 0))
    assert_near(over.rgb, black.rgb + (1 - over.alpha)[..., None] * behind, most=1e-6)


@torch.inference_mode()
def test_the_order_of_the_gaussians_does_not_matter():
    made = cloud(300)
    shuffled = made.only(torch.randperm(300, generator=torch.Generator().manual_seed(1)))
    assert_near(render(shuffled, camera(1)).rgb, render(made, camera(1)).rgb, most=1e-5)


def test_gradients_are_those_of_the_equations():
    made = cloud(6, seed=3, dtype=torch.float64)
    made = made._replace(opacities=0.3 + 0.5 * made.opacities, scales=0.05 + made.scales)
    seen = orbit_camera(10, 30, 12).window(-1, 2, 13, 10)

    weights = torch.randn(10, 13, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def drawn(*parts: Tensor) -> Tensor:
        out = render(Gaussians(*parts), seen, background=(0.5, 0.2, 0.9))
        whole = torch.cat([out.rgb, out.alpha[..., None], out.depth[..., None]], dim=-1)
        return (whole * weights).sum()

    # eps so small that no pixel crosses the 1/255 below which nothing is drawn
    assert torch.autograd.gradcheck(drawn, tuple(each.requires_grad_() for each in made), eps=1e-8, atol=1e-5)


def test_gradients_through_several_slices_are_those_of_the_slow_twin():
    made = cloud(90, seed=5, dtype=torch.float64)._replace(positions=0.1 * cloud(90, seed=5).positions.double())
    seen = orbit_camera(0, 0, 16)
    leaves = [each.clone().requires_grad_() for each in made[1:2] + made[4:]]
    again = [each.clone().requires_grad_() for each in made[1:2] + made[4:]]
    render(
        made._replace(opacities=leaves[0], colours=leaves[1]), seen, background=(0, 0, 0)
    ).rgb.square().sum().backward()
    plain(made._replace(opacities=again[0], colours=again[1]), seen)[..., :3].square().sum().backward()
    for one, other in zip(leaves, again, strict=True):
        assert one.grad is not None and other.grad is not None
        assert_near(one.grad, other.grad, most=1e-8)


def test_a_splat_learns_a_picture():
    """A few steps of descent on colours and opacities bring the picture nearer: the use the gradients are for."""
    goal = render(cloud(60, seed=1), camera(0, 32)).rgb
    made = cloud(60, seed=1)
    colours = torch.full_like(made.colours, 0.5).requires_grad_()
    descent = torch.optim.Adam([colours], lr=0.1)
    losses = []
    for _ in range(12):
        loss = (render(made._replace(colours=colours), camera(0, 32)).rgb - goal).square().mean()
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_half_precision_is_drawn_and_learned_from_as_float32():
    made, seen = cloud(40).to(torch.bfloat16), camera(0, 32)
    opacities = made.opacities.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        got = render(made._replace(opacities=opacities), seen)
    got.rgb.sum().backward()
    assert got.rgb.dtype == torch.float32
    assert opacities.grad is not None and opacities.grad.dtype == torch.bfloat16
    assert_near(got.rgb.detach(), render(made.to(torch.float32), seen).rgb, most=1e-6)


@torch.inference_mode()
def test_a_full_size_splat_is_drawn_at_512_in_bounded_memory():
    """65,536 Gaussians as large as an untrained network makes them: each reaches hundreds of tiles."""
    made = cloud(65_536)
    made = made._replace(positions=made.positions.clamp(-0.3, 0.3), scales=torch.full((65_536, 3), 0.03))
    whole = orbit_camera(0, 0, 512)
    got = render(made, whole)
    assert got.rgb.shape == (512, 512, 3)
    assert got.rgb.isfinite().all()
    assert got.alpha[256, 256] > 0.99 and got.alpha[0, 0] == 0
    # So many pairs are listed in bands; a strip across two of them, alone, needs one.
    strip = render(made, whole.window(0, 224, 512, 64))
    assert_near(strip.rgb[16:48], got.rgb[240:272], most=1e-2, rms=3e-4)


def test_a_batch_of_splats_is_refused():
    batch = Gaussians(*(each[None] for each in cloud(3)))
    with pytest.raises(ValueError, match=r"got positions \(1, 3, 3\), expected \[N, 3\]"):
        render(batch, camera(0))
