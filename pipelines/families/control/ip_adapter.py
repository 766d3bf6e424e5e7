"""Stable Diffusion 1.5 and SDXL with a picture as part of the prompt, with an IP-Adapter."""

from __future__ import annotations

from typing import Any

from PIL import Image

from pipelines.families.control.controlnet import Guided
from pipelines.families.diffusers_base import Embeddings
from pipelines.families.stable_diffusion import StableDiffusion, StableDiffusionXL
from studio.contract import ImageRequest


class _Shown(Guided):
    """With an IP-Adapter, whose picture is the last reference; without one, its words alone count."""

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        said = super()._arguments(request, words)
        pipeline, scale = self.pipeline, 1.0 if request.control_strength is None else request.control_strength
        *_, likeness = request.references or (Image.new("RGB", request.size),)
        pipeline.set_ip_adapter_scale(scale if request.references else 0.0)
        with self._placed.reading():
            seen = pipeline.prepare_ip_adapter_image_embeds(
                [likeness], None, self._placed.device, 1, "negative_prompt_embeds" in said
            )
        return said | {"ip_adapter_image_embeds": seen}


class StableDiffusionShown(_Shown, StableDiffusion):
    pass


class StableDiffusionXLShown(_Shown, StableDiffusionXL):
    pass
