"""Jobs as seen by whoever waits for them: state and events. Knows no queue."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from PIL import Image

from studio.contract import ModelSpec, Progress, Task

JobState = Literal["waiting", "running", "done", "failed", "stopped"]


@dataclass(frozen=True)
class JobView:
    """A job as it is at one moment; `version` grows with every change, so a watcher knows when to look again."""

    id: str
    owner: str
    task: Task
    title: str  # the prompt or instruction
    model: str  # model id
    state: JobState
    created: float  # Unix time, seconds
    version: int
    position: int = 0  # jobs before it in its lane; 0 once it runs
    step: int = 0
    steps: int = 0
    picture: int = 0  # index of the picture being made, from 0
    pictures: int = 1
    note: str = ""
    stopping: bool = False  # Stop was pressed and the model has not left yet
    seconds_left: float | None = None  # None until it can be told
    preview: bytes | None = field(default=None, repr=False)  # JPEG
    assets: tuple[str, ...] = ()
    error: str = ""
    source: str = ""  # of a change: asset id of the picture that is changed

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "stopped")


@dataclass(frozen=True)
class Waiting:
    """The job has not started; `position` jobs are before it in its lane, the running one included."""

    position: int


@dataclass(frozen=True)
class Done:
    """The job is over and these assets exist, in the order they were made."""

    assets: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """The job is over; `error` is a sentence a person can act on. Pictures made before it went wrong are kept."""

    error: str
    assets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stopped:
    """Stop was pressed. Pictures made before are kept."""

    assets: tuple[str, ...] = ()


Event = Waiting | Progress | Done | Failed | Stopped


def event_of(view: JobView) -> Event:
    """What is to be told of a job that stands so."""
    match view.state:
        case "waiting":
            return Waiting(view.position)
        case "running":
            preview = None if view.preview is None else Image.open(io.BytesIO(view.preview))
            return Progress(view.step, view.steps, view.note, preview)
        case "done":
            return Done(view.assets)
        case "failed":
            return Failed(view.error, view.assets)
        case "stopped":
            return Stopped(view.assets)


class WorkerFacts(NamedTuple):
    """Another machine that works for this app."""

    host: str  # its name
    machine: str  # what models run on there: "NVIDIA H200", "CPU"
    models: tuple[str, ...]  # ids


class Workers(Protocol):
    """Other machines that run image models for this app: one more dispatcher beside the threads of the lanes."""

    def models(self) -> Sequence[ModelSpec]:
        """What can be asked for now, each once; what `load` gives sends a request to a machine and waits for it."""
        ...

    def model(self, model_id: str) -> ModelSpec | None:
        """The same of one that could be asked for at some time since the start; it may have to wait for a machine."""
        ...

    def places(self, model_id: str, precision: str = "", fast: bool = False) -> int:
        """How many requests for a model they can work on at once; 0 where one of them could not do it in this way.

        Answers at once: it is asked under a lock.
        """
        ...

    def present(self) -> Sequence[WorkerFacts]: ...

    def listen(self, changed: Callable[[], None]) -> None:
        """Call this, on any thread, whenever one came or went."""
        ...


class NoWorkers:
    """There is this machine and no other."""

    def models(self) -> Sequence[ModelSpec]:
        return ()

    def model(self, model_id: str) -> ModelSpec | None:
        return None

    def places(self, model_id: str, precision: str = "", fast: bool = False) -> int:
        return 0

    def present(self) -> Sequence[WorkerFacts]:
        return ()

    def listen(self, changed: Callable[[], None]) -> None:
        """Nothing changes."""
