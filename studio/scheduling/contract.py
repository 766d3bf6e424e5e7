"""Jobs as seen from outside: state and events. Knows no queue."""

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
    """A snapshot of a job; `version` grows with every change, so a watcher knows when to look again."""

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
    stopping: bool = False  # Stop was pressed, but the model is still running
    seconds_left: float | None = None  # None: not known yet
    preview: bytes | None = field(default=None, repr=False)  # JPEG
    assets: tuple[str, ...] = ()
    error: str = ""
    source: str = ""  # asset id of the picture being changed

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "stopped")


@dataclass(frozen=True)
class Waiting:
    """The job has not started; `position` jobs are before it in its lane, the running one included."""

    position: int


@dataclass(frozen=True)
class Done:
    """The job finished with these assets, in the order they were made."""

    assets: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """The job failed; `error` says why and what to do. Pictures made before are kept."""

    error: str
    assets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stopped:
    """Stop was pressed. Pictures made before are kept."""

    assets: tuple[str, ...] = ()


Event = Waiting | Progress | Done | Failed | Stopped


def event_of(view: JobView) -> Event:
    """The event for a job in this state."""
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
    machine: str  # its device: "NVIDIA H200", "CPU"
    models: tuple[str, ...]  # ids


class Workers(Protocol):
    """Other machines that run image models for this app, in addition to the lanes' own threads."""

    def models(self) -> Sequence[ModelSpec]:
        """The models available now, without repeats; `load` gives one that sends requests to a machine and waits."""
        ...

    def model(self, model_id: str) -> ModelSpec | None:
        """A model that was available at any time since the start; it may have to wait for a machine."""
        ...

    def places(self, model_id: str, precision: str = "", fast: bool = False) -> int:
        """How many requests for a model they can take at once; 0 if any of them does not support these settings.

        Returns at once: called under a lock.
        """
        ...

    def present(self) -> Sequence[WorkerFacts]: ...

    def listen(self, changed: Callable[[], None]) -> None:
        """Call this, on any thread, whenever a worker comes or goes."""
        ...


class NoWorkers:
    """This machine only."""

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
