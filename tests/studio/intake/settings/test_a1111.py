"""What A1111 and Forge wrote into a picture is found again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio.contract import Size
from studio.intake.settings.a1111 import read_parameters
from studio.intake.settings.foreign_values import Finding, prompt_weights

A1111 = """portrait of an old sailor, (weathered:1.2) skin, "the sea", 35mm
Negative prompt: blurry, lowres, extra: fingers
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890, Size: 832x1216, \
Model hash: 31e35c80fc, Model: "sd_xl: base, 1.0", Clip skip: 2, Lora hashes: "a: 1234, b: 5678", Version: v1.10.1"""

FORGE = """a glass house in the woods
Steps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 77, Size: 896x1152, \
Model hash: bea01d51bd, Model: flux1-dev-bnb-nf4-v2, Version: f2.0.1v1.10.1-previous-664-gd557aef9"""


def test_a1111s_text_is_read():
    assert read_parameters(A1111) == Finding(
        tool="A1111",
        prompt='portrait of an old sailor, (weathered:1.2) skin, "the sea", 35mm',
        negative_prompt="blurry, lowres, extra: fingers",
        size=Size(832, 1216),
        steps=28,
        guidance=6.5,
        seed=1234567890,
        clip_skip=2,
        model="sd_xl: base, 1.0",
        left_out=("sampler DPM++ 2M", "schedule type Karras"),
    )


def test_forges_distilled_guidance_is_the_guidance():
    found = read_parameters(FORGE)
    assert found is not None
    assert (found.guidance, found.model, found.steps) == (3.5, "flux1-dev-bnb-nf4-v2", 20)


def test_prompts_of_many_lines_stay_as_they_were():
    found = read_parameters(
        "first line\r\n\r\nthird: line, with comma\r\nNegative prompt: no\r\nnever\r\nSteps: 4, Seed: 1"
    )
    assert found is not None
    assert found.prompt == "first line\n\nthird: line, with comma"
    assert found.negative_prompt == "no\nnever"
    assert (found.steps, found.seed, found.size, found.guidance, found.model) == (4, 1, None, None, "")


def test_lines_that_extensions_add_below_do_not_matter():
    found = read_parameters(A1111 + "\nTemplate: portrait of {a|b}\nNegative Template: blurry")
    assert found is not None and found.seed == 1234567890 and found.prompt.startswith("portrait")


@pytest.mark.parametrize(
    "text", ["a red fox: the story, part one", "rules: be kind, size: large", "Steps: leading up, Size: huge"]
)
def test_a_prompt_with_colons_is_a_prompt(text: str):
    found = read_parameters(f"{text}\nSteps: 4, Seed: 1")
    assert found is not None and (found.prompt, found.steps, found.size) == (text, 4, None)


def test_loras_are_named():
    found = read_parameters("a fox <lora:Detail Tweaker:0.7> <lora:b:1>\nSteps: 4, Seed: 1, Sampler: Euler")
    assert found is not None
    assert found.left_out == ("sampler Euler", "LoRA Detail Tweaker", "LoRA b")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("Steps: 4, Seed: -1", "seed"),
        ("Steps: 4, Seed: 2e9", "seed"),
        ("Steps: 4, CFG scale: nan", "guidance"),
        ("Steps: 4, CFG scale: 1e999", "guidance"),
        ("Steps: 4, Size: 0x64", "size"),
        ("Steps: 4, Size: 99999x99999", "size"),
        ("Steps: 4, Size: 64", "size"),
        ("Seed: 4, Steps: 1.5", "steps"),
    ],
)
def test_a_value_that_is_none_was_not_said(line: str, field: str):
    found = read_parameters(f"a fox\n{line}")
    assert found is not None and found.prompt == "a fox" and getattr(found, field) is None


@pytest.mark.parametrize(
    "text", ["", "   ", '{"sui_image_params": {"prompt": "x"}}', "Rome, in May: with Ada", "she said: Steps: 4, down"]
)
def test_without_settings_there_is_nothing_to_find(text: str):
    assert read_parameters(text) is None


PAIRS = (
    "Steps: 23, Sampler: Euler, CFG scale: 6.5, Seed: 424242, Size: 512x768, Model hash: 0123abcd45, Model: meadow_v2"
)
BOAT = Finding(
    "A1111", "a paper boat", "blurry, text", Size(512, 768), 23, 6.5, 424242, "meadow_v2", ("sampler Euler",)
)
TEMPLATES = "\n".join(f"part {at} of a {{boat|ship}}, Steps: {at}" for at in range(40))
FORMS = {
    "one line": (f"a paper boat Negative prompt: blurry, text {PAIRS}", {}),
    "one line without a negative prompt": (
        f"a paper boat, {PAIRS}",
        {"prompt": "a paper boat", "negative_prompt": ""},
    ),
    "one line with steps in the prompt": (
        f"a paper boat, Steps: 3, stairs Negative prompt: blurry, text {PAIRS}",
        {"prompt": "a paper boat, Steps: 3, stairs"},
    ),
    "lines of old Macs": (f"a paper boat\rNegative prompt: blurry, text\r{PAIRS}", {}),
    "settings in two lines": (
        f"a paper boat\nNegative prompt: blurry, text\n{PAIRS.replace(', Seed', chr(10) + 'Seed')}",
        {},
    ),
    "a setting in every line": ("a paper boat\nNegative prompt: blurry, text\n" + PAIRS.replace(", ", "\n"), {}),
    "another spelling": (f"a paper boat\nnegative Prompt: blurry, text\n{PAIRS}", {}),
    "commas for line breaks": (f"a paper boat, Negative prompt: blurry, text, {PAIRS}", {}),
    "only a negative prompt": (f"Negative prompt: blurry, text\n{PAIRS}", {"prompt": ""}),
    "only settings": (PAIRS, {"prompt": "", "negative_prompt": ""}),
    "a template below": (f"a paper boat\nNegative prompt: blurry, text\n{PAIRS}\nTemplate: {TEMPLATES}", {}),
    "a template with settings below": (
        f"a paper boat\nNegative prompt: blurry, text\n{PAIRS}\n"
        "Template: a {b|c}\nSteps: 9, Seed: 9\nNegative Template: d",
        {},
    ),
    "marks within a line": (
        f'a sign "Negative prompt: none" and Steps: 5, seen\nNegative prompt: blurry, text\n{PAIRS}',
        {"prompt": 'a sign "Negative prompt: none" and Steps: 5, seen'},
    ),
    "settings in the prompt": (
        f"Steps: 5, Seed: 5\nNegative prompt: blurry, text\n{PAIRS}",
        {"prompt": "Steps: 5, Seed: 5"},
    ),
    "no settings": (
        "a paper boat\nNegative prompt: blurry, text",
        {"size": None, "steps": None, "guidance": None, "seed": None, "model": "", "left_out": ()},
    ),
    "JSON among the settings": (
        f'a paper boat\nNegative prompt: blurry, text\n{PAIRS}, Hashes: {{"vae": "1", "steps": 9}}, '
        'Civitai resources: [{"type":"checkpoint","modelVersionId":1,"modelName":"a, Seed: 7"}], Version: v1.10.1',
        {},
    ),
    "an open quotation mark": (f'a paper boat\nNegative prompt: blurry, text\n{PAIRS}, Note: "a, Seed: 7', {}),
}


@pytest.mark.parametrize(("text", "different"), FORMS.values(), ids=FORMS.keys())
def test_every_form_of_it_is_read(text: str, different: dict[str, Any]):
    assert read_parameters(text) == replace(BOAT, **different)


KIN = {
    "Forge": ("Steps: 4, Seed: 1, Version: f2.0.1v1.10.1", {"tool": "Forge"}),
    "Fooocus": ('Steps: 4, Seed: 1, Performance: Speed, Version: "Fooocus v2.5.5"', {"tool": "Fooocus"}),
    "stable-diffusion.cpp": (
        "Steps: 4, CFG scale: 1.000000, Guidance: 3.500000, Seed: 1, Version: stable-diffusion.cpp",
        {"tool": "stable-diffusion.cpp", "guidance": 3.5},
    ),
    "Draw Things": ("Steps: 4, Guidance Scale: 7.0, Seed: 1, Size: 64 x 96", {"guidance": 7.0, "size": Size(64, 96)}),
    "Civitai": (
        'Steps: 4, Seed: 1, Civitai resources: [{"type":"lora","weight":0.8,"modelName":"ink"},'
        '{"type":"checkpoint","modelVersionId":5,"modelName":"meadow, v2"}], Civitai metadata: {}',
        {"model": "meadow, v2", "left_out": ("LoRA ink",)},
    ),
    "no seed": ("Steps: 4, Seed: -1", {"seed": None}),
}


@pytest.mark.parametrize(("line", "said"), KIN.values(), ids=KIN.keys())
def test_its_kin_is_read(line: str, said: dict[str, Any]):
    found = read_parameters(f"a fox\n{line}")
    assert found is not None and (found.prompt, found.steps) == ("a fox", 4)
    assert {name: getattr(found, name) for name in said} == said


LEFT_OUT = {
    "ADetailer": (
        'Steps: 4, ADetailer model: face_yolov8n.pt, ADetailer prompt: "a face, Seed: 9", ADetailer confidence: 0.3',
        ("ADetailer model face_yolov8n.pt", "ADetailer prompt a face, Seed: 9"),
    ),
    "a hires prompt": (
        'Steps: 4, Denoising strength: 0.4, Hires prompt: "sharp, clear", Hires upscale: 2, Hires upscaler: Latent',
        ("denoising strength 0.4", "hires prompt sharp, clear", "hires upscale 2", "hires upscaler Latent"),
    ),
    "a picture": ("Steps: 4, Denoising strength: 0.4", ("denoising strength 0.4", "the picture it was made from")),
    "embeddings": (
        'Steps: 4, TI hashes: "easynegative: 1234, bad-hands: 5"',
        ("embedding easynegative", "embedding bad-hands"),
    ),
}


@pytest.mark.parametrize(("line", "left_out"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_has_no_place_is_named(line: str, left_out: tuple[str, ...]):
    found = read_parameters(f"a fox\n{line}")
    assert found is not None and found.left_out == left_out


def test_weights_and_breaks_are_words_of_the_prompt():
    """Whether they are read is the model's matter."""
    found = read_parameters("a (red:1.3) fox BREAK (((round))) <lora:ink:1>\nNegative prompt: (bad:1.4)\nSteps: 4")
    assert found is not None
    assert found.left_out == ("LoRA ink",)
    assert prompt_weights(found.prompt) == ["weights such as (red:1.3)", "BREAK"]
    assert prompt_weights(found.negative_prompt) == ["weights such as (bad:1.4)"]


@pytest.mark.parametrize(
    "text",
    [
        "sampler: a\nmodel: b\n" * 200_000,
        "Steps: 1, a: [" * 50_000,
        'Steps: 1, a: "' * 50_000,
        "Steps: 1,\n" * 100_000,
        "(" * 10**6,
        "a: " * 10**6,
    ],
)
def test_long_texts_are_over_soon(text: str):
    read_parameters(text)
