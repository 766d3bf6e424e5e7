"""FLUX.2 klein: from a prompt, and optionally pictures, to a picture. Only what differs from `diffusers_base`."""

from __future__ import annotations

from typing import Any

import diffusers
import torch
from diffusers import Flux2KleinInpaintPipeline, Flux2KleinPipeline
from einops import rearrange
from PIL import Image, ImageFilter

from pipelines.families.diffusers_base import Embeddings
from pipelines.families.flow_match import Flow
from pipelines.loras.files import TAKEN
from studio.contract import ImageRequest, Size


class Flux2Klein(Flow):
    """The distilled checkpoint ignores guidance; an undistilled one takes a negative prompt, "" by default.

    With a mask, the rest of the first picture is restored after every step, so that the model draws around it; it
    starts from noise anyway, since it knows the picture as a reference.
    """

    kind = Flux2KleinPipeline
    loras = TAKEN["flux2"]

    def _kind_for(self, request: ImageRequest) -> type[diffusers.DiffusionPipeline]:
        return Flux2KleinInpaintPipeline if request.references and request.mask else Flux2KleinPipeline

    def _encode(self, text: str, reading: Any = None) -> Embeddings:
        tokens, _ids = self.pipeline.encode_prompt(
            text, device=self._placed.device, max_sequence_length=self._checkpoint.text_tokens
        )
        return Embeddings(tokens)

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        guided = request.guidance > 1 and not self.pipeline.config.is_distilled
        read = {
            "prompt_embeds": words.tokens,
            "negative_prompt_embeds": self._read(request.negative_prompt).tokens if guided else None,
        }
        more = [acceptable(picture) for picture in request.references[1:]]
        if not request.references or request.mask is None:
            return read | {"image": [*request.references[:1], *more] or None}
        cell = 2 * self.pipeline.vae_scale_factor
        return read | {
            "image": request.references[0],
            "image_reference": more or None,
            "mask_image": whole_cells(request.mask, cell),
            "strength": 1.0,
        }

    def _unpacked(self, latents: torch.Tensor, size: Size) -> torch.Tensor:
        vae = self.pipeline.vae
        rows = size.height // (2 * self.pipeline.vae_scale_factor)
        latents = rearrange(latents, "b (h w) c -> b c h w", h=rows)  # [1, 4C, H/16, W/16]
        mean, variance = (each.view(1, -1, 1, 1).to(latents) for each in (vae.bn.running_mean, vae.bn.running_var))
        latents = latents * torch.sqrt(variance + vae.config.batch_norm_eps) + mean
        return rearrange(latents, "b (c i j) h w -> b c (h i) (w j)", i=2, j=2)  # [1, C, H/8, W/8]

    def _finished(self, latents: torch.Tensor, size: Size) -> torch.Tensor:
        return latents  # this pipeline unpacks them itself


LEAST_SIDE, STEEPEST = 64, 8
"""Limits of the pipeline. Source: diffusers 0.42.1, flux2/image_processor.py, check_image_input."""


def acceptable(picture: Image.Image) -> Image.Image:
    """A reference whose shorter side is long enough, padded with grey if it is too narrow for that."""
    scale = max(1.0, LEAST_SIDE / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    least = max(LEAST_SIDE, -(-max(width, height) // STEEPEST))
    if min(width, height) >= least:
        return picture if scale == 1.0 else picture.resize((width, height), Image.Resampling.BICUBIC)
    framed = Image.new("RGB", (max(width, least), max(height, least)), "grey")
    place = ((framed.width - width) // 2, (framed.height - height) // 2)
    framed.paste(picture.resize((width, height), Image.Resampling.BICUBIC), place)
    return framed


def whole_cells(mask: Image.Image, cell: int) -> Image.Image:
    """A mask of whole latent cells: any cell with a masked pixel is redrawn completely, and so are its neighbours.

    A cell that is half new and half old would be neither.

    Args:
        mask: "L", with sides that are multiples of the cell.
        cell: side in pixels.
    """
    any_in_cell = mask.point(lambda value: 255 if value else 0).reduce(cell).point(lambda value: 255 if value else 0)
    return any_in_cell.filter(ImageFilter.MaxFilter(3)).resize(mask.size, Image.Resampling.NEAREST)
