"""FLUX.2 klein: words, and pictures to change, in; a picture out. What is klein's own; the rest is in `flow`."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import Flux2KleinPipeline
from einops import rearrange

from pipelines.flow import Flow, Words
from studio.contract import ImageRequest, Size


class Flux2Klein(Flow):
    """The distilled checkpoint ignores guidance; one that is not distilled reads a negative prompt, "" by default."""

    kind = Flux2KleinPipeline

    def _encode(self, text: str) -> Words:
        tokens, _ids = self.pipeline.encode_prompt(
            text, device=self._placed.device, max_sequence_length=self._checkpoint.text_tokens
        )
        return Words(tokens)

    def _arguments(self, request: ImageRequest, words: Words) -> dict[str, Any]:
        guided = request.guidance > 1 and not self.pipeline.config.is_distilled
        return {
            "image": list(request.references) or None,
            "prompt_embeds": words.tokens,
            "negative_prompt_embeds": self._read(request.negative_prompt).tokens if guided else None,
        }

    def _unpacked(self, packed: torch.Tensor, size: Size) -> torch.Tensor:
        vae = self.pipeline.vae
        rows = size.height // (2 * self.pipeline.vae_scale_factor)
        latents = rearrange(packed, "b (h w) c -> b c h w", h=rows)  # [1, 4C, H/16, W/16]
        mean, variance = (each.view(1, -1, 1, 1).to(latents) for each in (vae.bn.running_mean, vae.bn.running_var))
        latents = latents * torch.sqrt(variance + vae.config.batch_norm_eps) + mean
        return rearrange(latents, "b (c i j) h w -> b c (h i) (w j)", i=2, j=2)  # [1, C, H/8, W/8]

    def _finished(self, latents: torch.Tensor, size: Size) -> torch.Tensor:
        return latents  # this pipeline unpacks them itself
