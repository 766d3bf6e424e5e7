"""Data-parallel training: several processes share the weights, and each computes gradients for its own batch.

On two cores this is slightly faster than two threads in one process, which wait for each other between many small
operations. During the optimizer step, the processes draw the next pictures.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing.connection import Connection

import numpy as np
import torch
import torch.multiprocessing as mp
from torch import Tensor, nn

from toybox.sam.fills import Fields
from toybox.sam.lesson import Batch, Learner, Turn, draw_batch, draw_turn, learn
from toybox.sam.model import build_model
from toybox.sam.pictures import Source
from toybox.sam.toys import Toys

_STALLED_S = 300


@dataclass(frozen=True)
class Shared:
    """The data of a process.

    Attributes:
        weights: (P,) float32 in shared memory, all parameters of the learner, see `lay_out`.
        gradients: (P,) float32 in shared memory, of this process alone.
        buffers: of the learner; they never change.
        toys: the traced scenes.
        index: of this process.
        count: number of processes.
    """

    weights: Tensor
    gradients: Tensor
    buffers: dict[str, Tensor]
    toys: Toys
    index: int
    count: int


class Workers:
    """Training steps for one learner; a context manager that stops the processes at the end."""

    def __init__(self, learner: Learner, toys: Toys, count: int) -> None:
        """Moves the learner's parameters to shared memory and starts the processes."""
        self.learner = learner
        weights = torch.cat([parameter.detach().flatten() for parameter in learner.parameters()]).share_memory_()
        for parameter, place in zip(learner.parameters(), lay_out(weights, learner), strict=True):
            parameter.data = place
        self.parts = [torch.zeros_like(weights).share_memory_() for _ in range(count)]
        self.pipes: list[Connection] = []
        self.processes = []
        context = mp.get_context("spawn")
        for index, part in enumerate(self.parts):
            ours, theirs = context.Pipe()
            shared = Shared(weights, part, dict(learner.named_buffers()), toys, index, count)
            self.processes.append(context.Process(target=_work, args=(shared, theirs), daemon=True))
            self.processes[-1].start()
            theirs.close()
            self.pipes.append(ours)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_error: object) -> None:
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.join()

    def step(self, number: int, size: int) -> dict[str, Tensor]:
        """Sets the gradients of the learner's parameters to their mean over the processes.

        Args:
            number: of the step; it seeds pictures and clicks.
            size: side of the pictures.

        Returns:
            "loss", detached, because its gradients are already set; the IoU of the auxiliary task; and the mean IoU
            after the first click or box and in the last of three or more rounds.

        Raises:
            EOFError: if a process has died.
            TimeoutError: if a process does not respond.
        """
        for pipe in self.pipes:
            pipe.send((number, size))
        found = torch.stack([_receive(pipe) for pipe in self.pipes])
        gradients = torch.stack(self.parts).mean(dim=0)
        for parameter, gradient in zip(self.learner.parameters(), lay_out(gradients, self.learner), strict=True):
            parameter.grad = gradient
        turn, _ = plan_step(number, len(self.pipes))
        loss, same, first, last = found.mean(dim=0)
        many = float(turn.rounds > 2)
        return {
            "loss": loss.requires_grad_(),
            "same": same,
            "click": first * (1.0 - turn.with_box),
            "box": first * float(turn.with_box),
            "last": last * many,
            "boxes": torch.tensor(float(turn.with_box)),
            "lasts": torch.tensor(many),
        }


def lay_out(flat: Tensor, module: nn.Module) -> list[Tensor]:
    """Consecutive views of (P,) in the shapes of a module's parameters."""
    parameters = list(module.parameters())
    pieces = flat.split([parameter.numel() for parameter in parameters])
    return [piece.view(parameter.shape) for piece, parameter in zip(pieces, parameters, strict=True)]


def plan_step(number: int, count: int) -> tuple[Turn, list[int]]:
    """How the batches of a step are clicked, and the random generator of each batch."""
    rng = np.random.default_rng([number, 7])
    return draw_turn(rng), rng.integers(2**31, size=count).tolist()


def _receive(pipe: Connection) -> Tensor:
    if not pipe.poll(_STALLED_S):
        raise TimeoutError(f"A training process has not answered for {_STALLED_S} s.")
    return torch.tensor(pipe.recv())


def _work(shared: Shared, pipe: Connection) -> None:
    """Receives step numbers and answers with the result of `learn`, until the pipe is closed."""
    torch.set_num_threads(1)
    learner_for = lru_cache(partial(_learner_on, shared))
    source = Source(shared.toys, Fields())
    drawn: tuple[int, int, Batch] | None = None
    with suppress(EOFError, BrokenPipeError):
        while True:
            number, size = pipe.recv()
            turn, seeds = plan_step(number, shared.count)
            batch = drawn[2] if drawn and drawn[:2] == (number, size) else _draw(source, shared, number, size)
            shared.gradients.zero_()
            chance = torch.Generator().manual_seed(seeds[shared.index])
            pipe.send(learn(learner_for(size), batch, turn, chance).tolist())
            drawn = number + 1, size, _draw(source, shared, number + 1, size)


def _learner_on(shared: Shared, size: int) -> Learner:
    """A learner for pictures of this size, with the shared parameters."""
    learner = Learner(build_model(size))
    learner.load_state_dict(shared.buffers, strict=False)
    places = lay_out(shared.weights, learner), lay_out(shared.gradients, learner)
    for parameter, weight, gradient in zip(learner.parameters(), *places, strict=True):
        parameter.data, parameter.grad = weight, gradient
    return learner


def _draw(source: Source, shared: Shared, number: int, size: int) -> Batch:
    _, seeds = plan_step(number, shared.count)
    return draw_batch(source, np.random.default_rng(seeds[shared.index]), size)
