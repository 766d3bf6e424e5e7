"""Drawing along outlines and depth against diffusers' and transformers' own classes, at tiny size on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    ControlNetModel,
    FluxControlPipeline,
    StableDiffusionControlNetImg2ImgPipeline,
    StableDiffusionControlNetInpaintPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetImg2ImgPipeline,
    StableDiffusionXLControlNetInpaintPipeline,
    StableDiffusionXLControlNetPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, DPTImageProcessor

from pipelines.families.control import depth_anything
from pipelines.families.control.controlnet import StableDiffusionControl, StableDiffusionXLControl
from pipelines.families.flux1 import Flux1Control
from pipelines.hub.cache import Checkpoint
from pipelines.own_checkpoints import CONFIGS
from pipelines.plan import Placement
from studio.contract import ImageRequest, Size
from studio.errors import NotReady, StudioError
from tests.pipelines.families.test_flow_edits import clouds, ignore, on_cpu, right_half, same
from tests.pipelines.families.test_stable_diffusion import SCHEDULERS, asked
from tests.pipelines.tiny import save_flux1
from tests.pipelines.tiny_diffusion import save_sd15, save_sdxl

SIZE = Size(72, 64)
EDGES = Image.fromarray(np.repeat(np.eye(64, 72, dtype=np.uint8)[..., None] * 255, 3, axis=2))
REQUEST = ImageRequest(
    "a red fox",
    SIZE,
    seed=3,
    steps=4,
    guidance=5.0,
    negative_prompt="blurry",
    references=(clouds(1, SIZE),),
    strength=1.0,
    control=EDGES,
    control_strength=0.8,
)
KINDS: dict[str, tuple[Any, Any, tuple[Any, Any, Any]]] = {
    "sd15": (
        save_sd15,
        StableDiffusionControl,
        (
            StableDiffusionControlNetPipeline,
            StableDiffusionControlNetImg2ImgPipeline,
            StableDiffusionControlNetInpaintPipeline,
        ),
    ),
    "sdxl": (
        save_sdxl,
        StableDiffusionXLControl,
        (
            StableDiffusionXLControlNetPipeline,
            StableDiffusionXLControlNetImg2ImgPipeline,
            StableDiffusionXLControlNetInpaintPipeline,
        ),
    ),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    at = tmp_path_factory.mktemp("control")
    return {name: kind[0](at / name) for name, kind in KINDS.items()}


@pytest.fixture(scope="module")
def nets(folders: dict[str, Path]) -> dict[str, Path]:
    """Random ControlNets as they are published: in a folder of their own, with the zero convolutions filled."""
    return {name: save_controlnet(folder, folder.parent / f"{name}-net") for name, folder in folders.items()}


def save_controlnet(base: Path, folder: Path) -> Path:
    torch.manual_seed(1)
    net = ControlNetModel.from_unet(UNet2DConditionModel.from_pretrained(base / "unet"))
    for weight in net.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.2)
    net.save_pretrained(folder)
    return folder / "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def models(folders: dict[str, Path], nets: dict[str, Path]) -> dict[str, Any]:
    return {name: opened(name, folders[name], nets[name]) for name in KINDS}


def opened(name: str, folder: Path, net: Path, placement: Placement = Placement.RESIDENT) -> Any:
    return KINDS[name][1](Checkpoint(folder, name, parts={"controlnet": net}), [on_cpu(placement)], preview_seconds=0)


def plain(name: str, folder: Path, net: Path, task: int, request: ImageRequest) -> Image.Image:
    """What a script with diffusers' own pipeline makes of it."""
    controlnet = ControlNetModel.from_pretrained(net.parent)
    pipeline = KINDS[name][2][task].from_pretrained(folder, controlnet=controlnet)
    more = {"control_image" if task else "image": request.control} | request.size._asdict()
    more["controlnet_conditioning_scale"] = request.control_strength
    return asked(pipeline, SCHEDULERS[name], pipeline.scheduler.config, task, request, **more)


@pytest.mark.parametrize("task", [0, 1, 2], ids=["anew", "over", "mask"])
@pytest.mark.parametrize("name", [*KINDS])
def test_it_draws_as_diffusers_own_pipeline_does(
    models: dict[str, Any], folders: dict[str, Path], nets: dict[str, Path], name: str, task: int
):
    request = replace(REQUEST, strength=1.0 if task == 0 else 0.6, mask=right_half(SIZE) if task == 2 else None)
    made = models[name].run(request, ignore).image
    assert same(made, plain(name, folders[name], nets[name], task, request))
    if task == 0:  # made from words, not from a picture
        from_words = replace(request, references=(), strength=None)
        assert same(made, models[name].run(from_words, ignore).image)
    for other in (replace(request, control=clouds(2, SIZE)), replace(request, control_strength=0.2)):
        assert not same(made, models[name].run(other, ignore).image)


@pytest.mark.parametrize("placement", [Placement.TEXT_LEAVES, Placement.PARTS, Placement.BLOCKS])
def test_every_placement_makes_the_same_picture(
    models: dict[str, Any], folders: dict[str, Path], nets: dict[str, Path], placement: Placement
):
    model = opened("sd15", folders["sd15"], nets["sd15"], placement)
    for request in (REQUEST, replace(REQUEST, strength=0.5)):
        request = replace(request, size=Size(64, 64), control=EDGES.resize((64, 64)))
        assert same(model.run(request, ignore).image, models["sd15"].run(request, ignore).image)
    model.close()


def test_weights_of_another_network_are_refused(folders: dict[str, Path], nets: dict[str, Path], tmp_path: Path):
    with pytest.raises(NotReady, match="cannot be opened"):
        opened("sd15", folders["sd15"], nets["sdxl"])
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(nets["sd15"].read_bytes()[:-100])
    with pytest.raises(NotReady, match="cannot be opened"):
        opened("sd15", folders["sd15"], cut)


@pytest.mark.parametrize(("which", "gigabytes"), [("sd15", 0.7226), ("sdxl", 2.5021)])
def test_a_controlnet_follows_from_the_unet_it_steers(which: str, gigabytes: float):
    """At the size of the published ones: as many bytes as their files have."""
    config = CONFIGS / {"sd15": "sd-1.5", "sdxl": "sdxl"}[which] / "unet" / "config.json"
    with torch.device("meta"):
        unet: Any = UNet2DConditionModel.from_config(json.loads(config.read_text()))
        net = ControlNetModel.from_unet(unet, load_weights_from_unet=False)
    assert sum(weight.numel() for weight in net.parameters()) * 2 / 1e9 == pytest.approx(gigabytes, abs=2e-4)


def test_flux_reads_what_it_follows_beside_the_picture(tmp_path: Path):
    folder = save_flux1(tmp_path / "control", guided=True, kind=FluxControlPipeline, channels=32)
    model = Flux1Control(Checkpoint(folder, "Canny"), [on_cpu()], preview_seconds=0)
    request = replace(REQUEST, steps=2, strength=None, control_strength=None, negative_prompt="", guidance=30.0)
    made = model.run(request, ignore).image
    pipeline: Any = FluxControlPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    said = pipeline(
        request.prompt,
        control_image=request.control,
        num_inference_steps=2,
        guidance_scale=30.0,
        generator=torch.Generator("cpu").manual_seed(3),
        **request.size._asdict(),
    ).images[0]
    assert same(made, said)
    assert not same(made, model.run(replace(request, control=clouds(2, SIZE)), ignore).image)
    with pytest.raises(NotReady, match="FluxControlPipeline"):
        Flux1Control(Checkpoint(save_flux1(tmp_path / "dev", guided=True)), [on_cpu()])


# --- depth ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def depth_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As published: configuration, weights, and how pictures are shown to it (518 pixels there)."""
    folder = tmp_path_factory.mktemp("depth")
    torch.manual_seed(0)
    backbone = {
        "model_type": "dinov2",
        "hidden_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
        "apply_layernorm": True,
        "reshape_hidden_states": False,
    }
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        patch_size=14,
        reassemble_factors=[4, 2, 1, 0.5],
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=8,
        head_hidden_size=8,
    )
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    DPTImageProcessor(
        size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14, do_rescale=True
    ).save_pretrained(folder)
    return folder


def looked_at(**changes: Any) -> ImageRequest:
    return replace(ImageRequest("", SIZE, seed=0, steps=0, guidance=0.0, references=(clouds(1, SIZE),)), **changes)


def test_depth_is_what_transformers_own_classes_say(depth_folder: Path):
    model = depth_anything.open_checkpoint(Checkpoint(depth_folder / "model.safetensors", "Depth"), [on_cpu()])
    made = model.run(looked_at(), ignore).image
    network: Any = DepthAnythingForDepthEstimation.from_pretrained(depth_folder)
    processor = DPTImageProcessor.from_pretrained(depth_folder)
    with torch.no_grad():
        found = network.eval()(**processor(images=clouds(1, SIZE), return_tensors="pt"))
    depth: Any = processor.post_process_depth_estimation(found, target_sizes=[(64, 72)])[0]["predicted_depth"]
    depth = depth.numpy()
    wanted = 255 * (depth - depth.min()) / (depth.max() - depth.min())
    grey = np.asarray(made)
    assert made.size == SIZE and np.abs(grey[..., 0] - wanted).max() <= 0.51
    assert (grey == grey[..., :1]).all() and (grey.min(), grey.max()) == (0, 255)
    own = clouds(3, SIZE).convert("L").convert("RGB")
    assert same(model.run(looked_at(control=own), ignore).image, own), "a grey picture is one of depth already"
    other = model.run(looked_at(control=clouds(2, SIZE)), ignore).image
    assert same(other, model.run(looked_at(references=(clouds(2, SIZE),)), ignore).image)
    model.close()


def test_damaged_depth_weights_are_refused(depth_folder: Path, tmp_path: Path):
    for path in depth_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    kept = tmp_path / "model.safetensors"
    weights = load_file(kept)
    kept.write_bytes(kept.read_bytes()[:-100])
    with pytest.raises(NotReady, match="cannot be opened"):
        depth_anything.open_checkpoint(Checkpoint(kept, "Depth"), [on_cpu()])
    save_file({name: value * float("nan") for name, value in weights.items()}, kept, {"format": "pt"})
    model = depth_anything.open_checkpoint(Checkpoint(kept, "Depth"), [on_cpu()])
    with pytest.raises(StudioError, match="invalid numbers"):
        model.run(looked_at(), ignore)
