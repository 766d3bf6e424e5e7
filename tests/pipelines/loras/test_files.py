"""Which LoRA files a prompt names, and for which family each was made."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pipelines.families import FAMILIES as OPENED_BY
from pipelines.loras.files import TAKEN, check, fitting, named_in, taken_by, triggers
from pipelines.loras.kinds import EITHER, Made, made_for
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
    made = made_for({key: tuple(shape) for key, shape in layout["keys"].items()})
    assert ("" if made.form else made.family) == FAMILIES[layout["family"]]


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
    check(lora, Made("Stable Diffusion 1.5"))
    with pytest.raises(BadRequest, match=r"pixel-art\.safetensors was made for Stable Diffusion 1\.5; .* for SDXL"):
        check(lora, Made("SDXL"))
    with pytest.raises(BadRequest, match=r"cut\.safetensors was cut off"):
        check(cut, Made("SDXL"))


def test_the_words_that_call_on_it_are_read_off_its_file(place: Path):
    assert triggers(place / "pixel-art.safetensors") == "pixelart style"
    assert triggers(place / "styles" / "Night v2.safetensors") == "ohwx man"


def test_those_that_fit_are_listed(place: Path):
    for name, wide in (("wide", 2048), ("junk", 5)):
        key = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight"
        save_file({key: np.zeros((4, wide), np.float32)}, place / f"{name}.safetensors")
    assert fitting(Made("Stable Diffusion 1.5"), place) == ("Night v2", "pixel-art")
    assert fitting(Made("SDXL"), place) == ("wide",)
    assert fitting(Made("FLUX.2"), place) == fitting(Made("SDXL"), place / "nowhere") == ()
    (place / "wide.safetensors").unlink()
    assert fitting(Made("SDXL"), place) == ()


BLOCK = "transformer.transformer_blocks.0.attn.to_q.lora_{}.weight"
MLP = "transformer.transformer_blocks.0.ff.linear_in.lora_{}.weight"
UNET_ATTENTION = "lora_unet_{}_attn1_to_q.lora_down.weight"
TEXT = "text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_{}.weight"
TOY, KLEIN, FLUX1 = Made("FLUX.2", 192), Made("FLUX.2", 3072), Made("FLUX.1", 3072)
SD, XL = Made("Stable Diffusion 1.5"), Made("SDXL")


def flux2(width: int) -> dict[str, tuple[int, ...]]:
    return {MLP.format("A"): (8, width), MLP.format("B"): (width * 6, 8), BLOCK.format("A"): (8, width)}


OTHERS: dict[str, tuple[dict[str, tuple[int, ...]], tuple[Made, ...], str]] = {
    "of the toy": (flux2(192), (TOY,), "was made for a FLUX.2 of width 192"),
    "of klein": (flux2(3072), (KLEIN,), "was made for FLUX.2 klein 4B"),
    "of klein 9B": (flux2(4096), (), "was made for FLUX.2 klein 9B"),
    "of dev": (flux2(6144), (), "was made for FLUX.2 dev"),
    "only outputs": (
        {"transformer.transformer_blocks.0.ff.linear_out.lora_B.weight": (192, 8)},
        (TOY,),
        "was made for a FLUX.2 of width 192",
    ),
    "of FLUX.1": (
        {"transformer.transformer_blocks.0.ff.net.0.proj.lora_A.weight": (8, 3072)},
        (FLUX1,),
        "was made for FLUX.1",
    ),
    "of either": ({BLOCK.format("A"): (8, 3072)}, (FLUX1, KLEIN), "was made for FLUX.1 or FLUX.2 klein 4B"),
    "SD self-attention": (
        {UNET_ATTENTION.format("down_blocks_0_attentions_0_transformer_blocks_0"): (8, 320)},
        (SD,),
        "was made for Stable Diffusion 1.5",
    ),
    "SDXL self-attention": (
        {UNET_ATTENTION.format("down_blocks_2_attentions_0_transformer_blocks_7"): (8, 1280)},
        (XL,),
        "was made for SDXL",
    ),
    "text of SD": ({"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (8, 768)}, (SD,), "Diffusion 1.5"),
    "text of SD 2": ({"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (8, 1024)}, (), "Diffusion 2"),
    "text of SDXL": ({"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (8, 1280)}, (XL,), "SDXL"),
    "text of three": (
        {TEXT.format("A"): (8, 768), TEXT.format("B"): (3072, 8)},
        (SD, XL, FLUX1),
        "was made for the text encoder of Stable Diffusion 1.5, SDXL or FLUX.1",
    ),
    "LoHa": (
        {"lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.hada_w1_b": (8, 2048)},
        (),
        "is a LoHa for SDXL, which cannot be used here",
    ),
    "LoKr": (
        {"lora_unet_single_blocks_1_linear1.lokr_w1": (16, 16)},
        (),
        "is a LoKr for .*, which cannot be used here",
    ),
    "unknown": ({"something.lora_A.weight": (8, 77)}, (), "is of an unknown kind"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_one_is_offered_for_and_taken_by_those_whose_layers_it_has(tmp_path: Path, case: str):
    shapes, fit, sentence = OTHERS[case]
    save_file({name: np.zeros(shape, np.float16) for name, shape in shapes.items()}, tmp_path / "x.safetensors")
    for model in (TOY, KLEIN, FLUX1, SD, XL):
        lora = named_in("a <lora:x>", tmp_path)[1][0]
        assert bool(fitting(model, tmp_path)) == (model in fit), model
        if model in fit:
            check(lora, model)
            continue
        with pytest.raises(
            BadRequest, match=rf"x\.safetensors .*{sentence}.*; this model takes those for {model.name}\."
        ):
            check(lora, model)


def test_of_two_files_of_a_name_the_one_that_fits_is_meant(tmp_path: Path):
    for folder, width in (("own", 3072), ("bundled", 192)):
        (tmp_path / folder).mkdir()
        tensors = {name: np.zeros(shape, np.float16) for name, shape in flux2(width).items()}
        save_file(tensors, tmp_path / folder / "stripes.safetensors")
    places = tmp_path / "own", tmp_path / "bundled"
    for model, wanted in ((TOY, "bundled"), (KLEIN, "own"), (SD, "own")):
        assert named_in("<lora:stripes>", *places, model)[1][0].path.parent.name == wanted


def test_a_model_that_is_not_opened_is_as_wide_as_its_folder_says(tmp_path: Path):
    assert taken_by("flux2", Path(__file__).resolve().parents[3] / "weights" / "toy-klein") == TOY
    assert [taken_by(each, tmp_path) for each in ("flux2", "flux1-fill", "stable-diffusion")] == [KLEIN, FLUX1, SD]


def test_every_family_that_takes_loras_says_which():
    """Its class and its record, which is looked at without torch, agree."""
    for record in RECORDS:
        module, _, name = OPENED_BY.get(record.family, "").partition(":")
        taken = getattr(getattr(importlib.import_module(module), name), "loras", "") if module else ""
        assert TAKEN.get(record.family, "") == taken, record.id
