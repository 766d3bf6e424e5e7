"""FLUX.2 klein: words, and pictures to change, in; a picture out. One path for every checkpoint, large or small."""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import diffusers
import torch
import transformers
from diffusers import FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline
from einops import rearrange
from PIL import Image
from safetensors import SafetensorError

from pipelines.device import Place, best_place
from studio.contract import ImageRequest, ImageResult, Progress, Tell
from studio.errors import NotReady

PREVIEW_LATENTS = 32
"""Longest side, in latent cells, of what a preview decodes: a fraction of the full decode for large pictures."""


@dataclass(frozen=True)
class Checkpoint:
    """Which weights to open, and what was fixed when they were trained."""

    source: str  # a folder in the diffusers layout, or a repository on the Hub
    revision: str | None = None
    text_tokens: int = 512  # prompts are padded or cut to this many tokens


class WatchedScheduler(FlowMatchEulerDiscreteScheduler):
    """The Euler scheduler, which also remembers what the finished picture would be as seen from the latest step.

    With flow matching a noisy sample is x = (1 - sigma) x0 + sigma noise and the network predicts v = noise - x0, so
    that x0 = x - sigma v. Source: https://arxiv.org/abs/2210.02747
    """

    clean: torch.Tensor | None = None  # [B, N, C], packed latents, normalised

    def step(self, model_output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
        if self.step_index is None:
            self._init_step_index(timestep)
        sigmas = cast(torch.Tensor, self.sigmas)
        self.clean = sample - sigmas[self.step_index].to(sample) * model_output
        return super().step(model_output, timestep, sample, *args, **kwargs)


class Flux2Klein:
    """A loaded FLUX.2 klein checkpoint; used by one thread at a time."""

    def __init__(self, checkpoint: Checkpoint, place: Place | None = None) -> None:
        """Open the weights.

        Args:
            checkpoint: What to open; a folder is opened without looking at the network.
            place: Device and dtype; None takes the best of this machine.

        Raises:
            NotReady: The weights are missing or damaged, or cannot be downloaded.
        """
        self._place = place or best_place()
        self._text_tokens = checkpoint.text_tokens
        self._pipeline = _open(checkpoint, self._place)
        self._pipeline.scheduler = WatchedScheduler.from_config(self._pipeline.scheduler.config)
        self._pipeline.set_progress_bar_config(disable=True)

    @torch.inference_mode()
    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        """Make one picture; reports once before the first step and then after every step, with a preview.

        Noise is drawn on the CPU, so that a seed gives the same picture wherever the model runs, up to rounding.
        """
        tell(Progress(0, request.steps, "reading the prompt"))
        image = self._pipeline(
            prompt=request.prompt,
            image=list(request.references) or None,
            width=request.size.width,
            height=request.size.height,
            num_inference_steps=request.steps,
            guidance_scale=request.guidance,
            negative_prompt_embeds=self._negative_embeds(request),
            generator=torch.Generator("cpu").manual_seed(request.seed),
            max_sequence_length=self._text_tokens,
            callback_on_step_end=partial(self._report, tell, request),
        ).images[0]
        return ImageResult(image, request.seed)

    def close(self) -> None:
        """Give memory back."""
        del self._pipeline
        gc.collect()
        if self._place.device.type == "cuda":
            torch.cuda.empty_cache()

    def _negative_embeds(self, request: ImageRequest) -> torch.Tensor | None:
        """Embeddings of what the picture must not be, [1, L, C]; None lets the pipeline use the empty prompt."""
        if not request.negative_prompt:
            return None
        return self._pipeline.encode_prompt(request.negative_prompt, max_sequence_length=self._text_tokens)[0]

    def _report(
        self, tell: Tell, request: ImageRequest, pipeline: Flux2KleinPipeline, step: int, _timestep: Any, kept: dict
    ) -> dict:
        """Called by diffusers after every step; an exception raised by `tell` ends the pipeline at once."""
        tell(Progress(step + 1, request.steps, preview=self._preview(request)))
        return kept

    def _preview(self, request: ImageRequest) -> Image.Image:
        """Decode what the finished picture would be as seen from here; large pictures at reduced size."""
        pipeline, vae = self._pipeline, self._pipeline.vae
        rows = request.size.height // (2 * pipeline.vae_scale_factor)
        latents = rearrange(pipeline.scheduler.clean, "b (h w) c -> b c h w", h=rows)  # [1, 4C, H/16, W/16]
        mean, variance = (each.view(1, -1, 1, 1).to(latents) for each in (vae.bn.running_mean, vae.bn.running_var))
        latents = latents * torch.sqrt(variance + vae.config.batch_norm_eps) + mean
        latents = rearrange(latents, "b (c i j) h w -> b c (h i) (w j)", i=2, j=2)  # [1, C, H/8, W/8]
        shrink = math.ceil(max(latents.shape[-2:]) / PREVIEW_LATENTS)
        if shrink > 1:
            latents = torch.nn.functional.avg_pool2d(latents, shrink)
        decoded = vae.decode(latents.to(vae.dtype), return_dict=False)[0]
        return pipeline.image_processor.postprocess(decoded, output_type="pil")[0]


def _open(checkpoint: Checkpoint, place: Place) -> Any:
    """The pipeline on its device. `Any`: diffusers annotates its methods more narrowly than they are."""
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()  # bars of the loaders; progress is told by `tell`
    try:
        pipeline: Any = Flux2KleinPipeline.from_pretrained(
            checkpoint.source,
            revision=checkpoint.revision,
            dtype=place.dtype,
            local_files_only=Path(checkpoint.source).is_dir(),
        )
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise NotReady(f"The weights in {checkpoint.source} cannot be opened ({reason}). Fetch them again.") from error
    return pipeline.to(place.device)
