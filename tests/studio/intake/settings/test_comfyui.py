"""What ComfyUI wrote into a picture is found again, however its nodes are wired."""

from __future__ import annotations

import json
from typing import Any

from studio.contract import Size
from studio.intake.settings.foreign_values import Finding
from tests.studio.intake.settings.graphs import read_graph


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
