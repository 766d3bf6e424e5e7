"""ComfyUI's prompts are found through any node, and what a node made by itself is said to be that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio.contract import Size
from studio.intake.settings.foreign_values import MAX_TEXT, Finding
from tests.studio.intake.settings.graphs import read_graph
from tests.studio.intake.settings.test_comfyui import CLASSIC, comfy, node

PROMPT, NEGATIVE = "a paper boat on a pond, soft light", "blurry, text"
BOAT = CLASSIC | {
    "n3": node("KSampler", **CLASSIC["n3"]["inputs"] | {"seed": 424242, "steps": 23, "cfg": 6.5}),
    "n4": node("CheckpointLoaderSimple", ckpt_name="meadow_v2.safetensors"),
    "n6": node("CLIPTextEncode", text=PROMPT, clip=["4", 1]),
    "n7": node("CLIPTextEncode", text=NEGATIVE, clip=["4", 1]),
}
FOUND = Finding(
    tool="ComfyUI",
    prompt=PROMPT,
    negative_prompt=NEGATIVE,
    size=Size(512, 768),
    steps=23,
    guidance=6.5,
    seed=424242,
    model="meadow_v2.safetensors",
    left_out=("sampler euler", "scheduler normal"),
)
ENCODED = {"n6": node("CLIPTextEncode", text=["20", 0], clip=["4", 1])}
PARTS = {"n21": node("Text Multiline", text="a paper boat on a pond"), "n22": node("Text", text="soft light")}
SETTINGS = {"seed": 424242, "steps": 23, "cfg": 6.5, "sampler_name": "euler", "scheduler": "normal", "denoise": 1}


def sampler(**changes: Any) -> dict[str, Any]:
    return node("KSampler", **{**BOAT["n3"]["inputs"], **changes})


def found_in(nodes: dict[str, Any], without: str = "") -> Finding:
    kept = {name: one for name, one in BOAT.items() if name not in without.split()}
    found = read_graph(comfy(**kept | nodes))
    assert found is not None
    return found


TEXTS: dict[str, dict[str, Any]] = {
    "two texts and a delimiter": PARTS
    | {"n20": node("Text Concatenate", delimiter=", ", clean_whitespace="true", text_a=["21", 0], text_b=["22", 0])},
    "in the order of their names": PARTS
    | {"n20": node("A Join Nobody Knows", text2=["22", 0], separator=", ", text1="a paper boat on a pond")},
    "a delimiter as a word": PARTS
    | {"n20": node("Text Concat", text_1=["21", 0], text_2=["22", 0], text_3="", delimiter="comma")},
    "without a delimiter": PARTS | {"n20": node("Combine Strings", string1=["21", 0], string2=["22", 0])},
    "tags that are tidied": PARTS
    | {"n20": node("StringFunction|pysssss", action="append", tidy_tags="yes", text_a=["21", 0], text_b=["22", 0])},
    "prefix and suffix": {
        "n20": node("Prompt Wrapper", suffix=", soft light", text="paper boat on a pond", prefix="a ")
    },
    "joined twice": {
        "n20": node("StringConcatenate", string_a=["21", 0], string_b="light", delimiter=" "),
        "n21": node("StringConcatenate", string_a="a paper boat on a pond", string_b="soft", delimiter=", "),
    },
    "replaced": {"n20": node("StringReplace", string="a paper boat on a pond, dim light", find="dim", replace="soft")},
    "replaced by another": {
        "n20": node(
            "StringFunction|pysssss", action="replace", tidy_tags="no", text_a=["21", 0], text_b="lake", text_c="pond"
        ),
        "n21": node("Textbox", text="a paper boat on a lake, soft light"),
    },
    "a line of several": {"n20": node("easy promptLine", prompt=f"a goat\n{PROMPT}", start_index=1, max_rows=1)},
    "written down by who saves": {
        "n20": node("Text", text=PROMPT),
        "n9": node("Image Saver", images=["8", 0], positive="a goat", seed_value=5, steps=5, cfg=5, width=9, height=9),
    },
    "trimmed": {"n20": node("StringTrim", string=f"  {PROMPT}\n", mode="Both")},
    "shown": {
        "n20": node("ShowText|pysssss", text=["21", 0], text_0="of an earlier run"),
        "n21": node("T", text=PROMPT),
    },
    "rerouted": {
        "n20": node("Reroute", **{"": ["21", 0]}),
        "n21": node("Reroute (rgthree)", **{"": ["22", 0]}),
        "n22": node("PrimitiveStringMultiline", value=PROMPT),
    },
    "switched by number": {
        "n20": node("CR Text Input Switch", Input=2, text1="a goat", text2=["21", 0]),
        "n21": node("CR Prompt Text", prompt=PROMPT),
    },
    "switched by index": {"n20": node("ImpactSwitch", select=["21", 0], input1="a goat", input2=PROMPT, sel_mode=False)}
    | {"n21": node("ImpactInt", value=2)},
    "switched by a truth": {
        "n20": node("ComfySwitchNode", switch=["21", 0], on_false="a goat", on_true=["22", 0]),
        "n21": node("PrimitiveBoolean", value=True),
        "n22": node("String", string=PROMPT),
    },
    "the first that is there": {
        "n20": node("Any Switch (rgthree)", any_01=["404", 0], any_02=["21", 0]),
        "n21": node("T", text=PROMPT),
    },
    "an output of several": {
        "n20": node("Prompts", text_a="a goat", text_b=PROMPT),
        "n6": node("CLIPTextEncode", text=["20", 1], clip=["4", 1]),
    },
    "styled": {
        "n20": node("SDXLPromptStyler", text_positive=PROMPT, text_negative="no", style="base", log_prompt="No")
    },
    "styled by links": {
        "n20": node("stylesSelector", positive=["21", 0], negative=["22", 0], styles="none"),
        "n21": node("Text", text=PROMPT),
        "n22": node("Text", text="no"),
    },
    "drawn and written down": {
        "n20": node("ImpactWildcardProcessor", wildcard_text="a __thing__", populated_text=PROMPT, mode="populate")
    },
    "a hundred in a row": {f"n{20 + at}": node("Reroute", **{"": [str(21 + at), 0]}) for at in range(100)}
    | {"n120": node("Text", text=PROMPT)},
}


@pytest.mark.parametrize("nodes", TEXTS.values(), ids=TEXTS.keys())
def test_a_prompt_is_found_through_the_nodes_that_made_it(nodes: dict[str, Any]):
    assert found_in(ENCODED | nodes) == FOUND


LOADER = {"ckpt_name": "meadow_v2.safetensors", "vae_name": "Baked VAE", "positive": PROMPT, "negative": NEGATIVE}
EMPTY = {"empty_latent_width": 512, "empty_latent_height": 768, "batch_size": 1}
PIPED = {"n9": node("SaveImage", images=["3", 1])}
GRAPHS: dict[str, dict[str, Any]] = {
    "a loader": {
        "n1": node("Efficient Loader", **LOADER, **EMPTY, lora_name="None", token_normalization="none"),
        "n3": sampler(model=["1", 0], positive=["1", 1], negative=["1", 2], latent_image=["1", 3]),
    },
    "a loader of unknown name": {
        "n1": node("Load It All", **{**LOADER, "positive": ["11", 0]}, resolution="512 x 768"),
        "n11": node("Text", text=PROMPT),
        "n3": sampler(model=["1", 0], positive=["1", 1], negative=["1", 2], latent_image=["1", 3]),
    },
    "a pipe": {
        "n1": node("easy fullLoader", **LOADER, **EMPTY, resolution="512 x 768"),
        "n2": node("easy preSampling", **SETTINGS, pipe=["1", 0]),
        "n3": node("easy kSampler", image_output="Save", link_id=0, pipe=["2", 0]),
    }
    | PIPED,
    "a pipe that is taken apart": {
        "n1": node("ToBasicPipe", model=["4", 0], clip=["4", 1], vae=["4", 2], positive=["6", 0], negative=["7", 0]),
        "n2": node("FromBasicPipe", basic_pipe=["1", 0]),
        "n3": sampler(model=["2", 0], positive=["2", 3], negative=["2", 4]),
    },
    "a context that is changed": {
        "n1": node("Context (rgthree)", model=["4", 0], positive=["12", 0], negative=["7", 0], latent=["5", 0], seed=7),
        "n12": node("CLIPTextEncode", text="a goat", clip=["4", 1]),
        "n2": node("Context (rgthree)", base_ctx=["1", 0], positive=["6", 0], seed=["13", 0]),
        "n13": node("Seed (rgthree)", seed=424242),
        "n3": sampler(model=["2", 1], positive=["2", 4], negative=["2", 5], latent_image=["2", 6], seed=["2", 8]),
    },
    "a context switch": {
        "n1": node("Context Big (rgthree)", model=["4", 0], positive=["6", 0], negative=["7", 0], latent=["5", 0]),
        "n2": node("Context Switch (rgthree)", ctx_02=["1", 0]),
        "n3": sampler(model=["2", 1], positive=["2", 4], negative=["2", 5], latent_image=["2", 6]),
    },
    "switched conditionings and models": {
        "n1": node("CR Conditioning Input Switch", Input=2, conditioning1=["7", 0], conditioning2=["6", 0]),
        "n2": node("CR Model Input Switch", Input=1, model1=["4", 0], model2=["14", 0]),
        "n14": node("CheckpointLoaderSimple", ckpt_name="other.safetensors"),
        "n3": sampler(model=["2", 0], positive=["1", 0]),
    },
    "values of other nodes": {
        "n1": node("Input Parameters (Image Saver)", **{**SETTINGS, "seed": ["15", 0]}),
        "n15": node("Seed Everywhere", seed=424242),
        "n16": node("SDXL Empty Latent Size Picker+", resolution="512x768 (0.66)", batch_size=1, width_override=0),
        "n3": sampler(seed=["1", 0], steps=["1", 1], cfg=["1", 2], sampler_name=["1", 3], latent_image=["16", 0]),
    },
    "a size from an aspect ratio": {
        "n16": node("CR SDXL Aspect Ratio", width=1024, height=1024, aspect_ratio="2:3 portrait 512x768"),
        "n5": node("EmptyLatentImage", width=["16", 0], height=["16", 1], batch_size=1),
    },
    "an advanced sampler": {
        "n3": node(
            "KSamplerAdvanced",
            **{"noise_seed" if name == "seed" else name: one for name, one in BOAT["n3"]["inputs"].items()},
            start_at_step=0,
            end_at_step=10000,
            add_noise="enable",
        )
    },
    "a custom sampler": {
        "n3": node(
            "SamplerCustom",
            add_noise=True,
            noise_seed=424242,
            cfg=6.5,
            model=["4", 0],
            latent_image=["5", 0],
            positive=["6", 0],
            negative=["7", 0],
            sampler=["17", 0],
            sigmas=["18", 0],
        ),
        "n17": node("KSamplerSelect", sampler_name="euler"),
        "n18": node("BasicScheduler", scheduler="normal", steps=23, denoise=1, model=["4", 0]),
    },
    "texts of SDXL": {
        "n6": node("CLIPTextEncodeSDXL", width=9, height=9, text_g=PROMPT, text_l=PROMPT, clip=["4", 1]),
    },
    "swapped sides": {
        "n5": node("CR SDXL Aspect Ratio", width=768, height=512, aspect_ratio="custom", swap_dimensions="On"),
    },
    "sides instead of those of a list": {
        "n5": node("SDXLEmptyLatentSizePicker+", resolution="9x9 (1.0)", width_override=512, height_override=768),
    },
    "both prompts of one encoder, and a size among pictures": {
        "n3": node(
            "WanVideoSampler",
            **SETTINGS,
            model=["4", 0],
            text_embeds=["6", 0],
            image_embeds=["5", 0],
        ),
        "n5": node("WanVideoEmptyEmbeds", width=512, height=768, num_frames=1),
        "n6": node("WanVideoTextEncode", positive_prompt=PROMPT, negative_prompt=NEGATIVE, t5=["7", 0]),
    },
    "wildcards and their encoder": {
        "n6": node(
            "ImpactWildcardEncode", model=["4", 0], clip=["4", 1], wildcard_text="a __x__", populated_text=PROMPT
        )
    },
    "a node for the negative prompt alone": {
        "n7": node("CLIPTextEncode", text=["20", 0], clip=["4", 1]),
        "n20": node("easy negative", negative=NEGATIVE),
    },
    "both prompts of one node": {
        "n6": node("CLIPTextEncode", text=["20", 0], clip=["4", 1]),
        "n7": node("CLIPTextEncode", text=["20", 1], clip=["4", 1]),
        "n20": node("SDXLPromptStyler", text_positive=PROMPT, text_negative=NEGATIVE, style="base"),
    },
    "a subgraph, as it is run": {
        "n6": node("CLIPTextEncode", text=["75:2", 0], clip=["4", 1]),
        "n75:2": node("StringConcatenate", string_a="a paper boat on a pond", string_b=["75:3", 0], delimiter=", "),
        "n75:3": node("PrimitiveString", value="soft light"),
    },
    "a graph of thousands": {
        f"n{at}": node("CLIPTextEncode", text=f"stray {at}", clip=["4", 1]) for at in range(100, 4100)
    },
}


@pytest.mark.parametrize("nodes", GRAPHS.values(), ids=GRAPHS.keys())
def test_settings_are_found_through_loaders_pipes_and_switches(nodes: dict[str, Any]):
    assert found_in(nodes) == FOUND


WRITTEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "a language model": (
        {"n20": node("ShowText|pysssss", text=["21", 0], text_0="of an earlier run")}
        | {"n21": node("OllamaGenerateV2", prompt="write a prompt about a boat", system="You write prompts.")},
        "",
        "OllamaGenerateV2 wrote while it ran (it was asked: write a prompt about a boat)",
    ),
    "one of unknown name": (
        {"n20": node("Muse", question=["21", 0], temperature=0.7), "n21": node("Text", text="what floats?")},
        "",
        "Muse wrote while it ran (it was asked: what floats?)",
    ),
    "a caption": (
        {"n20": node("Florence2Run", image=["21", 0], task="caption")},
        "",
        "Florence2Run wrote while it ran",
    ),
    "a draw of lots": (
        {"n20": node("DPRandomGenerator", text="a {red|blue} boat", seed=1)},
        "",
        "(it was asked: a {red|blue} boat)",
    ),
    "a line of a file": (
        {"n20": node("Load Line From Text", file_path="prompts.txt")},
        "",
        "Load Line From Text wrote",
    ),
    "a pattern": (
        {"n20": node("RegexReplace", string="a goat", regex_pattern="(g+o?)+at", replace="boat")},
        "",
        "RegexReplace wrote while it ran (it was asked: a goat)",
    ),
    "a pattern that takes for ever": (
        {"n20": node("RegexReplace", string="a" * 40, regex_pattern="a?" * 40 + "a" * 40, replace="boat")},
        "",
        "RegexReplace wrote while it ran",
    ),
    "a pattern with as many ways": (
        {"n20": node("RegexReplace", string="a" * 40, regex_pattern="(a|a)" * 36 + "b", replace="boat")},
        "",
        "RegexReplace wrote while it ran",
    ),
    "a pattern of another tool": (
        {"n20": node("Regex Swap", text="a goat", regex="goat", replacement="boat")},
        "",
        "Regex Swap wrote while it ran (it was asked: a goat)",
    ),
    "a word made elsewhere": (
        {"n20": node("StringReplace", string="a goat", find="goat", replace=["21", 0])}
        | {"n21": node("LLM_Node", prompt="more", max_tokens=9)},
        "",
        "StringReplace wrote while it ran",
    ),
    "a template": (
        {"n20": node("Text Format", text="a boat", template="{text} in ink")},
        "",
        "Text Format wrote while it ran (it was asked: a boat)",
    ),
    "a number": ({"n20": node("Int To Text", number=5)}, "", "Int To Text wrote while it ran"),
    "a part": (
        {"n20": node("Text Concatenate", text_a="a paper boat", text_b=["21", 0], delimiter=", ")}
        | {"n21": node("LLM_Node", prompt="more", max_tokens=9)},
        "a paper boat",
        "LLM_Node wrote while it ran (it was asked: more)",
    ),
}


@pytest.mark.parametrize(("nodes", "prompt", "said"), WRITTEN.values(), ids=WRITTEN.keys())
def test_a_prompt_that_a_node_wrote_is_said_and_not_made_up(nodes: dict[str, Any], prompt: str, said: str):
    found = found_in(ENCODED | nodes)
    assert found.prompt == prompt and said in found.left_out[-1]
    assert (found.negative_prompt, found.seed, found.model) == (NEGATIVE, 424242, "meadow_v2.safetensors")


def test_what_is_secret_in_a_node_stays_there():
    found = found_in(ENCODED | {"n20": node("GPTPrompt", prompt="a boat", api_key="sk-1234567890abcdef")})
    assert "sk-1234" not in repr(found)


KEPT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no prompt": ({"n6": node("Reroute")}, {"prompt": ""}),
    "no negative prompt": ({"n7": node("ConditioningZeroOut", conditioning=["6", 0])}, {"negative_prompt": ""}),
    "no model": ({"n4": node("Mystery")}, {"model": ""}),
    "a seed that was computed": (
        {"n3": sampler(seed=["30", 0]), "n30": node("SimpleMath+", value="a*2", a=4)},
        {"seed": None},
    ),
    "a state nobody knows": (
        ENCODED | {"n20": node("Text Switch", input=["99", 0], text1="a", text2="b")},
        {"prompt": ""},
    ),
    "a size from a picture": (
        {
            "n5": node("EmptyLatentImage", width=["30", 0], height=["30", 1]),
            "n30": node("GetImageSize", image=["31", 0]),
        },
        {"size": None},
    ),
}


@pytest.mark.parametrize(("nodes", "missing"), KEPT.values(), ids=KEPT.keys())
def test_what_was_found_is_kept_where_one_thing_was_not(nodes: dict[str, Any], missing: dict[str, Any]):
    found = found_in(nodes)
    whole = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "size": Size(512, 768), "seed": 424242, "steps": 23}
    whole |= {"guidance": 6.5, "model": "meadow_v2.safetensors"} | missing
    assert {name: getattr(found, name) for name in whole} == whole


LEFT_OUT: dict[str, tuple[dict[str, Any], str]] = {
    "a reference": (
        {"n30": node("ReferenceLatent", conditioning=["6", 0], latent=["31", 0])}
        | {
            "n31": node("VAEEncode", pixels=["32", 0]),
            "n32": node("LoadImage", image="a.png"),
            "n3": sampler(positive=["30", 0]),
        },
        "the picture it was made from",
    ),
    "pictures to edit": (
        {"n6": node("TextEncodeQwenImageEditPlus", prompt=PROMPT, clip=["4", 1], image1=["32", 0])}
        | {"n32": node("LoadImage", image="a.png")},
        "the picture it was made from",
    ),
    "a control net": (
        {
            "n30": node(
                "ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], control_net=["31", 0], image=["32", 0]
            )
        }
        | {"n31": node("ControlNetLoader", control_net_name="canny.pth"), "n32": node("LoadImage", image="a.png")}
        | {"n3": sampler(positive=["30", 0], negative=["30", 1])},
        "ControlNet canny.pth",
    ),
    "LoRAs of a stack": (
        {"n30": node("LoRA Stacker", lora_count=1, lora_name_1="ink.safetensors", lora_name_2="old.safetensors")}
        | {
            "n31": node("CR Apply LoRA Stack", model=["4", 0], clip=["4", 1], lora_stack=["30", 0]),
            "n3": sampler(model=["31", 0]),
        },
        "LoRA ink.safetensors",
    ),
    "LoRAs with switches": (
        {
            "n31": node(
                "Power Lora Loader (rgthree)",
                model=["4", 0],
                lora_1={"on": True, "lora": "ink.st", "strength": 1},
                lora_2={"on": False, "lora": "off.st"},
            )
        }
        | {"n3": sampler(model=["31", 0])},
        "LoRA ink.st",
    ),
    "an embedding": (
        {"n6": node("CLIPTextEncode", text="a embedding:ink boat", clip=["4", 1])},
        "embedding ink",
    ),
    "a merged model": (
        {"n30": node("ModelMergeSimple", model1=["4", 0], model2=["14", 0], ratio=0.5), "n3": sampler(model=["30", 0])}
        | {"n14": node("CheckpointLoaderSimple", ckpt_name="hill.safetensors")},
        "merged with hill.safetensors",
    ),
    "a guiding picture": (
        {"n30": node("IPAdapterAdvanced", model=["4", 0], image=["32", 0], weight=1), "n3": sampler(model=["30", 0])}
        | {"n32": node("LoadImage", image="a.png")},
        "IPAdapterAdvanced with a picture",
    ),
    "LoRAs in a text": (
        {
            "n31": node("Lora Loader (LoraManager)", model=["4", 0], clip=["4", 1], text="<lora:ink:0.8>"),
            "n3": sampler(model=["31", 0]),
        },
        "LoRA ink",
    ),
    "a detailer": (
        {"n20": node("FaceDetailer", image=["8", 0], positive=["6", 0], seed=5, steps=20, cfg=8, denoise=0.5)}
        | {"n9": node("SaveImage", images=["20", 0])},
        "a second pass over it",
    ),
    "a refiner": (
        {
            "n41": node(
                "KSamplerAdvanced",
                **{**SETTINGS, "steps": 9},
                start_at_step=18,
                positive=["6", 0],
                latent_image=["3", 0],
            )
        }
        | {"n8": node("VAEDecode", samples=["41", 0])},
        "a second pass over it",
    ),
    "a style": (ENCODED | {"n20": node("SDXLPromptStyler", text_positive=PROMPT, style="sai-ink")}, "style sai-ink"),
}


@pytest.mark.parametrize(("nodes", "said"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_has_no_place_is_named(nodes: dict[str, Any], said: str):
    found = found_in(nodes)
    assert [one for one in found.left_out if one not in ("sampler euler", "scheduler normal")] == [said]
    assert found.model == "meadow_v2.safetensors" and "boat" in found.prompt


def test_nodes_that_do_everything_are_read():
    found = read_graph(
        comfy(n1=node("FluxProNode", prompt=PROMPT, seed=5, width=64, height=96), n2=node("SaveImage", images=["1", 0]))
    )
    assert found is not None and (found.prompt, found.seed, found.size) == (PROMPT, 5, Size(64, 96))


def test_a_graph_without_a_sampler_is_said_to_be_one():
    found = read_graph(comfy(n1=node("LoadImage", image="a.png"), n2=node("SaveImage", images=["1", 0])))
    assert found is not None and not found.says_anything and "no sampler" in found.left_out[0]
    assert read_graph("{}") is None and read_graph('{"a": {"inputs": {}}}') is None


def test_switches_that_switch_each_other_end():
    tangle = {
        f"n{at}": node(
            "Switch", select=[str(at + 1), 0], input1=[str(at + 3), 0], input2=[str(at + 2), 0], text=["6", 0]
        )
        for at in range(100, 3_000)
    }
    found = found_in({"n6": node("CLIPTextEncode", text=["100", 0], clip=["4", 1])} | tangle)
    assert (found.prompt, found.negative_prompt, found.seed) == ("", NEGATIVE, 424242)


def test_joins_of_joins_stay_small():
    doubled = {
        f"n{20 + at}": node("Join", text_a=[str(21 + at), 0], text_b=[str(21 + at), 0], separator="")
        for at in range(50)
    }
    found = found_in(ENCODED | doubled | {"n70": node("Text", text="boat")})
    assert 0 < len(found.prompt) <= MAX_TEXT


def test_twenty_thousand_nodes_in_rows_are_over_soon():
    rows = {str(at): {"class_type": "Reroute", "inputs": {"": [str(at + 1), 0]}} for at in range(100, 15_000)}
    joins = {
        str(at): {"class_type": "J", "inputs": {"text_a": [str(at + 1), 0], "text_b": [str(at + 2), 0]}}
        for at in range(60_000, 65_000)
    }
    nodes = {name[1:]: one for name, one in BOAT.items()} | rows | joins
    nodes["6"] = node("CLIPTextEncode", text=["100", 0])
    nodes["7"] = node("CLIPTextEncode", text=["60000", 0])
    found = read_graph(json.dumps(nodes))
    assert found is not None and found.seed == 424242


@pytest.mark.parametrize(
    ("inputs", "prompt"),
    [
        ({"regex_pattern": "goat", "replace": "boat"}, "a red boat, a GOAT's boat"),
        ({"regex_pattern": "goat", "replace": "boat", "case_insensitive": True}, "a red boat, a boat's boat"),
        ({"regex_pattern": "goat", "replace": "boat", "count": 1}, "a red boat, a GOAT's goat"),
        ({"regex_pattern": r"(\w) g(o+)at$", "replace": r"\1 b\2at"}, "a red goat, a GOAT's boat"),
        ({"regex_pattern": "[aeiou]+", "replace": ""}, " rd gt,  GOAT's gt"),
        ({"regex_pattern": "tree", "replace": "boat"}, "a red goat, a GOAT's goat"),
    ],
    ids=range(6),
)
def test_what_a_pattern_replaces_is_replaced(inputs: dict[str, Any], prompt: str):
    inputs = {"case_insensitive": False} | inputs
    nodes = {"n20": node("RegexReplace", string="a red goat, a GOAT's goat", **inputs)}
    assert found_in(ENCODED | nodes).prompt == prompt.strip()


@pytest.mark.parametrize(
    ("inputs", "prompt"),
    [
        ({"regex_pattern": "g.at"}, "goat"),
        ({"regex_pattern": "(red|blue) (boat|goat)", "mode": "First Group", "group_index": 2}, "goat"),
        ({"regex_pattern": "[rg][a-z]+", "mode": "All Matches"}, "red\ngoat"),
    ],
    ids=range(3),
)
def test_what_a_pattern_takes_out_is_the_prompt(inputs: dict[str, Any], prompt: str):
    nodes = {"n20": node("RegexExtract", string="a red goat", **inputs)}
    assert found_in(ENCODED | nodes).prompt == prompt


def test_a_word_that_another_node_holds_is_replaced():
    nodes = {"n20": node("StringReplace", string="a goat", find="goat", replace=["21", 0])}
    nodes |= {"n21": node("PrimitiveString", value="boat")}
    assert found_in(ENCODED | nodes).prompt == "a boat"
