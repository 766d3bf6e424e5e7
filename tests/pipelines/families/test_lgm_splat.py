"""LGM as a model of Diorama: four pictures in, a splat out, with the network's own classes at tiny size."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from lgm.cameras import orbit_camera
from lgm.config import LGMConfig
from lgm.gaussians import Gaussians
from lgm.model import LGM
from lgm.render import render
from pipelines.families.lgm_splat import Splatter, open_folder, open_lgm
from pipelines.solid.picture_camera import lens_of
from pipelines.solid.splat_surface import closed
from studio.contract import Progress, Size
from studio.errors import BadRequest, BadSplat, Cancelled, NotReady, StudioError
from studio.geometry import Crop
from studio.solid.contract import SplatRequest, camera_of
from studio.splats.splat import Splat
from tests.lgm.reference import arrays, assert_near, facts, filled, images
from tests.lgm.test_surface import hairy_ball, true_outline
from tests.pipelines.conftest import ignore
from tests.projection import project

CONFIG = LGMConfig(**facts("lgm_reduced_sym")["config"])
TAG = facts("lgm_reduced_sym")["weights_tag"]


def views(side: int = 16) -> tuple[Image.Image, ...]:
    levels = (images(f"{TAG}/images0", 4, side) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return tuple(Image.fromarray(each) for each in levels)


@pytest.fixture(scope="module")
def model() -> LGM:
    return filled(LGM(CONFIG), TAG)


@pytest.fixture(scope="module")
def splatter(model: LGM) -> Splatter:
    return Splatter(model, label="Tiny")


@pytest.fixture
def folder(tmp_path: Path, model: LGM) -> Path:
    save_file({key: value.half() for key, value in model.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(asdict(CONFIG)))
    return tmp_path


def test_the_published_gaussians_come_of_the_published_views(splatter: Splatter):
    exact = images(f"{TAG}/images0", 4, 16)[None]
    with torch.inference_mode():
        got = splatter.gaussians(exact).packed()
    assert_near(got, arrays("lgm_reduced_sym")["gaussians"][0], most=5e-4, rms=2e-5)


def test_a_splat_has_all_that_can_be_seen_and_stands_in_the_world(splatter: Splatter):
    told: list[Progress] = []
    splat = splatter.run(SplatRequest(views(), 0.0), told.append)
    assert isinstance(splat, Splat)
    assert 0 < splat.count <= CONFIG.count
    assert splat.opacities.min() >= np.float32(0.005)
    assert np.abs(splat.positions).max() <= 1
    assert np.allclose(np.linalg.norm(splat.rotations, axis=1), 1, atol=1e-5)
    assert splat.pose.is_in_place
    assert [(each.step, each.steps) for each in told] == [(0, 1), (1, 1)]


def test_a_closed_splat_has_the_camera_of_its_picture_and_stands_on_it():
    mask = Image.fromarray(np.uint8(255) * true_outline(orbit_camera(0, 0, 96)).numpy())
    narrow = mask.transform(mask.size, Image.Transform.AFFINE, (1.25, 0, -16, 0, 1.25, -8))
    colour, white = Image.new("RGB", mask.size, (40, 90, 200)), Image.new("RGB", mask.size, "white")
    after, camera = closed(hairy_ball(), SplatRequest((Image.composite(colour, white, narrow),) * 4, 0.0, narrow))
    assert camera is not None and camera.fov_deg < 49.1
    seen, wanted = render(after, lens_of(camera, 96)).alpha.numpy() > 0.5, np.asarray(narrow) > 127
    assert (seen & wanted).sum() > 0.93 * (seen | wanted).sum()


def test_a_bundled_model_tells_that_it_closes_the_surface_and_stops_between(model: LGM):
    told: list[Progress] = []
    Splatter(model, closes=True).run(SplatRequest(views(), 0.0), told.append)
    assert [(each.step, each.steps) for each in told] == [(0, 2), (1, 2), (2, 2)]

    def stop(progress: Progress) -> None:
        if progress.step == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        Splatter(model, closes=True).run(SplatRequest(views(), 0.0), stop)


def test_where_it_is_not_known_what_the_front_covers_the_views_say_it():
    mask = true_outline(orbit_camera(0, 0, 96)).numpy()
    view = Image.fromarray(np.where(mask[..., None], np.array([40, 90, 200], np.uint8), np.uint8(255)))
    after, camera = closed(hairy_ball(), SplatRequest((view,) * 4, 0.0))
    assert camera is None
    assert torch.allclose(after.colours, torch.tensor([40, 90, 200]) / 255, atol=0.04)


def test_the_elevation_of_the_views_is_told_to_the_network(splatter: Splatter):
    level, above = (splatter.run(SplatRequest(views(), elevation), ignore) for elevation in (0.0, 25.0))
    assert level.count != above.count or not np.array_equal(level.positions, above.positions)


def test_views_of_any_size_and_mode_will_do(splatter: Splatter):
    odd = tuple(view.resize((40 + i, 40 + i)).convert("RGBA") for i, view in enumerate(views()))
    assert splatter.run(SplatRequest(odd, 0.0), ignore).count


def test_three_views_are_refused_with_the_sides_that_are_needed(splatter: Splatter):
    with pytest.raises(BadRequest, match="four views, not of 3: front, right, back, left"):
        splatter.run(SplatRequest(views()[:3], 0.0), ignore)


def test_stop_before_the_network_runs_ends_it(splatter: Splatter):
    def stop(_progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        splatter.run(SplatRequest(views(), 0.0), stop)


def test_a_network_that_sees_nothing_is_told_in_a_sentence():
    faint = filled(LGM(CONFIG), TAG)
    with torch.no_grad():
        faint.conv.bias[3] = -100
        faint.conv.weight[3] = 0
    with pytest.raises(BadSplat, match="opaque enough"):
        Splatter(faint).run(SplatRequest(views(), 0.0), ignore)


def test_numbers_that_are_no_splat_are_told_in_a_sentence():
    broken = filled(LGM(CONFIG), TAG)
    with torch.no_grad():
        broken.conv.bias[5] = torch.nan
    with pytest.raises(StudioError, match="Tiny produced invalid numbers, not a splat"):
        Splatter(broken, label="Tiny").run(SplatRequest(views(), 0.0), ignore)


def test_a_bundled_folder_opens_with_the_same_answers(folder: Path, model: LGM):
    opened, same = open_folder(folder, label="Tiny"), Splatter(model, closes=True)
    got, expected = (each.run(SplatRequest(views(), 0.0), ignore) for each in (opened, same))
    assert abs(got.count - expected.count) < 0.05 * expected.count  # float16 on the disk
    opened.close()
    assert not hasattr(opened, "_model")


def test_weights_of_another_size_are_refused(folder: Path):
    with pytest.raises(NotReady, match=r"The weights of LGM cannot be opened \(.*another network.*Fetch them again\.$"):
        open_lgm(folder / "model.safetensors")


def test_missing_files_are_told_with_their_names(folder: Path):
    (folder / "model.safetensors").unlink()
    with pytest.raises(NotReady, match=r"model\.safetensors"):
        open_folder(folder, label="Tiny")
    (folder / "config.json").write_text('{"width": 3}')
    with pytest.raises(NotReady, match=r"config\.json describes no LGM .*Fetch Tiny again"):
        open_folder(folder, label="Tiny")


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (90.0, 20.0), (210.0, -35.0)])
def test_the_cameras_of_studio_and_of_the_renderer_are_one_convention(azimuth: float, elevation: float):
    """A dot is drawn where `Camera.project` says, in the middle of a large picture's off-centre crop."""
    crop = Crop(left=30, top=-12, side=64)
    seen = camera_of(crop, Size(150, 90), elevation)
    seen = type(seen)(seen.width, seen.height, crop, azimuth_deg=azimuth, elevation_deg=elevation)
    place = np.array([[0.21, -0.13, 0.17]])
    where, depth = project(seen, place)
    dot = Gaussians(
        torch.tensor(place, dtype=torch.float32),
        torch.tensor([0.9]),
        torch.full((1, 3), 0.004),
        torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
        torch.tensor([[1.0, 0.0, 0.0]]),
    )
    camera = orbit_camera(elevation, azimuth, 64).window(-crop.left, -crop.top, 150, 90)
    drawn = render(dot, camera)
    weights = drawn.alpha / drawn.alpha.sum()
    rows, columns = torch.meshgrid(torch.arange(90) + 0.5, torch.arange(150) + 0.5, indexing="ij")
    assert (weights * columns).sum().item() == pytest.approx(where[0, 0], abs=0.02)
    assert (weights * rows).sum().item() == pytest.approx(where[0, 1], abs=0.02)
    assert (drawn.depth / drawn.alpha)[drawn.alpha > 0.1].mean().item() == pytest.approx(depth[0], abs=1e-4)
