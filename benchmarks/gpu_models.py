"""The models of `benchmarks.gpu`, at full and at tiny size: the same classes with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from benchmarks import random_weights
from lgm.cameras import imagedream_cameras
from lgm.config import LGMConfig
from lgm.model import LGM
from pipelines.families.imagedream import ImageDream, open_imagedream
from pipelines.families.lgm_splat import Splatter, open_lgm
from pipelines.families.sam import build, published_config
from tests.pipelines.tiny import save_flux1
from tests.pipelines.tiny_views import save_imagedream

FILE = "model_fp16_fixrot.safetensors"
TINY_LGM: dict[str, Any] = {
    "input_size": 32,
    "down_channels": (32, 32),
    "down_attention": (False, True),
    "up_channels": (32,),
    "up_attention": (True,),
    "splat_size": 16,
    "num_heads": 4,
}


@dataclass(frozen=True)
class Sizes:
    """The sizes of all models.

    Attributes:
        flux1: writes a FLUX.1 to a folder, with guidance like dev or without.
        product: side of the matrices that measure the GPU's speed.
    """

    is_tiny: bool
    flux1: Callable[..., Path]
    sam: Callable[[], SAM2Base]
    views: Callable[[Path, torch.device], ImageDream]
    splatter: Callable[[Path, torch.device], Splatter]
    side: int
    tokens: int
    dev_steps: int
    views_steps: int
    product: int


def cameras() -> Tensor:
    """[5, 16]: the cameras of the four views and of the picture."""
    return imagedream_cameras(0.0)


def _flux1(folder: Path, *, guided: bool) -> Path:
    random_weights.flux1(folder, guided=guided)
    return folder


def _sam() -> SAM2Base:
    return build(published_config("l")).eval()


def _tiny_sam() -> SAM2Base:
    """The bundled toy SAM: SAM 2's classes at a quarter of the side."""
    return build(OmegaConf.load("weights/toy-sam/config.yaml")).eval()


def _views(place: Path, device: torch.device) -> ImageDream:
    random_weights.imagedream(place / "imagedream")
    return open_imagedream(place / "imagedream", device=device, dtype=torch.float16)


def _tiny_views(place: Path, device: torch.device) -> ImageDream:
    return open_imagedream(save_imagedream(place / "imagedream"), device=device)


def _splatter(place: Path, device: torch.device) -> Splatter:
    random_weights.lgm(place / "lgm")
    return open_lgm(place / "lgm" / FILE, device=device, dtype=torch.float16)


def _tiny_splatter(_place: Path, device: torch.device) -> Splatter:
    return Splatter(LGM(LGMConfig(**TINY_LGM)).to(device).eval())


FULL = Sizes(False, _flux1, _sam, _views, _splatter, 1024, 256, 28, 30, 8192)
TINY = Sizes(True, save_flux1, _tiny_sam, _tiny_views, _tiny_splatter, 32, 32, 2, 1, 256)
