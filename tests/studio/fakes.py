"""A scriptable model, the only fake in here: it stands in at the `Model` seam and keeps every other promise."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PIL import Image

from studio.contract import (
    GenerateRequest,
    ImageRequest,
    ImageResult,
    ModelSpec,
    Progress,
    Range,
    Readiness,
    Size,
    Style,
    Task,
    Tell,
)
from studio.errors import Cancelled, Skipped
from studio.scheduling.contract import JobView
from studio.service import Studio
from tests.patience import PATIENCE_SECONDS

OWNER = "local"
"""Long enough for a busy machine; only a test that fails waits that long."""
ENDLESS = 10**9
"""Steps of a model that works until it is made to leave."""
READY = Readiness(ok=True, label="ready")


class FakeModel:
    """Paints one colour, chosen by the seed. A test that sets `gated` opens the gate once per step."""

    def __init__(self, steps: int = 3) -> None:
        self.steps = steps
        self.requests: list[ImageRequest] = []
        self.closed = False
        self.most_inside = 0  # threads that were in `run` at once
        self.gated = False
        self.gate = threading.Semaphore(0)  # one permit per step, and one to return the picture
        self.deaf_until: threading.Event | None = None  # keeps the lane after Stop until this is set
        self.paint: Callable[[ImageRequest], Any] = picture
        self._inside = 0
        self._entered = threading.Semaphore(0)

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        self.requests.append(request)
        self._entered.release()
        self._inside += 1
        self.most_inside = max(self.most_inside, self._inside)
        try:
            for step in range(1, self.steps + 1):
                self._pass_gate()
                self._tell(tell, Progress(step, self.steps, preview=picture(request)))
            self._pass_gate()
            return ImageResult(self.paint(request), request.seed)
        finally:
            self._inside -= 1

    def close(self) -> None:
        self.closed = True

    def open_gate(self, times: int = 1) -> None:
        for _ in range(times):
            self.gate.release()

    def let_go(self) -> None:
        """No more gates: whoever waits at one goes on."""
        self.gated = False
        self.open_gate(100)

    def wait_until_entered(self) -> None:
        """Wait for one more call of `run` than was waited for before."""
        if not self._entered.acquire(timeout=PATIENCE_SECONDS):
            raise TimeoutError("the model was never asked")

    def _pass_gate(self) -> None:
        if self.gated and not self.gate.acquire(timeout=PATIENCE_SECONDS):
            raise TimeoutError("the test never opened the gate")

    def _tell(self, tell: Tell, progress: Progress) -> None:
        try:
            tell(progress)
        except (Cancelled, Skipped):
            if self.deaf_until is not None:
                self.deaf_until.wait(PATIENCE_SECONDS)
            raise


def ignore(_progress: Progress) -> None:
    """A `Tell` that nobody listens to."""


def picture(request: ImageRequest) -> Image.Image:
    colour = (request.seed % 256, request.seed // 256 % 256, 77)
    return Image.new("RGB", request.size, colour)


def spec_of(model: Any, id: str = "fake", **changes: Any) -> ModelSpec:
    """A spec that honours everything, unless told otherwise."""
    values: dict[str, Any] = {
        "label": id.title(),
        "tasks": frozenset({Task.GENERATE}),
        "load": lambda _tell: model,
        "readiness": lambda: READY,
        "revision": "r1",
        "gpu_gb": 1.0,
        "sizes": (Size(64, 64), Size(96, 64)),
        "steps": Range(1, 50, 3),
        "guidance": Range(0, 20, 4),
        "negative_prompt": True,
        "styles": (Style("sketch", "Sketch", "a pencil sketch of {prompt}", unless="sketch"),),
    }
    return ModelSpec(id=id, **values | changes)


def ask(studio: Studio, prompt: str = "a red ball", *, owner: str = OWNER, **values: Any) -> JobView:
    return studio.generate(owner, GenerateRequest(prompt, **values))


def until(studio: Studio, job: JobView, true: Callable[[JobView], bool]) -> JobView:
    """Wait for a state of the job; fails when the job ends without having been in it."""
    for _ in studio.events(job.owner, job.id):
        view = studio.job(job.owner, job.id)
        if true(view):
            return view
    raise AssertionError(f"the job never got there: {studio.job(job.owner, job.id)}")


def finished(studio: Studio, job: JobView) -> JobView:
    return until(studio, job, lambda view: view.is_over)
