"""What A1111 and Forge wrote into a picture is found again."""

from __future__ import annotations

import pytest

from studio.a1111 import read_parameters
from studio.contract import Size
from studio.findings import Finding

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
        model="sd_xl: base, 1.0",
        left_out=("sampler DPM++ 2M", "schedule type Karras", "clip skip 2"),
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
    "text",
    ["", "   ", "Steps: 4, Seed: 1, Size: 64x64", '{"sui_image_params": {"prompt": "x"}}', "Rome, in May: with Ada"],
)
def test_without_a_prompt_and_settings_there_is_nothing_to_find(text: str):
    assert read_parameters(text) is None
