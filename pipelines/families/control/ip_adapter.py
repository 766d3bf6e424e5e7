"""Stable Diffusion 1.5 and SDXL with a picture as part of the prompt, with an IP-Adapter."""

from __future__ import annotations

from typing import Any

import diffusers

from pipelines.families.diffusers_base import DiffusersModel, Embeddings
from pipelines.families.stable_diffusion import StableDiffusion, StableDiffusionXL
from studio.contract import ImageRequest


class _Shown(DiffusersModel):
    """A family with an IP-Adapter, whose picture is the last reference. At full strength, nothing of the source
    is kept.
    """

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
        if self._kind_for(request) is self.kind:
            said = {name: value for name, value in said.items() if name not in ("image", "strength")}
        pipeline, scale = self.pipeline, request.control_strength
        pipeline.set_ip_adapter_scale(1.0 if scale is None else scale)
        with self._placed.reading():
            seen = pipeline.prepare_ip_adapter_image_embeds(
                [request.references[-1]], None, self._placed.device, 1, "negative_prompt_embeds" in said
            )
        return said | {"ip_adapter_image_embeds": seen}


class StableDiffusionShown(_Shown, StableDiffusion):
    pass


class StableDiffusionXLShown(_Shown, StableDiffusionXL):
    pass
