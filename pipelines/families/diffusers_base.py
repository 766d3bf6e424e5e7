"""What all diffusers models share: cached prompts, progress and Stop at each step, out-of-memory fallback.

One path for every checkpoint, large or small; a family adds what is specific to it.
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

from pipelines.device import is_fast
from pipelines.families import preview
from pipelines.hub.cache import Checkpoint
from pipelines.loras.adapters import Adapters
from pipelines.loras.files import beside, folder, named_in
from pipelines.opening.damage import check_numbers
from pipelines.opening.placement import Placed
from pipelines.plan import Plan
from pipelines.speed.background_compile import compiler_errors
from studio.contract import FULL_PRECISION, ImageRequest, ImageResult, Progress, Size, Tell
from studio.errors import NotReady, NotSupported, OutOfMemory
from studio.validation import shown

log = logging.getLogger(__name__)

FINE_CELLS, FINE = 32, 4
"""Up to so many latent cells a side, a preview has so many pixels a side for each; with more cells, it has one."""
PREVIEW_SECONDS = 0.1
"""At least so long after the start and the last preview comes the next: sooner, nobody would see it."""
NOT_COMPILED = "It was made without Fast, which did not work here."
KEPT_PROMPTS = 16
"""Size of the cache of encoded prompts, 2 to 8 MB each for large models."""


class Embeddings(NamedTuple):
    """A prompt as the network reads it, in its dtype, in main memory."""

    tokens: torch.Tensor  # (1, L, C)
    pooled: torch.Tensor | None = None  # (1, C), if the network uses one

    def to(self, *target: Any) -> Embeddings:
        return Embeddings(self.tokens.to(*target), None if self.pooled is None else self.pooled.to(*target))


class DiffusersModel(ABC):
    """A loaded checkpoint in the diffusers layout; not thread-safe."""

    kind: ClassVar[type[diffusers.DiffusionPipeline]]
    loras: ClassVar[str] = ""  # the family of LoRAs that fit, see `loras.kinds`

    def __init__(
        self, checkpoint: Checkpoint, plans: Sequence[Plan], *, preview_seconds: float = PREVIEW_SECONDS
    ) -> None:
        """Open the weights.

        Args:
            plans: the ways to run it here, fastest first; if the GPU turns out to be too full, the next one is tried,
                once for each load and each picture.
            preview_seconds: between previews.

        Raises:
            NotReady: the weights are missing or damaged.
            torch.OutOfMemoryError: the next plan did not fit either.
        """
        self._checkpoint = checkpoint
        self._words: OrderedDict[tuple[Any, ...], Embeddings] = OrderedDict()  # least recently used first
        self._projections: dict[int, preview.Projection] = {}  # by pixels per latent cell
        self._preview_seconds = preview_seconds
        self._began = self._previewed = 0.0  # times of this picture's start and latest preview
        self._note = ""  # for people, about this picture
        self._compiles = True  # until it fails
        self._shape: tuple[Any, ...] = ()  # of this picture: what compiled code depends on
        self._ways = list(plans)  # without those that did not fit
        self._placed = self._next_place(tries=2)

    @property
    def plan(self) -> Plan:
        """The current plan."""
        return self._placed.plan

    @property
    def pipeline(self) -> Any:
        """The opened pipeline, for measurements and tests."""
        return self._placed.pipeline

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        """Make one picture; reports once before the first step and then after every step, often with a preview.

        Noise is drawn on the CPU, so that a seed gives the same picture wherever the model runs, up to rounding.

        Raises:
            NotSupported: that precision is not possible here.
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
        # Only here, as the error kept the arrays that did not fit alive.
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
        """Free its memory."""
        self._words.clear()
        self._placed.close()

    def _ways_in(self, precision: str) -> list[Plan]:
        return [way for way in self._ways if precision in ("", way.precision.code or FULL_PRECISION)]

    def _move(self, precision: str, tell: Tell, note: str) -> None:
        """Reopen, in the fastest way, in a precision; exceptions from `tell` are raised afterwards."""
        self._placed.close()
        self._words.clear()  # the text encoders' precision may change
        try:
            tell(Progress(0, 0, note))
        finally:
            self._placed = self._reopened(precision)

    @property
    def _said(self) -> str:
        """The note of every report."""
        return self._note or (self._placed.warm_up.note(self._shape) if self._placed.is_compiled else "")

    def _result(self, request: ImageRequest, tell: Tell) -> ImageResult:
        self._placed.compile(self._compiles and self.plan.compiles and is_fast(request.fast))
        try:
            image = self._draw(request, tell)
        except compiler_errors() as error:
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
            projection = self._projection(request.size)
            self._began = self._previewed = time.monotonic()
            latents = pipeline(
                **{"num_inference_steps": steps} | self._fixed() | self._arguments(request, words),
                **(request.size._asdict() if "width" in inspect.signature(pipeline.__call__).parameters else {}),
                guidance_scale=request.guidance,
                generator=torch.Generator("cpu").manual_seed(request.seed),
                callback_on_step_end=partial(self._report, tell, projection, request.size, steps),
                output_type="latent",
            ).images
            return self._decoded(self._finished(latents, request.size))
        finally:
            pipeline.scheduler.clean = None
            self._placed.rest()

    def _read(self, text: str, reading: Any = None) -> Embeddings:
        """A prompt on the device, encoded unless it was recently, in the same way."""
        key = (text, reading, self._adapters.on)
        if key not in self._words:
            with self._placed.reading():
                read = self._encode(text) if reading is None else self._encode(text, reading)
            self._words[key] = read.to("cpu", self._placed.dtype)
        self._words.move_to_end(key)
        while len(self._words) > KEPT_PROMPTS:
            self._words.popitem(last=False)
        return self._words[key].to(self._placed.device)

    def _projection(self, size: Size) -> preview.Projection:
        """Makes the previews of a picture of that size."""
        cell = self.pipeline.vae_scale_factor
        detail = min(FINE, cell) if max(size) <= FINE_CELLS * cell else 1
        if detail not in self._projections:
            self._projections[detail] = preview.fit(self.pipeline.vae, self._placed.device, cell, detail)
        return self._projections[detail]

    def _report(
        self,
        tell: Tell,
        projection: preview.Projection,
        size: Size,
        steps: int,
        _pipeline: Any,
        step: int,
        _timestep: Any,
        kept: dict[str, Any],
    ) -> dict[str, Any]:
        """Called by diffusers after every step; an exception from `tell` ends the pipeline at once."""
        if self._placed.is_compiled:
            self._placed.warm_up.stepped(self._shape, step + 1, time.monotonic() - self._began)
        shown = None
        if time.monotonic() - self._previewed >= self._preview_seconds:
            self._previewed = time.monotonic()
            shown = projection.picture(self._unpacked(self.pipeline.scheduler.clean, size))
        tell(Progress(step + 1, steps, self._said, shown))
        return kept

    def _decoded(self, latents: torch.Tensor) -> Image.Image:
        vae = self.pipeline.vae
        decoded = vae.decode(latents.to(self._placed.device, vae.dtype), return_dict=False)[0]
        check_numbers(self._checkpoint.label, "picture", decoded)
        return self.pipeline.image_processor.postprocess(decoded, output_type="pil")[0]

    def _reopened(self, precision: str) -> Placed:
        """Raises OutOfMemory, whatever the reason, so that the holders of this model drop it."""
        try:
            return self._next_place(precision)
        except NotReady as error:
            raise OutOfMemory(str(error)) from error

    def _next_place(self, precision: str = "", tries: int = 1) -> Placed:
        """Open with the fastest remaining plan in a precision; with two tries, a full GPU leads to the next.

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
        """The pipeline class for this request, with the opened weights."""
        return self.kind

    def _steps(self, request: ImageRequest) -> int:
        """How many steps this picture takes."""
        return request.steps

    def _watched(self, scheduler: Any) -> Any:
        """A scheduler that stores in `clean` the final latents as predicted at the latest step.

        Most of diffusers' schedulers return that as their second result.
        """
        plain_step = scheduler.step

        @wraps(plain_step)  # pipelines inspect the scheduler's signature
        def step(*args: Any, **kwargs: Any) -> Any:
            result = tuple(plain_step(*args, **{**kwargs, "return_dict": False}))
            scheduler.clean = result[min(1, len(result) - 1)]
            return result

        scheduler.step, scheduler.clean = step, None
        return scheduler

    def _reading(self, request: ImageRequest) -> Any:
        """What else decides how prompts are encoded, for `_encode`; None: nothing."""
        return None

    @abstractmethod
    def _encode(self, text: str, reading: Any = None) -> Embeddings:
        """Run the text encoders."""

    def _fixed(self) -> dict[str, Any]:
        """Arguments of this family's pipelines for every picture."""
        return {}

    @abstractmethod
    def _arguments(self, request: ImageRequest, words: Embeddings) -> dict[str, Any]:
        """Arguments of the pipeline besides size, steps, guidance and noise."""

    def _unpacked(self, latents: torch.Tensor, size: Size) -> torch.Tensor:
        """From the network's latents, such as (1, C, H/8, W/8), to those of `vae.decode`."""
        config = self.pipeline.vae.config
        return latents / config.scaling_factor + (config.shift_factor or 0)

    def _finished(self, latents: torch.Tensor, size: Size) -> torch.Tensor:
        """From the pipeline's result to the latents of `vae.decode`."""
        return self._unpacked(latents, size)
