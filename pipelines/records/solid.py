"""From a picture to views, and from views to a splat."""

from __future__ import annotations

from pipelines.hub.cache import Download
from pipelines.local_model import LocalModel
from pipelines.plan import Whole
from pipelines.records.common import APACHE
from studio.contract import Range, Task

TOY_VIEWS = LocalModel(
    id="toy-views",
    label="Toy views",
    family="imagedream",
    needs=Whole(),
    follows="lgm",
    optional=True,
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Toy world only: what its ten kinds of objects look like from behind.",
    toys_only=True,
    tasks=frozenset({Task.VIEWS}),
    steps=Range(4, 50, 10),
    guidance=Range(1, 8, 1),
    elevation_deg=21.0,  # the mean of its training pictures; source: toybox.world.sample_scene
)
TOY_LGM = LocalModel(
    id="toy-lgm",
    label="Toy LGM",
    family="lgm",
    needs=Whole(),
    follows="lgm",
    optional=True,
    licence="Apache-2.0",
    licence_url=APACHE,
    about="Toy world only: a splat in seconds, anywhere.",
    toys_only=True,
    tasks=frozenset({Task.SPLAT}),
    seed=False,
)
# Steps and guidance as in LGM's own app. Source: 3DTopia/LGM infer.py.
IMAGEDREAM = LocalModel(
    id="imagedream",
    label="ImageDream",
    family="imagedream",
    download=Download("ashawkey/imagedream-ipmv-diffusers", "73a034178e748421506492e91790cc62d6aefef5", gb=4.0),
    # 3.3 GB of float16 weights, and the activations of ten latents of 32 x 32.
    needs=Whole(gpu_gb=5.0, card=True, half=True),
    otherwise="Four pictures of your own do as well.",
    licence="CreativeML OpenRAIL",
    about="Imagines any single object from four sides, 256 pixels each.",
    tasks=frozenset({Task.VIEWS}),
    steps=Range(10, 50, 30),
    guidance=Range(1, 10, 5),
)
LGM = LocalModel(
    id="lgm",
    label="LGM",
    family="lgm",
    download=Download(
        "ashawkey/LGM", "bc0097d24ffc5efc2e6a216edd579128f85f53ab", gb=0.83, file="model_fp16_fixrot.safetensors"
    ),
    # In float32 opening and forward take 2.5 GB at most, and half a minute of one core (benchmarks.full_size).
    needs=Whole(gpu_gb=1.4, ram_gb=8.0, half=True),
    otherwise="Run it on another machine.",
    licence="MIT",
    about="Four views of any object to 65,536 Gaussians, in a second on a GPU.",
    tasks=frozenset({Task.SPLAT}),
    seed=False,
)

SOLID = (TOY_VIEWS, TOY_LGM, IMAGEDREAM, LGM)
