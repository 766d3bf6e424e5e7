"""A scriptable model, the only fake in here: it stands in at the `Model` seam and keeps every other promise."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PIL import Image

from studio.contract import ImageRequest, ImageResult, ModelSpec, Progress, Range, Readiness, Size, Style, Task, Tell

READY = Readiness(ok=True, label="ready")


class FakeModel:
    """Paints one colour, chosen by the seed. A test opens `gate` step by step, or leaves it open."""

    def __init__(self, steps: int = 3) -> None:
        self.steps = steps
        self.requests: list[ImageRequest] = []
        self.closed = False
        self.inside = 0  # how many threads are in `run` now
        self.most_inside = 0
        self.gated = False
        self.gate = threading.Semaphore(0)  # one permit per step
        self.ignores_stop: threading.Event | None = None  # set by the test to let a deaf model leave
        self.fails: Callable[[ImageRequest], None] = lambda request: None

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        self.requests.append(request)
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            self.fails(request)
            for step in range(1, self.steps + 1):
                if self.gated:
                    assert self.gate.acquire(timeout=30), "the test never opened the gate"
                self._tell(tell, Progress(step, self.steps, preview=picture(request)))
            return ImageResult(picture(request), request.seed)
        finally:
            self.inside -= 1

    def close(self) -> None:
        self.closed = True

    def _tell(self, tell: Tell, progress: Progress) -> None:
        try:
            tell(progress)
        except BaseException:
            if self.ignores_stop is not None:
                assert self.ignores_stop.wait(30), "the test never let the deaf model leave"
            raise


def picture(request: ImageRequest) -> Image.Image:
    colour = (request.seed % 256, request.seed // 256 % 256, 77)
    return Image.new("RGB", request.size, colour)


def spec_of(model: Any, id: str = "fake", **changes: Any) -> ModelSpec:
    """A spec that honours everything, unless told otherwise."""
    values: dict[str, Any] = {
        "label": id.title(),
        "tasks": frozenset({Task.GENERATE}),
        "load": lambda: model,
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
