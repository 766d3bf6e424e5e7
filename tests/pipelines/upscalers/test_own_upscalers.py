"""A person's own upscalers: networks of spandrel's real classes at tiny size, in the files that people have."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from spandrel import MAIN_REGISTRY, ImageModelDescriptor
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pipelines.catalog import OwnModels
from pipelines.hub.cache import HubCache
from pipelines.machine import Machine
from pipelines.upscalers import files
from studio.contract import ImageRequest, Model, ModelSpec, Size, Task, UpscaleRequest
from studio.errors import NotReady
from studio.service import Studio
from tests.studio.fakes import finished

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())


def compact(scale: int, channels: int = 3) -> nn.Module:
    """With large values, so that the network shows beside the plainly enlarged picture that it adds to."""
    torch.manual_seed(scale)
    made = Compact(num_in_ch=channels, num_out_ch=channels, num_feat=8, num_conv=2, upscale=scale)
    return made.requires_grad_(False)


def esrgan(scale: int) -> nn.Module:
    torch.manual_seed(1)
    return ESRGAN(in_nc=3, out_nc=3, num_filters=8, num_blocks=1, scale=scale).requires_grad_(False)


def models(place: Path) -> dict[str, ModelSpec]:
    """By their label."""
    own = OwnModels(
        place / "none", LAPTOP, HubCache(place / "hub"), upscalers=files.folders({"DIORAMA_UPSCALERS": str(place)})
    )
    return {spec.label: spec for spec in own()}


def opened(spec: ModelSpec) -> Model:
    assert spec.readiness().ok, spec.readiness()
    return spec.load(lambda _progress: None)


def enlarged(model: Model, image: Image.Image, scale: int) -> np.ndarray:
    size = Size(image.width * scale, image.height * scale)
    request = ImageRequest("", size, 0, 0, 0.0, references=(image,))
    return np.asarray(model.run(request, lambda _progress: None).image, np.float32)


def plainly(network: nn.Module, image: Image.Image) -> Tensor:
    """The whole picture through the network at once, by spandrel itself: [1, 3, H, W]."""
    known = MAIN_REGISTRY.load(network.state_dict())
    assert isinstance(known, ImageModelDescriptor)
    return known(torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None])


def as_pixels(rgb: Tensor) -> np.ndarray:
    return (255 * rgb[0].permute(1, 2, 0)).round().clamp(0, 255).numpy()


@pytest.fixture
def picture() -> Image.Image:
    rng = np.random.default_rng(3)
    return Image.fromarray(rng.integers(0, 256, (14, 17, 3), np.uint8)).resize((170, 110))


@pytest.mark.parametrize("network", [compact(4), esrgan(4)], ids=["compact", "esrgan"])
@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_a_file_enlarges_as_it_does_elsewhere(tmp_path: Path, picture: Image.Image, network: nn.Module, ending: str):
    tensors = network.state_dict()
    if ending == "pth":
        torch.save({"params_ema": tensors}, tmp_path / "4x-mine.pth")
    else:
        save_file(tensors, tmp_path / "4x-mine.safetensors")
    model = opened(models(tmp_path)["4x-mine"])
    whole = plainly(network, picture)
    assert np.abs(enlarged(model, picture, 4) - as_pixels(whole)).max() <= 1
    half = interpolate(whole, (220, 340), mode="bicubic", antialias=True)
    assert np.abs(enlarged(model, picture, 2) - as_pixels(half)).max() <= 1


def test_one_that_doubles_goes_twice_for_four_times(tmp_path: Path, picture: Image.Image):
    network = compact(2)
    save_file(network.state_dict(), tmp_path / "double.safetensors")
    model = opened(models(tmp_path)["double"])
    assert np.abs(enlarged(model, picture, 2) - as_pixels(plainly(network, picture))).max() <= 1
    assert enlarged(model, picture, 4).shape == (440, 680, 3)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pth", b"no weights at all", "is not a file of weights"),
        ("a.pth", b"<!DOCTYPE html><html>", "a web page"),
        ("a.pth", b"", "was cut off"),
        ("a.safetensors", b"\x08\0\0\0\0\0\0\0{}      ", "is damaged"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ],
    ids=["text", "page", "empty", "nothing", "lfs"],
)
def test_what_is_no_weights_says_so_in_the_list(tmp_path: Path, name: str, content: bytes, said: str):
    (tmp_path / name).write_bytes(content)
    readiness = models(tmp_path)["a"].readiness()
    assert not readiness.ok
    assert said in readiness.hint
    assert str(tmp_path) not in readiness.hint


def made_of_code(path: Path) -> None:
    torch.save({"params": {"w": torch.ones(1)}, "more": eval}, path)


def cut(path: Path) -> None:
    torch.save(compact(2).state_dict(), path)
    path.write_bytes(path.read_bytes()[:-400])


def no_numbers(path: Path) -> None:
    tensors = compact(2).state_dict()
    tensors["body.0.weight"][0] = float("nan")
    torch.save(tensors, path)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (made_of_code, "run malicious code"),
        (cut, "a.pth"),
        (no_numbers, "not numbers"),
        (lambda path: torch.save({"weight": torch.ones(3)}, path), "not a known kind of upscaler"),
        (lambda path: torch.save(compact(1).state_dict(), path), "does not enlarge"),
        (lambda path: torch.save(compact(2, channels=1).state_dict(), path), "does not enlarge"),
        (lambda path: path.write_bytes(pickle.dumps({"weight": 1}, protocol=2)), "a.pth"),
    ],
    ids=["code", "cut", "nan", "unknown", "same size", "grey", "old pickle"],
)
def test_what_cannot_be_used_says_so_when_it_is_opened(tmp_path: Path, write, said: str):
    write(tmp_path / "a.pth")
    with pytest.raises(NotReady, match=said) as caught:
        opened(models(tmp_path)["a"])
    assert str(tmp_path) not in str(caught.value)


def test_files_are_found_as_they_come_and_go_also_those_of_comfyui(tmp_path: Path):
    mine, comfy = tmp_path / "mine", tmp_path / "comfy"
    theirs = comfy / "models" / "upscale_models"
    theirs.mkdir(parents=True)
    save_file(compact(2).state_dict(), theirs / "theirs.safetensors")
    (theirs / "broken.pth").write_bytes(b"no weights")
    said = {"DIORAMA_UPSCALERS": str(mine), "DIORAMA_MODELS": os.pathsep.join([str(tmp_path / "gone"), str(comfy)])}
    own = OwnModels(tmp_path / "none", LAPTOP, HubCache(tmp_path / "hub"), upscalers=files.folders(said))
    assert [spec.label for spec in own()] == ["theirs"]
    mine.mkdir()
    (mine / "notes.txt").write_text("no model")
    save_file(compact(4).state_dict(), mine / "new.safetensors")
    assert [spec.label for spec in own()] == ["new", "theirs"]
    assert own()[0] is own()[0]
    assert {spec.tasks for spec in own()} == {frozenset({Task.UPSCALE})}
    (mine / "new.safetensors").unlink()
    assert [spec.label for spec in own()] == ["theirs"]


def test_a_job_uses_the_one_that_was_chosen(tmp_path: Path, picture: Image.Image):
    network = compact(4)
    save_file(network.state_dict(), tmp_path / "chosen.safetensors")
    (spec,) = models(tmp_path).values()
    studio = Studio((spec,), tmp_path / "outputs")
    try:
        file = io.BytesIO()
        picture.save(file, "PNG")
        source = studio.take_in("me", file.getvalue(), "small.png")
        done = finished(studio, studio.upscale("me", UpscaleRequest(source.id, spec.id, 2)))
        assert (done.state, done.model) == ("done", spec.id)
        asset = studio.asset("me", done.assets[0])
        assert (asset.width, asset.height, asset.recipe.model) == (340, 220, spec.id)
        assert asset.recipe.revision == spec.revision != ""
    finally:
        studio.close()
