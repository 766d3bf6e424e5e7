"""A person's own checkpoints: recognised by their tensors, opened offline, or refused in a sentence."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionInpaintPipeline, StableDiffusionXLInpaintPipeline
from PIL import Image
from safetensors.torch import load_file, save_file

from pipelines import catalog
from pipelines.checkpoint_kinds import kind_of, read_header
from pipelines.families.stable_diffusion import StableDiffusion, StableDiffusionXL
from pipelines.hub.cache import Checkpoint, HubCache
from pipelines.machine import Gpu, Machine
from pipelines.opening.single_file import clip_tokenizer
from pipelines.own_checkpoints import CONFIGS, elsewhere, record_of
from studio.completion import completed, completed_edit
from studio.contract import GenerateRequest, ImageRequest, IterateRequest, Readiness, Size, Task
from studio.errors import NotReady, NotSupported, UnknownModel
from studio.service import Studio
from tests.pipelines.families.test_flow_edits import clouds, ignore, on_cpu, right_half, same
from tests.pipelines.original_layout import save_single_file
from tests.pipelines.tiny_diffusion import save_sd15, save_sdxl

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())
CARD = Machine("Linux x86_64", 8, 64.0, (Gpu("a card", 24.0, 23.0, (8, 9)),))
REQUEST = ImageRequest("a red fox", Size(64, 64), seed=3, steps=3, guidance=5.0, negative_prompt="blurry")
SIZE = Size(72, 64)
KINDS = json.loads((Path(__file__).parent / "single_file_kinds.json").read_text())["rows"]


@pytest.mark.parametrize(("tensors", "name", "like", "part"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS])
def test_a_file_is_recognised_by_its_tensors(tensors: dict[str, list[int]], name: str, like: str, part: str):
    kind = kind_of({key: tuple(shape) for key, shape in tensors.items()})
    assert (kind.name, kind.like, kind.part) == (name, like, part)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    at = tmp_path_factory.mktemp("own")
    return {"sd15": save_sd15(at / "sd15"), "sdxl": save_sdxl(at / "sdxl"), "wide": save_sd15(at / "wide", words=768)}


def config_of(folder: Path, place: Path) -> Path:
    return shutil.copytree(folder, place, ignore=shutil.ignore_patterns("*.safetensors"))


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_a_single_file_opens_offline_as_its_folder_does(folders: dict[str, Path], name: str, tmp_path: Path):
    kind = {"sd15": StableDiffusion, "sdxl": StableDiffusionXL}[name]
    file = save_single_file(folders[name], tmp_path / "mine.safetensors")
    assert kind_of(read_header(file)).part == ""
    config = config_of(folders[name], tmp_path / "config")
    one = kind(Checkpoint(file, "Mine", config=config, own=True), [on_cpu()])
    whole = kind(Checkpoint(folders[name]), [on_cpu()])
    request = replace(REQUEST, prompt="a (red:1.2) fox")
    assert same(one.run(request, ignore).image, whole.run(request, ignore).image)
    half = kind(Checkpoint(file, "Mine", config=config), [replace(on_cpu(), dtype="bfloat16")])
    assert (half.pipeline.unet.dtype, half.pipeline.vae.dtype) == (torch.bfloat16, torch.float32)
    other = {"sd15": StableDiffusionXL, "sdxl": StableDiffusion}[name]
    wrong = {"sd15": "sdxl", "sdxl": "sd15"}[name]
    with pytest.raises(NotReady, match=r"The weights of Mine in .*mine.safetensors cannot be opened"):
        other(Checkpoint(file, "Mine", config=config_of(folders[wrong], tmp_path / "wrong")), [on_cpu()])


INPAINTERS: dict[str, tuple[Any, Any, Any]] = {
    "sd15": (StableDiffusion, lambda at: save_sd15(at, channels=9, words=768), StableDiffusionInpaintPipeline),
    "sdxl": (StableDiffusionXL, lambda at: save_sdxl(at, channels=9), StableDiffusionXLInpaintPipeline),
}


@pytest.mark.parametrize("name", INPAINTERS)
def test_one_for_inpainting_fills_a_mask_and_does_nothing_else(name: str, tmp_path: Path):
    kind, save, plain = INPAINTERS[name]
    save(tmp_path / "own")
    pipeline = plain.from_pretrained(tmp_path / "own")
    pipeline.save_pretrained(tmp_path / "folder")
    file = save_single_file(tmp_path / "own", tmp_path / "file.safetensors")
    config = config_of(tmp_path / "folder", tmp_path / "configs" / {"sd15": "sd-1.5", "sdxl": "sdxl"}[name])
    unet = config / "unet" / "config.json"  # as those that are here: of a UNet with four
    unet.write_text(json.dumps(json.loads(unet.read_text()) | {"in_channels": 4}))
    mask, source = right_half(SIZE), clouds(1, SIZE)
    request = replace(REQUEST, size=SIZE, references=(source,), mask=mask, strength=1.0, sampler="DDIM")
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    wanted = pipeline(
        request.prompt,
        image=source,
        mask_image=mask,
        **SIZE._asdict(),
        strength=1.0,
        negative_prompt=request.negative_prompt,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance,
        generator=torch.Generator("cpu").manual_seed(request.seed),
    ).images[0]
    for path in (file, tmp_path / "folder", tmp_path / "own"):
        record = record_of(path, tmp_path / "configs")
        assert not record.fault and record.tasks == {Task.ITERATE} and record.mask_only
        model = kind(Checkpoint(path, "Mine", config=record.config, own=True, without=record.unopened), [on_cpu()])
        assert same(model.run(request, ignore).image, wanted), path
        spec = record.spec(load=StableDiffusion, readiness=lambda: Readiness(True, "ready"))
        with pytest.raises(NotSupported, match="does not make pictures from words"):
            completed(GenerateRequest("a fox"), spec)
        change = IterateRequest("a" * 32, "a fox")
        with pytest.raises(NotSupported, match="only fills in an area"):
            completed_edit(change, spec)
        for part in (replace(change, object="b" * 32), replace(change, extend=(64, 0, 0, 0))):
            assert completed_edit(part, spec).strength == 1


def test_what_lacks_weights_or_holds_no_numbers_is_refused(folders: dict[str, Path], tmp_path: Path):
    config = config_of(folders["sd15"], tmp_path / "config")
    weights = load_file(save_single_file(folders["sd15"], tmp_path / "whole.safetensors"))
    broken, lacking = tmp_path / "broken.safetensors", tmp_path / "lacking.safetensors"
    key = "model.diffusion_model.out.2.weight"
    save_file(weights | {key: torch.full_like(weights[key], float("nan"))}, broken)
    save_file({name: value for name, value in weights.items() if name != key}, lacking)
    for file, reason in (
        (broken, "unet.conv_out.weight holds values that are not numbers"),
        (lacking, "weights are missing"),
    ):
        with pytest.raises(NotReady, match=f"cannot be opened .*{reason}"):
            StableDiffusion(Checkpoint(file, "Mine", config=config, own=True), [on_cpu()])
    folder = shutil.copytree(folders["sd15"], tmp_path / "folder")
    unet = next((folder / "unet").glob("*.safetensors"))
    save_file(load_file(unet) | {"conv_out.bias": torch.full((4,), float("inf"))}, unet)
    with pytest.raises(NotReady, match=r"unet\.conv_out\.bias holds values that are not numbers"):
        StableDiffusion(Checkpoint(folder, "Mine", own=True), [on_cpu()])


def test_what_cannot_be_opened_is_listed_and_says_why(folders: dict[str, Path], tmp_path: Path):
    good = save_single_file(folders["sd15"], tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "whole.safetensors").unlink()
    there: dict[str, tuple[bytes, str]] = {
        "cut.safetensors": (good[:-10], "was cut off: .* bytes are here; download it again"),
        "header.safetensors": (good[:100], "is not a safetensors file, or was cut off: download it again"),
        "empty.safetensors": (b"", "is not a safetensors file, or was cut off"),
        "page.safetensors": (b"<!doctype html><title>Sign in</title>", "is not a safetensors file"),
        "renamed.safetensors": (pickle.dumps({"a": 1}), "is pickled, and opening it could run malicious code"),
        "zipped.safetensors": (b"PK\x03\x04" + b"x" * 100, "is pickled"),
        "old.ckpt": (b"PK\x03\x04", "is pickled, .* get it as .safetensors"),
        "list.safetensors": (len(b"[]").to_bytes(8, "little") + b"[]", "is not a safetensors file, or is damaged"),
    }
    for name, (content, _) in there.items():
        (tmp_path / name).write_bytes(content)
    save_file({"foo": torch.zeros(1)}, tmp_path / "foo.safetensors")
    save_file({"quantize.embedding.weight": torch.zeros(2, 2)}, tmp_path / "vqgan.safetensors")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "model_index.json").write_text((folders["sd15"] / "model_index.json").read_text())
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "gone.safetensors").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.safetensors").symlink_to(tmp_path / "loop.safetensors")
    (tmp_path / "nowhere.safetensors").mkdir()
    os.mkfifo(tmp_path / "pipe.safetensors")
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff.safetensors")).write_bytes(b"")  # as a zip of another system leaves it
    for name, index in (
        ("deep", "[" * 100_000),
        ("odd", '{"_class_name": "StableDiffusionPipeline", "vae": ["a", "B"]}'),
    ):
        (tmp_path / name / "vae").mkdir(parents=True)
        (tmp_path / name / "model_index.json").write_text(index)
        (tmp_path / name / "vae" / "a.safetensors.index.json").write_text('{"weight_map": {"a": 5}}')
        (tmp_path / name / "vae" / "a.safetensors").symlink_to(tmp_path / "nowhere")
    said = {spec.label: spec.readiness() for spec in catalog.OwnModels(tmp_path, CARD, HubCache(tmp_path / "hub"))()}
    assert not any(each.ok for each in said.values())
    for name, (_, sentence) in there.items():
        assert said[Path(name).stem].label == "cannot be opened"
        assert re.search(f"{name} {sentence}.*\\.$", said[Path(name).stem].hint)
    assert "foo.safetensors belongs to no known family, which Diorama does not open; it opens" in said["foo"].hint
    assert "vqgan.safetensors is a VQGAN, which Diorama does not open" in said["vqgan"].hint
    assert "gone.safetensors cannot be read: No such file or directory." in said["gone"].hint
    assert "cannot be read" in said["loop"].hint and "is damaged" in said["deep"].hint and "�" in said
    assert "pipe.safetensors is not a file" in said["pipe"].hint and "odd lacks vae/5" in said["odd"].hint
    assert not any(str(tmp_path) in each.hint for each in said.values())  # nor who the host is
    assert "half lacks scheduler/, text_encoder/*.safetensors" in said["half"].hint
    assert "notes" not in said


def test_what_is_put_there_appears_and_draws_without_a_restart(tmp_path: Path):
    """A file and a folder; the real settings belong to files of 2 GB, so these bring their own."""
    folder = save_sd15(tmp_path / "sd", words=768)  # the width by which it is recognised
    config_of(folder, tmp_path / "configs" / "sd-1.5")
    own = catalog.OwnModels(tmp_path / "checkpoints", LAPTOP, HubCache(tmp_path / "hub"), tmp_path / "configs")
    studio = Studio([], tmp_path / "outputs", own=own, own_folder=own.invitation)
    try:
        assert studio.models(Task.GENERATE) == [] and "the folder checkpoints of" in studio.own_folder
        file = save_single_file(folder, tmp_path / "My fox v2.safetensors")
        (tmp_path / "checkpoints").mkdir()
        file.rename(tmp_path / "checkpoints" / file.name)
        folder.rename(tmp_path / "checkpoints" / "a folder")
        spec, of_folder = studio.models(Task.GENERATE)
        assert (spec.label, spec.id[:13], of_folder.label) == ("My fox v2", "own-my-fox-v2", "a folder")
        assert own()[0] is spec and len(spec.revision) == len(of_folder.revision) == 12 and spec.licence
        assert [each.id for each in studio.models(Task.ITERATE)] == [spec.id, of_folder.id]
        pictures = []
        for each in (spec, of_folder):
            request = GenerateRequest("a (red:1.2) fox", each.id, Size(256, 256), seed=3, steps=1, clip_skip=2)
            job = studio.generate("me", request)
            list(studio.events("me", job.id))
            done = studio.job("me", job.id)
            assert done.error == "" and studio.asset("me", done.assets[0]).recipe.revision == each.revision
            with Image.open(studio.path("me", done.assets[0])) as picture:
                pictures.append(picture.tobytes())
        assert pictures[0] == pictures[1]
        (tmp_path / "checkpoints" / file.name).unlink()
        with pytest.raises(UnknownModel):
            studio.model(spec.id)
    finally:
        studio.close()


def test_a_folder_that_is_still_being_copied_is_looked_at_again(tmp_path: Path):
    folder = save_sd15(tmp_path / "checkpoints" / "sd", words=768)
    own = catalog.OwnModels(tmp_path / "checkpoints", LAPTOP, HubCache(tmp_path / "hub"))
    last = folder / "vae" / "diffusion_pytorch_model.safetensors"
    last.rename(tmp_path / "kept")
    assert "lacks vae/" in own()[0].readiness().hint
    (tmp_path / "kept").rename(last)
    (before,) = own()
    assert before.readiness().ok and own()[0] is before
    unet = next((folder / "unet").glob("*.safetensors"))
    save_file({name: value + 1 for name, value in load_file(unet).items()}, unet)
    assert own()[0].revision != before.revision


def test_a_part_alone_takes_the_others_from_the_models_own_repository(tmp_path: Path, folders: dict[str, Path]):
    unet = next((folders["wide"] / "unet").glob("*.safetensors"))
    own = catalog.OwnModels(tmp_path, CARD, HubCache(tmp_path / "hub"))
    shutil.copy(unet, tmp_path / "bare.safetensors")
    save_single_file(folders["wide"], tmp_path / "original.safetensors", leave_out="cond_stage")
    for record in own._own.records():
        assert (record.part, record.config) == ("unet", None)
        assert record.download and record.download.unopened[-1] == "unet" and record.download.gb < 0.5
    assert {spec.readiness().label for spec in own()} == {"0.4 GB download"}
    assert own()[0].page_url.endswith("stable-diffusion-v1-5/stable-diffusion-v1-5")


@pytest.mark.parametrize("layout", ["diffusers", "original"])
def test_a_part_is_opened_in_either_layout(folders: dict[str, Path], layout: str, tmp_path: Path):
    folder = shutil.copytree(folders["sd15"], tmp_path / "sd")
    kept = next((folder / "unet").glob("*.safetensors"))
    part = tmp_path / "part.safetensors"
    if layout == "original":
        save_single_file(folder, part, leave_out="cond_stage_model.")
        kept.unlink()
    else:
        kept.rename(part)
    model = StableDiffusion(Checkpoint(folder, parts={"unet": part}, own=True), [on_cpu()])
    whole = StableDiffusion(Checkpoint(folders["sd15"]), [on_cpu()])
    assert same(model.run(REQUEST, ignore).image, whole.run(REQUEST, ignore).image)


def test_clips_tokenizer_is_the_published_one():
    """SHA-256 as in the lists of the Hub; the ids are those of the publication's own example."""
    merges = gzip.decompress((CONFIGS / "clip_merges.txt.gz").read_bytes())
    assert hashlib.sha256(merges).hexdigest() == "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a"
    tokenizer = clip_tokenizer()
    assert len(tokenizer) == 49_408
    wanted = [49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496, 49407]
    assert tokenizer("a photo of an astronaut riding a horse on mars").input_ids == wanted
    assert clip_tokenizer(pad_token="!").pad_token_id == 0


@pytest.mark.parametrize(
    ("name", "part", "kind", "size"),
    [
        ("sd-1.5", "unet", "UNet2DConditionModel", 1_719_125_304),
        ("sd-1.5", "vae", "AutoencoderKL", 167_335_342),
        ("sd-1.5", "text_encoder", "CLIPTextModel", 246_144_864),
        ("sdxl", "unet", "UNet2DConditionModel", 5_135_149_760),
        ("sdxl", "text_encoder_2", "CLIPTextModelWithProjection", 1_389_382_176),
    ],
)
def test_the_bundled_settings_make_networks_of_the_published_size(name: str, part: str, kind: str, size: int):
    """In half precision, but for some KB of names. Bytes: families/hub_files.json."""
    import diffusers
    import transformers

    with torch.device("meta"):
        if kind.startswith("CLIP"):
            network = getattr(transformers, kind)(transformers.CLIPTextConfig.from_pretrained(CONFIGS / name / part))
        else:
            cls: Any = getattr(diffusers, kind)
            network = cls.from_config(cls.load_config(CONFIGS / name / part))
    weights = 2 * sum(weight.numel() for weight in network.parameters())
    assert 0 < size - weights < 250_000


def test_models_of_other_tools_are_used_in_their_place(folders: dict[str, Path], tmp_path: Path):
    comfy, plain = tmp_path / "ComfyUI", tmp_path / "plain"
    nested = comfy / "models" / "checkpoints" / "SD"
    for place in (nested, plain, tmp_path / "own"):
        place.mkdir(parents=True)
    save_single_file(folders["wide"], nested / "theirs.safetensors")
    (nested / "notes.safetensors").write_text("<html>Sign in</html>" * 10)
    shutil.copytree(folders["sd15"], plain / "a-folder")
    more = elsewhere({"DIORAMA_MODELS": os.pathsep.join(map(str, (comfy, plain, tmp_path / "gone")))})
    assert more == [nested.parent, nested, plain]
    own = catalog.OwnModels(tmp_path / "own", LAPTOP, HubCache(tmp_path / "hub"), more=more)
    assert [spec.label for spec in own()] == ["theirs", "a-folder"]
    assert all(spec.weights is None for spec in own())
    assert elsewhere({}) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>" * 9, "but a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n" * 9, "Git LFS"),
        (pickle.dumps({"weights": list(range(99))}), "is pickled"),
    ],
)
def test_what_is_no_weights_is_caught_before_it_is_opened(
    folders: dict[str, Path], tmp_path: Path, content: bytes, sentence: str
):
    folder = shutil.copytree(folders["sd15"], tmp_path / "model")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(content)
    with pytest.raises(NotReady, match=sentence):
        StableDiffusion(Checkpoint(folder, "Tiny"), [on_cpu()])
    file = tmp_path / "single.safetensors"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        read_header(file)
