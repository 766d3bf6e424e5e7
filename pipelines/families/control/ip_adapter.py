"""Stable Diffusion 1.5 and SDXL with a picture as part of the prompt, with an IP-Adapter."""

from __future__ import annotations

from typing import Any

from pipelines.families.control.controlnet import Guided
from pipelines.families.diffusers_base import Embeddings
from pipelines.families.stable_diffusion import StableDiffusion, StableDiffusionXL
from studio.contract import ImageRequest


class _Shown(Guided):
    """With an IP-Adapter, whose picture is the last reference."""

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        said = super()._arguments(request, words)
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
