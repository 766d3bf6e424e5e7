"""Flow matching, as the FLUX models use it; `diffusers_base` has what is common to all models."""

from __future__ import annotations

from typing import Any, cast

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from pipelines.families.diffusers_base import DiffusersModel


class WatchedScheduler(FlowMatchEulerDiscreteScheduler):
    """The Euler scheduler, which also stores the final picture as predicted at the latest step.

    With flow matching a noisy sample is x = (1 - sigma) x0 + sigma noise and the network predicts v = noise - x0, so
    that x0 = x - sigma v. Source: https://arxiv.org/abs/2210.02747
    """

    clean: torch.Tensor | None = None  # (B, N, C), packed latents

    def step(self, model_output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
        if self.step_index is None:
            self._init_step_index(timestep)
        sigmas = cast(torch.Tensor, self.sigmas)
        self.clean = sample - sigmas[self.step_index].to(sample) * model_output
        return super().step(model_output, timestep, sample, *args, **kwargs)


class Flow(DiffusersModel):
    """A loaded FLUX checkpoint."""

    def _watched(self, scheduler: Any) -> Any:
        return WatchedScheduler.from_config(scheduler.config)

    def _fixed(self) -> dict[str, Any]:
        return {"max_sequence_length": self._checkpoint.text_tokens}
