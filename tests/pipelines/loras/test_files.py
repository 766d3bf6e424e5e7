"""Which LoRA files a prompt names, and for which family each was made."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pipelines.families import FAMILIES as OPENED_BY
from pipelines.loras.files import EITHER, TAKEN, check, family_of, fitting, named_in, triggers
from pipelines.records import RECORDS
from studio.errors import BadRequest

LAYOUTS = json.loads((Path(__file__).with_name("layouts.json")).read_text())["layouts"]
FAMILIES = {"sd15": "Stable Diffusion 1.5", "sdxl": "SDXL", "flux1": "FLUX.1", "flux2": "FLUX.2"}
FAMILIES |= {"flux1 control": "FLUX.1 control", "ambiguous: flux1 or flux2 klein 4B": EITHER, "unsupported": ""}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "styles").mkdir()
    key = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight"
    tensors = {key: np.zeros((4, 768), np.float32)}
    save_file(tensors, tmp_path / "pixel-art.safetensors", {"modelspec.trigger_phrase": "pixelart \n style"})
    frequency = json.dumps({"10_ohwx": {"ohwx man": 10, "hat": 3}})
    save_file(tensors, tmp_path / "styles" / "Night v2.safetensors", {"ss_tag_frequency": frequency})
    (tmp_path / "old.pt").write_bytes(b"PK")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "pixel-art.safetensors").read_bytes()[:-8])
    return tmp_path


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_tells_its_family(name: str):
    layout = LAYOUTS[name]
    assert family_of({key: tuple(shape) for key, shape in layout["keys"].items()}) == FAMILIES[layout["family"]]


@pytest.mark.parametrize(
    ("prompt", "words", "weights"),
    [
        ("a castle", "a castle", {}),
        ("a castle <lora:pixel-art:0.8>, dusk", "a castle, dusk", {"pixel-art": 0.8}),
        ("<lora:pixel-art>a", "a", {"pixel-art": 1.0}),
        ("a <lora:Night v2:-1:te> <lora:pixel-art:.5>", "a", {"Night v2": -1.0, "pixel-art": 0.5}),
        ("a <lora:pixel-art:1><lora:pixel-art.safetensors:0>", "a", {"pixel-art": 0.0}),
        ("a < b <lora> c", "a < b <lora> c", {}),
    ],
)
def test_tags_name_files(place: Path, prompt: str, words: str, weights: dict[str, float]):
    text, loras = named_in(prompt, place)
    assert text == words and len(loras) == len(weights)
    assert {lora.path.stem: lora.weight for lora in loras} == weights


def test_tags_that_are_never_closed_are_words(place: Path):
    for prompt in ("<lora:" + "a" * 100_000, "<lora:a:" * 20_000, " " * 100_000):
        assert named_in(prompt, place) == (prompt, ())


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("<lora:dragon:1>", r"no LoRA 'dragon' in the folder loras\. There are: cut, pixel-art, Night v2\."),
        ("<lora:old:1>", "no LoRA 'old'"),
        ("<lora:../secret:1>", "no LoRA"),
        ("<lora:pixel-art:much>", "is 'much'; write a number"),
        ("<lora:pixel-art:nan>", "is 'nan'"),
        ("<lora:pixel-art:99>", "is '99'"),
        ("<lora:pixel-art>" * 500, "8 LoRAs at most, not 500"),
    ],
)
def test_what_cannot_be_used_is_said(place: Path, prompt: str, sentence: str):
    with pytest.raises(BadRequest, match=sentence):
        named_in(prompt, place)


def test_one_for_another_family_and_one_that_is_damaged_are_refused(place: Path):
    _, (lora, cut) = named_in("<lora:pixel-art> <lora:cut>", place)
    check(lora, "Stable Diffusion 1.5")
    with pytest.raises(BadRequest, match=r"pixel-art\.safetensors was made for Stable Diffusion 1\.5; .* for SDXL"):
        check(lora, "SDXL")
    with pytest.raises(BadRequest, match=r"cut\.safetensors was cut off"):
        check(cut, "SDXL")


def test_the_words_that_call_on_it_are_read_off_its_file(place: Path):
    assert triggers(place / "pixel-art.safetensors") == "pixelart style"
    assert triggers(place / "styles" / "Night v2.safetensors") == "ohwx man"


def test_those_that_fit_are_listed(place: Path):
    for name, wide in (("wide", 2048), ("junk", 5)):
        key = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight"
        save_file({key: np.zeros((4, wide), np.float32)}, place / f"{name}.safetensors")
    assert fitting("Stable Diffusion 1.5", place) == ("Night v2", "pixel-art")
    assert fitting("SDXL", place) == ("wide",)
    assert fitting("FLUX.2", place) == fitting("SDXL", place / "nowhere") == ()
    (place / "wide.safetensors").unlink()
    assert fitting("SDXL", place) == ()


def test_every_family_that_takes_loras_says_which():
    """Its class and its record, which is looked at without torch, agree."""
    for record in RECORDS:
        module, _, name = OPENED_BY.get(record.family, "").partition(":")
        taken = getattr(getattr(importlib.import_module(module), name), "loras", "") if module else ""
        assert TAKEN.get(record.family, "") == taken, record.id
