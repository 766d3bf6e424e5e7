"""The toy ImageDream's data and lessons: what it is shown is what the app shows it, and one step of it teaches."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image

from lgm.cameras import FRAME_OF_VIEW, imagedream_cameras
from pipelines.families.imagedream import open_imagedream
from studio.contract import Size
from studio.solid.contract import ViewsRequest, crop_of, square
from toybox.solid.grids import SIDE, Grids
from toybox.solid.photos import cut_photo
from toybox.solid.records import Records, coverage_of, shade_bytes
from toybox.solid.toy_views import build_parts, save_parts
from toybox.solid.views_lesson import AutoencoderLessons, Learner, Source, ViewsLessons, measure_latents

RED = torch.tensor([0.9, 0.2, 0.1])


def test_a_photo_is_cut_as_the_app_cuts_it(made: tuple[Records, Grids]) -> None:
    planes = torch.from_numpy(made[0].planes[0, 0].copy())
    coverage = coverage_of(planes)
    mask = (coverage > 0.5).numpy().astype(np.uint8) * 255
    floor = (shade_bytes(planes, RED, torch.tensor([0.2, 0.4, 0.9])) * 255).byte().permute(1, 2, 0).numpy()
    object_alone = Image.fromarray(np.dstack([floor, mask]))
    assert Size(*object_alone.size) == (128, 128)
    theirs = np.asarray(square(object_alone, crop_of(mask), SIDE)).astype(float) / 255
    ours = cut_photo(planes, RED, SIDE).permute(1, 2, 0).numpy()
    assert np.abs(ours - theirs).mean() < 0.03


class Shrunk:
    """In place of the autoencoder: latents one can recognise."""

    config: ClassVar = {"scaling_factor": 2.0}

    def encode(self, pictures: torch.Tensor, return_dict: bool) -> tuple["Shrunk"]:
        self.mean = torch.nn.functional.avg_pool2d(pictures, 4)
        return (self,)

    def sample(self) -> torch.Tensor:
        return self.mean + 3


def test_every_frame_shows_what_its_camera_sees_and_the_last_one_the_picture(made: tuple[Records, Grids]) -> None:
    parts = build_parts()
    source = Source(made[1], made[0], 1)
    lessons = ViewsLessons(replace(parts, vae=Shrunk()), source)  # type: ignore[arg-type]
    scene = source.draw(4)
    frames, picture = lessons._latents(scene)
    for view, frame in enumerate(FRAME_OF_VIEW):
        assert torch.allclose(frames[:, frame], 2 * torch.nn.functional.avg_pool2d(scene.views[:, view] * 2 - 1, 4))
    assert torch.allclose(frames[:, 4] + 6, picture)
    right = imagedream_cameras(0.0).view(5, 4, 4)[list(FRAME_OF_VIEW), :3, 3]  # by view: in front, right, behind, left
    assert torch.allclose(right[0], -right[2], atol=1e-6)
    assert torch.allclose(torch.linalg.cross(right[0], right[1]), torch.tensor([0.0, 0.0, 1.0]), atol=1e-6)


def test_some_steps_teach_both_parts(made: tuple[Records, Grids]) -> None:
    records, grids = made
    torch.manual_seed(0)
    parts = build_parts()
    source = Source(grids, records, 1)
    keeping = AutoencoderLessons(parts.vae, source, pictures=8)
    before, after = steps(parts.vae, keeping.step, 8)
    assert after < 0.7 * before
    parts.vae.eval().requires_grad_(False)
    measure_latents(parts.vae, source, 2)
    learner = Learner(parts)
    before, after = steps(learner, ViewsLessons(parts, source, batch=2).step, 12)
    assert after < 0.85 * before
    unused = [name for name, parameter in learner.named_parameters() if parameter.grad is None]
    assert all("layers.2." in name or "post_layernorm" in name for name in unused)  # only the layer but one is read


def test_what_is_stored_opens_as_the_published_one_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    parts = build_parts()
    save_parts(parts, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors")) < 14_000_000
    assert sum(each.numel() for each in parts.unet.parameters()) < 6_000_000
    seen: list[Image.Image] = []
    model = open_imagedream(tmp_path)
    answer = model.run(
        ViewsRequest(Image.new("RGB", (96, 96), "white"), 12.0, 3, 2, 1.0),
        lambda told: seen.append(told.preview) if told.preview else None,
    )
    assert [image.size for image in answer.images] == [(SIDE, SIDE)] * 4
    assert len(seen) == 2


def steps(model: torch.nn.Module, step: Callable[[int], dict[str, torch.Tensor]], count: int) -> tuple[float, float]:
    """The mean loss of the first three and of the last three of some steps."""
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    losses = []
    for number in range(count):
        optimizer.zero_grad()
        loss = step(number)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses[:3])), float(np.mean(losses[-3:]))
