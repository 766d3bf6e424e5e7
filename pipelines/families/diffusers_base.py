"""What all diffusers models share: cached prompts, progress and Stop at each step, out-of-memory fallback.

One path for every checkpoint, large or small, whatever its network predicts; a family says what is its own.
"""

from __future__ import annotations

import inspect
import logging
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial, wraps
from typing import Any, ClassVar, NamedTuple

import diffusers
import torch
from PIL import Image
from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

from pipelines.damage import check_numbers
from pipelines.device import is_fast
from pipelines.families import preview
from pipelines.hub.cache import Checkpoint
from pipelines.loras.adapters import Adapters
from pipelines.loras.files import beside, folder, named_in
from pipelines.placement import Placed
from pipelines.plan import Plan
from studio.contract import FULL_PRECISION, ImageRequest, ImageResult, Progress, Size, Tell
from studio.errors import NotReady, NotSupported, OutOfMemory
from studio.validation import shown

log = logging.getLogger(__name__)

DECODED_CELLS = 32
"""Pictures up to this many latent cells a side are decoded for their previews; larger ones get a linear map."""
PREVIEW_SECONDS = 0.2
"""Between two previews that are decoded, and between the last one and the picture: one takes the toy half a step."""
NOT_COMPILED = "It was made without Fast, which did not work here."
KEPT_PROMPTS = 16
"""Read prompts that are remembered: 2 to 8 MB each for the large models."""


class Embeddings(NamedTuple):
    """A prompt as the network reads it, in its dtype, kept in main memory."""

    tokens: torch.Tensor  # (1, L, C)
    pooled: torch.Tensor | None = None  # (1, C), where the network wants one

    def to(self, *target: Any) -> Embeddings:
        return Embeddings(self.tokens.to(*target), None if self.pooled is None else self.pooled.to(*target))


class DiffusersModel(ABC):
    """A loaded checkpoint in the diffusers layout; used by one thread at a time."""

    kind: ClassVar[type[diffusers.DiffusionPipeline]]
    loras: ClassVar[str] = ""  # for which family those that fit were made, see `loras.kinds`

    def __init__(
        self, checkpoint: Checkpoint, plans: Sequence[Plan], *, preview_seconds: float = PREVIEW_SECONDS
    ) -> None:
        """Open the weights.

        Args:
            plans: the ways to run it here, the fastest first; a card that turns out to be too full makes it the next,
                once for each load and each picture.
            preview_seconds: how long a preview of a small picture is looked at before the next, or the picture, comes.

        Raises:
            NotReady: the weights are missing or damaged.
            torch.OutOfMemoryError: the next plan did not fit either.
        """
        self._checkpoint = checkpoint
        self._words: OrderedDict[tuple[Any, ...], Embeddings] = OrderedDict()  # the least recently used first
        self._projection: preview.Projection | None = None
        self._preview_seconds = preview_seconds
        self._began = self._previewed = 0.0  # when this picture was begun, and its latest preview made
        self._note = ""  # what a person should know about this picture's making
        self._compiles = True  # nothing is known that is against it
        self._shape: tuple[Any, ...] = ()  # of this picture: what decides whether its network is compiled already
        self._ways = list(plans)  # those that did not fit are taken out
        self._placed = self._next_place(tries=2)

    @property
    def plan(self) -> Plan:
        """The plan that is followed now."""
        return self._placed.plan

    @property
    def pipeline(self) -> Any:
        """The opened pipeline, for measurements and tests."""
        return self._placed.pipeline

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        """Make one picture; reports once before the first step and then after every step.

        Every step of a large picture brings a preview; those of a small one are decoded in full, and as often as the
        eye asks for: at every step where steps are slow.

        Noise is drawn on the CPU, so that a seed gives the same picture wherever the model runs, up to rounding.

        Raises:
            NotSupported: the weights cannot be kept in that precision here.
            torch.OutOfMemoryError: it did not fit, and there is no smaller plan.
            OutOfMemory: the next smaller plan did not fit either.
        """
        self._note = ""
        ways = self._ways_in(request.precision)
        if not ways:
            raise NotSupported(
                f"{self._checkpoint.label} cannot be kept in {shown(request.precision)} on this machine."
            )
        if ways[0] != self.plan:
            self._move(request.precision, tell, f"loading {self._checkpoint.label} again: {ways[0]}")
        try:
            return self._result(request, tell)
        except torch.OutOfMemoryError:
            if len(ways) == 1:
                raise
        # Only here, where the error no longer holds the arrays that did not fit.
        self._ways.remove(self.plan)
        self._note = f"the GPU ran out of memory: {ways[1]}"
        self._move(request.precision, tell, self._note)
        try:
            return self._result(request, tell)
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                f"{self._checkpoint.label} ran out of memory twice, at last with {self.plan}, and was unloaded. Try a "
                "smaller size or another model, or close other programs."
            ) from error

    def close(self) -> None:
        """Give memory back."""
        self._words.clear()
        self._placed.close()

    def _ways_in(self, precision: str) -> list[Plan]:
        return [way for way in self._ways if precision in ("", way.precision.code or FULL_PRECISION)]

    def _move(self, precision: str, tell: Tell, note: str) -> None:
        """Open again, the first way, in a precision; what `tell` raises is raised after that."""
        self._placed.close()
        self._words.clear()  # the next text encoders may be kept in fewer bits
        try:
            tell(Progress(0, 0, note))
        finally:
            self._placed = self._reopened(precision)

    @property
    def _said(self) -> str:
        """What goes with every report."""
        return self._note or (self._placed.warm_up.note(self._shape) if self._placed.is_compiled else "")

    def _result(self, request: ImageRequest, tell: Tell) -> ImageResult:
        self._placed.compile(self._compiles and self.plan.compiles and is_fast(request.fast))
        try:
            image = self._draw(request, tell)
        except (TorchDynamoException, FailOnRecompileLimitHit) as error:
            log.warning("%s runs uncompiled: %s", self._checkpoint.label, error)
            self._compiles = False
            self._placed.compile(False)
            image = self._draw(request, tell)
        fast, precision = self._placed.is_compiled, self.plan.precision.code
        notices = [self._adapters.notice(request.prompt), self._note and f"{self._note[0].upper()}{self._note[1:]}."]
        notices += [NOT_COMPILED] if request.fast and not fast else []
        notice, revision = " ".join(filter(None, notices)), self._checkpoint.revision
        return ImageResult(image, request.seed, revision, notice=notice, precision=precision, fast=fast)

    # no_grad, not inference_mode: parameters that move between devices must stay ordinary tensors.
    @torch.no_grad()
    def _draw(self, request: ImageRequest, tell: Tell) -> Image.Image:
        prompt, loras = named_in(request.prompt, folder(), beside(self._checkpoint.path), self._adapters.model)
        request = replace(request, prompt=prompt)
        pipeline = self._placed.of_kind(self._kind_for(request))
        self._shape = (request.size, type(pipeline), len(request.references), request.guidance > 1, loras)
        steps = self._steps(request)
        try:
            tell(Progress(0, steps, self._said or "reading the prompt"))
            self._adapters.put_on(self._placed, loras)
            words = self._read(request.prompt, self._reading(request))
            if max(request.size) > DECODED_CELLS * pipeline.vae_scale_factor and self._projection is None:
                self._projection = preview.fit(pipeline.vae, self._placed.device)
            self._began = self._previewed = time.monotonic()
            latents = pipeline(
                **{"num_inference_steps": steps} | self._fixed() | self._arguments(request, words),
                **(request.size._asdict() if "width" in inspect.signature(pipeline.__call__).parameters else {}),
                guidance_scale=request.guidance,
                generator=torch.Generator("cpu").manual_seed(request.seed),
                callback_on_step_end=partial(self._report, tell, request.size, steps),
                output_type="latent",
            ).images
            return self._decoded(self._finished(latents, request.size))
        finally:
            pipeline.scheduler.clean = None
            self._placed.rest()

    def _read(self, text: str, reading: Any = None) -> Embeddings:
        """A prompt on the device, through the text encoders only if it was not read lately, and in this way."""
        key = (text, reading, self._adapters.on)
        if key not in self._words:
            with self._placed.reading():
                read = self._encode(text) if reading is None else self._encode(text, reading)
            self._words[key] = read.to("cpu", self._placed.dtype)
        self._words.move_to_end(key)
        while len(self._words) > KEPT_PROMPTS:
            self._words.popitem(last=False)
        return self._words[key].to(self._placed.device)

    def _report(
        self, tell: Tell, size: Size, steps: int, _pipeline: Any, step: int, _timestep: Any, kept: dict[str, Any]
    ) -> dict[str, Any]:
        """Called by diffusers after every step; an exception raised by `tell` ends the pipeline at once."""
        if self._placed.is_compiled:
            self._placed.warm_up.stepped(self._shape, step + 1, time.monotonic() - self._began)
        tell(Progress(step + 1, steps, self._said, self._preview(size, steps, step)))
        return kept

    def _preview(self, size: Size, steps: int, step: int) -> Image.Image | None:
        """The picture as seen from a step, counted from 0; after the last one the picture itself comes at once."""
        pipeline = self.pipeline
        latents = self._unpacked(pipeline.scheduler.clean, size)
        if self._projection and max(size) > DECODED_CELLS * pipeline.vae_scale_factor:
            return self._projection.picture(latents)
        now, done = time.monotonic(), step + 1
        left = (now - self._began) / done * (steps - done)
        if done == steps or min(now - self._previewed, left) < self._preview_seconds:
            return None
        self._previewed = now
        return self._decoded(latents)

    def _decoded(self, latents: torch.Tensor) -> Image.Image:
        vae = self.pipeline.vae
        decoded = vae.decode(latents.to(self._placed.device, vae.dtype), return_dict=False)[0]
        check_numbers(self._checkpoint.label, "picture", decoded)
        return self.pipeline.image_processor.postprocess(decoded, output_type="pil")[0]

    def _reopened(self, precision: str) -> Placed:
        """
        Raises:
            OutOfMemory: whatever is the matter now; it makes those who hold this model let go of it.
        """
        try:
            return self._next_place(precision)
        except NotReady as error:
            raise OutOfMemory(str(error)) from error

    def _next_place(self, precision: str = "", tries: int = 1) -> Placed:
        """Open with the fastest plan that is left in a precision; with two tries, a full card makes it the next.

        Raises:
            NotReady: the weights are missing or damaged.
            torch.OutOfMemoryError: it did not fit.
        """
        while True:
            plan, *others = self._ways_in(precision)
            tries -= 1
            try:
                placed = Placed(self.kind, self._checkpoint, plan)
            except torch.OutOfMemoryError:
                if not others or not tries:
                    raise
                self._ways.remove(plan)
                continue
            placed.pipeline.scheduler = self._watched(placed.pipeline.scheduler)
            self._adapters = Adapters(self._checkpoint.label, self.loras, placed.network)
            return placed

    # --- what differs -------------------------------------------------------------------------------------------------

    def _kind_for(self, request: ImageRequest) -> type[diffusers.DiffusionPipeline]:
        """The pipeline that answers this request with the opened weights."""
        return self.kind

    def _steps(self, request: ImageRequest) -> int:
        """How many steps this picture takes."""
        return request.steps

    def _watched(self, scheduler: Any) -> Any:
        """A scheduler that remembers in `clean` what the finished latents would be as seen from the latest step.

        Most of diffusers' schedulers say it themselves, as their second result.
        """
        plain_step = scheduler.step

        @wraps(plain_step)  # pipelines look at what the scheduler takes
        def step(*args: Any, **kwargs: Any) -> Any:
            result = tuple(plain_step(*args, **{**kwargs, "return_dict": False}))
            scheduler.clean = result[min(1, len(result) - 1)]
            return result

        scheduler.step, scheduler.clean = step, None
        return scheduler

    def _reading(self, request: ImageRequest) -> Any:
        """What beside the words decides how they are read, for `_encode`; None: nothing."""
        return None

    @abstractmethod
    def _encode(self, text: str, reading: Any = None) -> Embeddings:
        """Through the text encoders."""

    def _fixed(self) -> dict[str, Any]:
        """What pipelines of this family are called with for every picture."""
        return {}

    @abstractmethod
    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        """What this pipeline is called with besides size, steps, guidance and noise."""

    def _unpacked(self, latents: torch.Tensor, size: Size) -> torch.Tensor:
        """From what the network works on, such as (1, C, H/8, W/8), to what `vae.decode` takes."""
        config = self.pipeline.vae.config
        return latents / config.scaling_factor + (config.shift_factor or 0)

    def _finished(self, latents: torch.Tensor, size: Size) -> torch.Tensor:
        """From what the pipeline returns to what `vae.decode` takes."""
        return self._unpacked(latents, size)
