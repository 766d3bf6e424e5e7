"""LoRAs at work on tiny models: seen in the picture, weighed, refused where they do not fit, and gone to the bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from pipelines.families.diffusers_base import DiffusersModel
from pipelines.families.flux1 import Flux1
from pipelines.families.flux2 import Flux2Klein
from pipelines.families.stable_diffusion import StableDiffusion
from pipelines.hub.cache import Checkpoint
from studio.contract import ImageRequest, Size
from studio.errors import BadRequest
from tests.pipelines.families.test_flow_edits import ignore, on_cpu, same
from tests.pipelines.tiny import save_flux1, save_klein
from tests.pipelines.tiny_diffusion import save_sd15

KINDS: dict[str, tuple[type[DiffusersModel], Any, str]] = {
    "sd15": (StableDiffusion, lambda folder: save_sd15(folder, words=768), "unet"),
    "flux1": (Flux1, lambda folder: save_flux1(folder, guided=False), "transformer"),
    "klein": (Flux2Klein, save_klein, "transformer"),
}
TARGETS = {
    "sd15": ["attn2.to_k", "attn2.to_v"],
    "flux1": ["attn.to_q", "ff.net.0.proj", "proj_mlp"],
    "klein": ["attn.to_q", "ff.linear_in", "to_qkv_mlp_proj"],
}
REQUEST = ImageRequest("a red fox", Size(64, 64), seed=3, steps=2, guidance=1.0)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("loras")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DIORAMA_LORAS", str(place))
        yield place


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, place: Path) -> DiffusersModel:
    """With a LoRA of its family that bears its name."""
    kind, save, part = KINDS[request.param]
    folder = save(tmp_path_factory.mktemp(request.param))
    model = kind(Checkpoint(folder, request.param), [on_cpu()], preview_seconds=0)
    network = getattr(kind(Checkpoint(folder, "another"), [on_cpu()]).pipeline, part)
    network.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=TARGETS[request.param]))
    torch.manual_seed(1)
    state = {name: torch.randn_like(value) / 2 for name, value in get_peft_model_state_dict(network).items()}
    prefix = "diffusion_model" if request.param == "flux1" else part  # as ComfyUI's trainers name it
    save_file({f"{prefix}.{name}": value for name, value in state.items()}, place / f"{request.param}.safetensors")
    return model


def drawn(model: DiffusersModel, prompt: str) -> Any:
    return model.run(replace(REQUEST, prompt=prompt), ignore).image


def test_it_is_seen_weighed_and_gone_to_the_bit(model: DiffusersModel):
    name = model._checkpoint.label
    before = {key: value.clone() for key, value in model._placed.network.state_dict().items()}
    plain = drawn(model, "a red fox")
    with_it = drawn(model, f"a red fox <lora:{name}:1>")
    assert not same(plain, with_it)
    assert same(drawn(model, f"a red fox <lora:{name}>"), with_it)
    assert not same(drawn(model, f"a red fox <lora:{name}:0.3>"), with_it)
    assert same(drawn(model, f"a red fox <lora:{name}:0>"), plain)
    assert same(drawn(model, "a red fox"), plain)
    after = model._placed.network.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[key], before[key]) for key in after)


def test_one_of_another_family_leaves_nothing_behind(model: DiffusersModel, place: Path):
    key = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight"
    save_file({key: torch.zeros(2, 2048)}, place / "sdxl.safetensors")
    plain = drawn(model, "a red fox")
    with pytest.raises(BadRequest, match=r"sdxl\.safetensors was made for SDXL"):
        drawn(model, "a red fox <lora:sdxl>")
    assert same(drawn(model, "a red fox"), plain)


def test_one_whose_layers_do_not_fit_leaves_nothing_behind(model: DiffusersModel, place: Path):
    name = model._checkpoint.label
    state = load_file(place / f"{name}.safetensors")
    layer, width = ("lora_B", 1) if name == "sd15" else ("lora_A", 2)
    wide = {
        key: torch.zeros(value.shape[0] * (3 - width), value.shape[1] * width) if layer in key else value
        for key, value in state.items()
    }
    save_file(wide, place / f"wide-{name}.safetensors")
    plain = drawn(model, "a red fox")
    with pytest.raises(BadRequest, match=rf"{name} cannot use wide-{name}\.safetensors"):
        drawn(model, f"a red fox <lora:wide-{name}>")
    assert same(drawn(model, "a red fox"), plain)


def test_one_that_only_safetensors_refuses_is_said(model: DiffusersModel, place: Path):
    content = (place / f"{model._checkpoint.label}.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + length]) | {"__metadata__": ["not", "words"]}).encode()
    (place / "odd.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])
    plain = drawn(model, "a red fox")
    with pytest.raises(BadRequest, match=r"cannot use odd\.safetensors"):
        drawn(model, "a red fox <lora:odd>")
    assert same(drawn(model, "a red fox"), plain)


def test_its_words_are_told_where_the_prompt_has_none_of_them(model: DiffusersModel, place: Path):
    name = model._checkpoint.label
    state = load_file(place / f"{name}.safetensors")
    save_file(state, place / f"told-{name}.safetensors", {"ss_trigger_words": "pixelart"})
    for prompt, notice in (("a fox", f"told-{name} answers to: pixelart"), ("a pixelart fox", "")):
        result = model.run(replace(REQUEST, prompt=f"{prompt} <lora:told-{name}:0.5>"), ignore)
        assert result.notice == notice
