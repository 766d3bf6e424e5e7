"""Stable Diffusion 1.5 and SDXL with what was distilled from them; `diffusers_base` has what is not their own."""

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
"""By the names that A1111 gave them. Source of the pairs:
https://huggingface.co/docs/diffusers/api/schedulers/overview"""


class StableDiffusion(DiffusersModel):
    """1.5, and by "lcm" its four-step student, which takes guidance as a number and knows no negative prompt.

    A picture is changed by drawing over it, as far as `strength` says. There is no safety checker: it answers a picture
    it takes exception to with a black one.
    """

    kind = StableDiffusionPipeline
    loras = TAKEN["stable-diffusion"]
    _over: ClassVar[Any] = StableDiffusionImg2ImgPipeline
    _inside: ClassVar[Any] = StableDiffusionInpaintPipeline
    _clip_skip: ClassVar[int] = 1  # the layer of CLIP that it was trained on, from the last one

    def _kind_for(self, request: ImageRequest) -> type[diffusers.DiffusionPipeline]:
        if not request.references:
            return self.kind
        return self._inside if request.mask else self._over

    def _steps(self, request: ImageRequest) -> int:
        """A picture that is drawn over needs only the last steps; at least one."""
        if not request.references:
            return request.steps
        return max(1, int(request.steps * self._strength(request)))

    def _strength(self, request: ImageRequest) -> float:
        """Enough for one step: the pipelines fail with none."""
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
        # Steps as asked for: of a picture that is drawn over, the pipeline itself leaves out the first ones.
        return drawn_over | masked | {"num_inference_steps": request.steps} | self._prompts(request, words)

    def _prompts(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        """The prompt, and what is not wanted where that changes anything."""
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
    """SDXL 1.0, and by "lightning" its four-step student, which has no guidance and so no negative prompt."""

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
        """Nothing at all, not an empty prompt, where nothing is unwanted: so it was trained."""
        if request.negative_prompt or not self.pipeline.config.force_zeros_for_empty_prompt or words.pooled is None:
            return super()._unwanted(request, words)
        return Embeddings(torch.zeros_like(words.tokens), torch.zeros_like(words.pooled))


def _named(which: str, words: Embeddings) -> dict[str, Any]:
    """As the pipelines call them."""
    pooled = {} if words.pooled is None else {f"{which}pooled_prompt_embeds": words.pooled}
    return {f"{which}prompt_embeds": words.tokens} | pooled


def sampler(name: str, scheduler: Any, variant: str) -> Any:
    """The sampler of a name, over the settings in which a model was trained: its noise, and what it predicts.

    Args:
        name: of any other than these, what suits the model.
        scheduler: that of the model, as it was opened.
        variant: which of its family, see `suited`.
    """
    if name not in _KINDS:
        return suited(scheduler, variant)
    kind, settings = _KINDS[name]
    trained = suited(scheduler, variant).config if variant else scheduler.config
    return kind.from_config(trained, **settings)


def suited(scheduler: Any, variant: str) -> Any:
    """The scheduler a model was distilled for; of another model its own, if that takes one step for a step.

    The settings in which a model was trained (its noise, and what it predicts) are kept.
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
