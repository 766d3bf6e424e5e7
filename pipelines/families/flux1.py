"""FLUX.1: from a prompt, and optionally a picture, to a picture. Only what differs from `diffusers_base`."""

from __future__ import annotations

from typing import Any

import diffusers
import torch
from diffusers import (
    FluxControlPipeline,
    FluxFillPipeline,
    FluxImg2ImgPipeline,
    FluxInpaintPipeline,
    FluxKontextPipeline,
    FluxPipeline,
)

from pipelines.families.diffusers_base import Embeddings
from pipelines.families.flow_match import Flow
from pipelines.loras.files import TAKEN
from studio.contract import ImageRequest, Size


class Flux1Reader(Flow):
    """What all of them share: the prompt by CLIP and T5, and latents as tokens."""

    loras = TAKEN["flux1"]

    def _encode(self, text: str, reading: Any = None) -> Embeddings:
        tokens, pooled, _ids = self.pipeline.encode_prompt(
            text, device=self._placed.device, max_sequence_length=self._checkpoint.text_tokens
        )
        return Embeddings(tokens, pooled)

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        return {"prompt_embeds": words.tokens, "pooled_prompt_embeds": words.pooled}

    def _unpacked(self, latents: torch.Tensor, size: Size) -> torch.Tensor:
        """From the transformer's tokens (1, N, C)."""
        factor = self.pipeline.vae_scale_factor
        return super()._unpacked(FluxPipeline._unpack_latents(latents, size.height, size.width, factor), size)


class Flux1(Flux1Reader):
    """schnell and dev. They follow no instructions: a picture is changed by img2img, as far as `strength` says.

    Guidance is an input of dev; schnell's pipeline ignores it. Negative prompts would need true guidance, which
    doubles the time and which neither model was trained for, so the catalog does not offer them.
    """

    kind = FluxPipeline

    def _kind_for(self, request: ImageRequest) -> type[diffusers.DiffusionPipeline]:
        if not request.references:
            return FluxPipeline
        return FluxInpaintPipeline if request.mask else FluxImg2ImgPipeline

    def _steps(self, request: ImageRequest) -> int:
        """Img2img only runs the last steps; at least one."""
        if not request.references or request.strength is None:
            return request.steps
        return max(1, round(request.steps * request.strength))

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        read = super()._arguments(request, words)
        if not request.references:
            return read
        # The pipelines' own `strength` rounds to whole steps: 0.8 of 4 steps would be all of them, from pure noise.
        steps, strength = self._steps(request), request.strength or 1.0
        sigmas = [strength * (1 - step / steps) for step in range(steps)]
        over = {"image": request.references[0], "sigmas": sigmas, "strength": 1.0}
        return read | over | ({"mask_image": request.mask} if request.mask else {})


class Flux1Kontext(Flux1Reader):
    """Changes a picture as an instruction says; reads the picture beside the one it draws."""

    kind = FluxKontextPipeline

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        area = request.size.width * request.size.height
        seen = {"image": request.references[0], "max_area": area, "_auto_resize": False}  # it has the right size
        return super()._arguments(request, words) | seen


class Flux1Fill(Flux1Reader):
    """Inpainting: fills the mask to match its surroundings; the prompt says what should be there."""

    kind = FluxFillPipeline

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        return super()._arguments(request, words) | {"image": request.references[0], "mask_image": request.mask}


class Flux1Control(Flux1Reader):
    """Follows the outlines or the depth of a picture, which it reads beside the one it draws."""

    kind = FluxControlPipeline

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        return super()._arguments(request, words) | {"control_image": request.control}
