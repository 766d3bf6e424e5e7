"""VQGAN + CLIP as data; see `records`.

The published VQGAN is on a file share of Heidelberg University, not on the Hub: users provide it. CLIP is MIT code
whose model card names no licence; the VQGAN's weights were released with the MIT code of taming-transformers.
"""

from __future__ import annotations

from pipelines.hub.cache import Download
from pipelines.local_model import LocalModel
from pipelines.plan import Whole
from pipelines.records.common import APACHE, BOTH
from pipelines.records.toy_world import PALETTE
from studio.contract import Range, Size

OWN_VQGAN = "DIORAMA_VQGAN"
"""Names last.ckpt, or the .safetensors made from it."""
TOY = LocalModel(
    id="toy-vqgan",
    label="Toy VQGAN + CLIP",
    family="vqgan-clip",
    needs=Whole(),
    beside="toy-clip",
    words_file="known_words.json",
    text_tokens=32,
    variant="toy",
    optional=True,
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Toy world only, as AI pictures were made in 2021: it searches step by step. Takes weights: a | b:0.5.",
    tasks=BOTH,
    sizes=(Size(128, 128),),
    steps=Range(10, 200, 60),
    negative_prompt=True,
    references=1,
    toys_only=True,
    palette=PALETTE,
    examples=("a red ball on a blue background", "a green tree on a sand background | a house:-0.3"),
)
IMAGENET = LocalModel(
    id="vqgan-imagenet-f16-16384",
    label="VQGAN + CLIP",
    family="vqgan-clip",
    download=Download(
        "openai/clip-vit-base-patch32", "b33cedfd0df4e43b8238760678fcc89e1a0d38b3", gb=0.61, file="model.safetensors"
    ),
    also=("config.json", "tokenizer.json"),
    own_file=OWN_VQGAN,
    own_file_from="last.ckpt (980 MB, SHA-256 845a6880...) from https://heibox.uni-heidelberg.de/d/a7530b09fed84f80a887/",
    # 3.3 GB at 256 x 256 with 8 squares, 8.5 at 480 x 480 with 64; source: tnwei/vqgan-clip-app docs, and measured.
    needs=Whole(gpu_gb=6.0, ram_gb=6.0),
    text_tokens=77,
    licence="MIT",
    licence_url="https://github.com/CompVis/taming-transformers/blob/master/License.txt",
    about="Dreamlike pictures as of 2021, found step by step; 12 s a step without a GPU. Takes weights: a | b:0.5.",
    tasks=BOTH,
    sizes=(Size(256, 256), Size(384, 256), Size(256, 384), Size(384, 384)),
    any_size=(128, 512, 16),
    steps=Range(10, 200, 100),
    negative_prompt=True,
    references=1,
    examples=("a castle in the fog:2 | oil painting:0.5 | text:-0.3", "a lighthouse made of glass"),
)
VQGAN_CLIP = (TOY, IMAGENET)
