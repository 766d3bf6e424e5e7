"""Settings in plain JSON, of whichever tool, are found again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio.contract import Size
from studio.intake.settings.any_tool import finding_in
from studio.intake.settings.foreign_values import Finding

PROMPT, NEGATIVE = "a paper boat on a pond", "blurry, text"
USUAL = {"seed": 424242, "steps": 23, "width": 512, "height": 768}
NOVELAI = USUAL | {
    "prompt": PROMPT,
    "uc": NEGATIVE,
    "scale": 6.5,
    "sampler": "k_euler",
    "request_type": "PromptGenerateRequest",
}
FOOOCUS = {
    "prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "styles": "['Fooocus V2']",
    "performance": "Speed",
    "steps": 23,
    "resolution": "(512, 768)",
    "guidance_scale": 6.5,
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "meadow_v2",
    "refiner_model": "None",
    "seed": "424242",
    "lora_combined_1": "ink.safetensors : 0.5",
    "metadata_scheme": "fooocus",
    "version": "Fooocus v2.5.5",
}
TOOLS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "SwarmUI": (
        {
            "parameters": json.dumps(
                {
                    "sui_image_params": USUAL
                    | {
                        "prompt": PROMPT,
                        "negativeprompt": NEGATIVE,
                        "cfgscale": 6.5,
                        "model": "meadow_v2",
                        "loras": ["ink"],
                    },
                    "sui_extra_data": {"date": "2025-01-01"},
                }
            )
        },
        {"left_out": ("LoRA ink",)},
    ),
    "Fooocus": (
        {"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"},
        {"left_out": ("performance Speed", "styles ['Fooocus V2']", "LoRA ink.safetensors")},
    ),
    "RuinedFooocus": (
        {
            "parameters": json.dumps(
                USUAL
                | {
                    "Prompt": PROMPT,
                    "Negative": NEGATIVE,
                    "cfg": 6.5,
                    "base_model_name": "meadow_v2",
                    "sampler_name": "euler",
                }
                | {"software": "RuinedFooocus"}
            )
        },
        {"left_out": ("sampler euler",)},
    ),
    "NovelAI": (
        {"Software": "NovelAI", "Source": "meadow_v2", "Description": PROMPT, "Comment": json.dumps(NOVELAI)},
        {"left_out": ("sampler k_euler",)},
    ),
    "Draw Things": (
        {
            "exif:UserComment": json.dumps(
                {
                    "c": PROMPT,
                    "uc": NEGATIVE,
                    "seed": 424242,
                    "steps": 23,
                    "scale": 6.5,
                    "size": "512x768",
                    "model": "meadow_v2",
                    "lora": [{"model": "ink.ckpt", "weight": 0.6}],
                }
            )
        },
        {"left_out": ("LoRA ink.ckpt",)},
    ),
    "Easy Diffusion": (
        {
            "prompt": PROMPT,
            "negative_prompt": NEGATIVE,
            "seed": "424242",
            "num_inference_steps": "23",
            "guidance_scale": "6.5",
            "width": "512",
            "height": "768",
            "use_stable_diffusion_model": "meadow_v2",
            "use_lora_model": "ink",
        },
        {"left_out": ("LoRA ink",)},
    ),
    "mflux": (
        {"parameters": json.dumps(USUAL | {"prompt": PROMPT, "guidance": 6.5, "lora_paths": ["a.st"], "model": "m"})},
        {"tool": "another tool", "negative_prompt": "", "model": "m", "left_out": ("LoRA a.st",)},
    ),
    "NovelAI in one text": (
        {"parameters": json.dumps({"Source": "meadow_v2", "Software": "NovelAI", "Comment": json.dumps(NOVELAI)})},
        {"tool": "NovelAI", "left_out": ("sampler k_euler",)},
    ),
    "another tool": (
        {
            "Whatever": json.dumps(
                {
                    "meta": USUAL
                    | {"prompt": PROMPT, "negativePrompt": NEGATIVE, "cfgScale": 6.5, "model": {"name": "meadow_v2"}}
                }
            )
        },
        {},
    ),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_settings_in_json_are_read(tool: str):
    texts, different = TOOLS[tool]
    usual = Finding(tool, PROMPT, NEGATIVE, Size(512, 768), 23, 6.5, 424242, "meadow_v2")
    found = finding_in(texts)
    assert found is not None
    assert found == Finding(**{**{name: getattr(usual, name) for name in usual.__dataclass_fields__}, **different})


def test_novelais_characters_are_kept():
    captions = {
        "caption": {"base_caption": PROMPT, "char_captions": [{"char_caption": "girl, red hat", "centers": []}]}
    }
    found = finding_in({"Comment": json.dumps(NOVELAI | {"v4_prompt": captions, "request_type": "Image2ImageRequest"})})
    assert found is not None and found.prompt == f"{PROMPT}\ngirl, red hat"
    assert found.left_out[-1] == "the picture it was made from"


def test_a_prompt_alone_is_read():
    assert finding_in({"parameters": json.dumps({"prompt": PROMPT})}) == Finding("another tool", PROMPT)


def test_a_setting_in_every_line_is_read():
    text = f"Prompt: {PROMPT}\nNegative prompt: {NEGATIVE}\nSeed = 424242\nSteps: 23"
    found = finding_in({"Made with": text})
    assert found == Finding("another tool", PROMPT, NEGATIVE, steps=23, seed=424242)


def test_novelais_description_is_the_prompt_where_there_is_no_other():
    old = {name: value for name, value in NOVELAI.items() if name != "prompt"}
    found = finding_in({"Description": PROMPT, "Software": "NovelAI", "Comment": json.dumps(old)})
    assert found is not None and (found.tool, found.prompt, found.seed) == ("NovelAI", PROMPT, 424242)


def test_midjourneys_description_is_read():
    text = "a paper boat, soft light --ar 2:3 --v 6.1 Job ID: 01234567-89ab-cdef-0123-456789abcdef"
    found = finding_in({"Description": text})
    assert found == Finding("Midjourney", "a paper boat, soft light", left_out=("options --ar 2:3 --v 6.1",))


@pytest.mark.parametrize(
    ("texts", "too_long", "said"),
    [
        ({}, ("prompt",), "settings of ComfyUI, which are too long to be read"),
        (
            {"prompt": '{"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 2'},
            (),
            "settings of ComfyUI, which",
        ),
        ({"Made": "seed=5; steps=9; prompt=a boat"}, (), "settings of another tool, which Diorama cannot read"),
        ({"parameters": "{}", "Title": "at the pond"}, (), None),
        ({"parameters": "holiday"}, (), None),
    ],
)
def test_settings_that_cannot_be_read_are_named(texts: dict[str, str], too_long: tuple[str, ...], said: str | None):
    found = finding_in(texts, too_long)
    assert (found is None) == (said is None)
    if found is not None and said is not None:
        assert not found.says_anything and found.left_out[0].startswith(said)
