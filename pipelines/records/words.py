"""Text models: they describe pictures, improve prompts, and search by meaning."""

from __future__ import annotations

from pipelines.hub.cache import Download
from pipelines.local_model import LocalModel
from pipelines.plan import Whole
from pipelines.records.common import APACHE
from pipelines.records.flux import KLEIN
from pipelines.records.vqgan import IMAGENET
from studio.contract import Task

TOY_CLIP = LocalModel(
    id="toy-clip",
    label="Toy CLIP",
    family="clip-meaning",
    needs=Whole(),
    variant="toy",
    optional=True,
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Toy world only: describes its pictures, and finds them by what they mean.",
    tasks=frozenset({Task.DESCRIBE, Task.EMBED}),
    toys_only=True,
    seed=False,
)
CLIP = LocalModel(
    id="clip-vit-b32",
    label="CLIP ViT-B/32",
    family="clip-meaning",
    download=IMAGENET.download,
    also=IMAGENET.also,
    needs=Whole(ram_gb=1.5),
    licence="MIT",
    licence_url="https://github.com/openai/CLIP/blob/main/LICENSE",
    about="Finds pictures by what they mean, whatever they were called.",
    tasks=frozenset({Task.EMBED}),
    seed=False,
)
BLIP = LocalModel(
    id="blip-large",
    label="BLIP",
    family="blip",
    download=Download(
        "Salesforce/blip-image-captioning-large",  # its base model has no safetensors
        "353689b859fcf0523410b1806dace5fb46ecdf41",
        gb=1.88,
        file="model.safetensors",
    ),
    also=("config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"),
    needs=Whole(gpu_gb=2.5, ram_gb=4.5),
    licence="BSD-3-Clause",
    about="Describes any picture in a sentence.",
    tasks=frozenset({Task.DESCRIBE}),
    seed=False,
)
QWEN = LocalModel(
    id="flux2-klein-words",
    label="Qwen3 of FLUX.2 klein",
    family="qwen3",
    download=KLEIN.download,
    needs=Whole(gpu_gb=9.0, card=True),
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Improves prompts, by the language model that is part of FLUX.2 klein.",
    tasks=frozenset({Task.IMPROVE}),
    seed=False,
)
WORDS = (BLIP, TOY_CLIP, CLIP, QWEN)
