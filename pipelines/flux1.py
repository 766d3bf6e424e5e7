"""FLUX.1 schnell and dev: words in, a picture out. What is FLUX.1's own; the rest is in `flow`."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import FluxPipeline

from pipelines.flow import Flow, Words
from studio.contract import ImageRequest, Size


class Flux1(Flow):
    """Guidance is part of dev's input and unknown to schnell, whose pipeline ignores it.

    A negative prompt is possible in the pipeline only as true guidance, which doubles the time and which neither model
    was made for: the catalog does not offer it.
    """

    kind = FluxPipeline

    def _encode(self, text: str) -> Words:
        tokens, pooled, _ids = self.pipeline.encode_prompt(
            text, device=self._placed.device, max_sequence_length=self._checkpoint.text_tokens
        )
        return Words(tokens, pooled)

    def _arguments(self, request: ImageRequest, words: Words) -> dict[str, Any]:
        return {"prompt_embeds": words.tokens, "pooled_prompt_embeds": words.pooled}

    def _unpacked(self, packed: torch.Tensor, size: Size) -> torch.Tensor:
        vae = self.pipeline.vae
        latents = FluxPipeline._unpack_latents(packed, size.height, size.width, self.pipeline.vae_scale_factor)
        return latents / vae.config.scaling_factor + vae.config.shift_factor

    def _finished(self, latents: torch.Tensor, size: Size) -> torch.Tensor:
        return self._unpacked(latents, size)
