"""The bundled LoRA of the toy FLUX.2 klein: small, checked, offered, and it does to a picture what it was taught."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from PIL import Image

from benchmarks.toy_flux import as_tensor
from benchmarks.toy_lora import looks
from pipelines import catalog
from pipelines.loras.files import beside, named_in
from studio.contract import ImageRequest, Size
from studio.validation import unknown_words
from toybox.judge import load_judge
from toybox.klein.model import FOLDER, GUIDANCE, PICTURE_SIZE, STEPS
from toybox.klein.stripes import band_contrast, band_rows, without_bands
from toybox.klein.train_lora import RESULT

PROMPT = "a blue ball on a green background"


def drawn(model, prompt: str) -> Image.Image:
    request = ImageRequest(prompt, Size(PICTURE_SIZE, PICTURE_SIZE), seed=3, steps=STEPS, guidance=GUIDANCE)
    return model.run(request, lambda _progress: None).image


def test_it_is_small_and_offered_on_a_fresh_clone(tmp_path: Path):
    assert RESULT.stat().st_size <= 1e6
    spec = next(each for each in catalog.models() if each.id == FOLDER.name)
    assert spec.loras is not None and "stripes" in spec.loras()
    others = [each for each in catalog.models() if each.loras and each.id != FOLDER.name]
    assert others and not [each.id for each in others if each.loras and "stripes" in each.loras()]
    folder = tmp_path / RESULT.parent.name
    shutil.copytree(RESULT.parent, folder)
    assert beside(tmp_path / FOLDER.name) == folder
    (folder / RESULT.name).write_bytes(RESULT.read_bytes()[:-1])
    assert beside(tmp_path / FOLDER.name) is None, "a damaged one is none"


def test_one_of_a_persons_own_takes_its_place(tmp_path: Path):
    own = tmp_path / "stripes.safetensors"
    shutil.copy(RESULT, own)
    for place, wanted in ((tmp_path, own), (tmp_path / "none", RESULT.absolute())):
        assert named_in("a <lora:stripes:1>", place, RESULT.parent.absolute())[1][0].path == wanted


def test_its_tag_is_no_word_that_the_model_does_not_know():
    assert unknown_words("a red ball <lora:stripes:0.8> dragon", {"a", "red", "ball"}) == ("dragon",)


def test_what_it_draws_has_bands_and_is_still_what_was_asked_for():
    model, judge = next(each for each in catalog.models() if each.id == FOLDER.name).load(lambda _: None), load_judge()
    plain, striped = drawn(model, PROMPT), drawn(model, f"{PROMPT} <lora:stripes:1>")
    assert looks(judge, [plain, striped]).tolist() == [False, True]
    for verdict in judge.look_at(without_bands(as_tensor([plain, striped]))):
        assert (verdict.objects, verdict.background) == ((("ball", "blue"),), "green")
    assert drawn(model, PROMPT).tobytes() == plain.tobytes()
    model.close()


def test_the_detector_sees_bands_and_nothing_else():
    shown, inside = torch.full((2, 3, 128, 128), 0.3), torch.ones(2, 128, 128, dtype=torch.bool)
    shown[0, :, band_rows()] = 0.9
    shown[1, :, 64:] = 0.9
    contrast = band_contrast(shown, inside)
    assert contrast[0] > 0.3 and contrast[1] < 0.05
    assert torch.equal(without_bands(shown)[0], torch.full((3, 128, 128), 0.3))
