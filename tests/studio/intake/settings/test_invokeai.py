"""What InvokeAI wrote into a picture is found again, in each of its three ways."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from studio.contract import Size
from studio.intake.settings.foreign_values import Finding
from studio.intake.settings.invokeai import (
    read_beta,
    read_dream,
    read_invoked_graph,
    read_metadata,
    read_older_metadata,
)

CAT = Finding(
    tool="InvokeAI",
    prompt="a cat on a mat",
    negative_prompt="ugly, blurry",
    size=Size(512, 640),
    steps=50,
    guidance=7.5,
    seed=42,
    model="sd-1.5",
    left_out=("scheduler lms",),
)


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
    assert read_older_metadata(text) == replace(CAT, model="stable-diffusion-1.5", left_out=("sampler k_lms",))


def test_invokes_first_command_is_read():
    text = '"a \\"red\\" fox" -s 50 -S 42 -W 512 -H 640 -C 7.5 -A k_lms'
    fox = replace(CAT, prompt='a "red" fox', negative_prompt="", model="", left_out=("sampler k_lms",))
    assert read_dream(text) == fox


def test_a_command_without_quotes_is_read():
    found = read_dream("a red fox -s50 -S42 -W512 -H640 -C7.5")
    assert found is not None
    assert (found.prompt, found.steps, found.seed, found.size) == ("a red fox", 50, 42, Size(512, 640))


BETA = {"seed": 42, "steps": 50, "width": 512, "height": 640, "cfg_scale": 7.5, "scheduler": "lms", "model": "sd-1.5"}


@pytest.mark.parametrize(
    "values",
    [
        {"session_id": "1", "node": {"id": "2", "type": "txt2img", "prompt": "a cat [ugly, blurry] on a mat", **BETA}},
        {"type": "t2l", "positive_conditioning": "a cat on a mat", "negative_conditioning": "ugly, blurry", **BETA},
    ],
    ids=["a node", "a walk"],
)
def test_invokes_metadata_of_the_beta_of_version_3_are_read(values: dict[str, Any]):
    if "positive_conditioning" in values:
        assert read_metadata(json.dumps(values)) == read_beta(json.dumps(values))
    assert read_beta(json.dumps(values)) == CAT


def test_invokes_graph_is_read():
    nodes = {
        "positive_conditioning": {"type": "compel", "prompt": "a cat on a mat"},
        "negative_conditioning": {"type": "compel", "prompt": "ugly"},
        "noise": {"type": "noise", "seed": 42, "width": 512, "height": 640},
        "denoise_latents": {"type": "denoise_latents", "steps": 50, "cfg_scale": 7.5, "scheduler": "lms"},
        "main_model_loader": {"type": "main_model_loader", "model": {"model_name": "sd-1.5", "base_model": "sd-1"}},
    }
    found = read_invoked_graph(json.dumps({"id": "x", "nodes": nodes, "edges": []}))
    assert found is not None
    assert (found.prompt, found.negative_prompt, found.size, found.model) == (
        "a cat on a mat",
        "ugly",
        Size(512, 640),
        "sd-1.5",
    )
    renamed = {("a" if "positive" in id else "b" if "negative" in id else id): one for id, one in nodes.items()}
    edge = {"source": {"node_id": "b"}, "destination": {"node_id": "denoise_latents", "field": "negative_conditioning"}}
    found = read_invoked_graph(json.dumps({"nodes": renamed, "edges": [edge, 5]}))
    assert found is not None and (found.prompt, found.negative_prompt) == ("a cat on a mat", "ugly")
    collected = {"type": "metadata_accumulator", "positive_prompt": "a dog", "seed": 7}
    found = read_invoked_graph(json.dumps({"nodes": nodes | {"metadata_accumulator": collected}}))
    assert found is not None and (found.prompt, found.seed) == ("a dog", 7)


def test_words_of_a_style_are_named():
    values = {"positive_prompt": "a cat", "positive_style_prompt": "in ink", "negative_style_prompt": "", "seed": 1}
    found = read_metadata(json.dumps(values))
    assert found is not None and found.left_out == ("style in ink",)


def test_loras_of_version_3_are_named():
    found = read_metadata(json.dumps({"positive_prompt": "x", "loras": [{"lora": {"model_name": "Ink"}, "weight": 1}]}))
    assert found is not None and found.left_out == ("LoRA Ink",)
