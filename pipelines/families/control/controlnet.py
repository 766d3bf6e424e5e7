"""Stable Diffusion 1.5 and SDXL along the outlines or the depth of a picture, with a ControlNet beside the UNet."""

from __future__ import annotations

from typing import Any

import diffusers
from diffusers import (
    StableDiffusionControlNetImg2ImgPipeline,
    StableDiffusionControlNetInpaintPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetImg2ImgPipeline,
    StableDiffusionXLControlNetInpaintPipeline,
    StableDiffusionXLControlNetPipeline,
)

from pipelines.families.diffusers_base import DiffusersModel, Embeddings
from pipelines.families.stable_diffusion import StableDiffusion, StableDiffusionXL
from studio.contract import ImageRequest


class Guided(DiffusersModel):
    """A family that draws a new picture after another one. At full strength, nothing else of the source is kept."""

    _over: Any
    _inside: Any

    def _kind_for(self, request: ImageRequest) -> type[diffusers.DiffusionPipeline]:
        if request.mask:
            return self._inside
        return self.kind if request.strength in (None, 1.0) else self._over

    def _steps(self, request: ImageRequest) -> int:
        return request.steps if self._kind_for(request) is self.kind else super()._steps(request)

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        said = super()._arguments(request, words)
        if self._kind_for(request) is self.kind:  # a new picture has neither
            said = {name: value for name, value in said.items() if name not in ("image", "strength")}
        return said


class _Controlled(Guided):
    """With a ControlNet."""

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        name = "image" if self._kind_for(request) is self.kind else "control_image"
        scale = 1.0 if request.control_strength is None else request.control_strength
        guide = {name: request.control, "controlnet_conditioning_scale": scale}
        return super()._arguments(request, words) | guide


class StableDiffusionControl(_Controlled, StableDiffusion):
    kind = StableDiffusionControlNetPipeline
    _over = StableDiffusionControlNetImg2ImgPipeline
    _inside = StableDiffusionControlNetInpaintPipeline


class StableDiffusionXLControl(_Controlled, StableDiffusionXL):
    kind = StableDiffusionXLControlNetPipeline
    _over = StableDiffusionXLControlNetImg2ImgPipeline
    _inside = StableDiffusionXLControlNetInpaintPipeline
