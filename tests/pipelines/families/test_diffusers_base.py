"""The base under Stable Diffusion: a family that knows no flow matching says only what is its own.

Real classes at a tiny size with random weights, written to disk in the Hub's layout.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
)
from PIL import Image

from pipelines.families.diffusers_base import DiffusersModel, Embeddings
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Placement, Plan
from studio.contract import ImageRequest, Progress, Size
from studio.errors import Cancelled
from tests.pipelines.families.test_flow_match import counted, ignore, on_cpu, pixels, same
from tests.pipelines.tiny import save_stable_diffusion

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1}
DDIM = DDIMScheduler(**BETAS, clip_sample=False)  # pyright: ignore[reportArgumentType]
SCHEDULERS = (EulerDiscreteScheduler(**BETAS), DDIM, LCMScheduler(**BETAS), DPMSolverMultistepScheduler(**BETAS))  # pyright: ignore[reportArgumentType]
REQUEST = ImageRequest("a red ball", Size(64, 48), seed=3, steps=4, guidance=4.0)


class TinyDiffusion(DiffusersModel):
    """All that a Stable Diffusion family has to say."""

    kind = StableDiffusionPipeline

    def _kind_for(self, request: ImageRequest) -> type[diffusers.DiffusionPipeline]:
        return StableDiffusionImg2ImgPipeline if request.references else StableDiffusionPipeline

    def _encode(self, text: str) -> Embeddings:
        return Embeddings(self.pipeline.encode_prompt(text, self._placed.device, 1, False)[0])

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        unwanted = self._read(request.negative_prompt).tokens
        over = {"image": request.references[0], "strength": request.strength} if request.references else {}
        return {"prompt_embeds": words.tokens, "negative_prompt_embeds": unwanted, **over}


@pytest.fixture(scope="module", params=SCHEDULERS, ids=lambda scheduler: type(scheduler).__name__)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_diffusion(tmp_path_factory.mktemp("sd"), request.param)


def opened(folder: Path, *plans: Plan) -> TinyDiffusion:
    return TinyDiffusion(Checkpoint(folder, "Tiny", revision="c0ffee"), plans or [on_cpu()], preview_seconds=0)


def test_it_draws_as_diffusers_own_pipeline_does(folder: Path):
    """Seed, steps, guidance and negative prompt arrive, and watching changes nothing."""
    model = opened(folder)
    request = replace(REQUEST, negative_prompt="blue")
    made = model.run(request, ignore)
    plain = StableDiffusionPipeline.from_pretrained(folder)
    plain.set_progress_bar_config(disable=True)
    wanted = plain(
        "a red ball",
        negative_prompt="blue",
        width=64,
        height=48,
        num_inference_steps=4,
        guidance_scale=4.0,
        generator=torch.Generator("cpu").manual_seed(3),
    )
    assert same(made.image, wanted.images[0])  # pyright: ignore[reportAttributeAccessIssue]
    assert (made.seed, made.revision) == (3, "c0ffee")
    for other in (REQUEST, replace(request, seed=4), replace(request, steps=3), replace(request, guidance=1.0)):
        assert not same(model.run(other, ignore).image, made.image)
    assert same(model.run(request, ignore).image, made.image)
    model.close()


def test_steps_are_told_with_previews_and_stop_leaves_the_next_picture_whole(folder: Path):
    model = opened(folder)
    seen: list[Progress] = []
    before = model.run(REQUEST, seen.append).image
    assert [each.step for each in seen] == [0, 1, 2, 3, 4]
    assert [each.step for each in seen if each.preview] == [1, 2, 3, 4]
    assert (pixels(seen[1].preview) != pixels(seen[3].preview)).any()

    def stop(progress: Progress) -> None:
        if progress.step == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        model.run(REQUEST, stop)
    with counted(model.pipeline.text_encoder) as calls:
        assert same(model.run(REQUEST, ignore).image, before)
    assert calls == []  # the prompt was read before
    large: list[Progress] = []
    model.run(replace(REQUEST, size=Size(128, 96), steps=2), large.append)
    assert [each.preview.size for each in large if each.preview] == [(64, 48), (64, 48)]
    model.close()


@pytest.mark.parametrize("placement", [Placement.TEXT_LEAVES, Placement.PARTS, Placement.BLOCKS])
def test_a_card_that_is_full_makes_the_next_plan_with_the_same_picture(tmp_path: Path, placement: Placement):
    folder = save_stable_diffusion(tmp_path, DDIM)
    resident, model = opened(folder), opened(folder, on_cpu(), on_cpu(placement))

    def no_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("as a card says it")

    model.pipeline.unet.register_forward_pre_hook(no_memory)
    seen: list[Progress] = []
    image = model.run(REQUEST, seen.append).image
    assert model.plan.placement == placement
    assert "the GPU ran out of memory" in seen[-1].note
    assert same(image, resident.run(REQUEST, ignore).image)
    resident.close()
    model.close()


def test_a_cpu_draws_in_the_way_that_suits_it(tmp_path: Path):
    folder = save_stable_diffusion(tmp_path, DDIM)
    plain, last = opened(folder), opened(folder, replace(on_cpu(), channels_last=True))
    kernels = [each for each in last.pipeline.vae.parameters() if each.ndim == 4]
    assert kernels and all(each.is_contiguous(memory_format=torch.channels_last) for each in kernels)
    off = abs(pixels(last.run(REQUEST, ignore).image) - pixels(plain.run(REQUEST, ignore).image))
    assert off.max() <= 2
    way = replace(on_cpu(), dtype="bfloat16", other_dtype="bfloat16", channels_last=True)
    narrow = opened(folder, way)
    assert narrow.pipeline.unet.dtype == narrow.pipeline.vae.dtype == torch.bfloat16
    large = replace(REQUEST, size=Size(128, 96), references=(Image.new("RGB", (128, 96), "red"),), strength=0.5)
    for request in (REQUEST, large):
        assert narrow.run(request, ignore).image.size == request.size
    for model in (plain, last, narrow):
        model.close()


def test_another_pipeline_over_the_same_weights_and_narrow_networks_work(tmp_path: Path):
    """As on Turing cards; with bfloat16 for float16, which CPUs can do."""
    folder = save_stable_diffusion(tmp_path, DDIM)
    model = opened(folder, replace(on_cpu(), dtype="bfloat16"))
    assert model.pipeline.unet.dtype == model.pipeline.text_encoder.dtype == torch.bfloat16
    assert model.pipeline.vae.dtype == torch.float32
    plain = model.run(REQUEST, ignore).image
    assert plain.size == (64, 48)
    picture = Image.new("RGB", (64, 48), (200, 30, 30))
    changed = model.run(replace(REQUEST, references=(picture,), strength=0.5), ignore).image
    assert changed.size == (64, 48) and not same(changed, plain)
    model.close()
