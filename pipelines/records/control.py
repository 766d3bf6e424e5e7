"""Models that follow the outlines or the depth of a picture, and the models that extract those."""

from __future__ import annotations

from dataclasses import replace

from pipelines.hub.cache import Download
from pipelines.local_model import LocalModel
from pipelines.plan import Needs, Whole
from pipelines.records.common import BOTH
from pipelines.records.flux import DEV, DEV_LICENCE
from pipelines.records.stable_diffusion import SD_15, SDXL
from studio.contract import Range, Task
from studio.imaging.control import CANNY

DEPTH = LocalModel(
    id="depth-anything-v2-small",
    label="Depth Anything V2 Small",
    family="depth-anything",
    download=Download(
        "depth-anything/Depth-Anything-V2-Small-hf",
        "5426e4f0f36572d16453bbda7a8389317b1bef99",
        gb=0.1,
        file="model.safetensors",
    ),
    also=("config.json", "preprocessor_config.json"),
    needs=Whole(gpu_gb=0.6, ram_gb=1.0),
    licence="Apache-2.0",
    about="Estimates the depth of a picture, for models that follow it: near is white.",
    makes="depth",
    tasks=frozenset({Task.CONTROL}),
    any_size=(64, 2048, 8),
    seed=False,
)
_NAMES = {CANNY.id: ("Canny", CANNY.makes), DEPTH.id: ("Depth", DEPTH.makes)}
"""By the model that makes control pictures: its part of labels, and what it makes."""
_FP16 = "diffusion_pytorch_model.fp16.safetensors"
_CLOSELY = Range(0, 2, 1)
_IP_ADAPTER, _IP_COMMIT = "h94/IP-Adapter", "018e402774aeeddd60609b4ecdb7e298259dc729"
_CLIP_GB = 2.53
"""Of its CLIP, ViT-H/14, in 32 bits."""


def _steered(base: LocalModel, id: str, follows: str, repo: str, revision: str, gb: float) -> LocalModel:
    """A Stable Diffusion with a ControlNet.

    Args:
        follows: id of the model that makes its control pictures.
        gb: of the ControlNet in 16 bits.
    """
    if base.download is None or not isinstance(base.needs, Needs):
        raise ValueError(f"got {base.id}, expected a model with a download that is laid out by parts")
    net = ("controlnet", Download(repo, revision, file=_FP16))
    files = replace(base.download, gb=round(base.download.gb + gb, 2), parts=(*base.download.parts, net))
    needs = replace(base.needs, transformer=base.needs.transformer + gb, step=base.needs.step * 1.3)
    return replace(
        base,
        id=id,
        label=f"{base.label} {_NAMES[follows][0]}",
        family=f"{base.family}-control",
        download=files,
        needs=needs,
        work=None,
        about=f"Draws what you say along the {_NAMES[follows][1]} of a picture.",
        tasks=BOTH,
        strength=Range(0.1, 1, 1),
        control=follows,
        control_strength=_CLOSELY,
    )


def _shown(base: LocalModel, id: str, file: str, gb: float) -> LocalModel:
    """A Stable Diffusion with an IP-Adapter.

    Args:
        gb: of the adapter.
    """
    if base.download is None or not isinstance(base.needs, Needs):
        raise ValueError(f"got {base.id}, expected a model with a download that is laid out by parts")
    parts = (
        ("image_encoder", Download(_IP_ADAPTER, _IP_COMMIT, file="models/image_encoder/model.safetensors")),
        ("ip_adapter", Download(_IP_ADAPTER, _IP_COMMIT, file=file)),
    )
    gb_in_all = round(base.download.gb + _CLIP_GB + gb, 2)
    files = replace(base.download, gb=gb_in_all, parts=(*base.download.parts, *parts))
    needs = replace(base.needs, text=base.needs.text + _CLIP_GB / 2, transformer=base.needs.transformer + gb)
    return replace(
        base,
        id=id,
        label=f"{base.label} IP-Adapter",
        family=f"{base.family}-ip-adapter",
        download=files,
        needs=needs,
        work=None,
        about="Draws what you say in the likeness of a picture, or of a reference picture.",
        tasks=BOTH,
        likeness=True,
        references=2,
        strength=Range(0.1, 1, 1),
        control_strength=Range(0, 1, 0.6),
    )


def _in_context(id: str, follows: str, repo: str, revision: str, steps: int, guidance: float) -> LocalModel:
    """A FLUX.1 that reads the control picture beside its own. Steps and guidance are those of diffusers' guide."""
    return replace(
        DEV,
        id=id,
        label=f"FLUX.1 {_NAMES[follows][0]} dev",
        family="flux1-control",
        download=Download(f"black-forest-labs/{repo}", revision, gb=33.7, gated=True),
        licence_url=DEV_LICENCE.format(repo),
        about=f"Draws what you say along the {_NAMES[follows][1]} of a picture. Not for commercial use.",
        tasks=BOTH,
        steps=Range(8, 50, steps),
        guidance=Range(1, 60, guidance),
        mask=False,
        strength=None,
        control=follows,
    )


CONTROL = (
    _steered(
        *(SD_15, "sd-1.5-canny", CANNY.id, "lllyasviel/control_v11p_sd15_canny"),
        *("115a470d547982438f70198e353a921996e2e819", 0.72),
    ),
    _steered(
        *(SD_15, "sd-1.5-depth", DEPTH.id, "lllyasviel/control_v11f1p_sd15_depth"),
        *("539f99181d33db39cf1af2e517cd8056785f0a87", 0.72),
    ),
    _steered(
        *(SDXL, "sdxl-canny", CANNY.id, "diffusers/controlnet-canny-sdxl-1.0"),
        *("eb115a19a10d14909256db740ed109532ab1483c", 2.5),
    ),
    _steered(
        *(SDXL, "sdxl-depth", DEPTH.id, "diffusers/controlnet-depth-sdxl-1.0"),
        *("17bb97973f29801224cd66f192c5ffacf82648b4", 2.5),
    ),
    _in_context(
        *("flux1-canny-dev", CANNY.id, "FLUX.1-Canny-dev", "27c3d8bdc17509b47cf4fd9ba25ab1c7508a69a2"),
        *(50, 30),
    ),
    _in_context(
        *("flux1-depth-dev", DEPTH.id, "FLUX.1-Depth-dev", "fb5e9b1bae41b8c8adcea4ea2a87b74dd298f07a"),
        *(30, 10),
    ),
    _shown(SD_15, "sd-1.5-ip-adapter", "models/ip-adapter_sd15.safetensors", 0.04),
    _shown(SDXL, "sdxl-ip-adapter", "sdxl_models/ip-adapter_sdxl_vit-h.safetensors", 0.7),
    DEPTH,
)
