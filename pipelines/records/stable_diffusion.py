"""Stable Diffusion 1.5 and SDXL, and their distilled versions.

Sizes are those of the files named here: half-precision weights, no safety checker.
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.hub.cache import Download
from pipelines.local_model import LocalModel
from pipelines.plan import Needs, Precision
from pipelines.records.common import BOTH, DRAWN_OVER, EXAMPLES, STYLES, sizes, with_first
from pipelines.speed import Work
from studio.contract import Range
from studio.intake.settings.samplers import SAMPLERS

SIZES_15 = sizes((512, 512), (768, 512), (512, 768), (640, 512), (512, 640), (768, 768))
SIZES_XL = sizes(
    *((1024, 1024), (1152, 896), (896, 1152), (1216, 832), (832, 1216), (1344, 768), (768, 1344)),
    *((1536, 640), (640, 1536)),
)
HALVED = (Precision.FULL, Precision.FP8)
# Steps for "DPM++ 2M Karras", which needs half as many as the scheduler it was published with.
SD_15 = LocalModel(
    id="sd-1.5",
    label="Stable Diffusion 1.5",
    family="stable-diffusion",
    download=Download(
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        gb=2.14,
        variant="fp16",
        without=("safety_checker", "feature_extractor"),
    ),
    needs=Needs(text=0.25, transformer=1.72, vae=0.17, step=0.6, decode=0.9, kept=HALVED, clip=True),
    work=Work(step=2 * 0.80, step_squared=2 * 0.12, decode=2.5),  # with guidance, a step evaluates the network twice
    licence="CreativeML OpenRAIL-M",
    about="Small, and the base of thousands of other models: 512 pixels, 25 steps.",
    tasks=BOTH,
    sizes=SIZES_15,
    any_size=(256, 1024, 8),
    steps=Range(1, 60, 25),
    guidance=Range(1, 20, 7.5),
    negative_prompt=True,
    clip_skip=Range(1, 12, 1),
    samplers=SAMPLERS,
    prompt_weights=True,
    references=1,
    mask=True,
    strength=DRAWN_OVER,
    styles=STYLES,
    examples=EXAMPLES,
)
VAE_FIX = Download(
    "madebyollin/sdxl-vae-fp16-fix",
    "207b116dae70ace3637169f1ddd2434b91b3a8cd",
    file="diffusion_pytorch_model.safetensors",
)
SDXL_FILES = Download(
    "stabilityai/stable-diffusion-xl-base-1.0",
    "462165984030d82259a11f4367a4eed129e94a7b",
    gb=7.11,
    variant="fp16",
    parts=(("vae", VAE_FIX),),
)
SDXL = replace(
    SD_15,
    id="sdxl",
    label="SDXL 1.0",
    family="stable-diffusion-xl",
    download=SDXL_FILES,
    needs=Needs(text=1.64, transformer=5.14, vae=0.17, step=1.5, decode=2.5, kept=HALVED, clip=True),
    work=None,
    licence="CreativeML Open RAIL++-M",
    about="Large pictures of 1024 pixels in 30 steps.",
    sizes=SIZES_XL,
    any_size=(512, 1536, 8),
    steps=Range(1, 60, 30),
    guidance=Range(1, 20, 5),
    clip_skip=Range(2, 12, 2),
    samplers=with_first("Euler"),
)
LIGHTNING = replace(
    SDXL,
    id="sdxl-lightning",
    label="SDXL-Lightning",
    variant="lightning",
    download=replace(
        SDXL_FILES,
        parts=(
            ("vae", VAE_FIX),
            (
                "unet",
                Download(
                    "ByteDance/SDXL-Lightning",
                    "c9a24f48e1c025556787b0c58dd67a091ece2e44",
                    file="sdxl_lightning_4step_unet.safetensors",
                ),
            ),
        ),
    ),
    about="SDXL in four steps: quick enough to experiment.",
    # Distilled to four steps without guidance, so there is no negative prompt.
    steps=Range(4, 4, 4),
    guidance=None,
    negative_prompt=False,
    samplers=(),
)
# Guidance is an input and costs nothing; steps and guidance are the model card's.
LCM = replace(
    SD_15,
    id="lcm-dreamshaper-7",
    label="LCM Dreamshaper 7",
    variant="lcm",
    work=Work(step=0.80, step_squared=0.12, decode=2.5),
    download=Download(
        "SimianLuo/LCM_Dreamshaper_v7",
        "a85df6a8bd976cdd08b4fd8f3b73f229c9e54df5",
        gb=4.27,
        without=("safety_checker", "feature_extractor"),
    ),
    licence="MIT",
    about="Stable Diffusion 1.5 in four steps: worth running without a GPU.",
    steps=Range(1, 12, 4),
    guidance=Range(1, 14, 8),
    negative_prompt=False,
    samplers=(),
)

STABLE_DIFFUSION = (LCM, SD_15, SDXL, LIGHTNING)
