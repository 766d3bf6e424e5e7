"""Jobs as those see them who wait for them: how one stands, and what happens to it. Knows no queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from studio.contract import Progress, Task

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
