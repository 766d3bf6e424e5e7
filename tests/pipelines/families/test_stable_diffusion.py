"""Stable Diffusion 1.5, SDXL and their few-step students against diffusers' own pipelines, at tiny size."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UniPCMultistepScheduler,
)
from PIL import Image
from safetensors.torch import load_file, save_file

from pipelines.families.stable_diffusion import StableDiffusion, StableDiffusionXL, sampler as scheduler_of
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Placement
from pipelines.records import RECORDS
from studio.contract import ImageRequest, Progress, Size
from studio.errors import NotReady
from studio.intake.settings.samplers import SAMPLERS
from tests.pipelines.families.test_flow_edits import clouds, ignore, on_cpu, right_half, same
from tests.pipelines.tiny import save_stable_diffusion
from tests.pipelines.tiny_diffusion import BETAS, save_sd15, save_sdxl

SIZE = Size(72, 64)
REQUEST = ImageRequest("a red fox", SIZE, seed=3, steps=4, guidance=5.0, negative_prompt="blurry")
KINDS: dict[str, tuple[Any, tuple[Any, Any, Any]]] = {
    "sd15": (
        StableDiffusion,
        (StableDiffusionPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline),
    ),
    "sdxl": (
        StableDiffusionXL,
        (StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline),
    ),
}
KINDS |= {"lcm": KINDS["sd15"], "lightning": KINDS["sdxl"]}
SCHEDULERS: dict[str, Any] = {
    "sd15": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
    "sdxl": (EulerDiscreteScheduler, {}),
    "lcm": (LCMScheduler, {}),
    "lightning": (EulerDiscreteScheduler, {"timestep_spacing": "trailing"}),
}
"""What each is asked with; source: the model cards."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    at = tmp_path_factory.mktemp("sd")
    sdxl = save_sdxl(at / "sdxl")
    return {
        "sd15": save_sd15(at / "sd15"),
        "sdxl": sdxl,
        "lcm": save_sd15(at / "lcm", distilled=True),
        "lightning": sdxl,
    }


@pytest.fixture(scope="module")
def models(folders: dict[str, Path]) -> dict[str, StableDiffusion]:
    return {name: opened(name, folder) for name, folder in folders.items()}


def opened(name: str, folder: Path, **more: Any) -> StableDiffusion:
    variant = name if name in ("lcm", "lightning") else ""
    return KINDS[name][0](Checkpoint(folder, name, variant=variant, **more), [on_cpu()], preview_seconds=0)


def plain(name: str, folder: Path, task: int, request: ImageRequest, **more: Any) -> Image.Image:
    """What a script with diffusers' own pipeline makes of it."""
    pipeline = KINDS[name][1][task].from_pretrained(folder)
    return asked(pipeline, SCHEDULERS[name], pipeline.scheduler.config, task, request, **more)


def asked(
    pipeline: Any, scheduler: tuple[Any, dict[str, Any]], config: Any, task: int, request: ImageRequest, **more: Any
) -> Image.Image:
    kind, settings = scheduler
    pipeline.scheduler = kind.from_config(config, **settings)
    pipeline.set_progress_bar_config(disable=True)
    if task:
        more |= {"image": request.references[0], "strength": request.strength}
    if task == 2:
        more["mask_image"] = request.mask
    if task != 1:
        more |= request.size._asdict()
    return pipeline(
        request.prompt,
        negative_prompt=request.negative_prompt or None,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance,
        generator=torch.Generator("cpu").manual_seed(request.seed),
        **more,
    ).images[0]


@pytest.mark.parametrize("task", [0, 1, 2], ids=["text", "picture", "mask"])
@pytest.mark.parametrize("name", [*KINDS])
def test_it_draws_as_diffusers_own_pipeline_does(
    models: dict[str, StableDiffusion], folders: dict[str, Path], name: str, task: int
):
    request = REQUEST if name in ("sd15", "sdxl") else replace(REQUEST, negative_prompt="", guidance=0.0)
    request = replace(request, guidance=8.0) if name == "lcm" else request
    if task:
        request = replace(request, references=(clouds(1, SIZE),), strength=0.6)
    if task == 2:
        request = replace(request, mask=right_half(SIZE))
    seen: list[Progress] = []
    made = models[name].run(request, seen.append).image
    assert same(made, plain(name, folders[name], task, request))
    steps = 2 if task else 4
    assert [(each.step, each.steps) for each in seen] == [(step, steps) for step in range(steps + 1)]
    others = [replace(request, seed=4), replace(request, prompt="a blue fox")]
    others += [replace(request, negative_prompt="sharp")] if request.negative_prompt else []
    assert not any(same(made, models[name].run(other, ignore).image) for other in others)


def test_no_negative_prompt_is_what_the_pipelines_take_for_it(
    models: dict[str, StableDiffusion], folders: dict[str, Path]
):
    request = replace(REQUEST, negative_prompt="")
    for name in ("sd15", "sdxl"):
        assert same(models[name].run(request, ignore).image, plain(name, folders[name], 0, request))


def test_clip_skip_takes_an_earlier_layer(models: dict[str, StableDiffusion], folders: dict[str, Path]):
    """Counted as in A1111: 1 is the last layer; SDXL is made for the one before it. diffusers counts from 0."""
    last = models["sd15"].run(REQUEST, ignore).image
    assert same(models["sd15"].run(replace(REQUEST, clip_skip=1), ignore).image, last)
    assert not same(models["sd15"].run(replace(REQUEST, clip_skip=2), ignore).image, last)
    earlier = replace(REQUEST, clip_skip=3, guidance=1.0)
    assert same(models["sdxl"].run(earlier, ignore).image, plain("sdxl", folders["sdxl"], 0, earlier, clip_skip=1))
    pipeline: Any = models["sd15"].pipeline
    tokens = pipeline.tokenizer("a red fox", padding="max_length", return_tensors="pt").input_ids
    with torch.no_grad():
        hidden = pipeline.text_encoder(tokens, output_hidden_states=True).hidden_states[-2]
        wanted = pipeline.text_encoder.final_layer_norm(hidden)
        assert torch.equal(models["sd15"]._encode("a red fox", 2).tokens, wanted)


@pytest.mark.parametrize("name", [*KINDS])
def test_what_the_pipelines_fail_at_is_guarded(models: dict[str, StableDiffusion], name: str):
    """So little strength that no step is left, a single step, and a size that no large block divides."""
    for steps, strength in ((4, 0.1), (1, 0.5), (49, 1 / 49), (1, 1.0)):
        request = replace(REQUEST, steps=steps, references=(clouds(1, SIZE),), strength=strength)
        seen: list[Progress] = []
        for mask in (None, right_half(SIZE)):
            made = models[name].run(replace(request, mask=mask), seen.append)
            assert (made.image.size, seen[-1].steps) == (SIZE, 1)
    assert models[name].run(replace(REQUEST, size=Size(88, 72)), ignore).image.size == (88, 72)


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_long_and_weighted_prompts_of_different_lengths_are_read_whole(models: dict[str, StableDiffusion], name: str):
    words = "a small red fox that sleeps in a cup, " * 6
    request = replace(REQUEST, prompt=words + "snow")
    first = models[name].run(request, ignore).image
    assert not same(first, models[name].run(replace(request, prompt=words + "rain"), ignore).image)
    assert not same(first, models[name].run(replace(request, prompt=words + "(snow:1.4)"), ignore).image)
    both = replace(request, negative_prompt=words)
    assert not same(first, models[name].run(both, ignore).image)
    half = replace(on_cpu(), dtype="bfloat16")
    model = type(models[name])(models[name]._checkpoint, [half], preview_seconds=0)
    assert model.run(replace(request, prompt="(a [red] fox:1.3) BREAK snow"), ignore).image.size == SIZE
    model.close()


@pytest.mark.parametrize("placement", [Placement.TEXT_LEAVES, Placement.PARTS, Placement.BLOCKS])
@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_every_placement_makes_the_same_picture(
    models: dict[str, StableDiffusion], folders: dict[str, Path], name: str, placement: Placement
):
    request = replace(
        REQUEST, prompt="a (red:1.2) fox", clip_skip=2, size=Size(64, 64)
    )  # larger ones are decoded in tiles
    model = type(models[name])(Checkpoint(folders[name]), [on_cpu(placement)])
    assert same(model.run(request, ignore).image, models[name].run(request, ignore).image)
    model.close()


def test_weights_that_are_kept_elsewhere_take_the_place_of_a_component(folders: dict[str, Path], tmp_path: Path):
    """As of Lightning and of SDXL's autoencoder: configurations from one repository, weights from others."""
    folder, parts = save_sdxl(tmp_path / "sdxl", variant="fp16"), {}
    for name in ("unet", "vae"):
        kept = next((folder / name).glob("*.safetensors"))
        weights = {key: value * 1.01 for key, value in load_file(kept).items()}
        save_file(weights, parts.setdefault(name, tmp_path / f"{name}.safetensors"))
        kept.unlink()
    with pytest.raises(NotReady, match=r"unet/\*.safetensors, vae/\*.safetensors missing|vae.*unet.*missing"):
        opened("lightning", folder)
    model = opened("lightning", folder, parts=parts)
    assert model.pipeline.vae.config.force_upcast is False
    assert not any(weight.is_meta for part in (model.pipeline.unet, model.pipeline.vae) for weight in part.parameters())
    whole = opened("lightning", folders["lightning"])
    request = replace(REQUEST, guidance=0.0, negative_prompt="")
    assert not same(model.run(request, ignore).image, whole.run(request, ignore).image)
    with pytest.raises(NotReady, match=r"cannot be opened \(it has no label_emb"):
        opened("lightning", folder, parts=parts | {"unet": parts["vae"]})
    parts["unet"].write_bytes(parts["unet"].read_bytes()[:-100])
    with pytest.raises(NotReady, match="cannot be opened"):
        opened("lightning", folder, parts=parts)


def test_no_safety_checker_is_opened(tmp_path: Path):
    """The published folder names one; without it black pictures cannot come from there."""
    folder = save_sd15(tmp_path / "sd", variant="fp16")
    index = folder / "model_index.json"
    named = '"safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],'
    index.write_text(index.read_text().replace('"safety_checker": [\n    null,\n    null\n  ],', named))
    assert named in index.read_text()
    model = opened("sd15", folder, without=("safety_checker", "feature_extractor"))
    assert model.pipeline.safety_checker is None
    assert model.run(REQUEST, ignore).image.size == SIZE
    with pytest.raises(NotReady, match="StableDiffusionPipeline, not a StableDiffusionXLPipeline"):
        opened("sdxl", folder, without=("safety_checker", "feature_extractor"))


@pytest.mark.skipif(not (which("g++") or which("clang++")), reason="torch compiles for a CPU by a C++ compiler")
def test_fast_compiles_the_network_once_for_each_size(tmp_path: Path):
    """By the real compiler, on the CPU; afterwards pictures are made plainly again, to the bit."""
    folder = save_stable_diffusion(tmp_path, PNDMScheduler(**BETAS))  # blocks of one width: each other takes 10 s
    model = StableDiffusion(Checkpoint(folder), [replace(on_cpu(), compiles=True)])
    request = replace(REQUEST, size=Size(64, 64), steps=1, guidance=1.0, negative_prompt="")
    plain, told = model.run(request, ignore), [[], []]
    fast = [model.run(replace(request, fast=True), seen.append) for seen in told]
    assert [seen[0].note for seen in told] == [
        "compiling for this size, about 20 seconds the first time",
        "reading the prompt",
    ]
    assert all(each.fast for each in fast) and not plain.fast
    for each in fast:
        off = np.abs(np.asarray(each.image, float) - np.asarray(plain.image, float))
        assert off.mean() < 0.5  # of 255
    assert same(model.run(request, ignore).image, plain.image)
    model.close()


EVEN, KARRAS = {"use_karras_sigmas": False}, {"use_karras_sigmas": True}
SAMPLED: dict[str, tuple[Any, dict[str, Any]]] = {
    "Euler": (EulerDiscreteScheduler, EVEN),
    "Euler a": (EulerAncestralDiscreteScheduler, {}),
    "DPM++ 2M": (DPMSolverMultistepScheduler, EVEN),
    "DPM++ 2M Karras": (DPMSolverMultistepScheduler, KARRAS),
    "DPM++ 2M SDE": (DPMSolverMultistepScheduler, EVEN | {"algorithm_type": "sde-dpmsolver++"}),
    "DPM++ 2M SDE Karras": (DPMSolverMultistepScheduler, KARRAS | {"algorithm_type": "sde-dpmsolver++"}),
    "DDIM": (DDIMScheduler, {}),
    "UniPC": (UniPCMultistepScheduler, EVEN),
    "LCM": (LCMScheduler, {}),
}
"""Source: https://huggingface.co/docs/diffusers/api/schedulers/overview"""


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_each_sampler_draws_as_that_scheduler_does(
    models: dict[str, StableDiffusion], folders: dict[str, Path], name: str
):
    pipeline = KINDS[name][1][0].from_pretrained(folders[name])
    config = pipeline.scheduler.config
    record = next(each for each in RECORDS if each.id == {"sd15": "sd-1.5", "sdxl": "sdxl"}[name])
    assert {*record.samplers} == {*SAMPLERS}
    request, pictures = replace(REQUEST, steps=3, guidance=1.0, negative_prompt=""), dict[str, Image.Image]()
    for sampler in SAMPLERS if name == "sd15" else ("Euler", "Euler a", "DPM++ 2M Karras"):
        pictures[sampler] = models[name].run(replace(request, sampler=sampler), ignore).image
        assert same(pictures[sampler], asked(pipeline, SAMPLED[sampler], config, 0, request)), sampler
    assert not any(same(one, other) for one, other in combinations(pictures.values(), 2))
    over = replace(request, references=(clouds(1, SIZE),), strength=0.7)
    for task, mask, sampler in ((1, None, "Euler a"), (2, right_half(SIZE), "DPM++ 2M Karras")):
        change = replace(over, mask=mask, sampler=sampler)
        edits = KINDS[name][1][task](**pipeline.components)
        assert same(models[name].run(change, ignore).image, asked(edits, SAMPLED[sampler], config, task, change))
    again = models[name].run(request, ignore).image
    assert same(again, pictures[record.samplers[0]]), "the first is what it was before it had a choice"


def test_what_a_folder_was_saved_with_does_not_change_a_sampler():
    saved = DPMSolverMultistepScheduler(use_karras_sigmas=True, algorithm_type="sde-dpmsolver++", beta_start=0.002)
    for name, is_karras in (("DPM++ 2M", False), ("DPM++ 2M Karras", True), ("UniPC", False), ("Euler", False)):
        config = scheduler_of(name, saved, "").config
        assert (config.use_karras_sigmas, config.beta_start) == (is_karras, 0.002)
        assert config.get("algorithm_type", "dpmsolver++") == "dpmsolver++" or not name.startswith("DPM")
    assert scheduler_of("Its own", saved, "") is saved
    assert scheduler_of("DDIM", saved, "v-prediction").config.prediction_type == "v_prediction"
