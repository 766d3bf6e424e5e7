"""Stable Diffusion 1.5 and SDXL and their distilled versions. Only what differs from `diffusers_base`."""

from __future__ import annotations

from typing import Any, ClassVar

import diffusers
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UniPCMultistepScheduler,
)
from PIL import Image

from pipelines import prompt_weights
from pipelines.families.diffusers_base import DiffusersModel, Embeddings
from pipelines.loras.files import TAKEN
from studio.contract import ImageRequest, Tell

_EVEN = {"use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False}
_KARRAS = _EVEN | {"use_karras_sigmas": True}
_ODE, _SDE = {"algorithm_type": "dpmsolver++"}, {"algorithm_type": "sde-dpmsolver++"}
_KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "Euler": (EulerDiscreteScheduler, _EVEN),
    "Euler a": (EulerAncestralDiscreteScheduler, {}),
    "DPM++ 2M": (DPMSolverMultistepScheduler, _ODE | _EVEN),
    "DPM++ 2M Karras": (DPMSolverMultistepScheduler, _ODE | _KARRAS),
    "DPM++ 2M SDE": (DPMSolverMultistepScheduler, _SDE | _EVEN),
    "DPM++ 2M SDE Karras": (DPMSolverMultistepScheduler, _SDE | _KARRAS),
    "DDIM": (DDIMScheduler, {}),
    "UniPC": (UniPCMultistepScheduler, _EVEN),
    "LCM": (LCMScheduler, {}),
}
"""By A1111's names. Source of the pairs: https://huggingface.co/docs/diffusers/api/schedulers/overview"""


class StableDiffusion(DiffusersModel):
    """1.5 and, as variant "lcm", its four-step student, which takes guidance as an input and no negative prompt.

    A picture is changed by img2img, as far as `strength` says. There is no safety checker, which would replace
    pictures by black ones.
    """

    kind = StableDiffusionPipeline
    loras = TAKEN["stable-diffusion"]
    _over: ClassVar[Any] = StableDiffusionImg2ImgPipeline
    _inside: ClassVar[Any] = StableDiffusionInpaintPipeline
    _clip_skip: ClassVar[int] = 1  # the CLIP layer it was trained on, from the last one

    def _kind_for(self, request: ImageRequest) -> type[diffusers.DiffusionPipeline]:
        if not request.references:
            return self.kind
        return self._inside if request.mask else self._over

    def _steps(self, request: ImageRequest) -> int:
        """Img2img only runs the last steps; at least one."""
        if not request.references:
            return request.steps
        return max(1, int(request.steps * self._strength(request)))

    def _strength(self, request: ImageRequest) -> float:
        """Enough for one step, or the pipelines would fail."""
        strength = 1.0 if request.strength is None else request.strength
        return strength if int(request.steps * strength) >= 1 else min(1.0, 1.5 / request.steps)

    def _watched(self, scheduler: Any) -> Any:
        self._as_opened, self._samplers = scheduler, dict[str, Any]()
        return self._sampled("")

    def _sampled(self, name: str) -> Any:
        if name not in self._samplers:
            chosen = sampler(name, self._as_opened, self._checkpoint.variant)
            self._samplers[name] = super()._watched(chosen)
        return self._samplers[name]

    def _draw(self, request: ImageRequest, tell: Tell) -> Image.Image:
        self.pipeline.scheduler = self._sampled(request.sampler)
        self._placed.of_kind(self._kind_for(request)).scheduler = self.pipeline.scheduler
        return super()._draw(request, tell)

    def _reading(self, request: ImageRequest) -> int:
        return request.clip_skip or self._clip_skip

    def _encode(self, text: str, reading: Any = None) -> Embeddings:
        parts = self.pipeline
        return Embeddings(prompt_weights.read(text, parts.tokenizer, parts.text_encoder, reading, normed=True)[0])

    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        drawn_over = {"image": request.references[0], "strength": self._strength(request)} if request.references else {}
        masked = {"mask_image": request.mask} if request.references and request.mask else {}
        # Steps as requested: for img2img, the pipeline itself skips the first ones.
        return drawn_over | masked | {"num_inference_steps": request.steps} | self._prompts(request, words)

    def _prompts(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        """The prompt, and the negative prompt if it has an effect."""
        guided = request.guidance > 1 and self.pipeline.unet.config.time_cond_proj_dim is None
        if not guided:
            return _named("", words)
        unwanted = self._unwanted(request, words)
        nothing = self._read("", self._reading(request)).tokens
        tokens, others = prompt_weights.level(words.tokens, unwanted.tokens, nothing)
        return _named("", words._replace(tokens=tokens)) | _named("negative_", unwanted._replace(tokens=others))

    def _unwanted(self, request: ImageRequest, words: Embeddings) -> Embeddings:
        return self._read(request.negative_prompt, self._reading(request))


class StableDiffusionXL(StableDiffusion):
    """SDXL 1.0 and, as variant "lightning", its four-step student, without guidance and so without negative prompts."""

    kind = StableDiffusionXLPipeline
    loras = TAKEN["stable-diffusion-xl"]
    _over = StableDiffusionXLImg2ImgPipeline
    _inside = StableDiffusionXLInpaintPipeline
    _clip_skip = 2

    def _encode(self, text: str, reading: Any = None) -> Embeddings:
        parts = self.pipeline
        first, _ = prompt_weights.read(text, parts.tokenizer, parts.text_encoder, reading, normed=False)
        second, pooled = prompt_weights.read(text, parts.tokenizer_2, parts.text_encoder_2, reading, normed=False)
        return Embeddings(torch.cat([first, second], dim=-1), pooled)

    def _unwanted(self, request: ImageRequest, words: Embeddings) -> Embeddings:
        """Zeros rather than an empty prompt, as it was trained."""
        if request.negative_prompt or not self.pipeline.config.force_zeros_for_empty_prompt or words.pooled is None:
            return super()._unwanted(request, words)
        return Embeddings(torch.zeros_like(words.tokens), torch.zeros_like(words.pooled))


def _named(which: str, words: Embeddings) -> dict[str, Any]:
    """By the pipelines' argument names."""
    pooled = {} if words.pooled is None else {f"{which}pooled_prompt_embeds": words.pooled}
    return {f"{which}prompt_embeds": words.tokens} | pooled


def sampler(name: str, scheduler: Any, variant: str) -> Any:
    """The sampler with this name, with a model's training settings: its noise, and what it predicts.

    Args:
        name: for unknown names, what suits the model.
        scheduler: of the model, as it was opened.
        variant: which of its family, see `suited`.
    """
    if name not in _KINDS:
        return suited(scheduler, variant)
    kind, settings = _KINDS[name]
    trained = suited(scheduler, variant).config if variant else scheduler.config
    return kind.from_config(trained, **settings)


def suited(scheduler: Any, variant: str) -> Any:
    """The scheduler a model was distilled for; for other models their own, if it evaluates the network once per step.

    The model's training settings (its noise, and what it predicts) are kept.
    """
    if variant == "lightning":
        return EulerDiscreteScheduler.from_config(scheduler.config, timestep_spacing="trailing")
    if variant == "lcm":
        return LCMScheduler.from_config(scheduler.config)
    if variant == "v-prediction":
        v = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
        return EulerDiscreteScheduler.from_config(scheduler.config, **v)
    if isinstance(scheduler, PNDMScheduler) or scheduler.order > 1:
        return DPMSolverMultistepScheduler.from_config(scheduler.config, use_karras_sigmas=True)  # "DPM++ 2M Karras"
    return scheduler
