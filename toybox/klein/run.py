"""One training run: a wall-clock budget, moving averages, a log, and checkpoints to resume from. Knows no models."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

WARM_UP = 0.03


@dataclass(frozen=True)
class Budget:
    """How long a run may take and where it stores its state.

    Attributes:
        minutes: of training, including the time before an interruption.
        folder: for the checkpoint and the log.
        decay_from: share of the time after which the learning rate falls linearly to zero.
    """

    minutes: float
    folder: Path
    decay_from: float = 0.6

    def learning_rate(self, share: float) -> float:
        """The share of the peak learning rate after this share of the time."""
        if share < WARM_UP:
            return max(share / WARM_UP, 0.01)
        return min(1.0, max(0.0, (1 - share) / (1 - self.decay_from)))


class Average:
    """A moving average of a model's weights that quickly forgets the first steps."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.weights = [parameter.detach().clone() for parameter in model.parameters()]

    def update(self, model: nn.Module) -> None:
        """Moves the average towards the weights of the model."""
        self.steps += 1
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.weights, [parameter.detach() for parameter in model.parameters()], share)

    def copy_to(self, model: nn.Module) -> None:
        """Copies the averaged weights into the model."""
        with torch.no_grad():
            for parameter, weight in zip(model.parameters(), self.weights, strict=True):
                parameter.copy_(weight)


class Run:
    """Trains a model until the budget is spent; started again, it resumes from the last checkpoint."""

    def __init__(
        self,
        name: str,
        model: nn.Module,
        optimizers: Iterable[torch.optim.Optimizer],
        *,
        average: float,
        budget: Budget,
    ) -> None:
        """Prepares the run and loads its checkpoint if there is one.

        Args:
            name: of the checkpoint (name.pt) and the log (name.jsonl).
            model: in training mode.
            optimizers: for all parameters to train; their learning rate is the peak.
            average: decay of the moving average of the weights per step.
            budget: see `Budget`.
        """
        self.model, self.optimizers, self.budget = model, list(optimizers), budget
        self.average = Average(model, average)
        self.checkpoint = budget.folder / f"{name}.pt"
        self.log = budget.folder / f"{name}.jsonl"
        for module in model.modules():
            if isinstance(module, nn.GroupNorm):
                module.register_forward_pre_hook(_in_order)
        self.seconds, self.steps = 0.0, 0
        self.peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]
        budget.folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.exists():
            self._load()

    @property
    def share(self) -> float:
        """How much of the budget is spent, [0, 1]."""
        return 1.0 if self.seconds >= 60 * self.budget.minutes else self.seconds / (60 * self.budget.minutes)

    def train(self, loss_of_step: Callable[[int], dict[str, torch.Tensor]], *, save_every_s: float = 120) -> None:
        """Trains until the time is over.

        Args:
            loss_of_step: gets the number of the step; returns losses by name, of which "loss" is minimised.
            save_every_s: seconds between checkpoints.
        """
        if self.share >= 1:
            return
        saved = noted = last = time.monotonic()
        sums: dict[str, float] = {}
        counted = 0
        while self.share < 1:
            factor = self.budget.learning_rate(self.share)
            for optimizer, peaks in zip(self.optimizers, self.peaks, strict=True):
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * factor
            losses = loss_of_step(self.steps)
            losses["loss"].backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            self.average.update(self.model)
            self.steps, counted = self.steps + 1, counted + 1
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item()
            now = time.monotonic()
            self.seconds, last = self.seconds + now - last, now
            if now - noted > 20 or self.share >= 1:
                means = {name: round(value / counted, 5) for name, value in sums.items()}
                self._note({"step": self.steps, "seconds": round(self.seconds), "rate": round(factor, 4), **means})
                sums, counted, noted = {}, 0, now
            if now - saved > save_every_s:
                self.save()
                saved = now
        self.save()

    def save(self) -> None:
        """Writes the checkpoint atomically, so that an interruption leaves the old one."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average.weights,
            "average_steps": self.average.steps,
            "seconds": self.seconds,
            "steps": self.steps,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def _load(self) -> None:
        state = torch.load(self.checkpoint)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average.weights, self.average.steps = state["average"], state["average_steps"]
        self.seconds, self.steps = state["seconds"], state["steps"]

    def _note(self, entry: dict[str, float]) -> None:
        with self.log.open("a") as log:
            log.write(json.dumps(entry) + "\n")


def _in_order(_norm: nn.Module, pictures: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """oneDNN's bfloat16 convolutions return channels last; on a CPU, the backward pass of a norm then takes 80 times
    as long (torch 2.15: 65 against 0.8 ms for 16 pictures of 64 x 64 with 32 channels, measured)."""
    return tuple(picture.contiguous() for picture in pictures)
