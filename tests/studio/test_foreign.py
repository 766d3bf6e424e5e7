"""What A1111, ComfyUI and InvokeAI wrote into a picture is found again, and no text at all raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.a1111 import read_parameters
from studio.comfy import read_graph
from studio.contract import Size
from studio.findings import MAX_TEXT, Finding, bounded, number, parsed, whole
from studio.foreign import finding_in
from studio.invoke import read_dream, read_metadata, read_older_metadata

A1111 = """portrait of an old sailor, (weathered:1.2) skin, "the sea", 35mm
Negative prompt: blurry, lowres, extra: fingers
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890, Size: 832x1216, \
Model hash: 31e35c80fc, Model: "sd_xl: base, 1.0", Clip skip: 2, Lora hashes: "a: 1234, b: 5678", Version: v1.10.1"""

FORGE = """a glass house in the woods
Steps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 77, Size: 896x1152, \
Model hash: bea01d51bd, Model: flux1-dev-bnb-nf4-v2, Version: f2.0.1v1.10.1-previous-664-gd557aef9"""


def comfy(**nodes: dict[str, Any]) -> str:
    """A graph; `n4=...` is node "4"."""
    return json.dumps({name[1:]: node for name, node in nodes.items()})


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": kind}}


CLASSIC = {
    "n3": node(
        "KSampler",
        seed=156680208700286,
        steps=20,
        cfg=8.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=1.0,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    ),
    "n4": node("CheckpointLoaderSimple", ckpt_name="SDXL/sd_xl_base_1.0.safetensors"),
    "n5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
    "n6": node("CLIPTextEncode", text="a purple galaxy in a bottle", clip=["4", 1]),
    "n7": node("CLIPTextEncode", text="text, watermark", clip=["4", 1]),
    "n8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "n9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
}

FLUX = {
    "n5": node("EmptySD3LatentImage", width=["40", 0], height=1024, batch_size=1),
    "n6": node("CLIPTextEncode", text=["41", 0], clip=["11", 0]),
    "n8": node("VAEDecode", samples=["13", 0], vae=["10", 0]),
    "n9": node("SaveImage", filename_prefix="flux", images=["8", 0]),
    "n12": node("UNETLoader", unet_name="flux1-dev-fp8.safetensors", weight_dtype="fp8_e4m3fn"),
    "n13": node(
        "SamplerCustomAdvanced",
        noise=["25", 0],
        guider=["22", 0],
        sampler=["16", 0],
        sigmas=["17", 0],
        latent_image=["5", 0],
    ),
    "n16": node("KSamplerSelect", sampler_name="euler"),
    "n17": node("BasicScheduler", scheduler="simple", steps=24, denoise=1.0, model=["30", 0]),
    "n22": node("BasicGuider", model=["30", 0], conditioning=["26", 0]),
    "n25": node("RandomNoise", noise_seed=219670278747233),
    "n26": node("FluxGuidance", guidance=3.5, conditioning=["6", 0]),
    "n27": node("LoraLoaderModelOnly", lora_name="detail.safetensors", strength_model=0.8, model=["12", 0]),
    "n30": node("ModelSamplingFlux", max_shift=1.15, base_shift=0.5, width=1024, height=1024, model=["27", 0]),
    "n40": node("PrimitiveInt", value=1360),
    "n41": node("StringConcatenate", string_a="an anime girl", string_b=["42", 0], delimiter=", "),
    "n42": node("PrimitiveStringMultiline", value="pink hair"),
}


# --- A1111 ------------------------------------------------------------------------------------------------------------


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


# --- ComfyUI ----------------------------------------------------------------------------------------------------------


def test_comfyuis_first_graph_is_read():
    assert read_graph(comfy(**CLASSIC)) == Finding(
        tool="ComfyUI",
        prompt="a purple galaxy in a bottle",
        negative_prompt="text, watermark",
        size=Size(512, 768),
        steps=20,
        guidance=8.0,
        seed=156680208700286,
        model="SDXL/sd_xl_base_1.0.safetensors",
        left_out=("sampler euler", "scheduler normal"),
    )


def test_a_flux_graph_with_its_many_nodes_is_read():
    assert read_graph(comfy(**FLUX)) == Finding(
        tool="ComfyUI",
        prompt="an anime girl, pink hair",
        size=Size(1360, 1024),
        steps=24,
        guidance=3.5,
        seed=219670278747233,
        model="flux1-dev-fp8.safetensors",
        left_out=("sampler euler", "scheduler simple", "LoRA detail.safetensors"),
    )


def test_a_flux2_graph_is_read():
    found = read_graph(
        comfy(
            **FLUX
            | {
                "n5": node("EmptyFlux2LatentImage", width=1024, height=768, batch_size=1),
                "n17": node("Flux2Scheduler", steps=4, width=1024, height=768),
                "n22": node("CFGGuider", model=["12", 0], positive=["6", 0], negative=["60", 0], cfg=1.0),
                "n60": node("ConditioningZeroOut", conditioning=["6", 0]),
                "n12": node("UNETLoader", unet_name="flux-2-klein-4b.safetensors"),
            }
        )
    )
    assert found is not None
    assert (found.prompt, found.negative_prompt) == ("an anime girl, pink hair", "")
    assert (found.size, found.steps, found.guidance, found.model) == (
        Size(1024, 768),
        4,
        1.0,
        "flux-2-klein-4b.safetensors",
    )


def test_an_encoder_with_guidance_and_two_texts_is_read():
    graph = FLUX | {
        "n6": node(
            "CLIPTextEncodeFlux", clip_l="anime", t5xxl="an anime girl in the rain", guidance=4.0, clip=["11", 0]
        ),
        "n22": node("BasicGuider", model=["30", 0], conditioning=["6", 0]),
    }
    found = read_graph(comfy(**graph))
    assert found is not None
    assert (found.prompt, found.guidance) == ("an anime girl in the rain\nanime", 4.0)


def test_the_first_of_two_passes_counts():
    upscaled = CLASSIC | {
        "n20": node("LatentUpscale", width=1024, height=1536, samples=["3", 0]),
        "n21": node("KSampler", **CLASSIC["n3"]["inputs"] | {"seed": 9, "steps": 7, "latent_image": ["20", 0]}),
        "n8": node("VAEDecode", samples=["21", 0], vae=["4", 2]),
    }
    found = read_graph(comfy(**upscaled))
    assert found is not None
    assert (found.seed, found.steps, found.size) == (156680208700286, 20, Size(512, 768))
    assert "a second pass over it" in found.left_out


def test_a_picture_it_was_made_from_is_said():
    changed = CLASSIC | {
        "n3": node("KSampler", **CLASSIC["n3"]["inputs"] | {"latent_image": ["5", 0], "denoise": 0.75}),
        "n5": node("VAEEncode", pixels=["50", 0], vae=["4", 2]),
        "n50": node("LoadImage", image="example.png", upload="image"),
    }
    found = read_graph(comfy(**changed))
    assert found is not None and found.size is None
    assert found.left_out[-2:] == ("denoise 0.75", "the picture it was made from")


def test_a_control_net_between_keeps_the_two_prompts_apart():
    guided = CLASSIC | {
        "n3": node("KSampler", **CLASSIC["n3"]["inputs"] | {"positive": ["70", 0], "negative": ["70", 1]}),
        "n70": node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], strength=1.0, image=["50", 0]),
    }
    found = read_graph(comfy(**guided))
    assert found is not None
    assert (found.prompt, found.negative_prompt) == ("a purple galaxy in a bottle", "text, watermark")


def test_the_sampler_of_what_was_saved_counts_not_one_that_lies_about():
    stray = {"n1": node("KSampler", **CLASSIC["n3"]["inputs"] | {"seed": 1, "steps": 1})}
    found = read_graph(comfy(**stray | CLASSIC))
    assert found is not None and found.steps == 20


def test_circles_and_links_to_nowhere_end():
    circle = CLASSIC | {
        "n5": node("Reroute", latent_image=["5", 0], samples=["3", 0], width=["5", 0], height=["404", 0]),
        "n6": node("Reroute", text=["6", 0], conditioning=["6", 0], string=["6", 0], value=["6", 0], string_a=["6", 0]),
        "n4": node("Reroute", model=["4", 0]),
    }
    found = read_graph(comfy(**circle))
    assert found is not None
    assert (found.prompt, found.size, found.model, found.negative_prompt) == ("", None, "", "text, watermark")


def test_a_graph_that_is_all_circles_is_over_soon():
    names = ("text", "string_a", "string_b", "value", "string", "prompt", "clip_l", "t5xxl", "conditioning", "positive")
    everything = {name: [str((at * 7 + 1) % 999), 0] for at, name in enumerate(names)}
    tangle = {
        f"n{id}": node("KSampler", **{name: [str((id * 31 + at) % 999), 0] for at, name in enumerate(everything)})
        for id in range(999)
    }
    for one in tangle.values():
        one["inputs"] |= {"latent_image": ["1", 0], "samples": ["2", 0], "width": ["3", 0], "height": ["4", 0]}
    found = read_graph(comfy(**tangle))
    assert found is not None and found.prompt == ""


# --- InvokeAI ---------------------------------------------------------------------------------------------------------


def test_invokes_metadata_are_read():
    text = json.dumps(
        {
            "app_version": "5.4.2",
            "generation_mode": "flux_txt2img",
            "positive_prompt": "a lighthouse in a storm",
            "negative_prompt": "",
            "width": 1024,
            "height": 768,
            "seed": 4061527416,
            "rand_device": "cpu",
            "guidance": 4,
            "steps": 30,
            "scheduler": "euler",
            "model": {"key": "x", "hash": "blake3:1", "name": "FLUX Dev (Quantized)", "base": "flux", "type": "main"},
            "loras": [{"model": {"name": "Ink"}, "weight": 0.7}],
            "controlnets": [],
        }
    )
    assert read_metadata(text) == Finding(
        tool="InvokeAI",
        prompt="a lighthouse in a storm",
        size=Size(1024, 768),
        steps=30,
        guidance=4.0,
        seed=4061527416,
        model="FLUX Dev (Quantized)",
        left_out=("scheduler euler", "LoRA Ink"),
    )


def test_invokes_metadata_of_version_3_are_read():
    values = {"positive_prompt": "x", "negative_prompt": "fog", "cfg_scale": 7.5, "model": {"model_name": "sdxl"}}
    found = read_metadata(json.dumps(values))
    assert found is not None
    assert (found.negative_prompt, found.guidance, found.model, found.seed) == ("fog", 7.5, "sdxl", None)


def test_invokes_metadata_of_version_2_are_read():
    text = json.dumps(
        {
            "model": "stable diffusion",
            "model_weights": "stable-diffusion-1.5",
            "app_id": "invoke-ai/InvokeAI",
            "image": {
                "prompt": [{"prompt": "a cat [ugly, blurry] on a mat", "weight": 1.0}],
                "steps": 50,
                "cfg_scale": 7.5,
                "width": 512,
                "height": 640,
                "seed": 42,
                "sampler": "k_lms",
            },
        }
    )
    assert read_older_metadata(text) == Finding(
        tool="InvokeAI",
        prompt="a cat on a mat",
        negative_prompt="ugly, blurry",
        size=Size(512, 640),
        steps=50,
        guidance=7.5,
        seed=42,
        model="stable-diffusion-1.5",
        left_out=("sampler k_lms",),
    )


def test_invokes_first_command_is_read():
    text = '"a \\"red\\" fox" -s 50 -S 42 -W 512 -H 640 -C 7.5 -A k_lms'
    assert read_dream(text) == Finding(
        tool="InvokeAI",
        prompt='a "red" fox',
        size=Size(512, 640),
        steps=50,
        guidance=7.5,
        seed=42,
        left_out=("sampler k_lms",),
    )


def test_a_command_without_quotes_is_read():
    found = read_dream("a red fox -s50 -S42 -W512 -H640 -C7.5")
    assert found is not None
    assert (found.prompt, found.steps, found.seed, found.size) == ("a red fox", 50, 42, Size(512, 640))


# --- all of them ------------------------------------------------------------------------------------------------------


def test_a1111s_text_wins_over_the_graph_beside_it():
    found = finding_in({"prompt": comfy(**CLASSIC), "parameters": A1111})
    assert found is not None and found.tool == "A1111"


def test_a_text_that_says_nothing_does_not_hide_the_one_that_does():
    found = finding_in({"parameters": "{}", "invokeai_metadata": "[]", "prompt": comfy(**CLASSIC)})
    assert found is not None and found.tool == "ComfyUI"


def test_without_texts_nothing_is_found():
    assert finding_in({}) is None
    assert finding_in({"prompt": "a photograph", "parameters": ""}) is None


HOSTILE = (
    "[" * 100_000,
    '{"a":' * 100_000,
    "1" * 10_000,
    "NaN",
    "Infinity",
    '"\\ud800"',
    "\0",
    '{"1": {"class_type": 5, "inputs": {"latent_image": [1e999, NaN], "positive": [[], {}], "steps": 1e400}}}',
    '{"1": {"class_type": null, "inputs": {"latent_image": 1, "guider": ["1", 0], "noise": ["1", 0], "cfg": "x"}}}',
    '{"positive_prompt": {"a": 1}, "model": [], "loras": {"a": 1}, "steps": true, "width": -1, "height": "x"}',
    '{"image": {"prompt": [1, {}, {"prompt": 5}]}, "model_weights": 7}',
    "<script>alert(1)</script>\nSteps: 1, Seed: <img src=x onerror=alert(1)>, Size: ${{7*7}}",
    "OPENAI_API_KEY=sk-1234567890\nSteps: 1, Seed: 5, Model: sk-1234567890",
    "a" * 1_000_000,
    " " * 100_000 + "x:" * 100_000,
    'a: "' * 20_000,
    '"' * 50_000,
    "x -s" * 50_000,
    "[" * 50_000 + "]" * 50_000,
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("keyword", ["parameters", "prompt", "invokeai_metadata", "sd-metadata", "Dream"])
def test_hostile_text_survives_as_text(keyword: str, text: str):
    found = finding_in({keyword: text})
    if found is not None:
        assert 0 < len(found.prompt) <= MAX_TEXT and len(found.model) <= 200
        assert "\0" not in found.prompt


@given(
    st.text(st.characters(codec=None), max_size=300), st.sampled_from(["parameters", "prompt", "sd-metadata", "Dream"])
)
def test_no_text_raises(text: str, keyword: str):
    finding_in({keyword: text})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["1", "2", "inputs", "class_type", "positive", "latent_image", "guider", "text", "image", "prompt"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["prompt", "invokeai_metadata", "sd-metadata"]))
def test_no_json_raises(value: Any, keyword: str):
    finding_in({keyword: json.dumps(value)})


@given(
    st.dictionaries(
        st.sampled_from("123"),
        st.dictionaries(
            st.sampled_from(
                ["text", "positive", "latent_image", "model", "width", "steps", "seed", "images", "value", "cfg"]
            ),
            JSON | st.tuples(st.sampled_from("123"), st.just(0)).map(list),
            max_size=8,
        ),
    )
)
def test_no_graph_raises(inputs: dict[str, Any]):
    read_graph(json.dumps({id: {"class_type": "KSampler", "inputs": values} for id, values in inputs.items()}))


def test_numbers_are_finite_and_whole_ones_fit_in_64_bits():
    assert [whole(value) for value in (5, 5.0, "5", 2**64 - 1, 0)] == [5, 5, 5, 2**64 - 1, 0]
    assert [whole(value) for value in (-1, 2**64, True, 5.5, "x", "-1", None, [], float("inf"), "٣")] == [None] * 10
    assert [number(value) for value in (1, "1.5", 2.5)] == [1.0, 1.5, 2.5]
    assert [number(value) for value in (True, "nan", "inf", float("nan"), 10**400, "9" * 400, None, {})] == [None] * 8


def test_texts_are_bounded_and_clean():
    assert bounded(" a\0b\ud800c\x07 ") == "abc"
    assert bounded(5) == "" and len(bounded("x" * 10**6)) == MAX_TEXT
    assert parsed("[NaN, 1]") == [None, 1] and parsed("[") is None
