"""A picture as a part of the prompt, against diffusers' own pipelines and loader, at tiny size in the real layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from pipelines.families.control.ip_adapter import StableDiffusionShown, StableDiffusionXLShown
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Placement
from studio.contract import ImageRequest, Size
from studio.errors import NotReady
from tests.pipelines.families.test_flow_edits import clouds, ignore, on_cpu, right_half, same
from tests.pipelines.families.test_stable_diffusion import SCHEDULERS, asked
from tests.pipelines.tiny_diffusion import save_sd15, save_sdxl

SIZE, PROJECTED, TOKENS = Size(64, 64), 12, 4
REQUEST = ImageRequest(
    "a red fox",
    SIZE,
    seed=3,
    steps=4,
    guidance=5.0,
    negative_prompt="blurry",
    references=(clouds(1, SIZE), clouds(2, Size(40, 72))),
    strength=1.0,
    control_strength=0.8,
)
KINDS: dict[str, tuple[Any, Any, tuple[Any, Any, Any]]] = {
    "sd15": (
        save_sd15,
        StableDiffusionShown,
        (StableDiffusionPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline),
    ),
    "sdxl": (
        save_sdxl,
        StableDiffusionXLShown,
        (StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline),
    ),
}


def save_adapter(unet: Any, folder: Path, name: str) -> None:
    """As its makers keep it: `models/NAME.safetensors`, and the CLIP in `models/image_encoder`."""
    torch.manual_seed(2)
    config = CLIPVisionConfig(
        hidden_size=160,
        intermediate_size=48,
        projection_dim=PROJECTED,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        hidden_act="gelu",
    )
    clip = folder / "models" / "image_encoder"
    CLIPVisionModelWithProjection(config).save_pretrained(clip)
    kept = load_file(clip / "model.safetensors") | {"vision_model.embeddings.position_ids": torch.arange(5)[None]}
    save_file(kept, clip / "model.safetensors", {"format": "pt"})
    width, number, tensors = unet.config.cross_attention_dim, 1, {}
    for module, processor in unet.attn_processors.items():
        if "attn2" in module:
            inner = unet.get_submodule(module.removesuffix(".processor")).to_k.out_features
            for key in ("to_k_ip", "to_v_ip"):
                tensors[f"ip_adapter.{number}.{key}.weight"] = 0.5 * torch.randn(inner, width)
            number += 2
        assert processor is not None
    tensors["image_proj.proj.weight"] = 0.5 * torch.randn(TOKENS * width, PROJECTED)
    tensors["image_proj.proj.bias"] = torch.randn(TOKENS * width)
    tensors |= {"image_proj.norm.weight": torch.ones(width), "image_proj.norm.bias": torch.zeros(width)}
    save_file(tensors, folder / "models" / f"{name}.safetensors")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("ip")
    for name, (save, _, _) in KINDS.items():
        save(at / name)
        save_adapter(UNet2DConditionModel.from_pretrained(at / name / "unet"), at / "h94", name)
    return at


def opened(place: Path, name: str, placement: Placement = Placement.RESIDENT, adapter: Path | None = None) -> Any:
    models = place / "h94" / "models"
    parts = {
        "image_encoder": models / "image_encoder" / "model.safetensors",
        "ip_adapter": adapter or models / f"{name}.safetensors",
    }
    without = () if name == "sdxl" else ("safety_checker", "feature_extractor")
    checkpoint = Checkpoint(place / name, name, parts=parts, without=without)
    return KINDS[name][1](checkpoint, [on_cpu(placement)], preview_seconds=0)


@pytest.fixture(scope="module")
def models(place: Path) -> dict[str, Any]:
    return {name: opened(place, name) for name in KINDS}


def plain(place: Path, name: str, task: int, request: ImageRequest) -> Image.Image:
    """What a script with diffusers' own pipeline and loader makes of it."""
    pipeline = KINDS[name][2][task].from_pretrained(place / name)
    pipeline.load_ip_adapter(str(place / "h94"), subfolder="models", weight_name=f"{name}.safetensors")
    pipeline.set_ip_adapter_scale(request.control_strength)
    more = {"ip_adapter_image": request.references[-1]}
    return asked(pipeline, SCHEDULERS[name], pipeline.scheduler.config, task, request, **more)


@pytest.mark.parametrize("task", [0, 1, 2], ids=["anew", "over", "mask"])
@pytest.mark.parametrize("name", [*KINDS])
def test_it_draws_as_diffusers_own_pipeline_does(models: dict[str, Any], place: Path, name: str, task: int):
    request = replace(REQUEST, strength=1.0 if task == 0 else 0.6, mask=right_half(SIZE) if task == 2 else None)
    made = models[name].run(request, ignore).image
    assert same(made, plain(place, name, task, request))
    for other in (replace(request, references=request.references[:1]), replace(request, control_strength=0.1)):
        assert not same(made, models[name].run(other, ignore).image)


@pytest.mark.parametrize("name", [*KINDS])
def test_a_new_picture_takes_the_likeness_of_one_or_of_none(models: dict[str, Any], place: Path, name: str):
    """As Generate asks: without a picture to change, so without a strength."""
    seen = replace(REQUEST, references=REQUEST.references[1:], strength=None)
    assert same(models[name].run(seen, ignore).image, plain(place, name, 0, REQUEST))
    unseen = replace(seen, references=())
    without = KINDS[name][2][0].from_pretrained(place / name)
    words = asked(without, SCHEDULERS[name], without.scheduler.config, 0, unseen)
    assert same(models[name].run(unseen, ignore).image, words)
    assert same(models[name].run(seen, ignore).image, plain(place, name, 0, REQUEST))


@pytest.mark.parametrize("placement", [Placement.TEXT_LEAVES, Placement.PARTS, Placement.BLOCKS])
def test_every_placement_makes_the_same_picture(models: dict[str, Any], place: Path, placement: Placement):
    model = opened(place, "sd15", placement)
    for request in (REQUEST, replace(REQUEST, strength=0.5), replace(REQUEST, guidance=1.0)):
        assert same(model.run(request, ignore).image, models["sd15"].run(request, ignore).image)
    model.close()


def test_what_is_no_adapter_for_it_is_refused(place: Path, tmp_path: Path):
    models = place / "h94" / "models"
    pickled, cut = tmp_path / "pickled.safetensors", tmp_path / "cut.safetensors"
    pickled.write_bytes(b"PK\x03\x04" + bytes(100))
    cut.write_bytes((models / "sd15.safetensors").read_bytes()[:-100])
    clip = models / "image_encoder" / "model.safetensors"
    for wrong in (pickled, cut, models / "sdxl.safetensors", clip):
        with pytest.raises(NotReady, match="sd15"):
            opened(place, "sd15", adapter=wrong)


def test_a_picture_of_noise_is_a_picture(models: dict[str, Any]):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (9, 300, 3), np.uint8))
    request = replace(REQUEST, references=(REQUEST.references[0], noise))
    assert models["sd15"].run(request, ignore).image.size == SIZE
