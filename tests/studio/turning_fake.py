"""Models that turn objects, without torch: four tinted views, and a ball of splats that covers a round object exactly.

`turning_specs()` is a catalog of both. A test that sets `gated` opens the gate once per step.
"""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from studio.contract import Model, ModelSpec, Progress, Range, Readiness, Task, Tell
from studio.geometry import PictureCamera
from studio.segmentation.objects import png
from studio.solid.contract import FILLED_SHARE, SplatRequest, ViewsRequest, ViewsResult
from studio.splats.splat import Pose, Splat
from tests.patience import PATIENCE_SECONDS

VIEW_SIDE = 64
STEPS = 3
BALL_RADIUS = 1.5 * math.sin(math.atan(FILLED_SHARE * math.tan(math.radians(49.1 / 2))))
"""Of the ball whose silhouette has the size that every object has in its crop."""
TINTS = ((1.0, 1.0, 1.0), (1.0, 0.6, 0.6), (0.6, 1.0, 0.6), (0.6, 0.6, 1.0))


class _Gate:
    def __init__(self) -> None:
        self.gated = False
        self.gate = threading.Semaphore(0)
        self.orders: list[Any] = []

    def let_go(self) -> None:
        """No more gates: whoever waits at one goes on."""
        self.gated = False
        for _ in range(100):
            self.gate.release()

    def close(self) -> None:
        pass

    def _step(self, tell: Tell, progress: Progress) -> None:
        if self.gated and not self.gate.acquire(timeout=PATIENCE_SECONDS):
            raise TimeoutError("the test never opened the gate")
        tell(progress)


class FakeViews(_Gate):
    """Each view is the order's picture in another tint; the seed is in the corner pixel."""

    def run(self, request: ViewsRequest, tell: Tell) -> ViewsResult:
        self.orders.append(request)
        small = np.asarray(request.image.resize((VIEW_SIDE, VIEW_SIDE)), np.float32)
        for step in range(1, STEPS + 1):
            self._step(tell, Progress(step, STEPS, preview=request.image))
        images = []
        for tint in TINTS:
            image = Image.fromarray((small * tint).astype(np.uint8))
            image.putpixel((0, 0), (request.seed % 256, request.seed // 256 % 256, 77))
            images.append(image)
        return ViewsResult(tuple(images), request.seed)


class FakeSplats(_Gate):
    """A ball in the mean colour of the front view, with a dark back."""

    def __init__(self, count: int = 2_000, radius: float = BALL_RADIUS) -> None:
        super().__init__()
        self.count, self.radius, self.opacity = count, radius, 0.95
        self.camera: PictureCamera | None = None  # of the first view, if it knows

    def run(self, request: SplatRequest, tell: Tell) -> Splat:
        self.orders.append(request)
        self._step(tell, Progress(1, 1))
        middle = np.asarray(request.views[0].resize((4, 4)), np.float32)[1:3, 1:3].reshape(-1, 3).mean(0) / 255
        made = ball(self.count, self.radius, tuple(float(one) for one in middle), self.opacity)
        return replace(made, pose=Pose(camera=self.camera))


def ball(
    count: int, radius: float = BALL_RADIUS, colour: tuple[float, ...] = (0.9, 0.2, 0.1), opacity: float = 0.95
) -> Splat:
    """Splats spread evenly over a ball around the origin (golden-angle spiral); what faces away is darker."""
    index = np.arange(count)
    y = 1 - 2 * (index + 0.5) / count
    around = index * math.pi * (3 - math.sqrt(5))
    ring = np.sqrt(1 - y * y)
    out = np.stack([ring * np.cos(around), y, ring * np.sin(around)], axis=1)
    size = 1.3 * radius / math.sqrt(count)
    shade = 0.35 + 0.65 * (out[:, 2:] + 1) / 2
    return Splat(
        positions=(out * (radius - 1.4 * size)).astype(np.float32),
        scales=np.full((count, 3), size, np.float32),
        rotations=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        opacities=np.full(count, opacity, np.float32),
        colours=(np.array(colour) * shade).astype(np.float32),
    )


def turning_specs(views: FakeViews | None = None, splats: FakeSplats | None = None) -> tuple[ModelSpec, ModelSpec]:
    """A catalog entry for each of the two models."""
    return (
        _spec("four-views", "Four views", Task.VIEWS, views or FakeViews(), steps=Range(1, 50, STEPS), guidance=GUIDED),
        _spec("ball", "Ball", Task.SPLAT, splats or FakeSplats(), seed=False),
    )


GUIDED = Range(0, 20, 5)


def _spec(id: str, label: str, task: Task, model: Model, **controls: Any) -> ModelSpec:
    return ModelSpec(
        id=id,
        label=label,
        tasks=frozenset({task}),
        load=lambda _tell: model,
        readiness=lambda: Readiness(True, "ready"),
        revision="1",
        **controls,
    )


def disc_png(size: tuple[int, int] = (256, 192), box: tuple[int, int, int, int] = (100, 40, 200, 140)) -> bytes:
    """A red disc cut out of a picture: an object as a file."""
    image = Image.new("RGBA", size)
    ImageDraw.Draw(image).ellipse((box[0], box[1], box[2] - 1, box[3] - 1), fill=(220, 40, 30, 255))
    return png(image)
