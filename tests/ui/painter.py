"""A model that paints so that one can watch: the only fake of the browser tests, at the `Model` seam."""

from __future__ import annotations

import threading
from typing import Any

from PIL import Image, ImageDraw, ImageFilter

from studio.cards.facts import Need
from studio.contract import ImageRequest, ImageResult, ModelSpec, Progress, Range, Readiness, Size, Style, Task, Tell
from studio.errors import StudioError
from tests.patience import PATIENCE_SECONDS

READY = Readiness(ok=True, label="ready")
COLOURS = {"red": "#d8412f", "blue": "#2f6fd8", "green": "#3c9d57", "yellow": "#e8b931", "purple": "#8246b4"}
WORDS = frozenset({*COLOURS, "a", "an", "the", "on", "and", "ball", "cube", "background", "grey", "in", "front", "of"})


class Brush:
    """Decides when the next step is painted: at a pace, or one by one when a test holds it."""

    def __init__(self, seconds_per_step: float = 0.02) -> None:
        self._seconds = seconds_per_step
        self._held = False
        self._steps = 0
        self._changed = threading.Condition()

    def hold(self) -> None:
        """Paint nothing until `let` or `go`."""
        with self._changed:
            self._held, self._steps = True, 0

    def let(self, steps: int) -> None:
        """Allow so many steps while held."""
        with self._changed:
            self._steps += steps
            self._changed.notify_all()

    def go(self) -> None:
        """Paint at the usual pace again."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def wait(self) -> None:
        """Called by the painter before every step."""
        with self._changed:
            if not self._held:
                self._changed.wait_for(lambda: self._held, self._seconds)
            if not self._changed.wait_for(lambda: not self._held or self._steps > 0, PATIENCE_SECONDS):
                raise TimeoutError("the test never let the painter go on")
            self._steps = max(0, self._steps - 1)


class Painter:
    """A ball of the colour the prompt names, blurred at first and sharp at the last step."""

    def __init__(self, brush: Brush) -> None:
        self._brush = brush

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        if "impossible" in request.prompt:
            raise StudioError("The painter cannot paint 'impossible'. Ask for a ball.")
        if "bug" in request.prompt:
            raise KeyError("a bug")
        picture = paint(request)
        for step in range(1, request.steps + 1):
            self._brush.wait()
            blur = request.size.width / 4 * (1 - step / request.steps)
            tell(Progress(step, request.steps, preview=picture.filter(ImageFilter.GaussianBlur(blur))))
        return ImageResult(picture, request.seed)

    def close(self) -> None:
        pass


def paint(request: ImageRequest) -> Image.Image:
    """RGB. The place of the ball comes from the seed, the colour from the prompt."""
    width, height = (4 * side for side in request.size)
    image = Image.new("RGB", (width, height), "#9b9790")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.62, width, height), fill="#7f7b75")
    radius = min(width, height) * 0.26
    x = width / 2 + (request.seed % 7 - 3) * width * 0.05
    colour = next((value for name, value in COLOURS.items() if name in request.prompt), "#444444")
    draw.ellipse((x - radius, height * 0.66 - 2 * radius, x + radius, height * 0.66), fill=colour)
    return image.resize(request.size, Image.Resampling.LANCZOS)


def catalog(brush: Brush) -> list[ModelSpec]:
    """Five models: one like the toy, one that honours everything, one that cannot run here, one with a bug, and one
    that has to be downloaded.
    """

    def load(_tell: Tell) -> Painter:
        return Painter(brush)

    def download(tell: Tell) -> Painter:
        for part in range(1, 4):
            brush.wait()
            tell(Progress(0, 0, f"downloading Far painter: {part}.5 of 4.0 GB"))
        return Painter(brush)

    generate = frozenset({Task.GENERATE})
    ours: dict[str, Any] = {"tasks": generate, "load": load, "readiness": lambda: READY, "revision": "1"}
    return [
        ModelSpec(
            id="toy",
            label="Toy painter",
            **ours,
            about="Knows balls and cubes in five colours: toy world only.",
            sizes=(Size(128, 128),),
            steps=Range(4, 20, 8),
            examples=("a red ball on a grey background", "a blue ball", "a green ball on a grey background"),
            known_words=lambda: WORDS,
        ),
        ModelSpec(
            id="full",
            label="Full painter",
            **ours,
            about="Honours every control.",
            sizes=(Size(256, 256), Size(384, 256), Size(256, 384), Size(192, 192)),
            any_size=(64, 1024, 16),
            steps=Range(1, 50, 6),
            guidance=Range(1, 10, 4),
            negative_prompt=True,
            text_tokens=12,
            precisions=("16-bit", "nf4"),
            samplers=("Euler", "Euler a"),
            fast=True,
            styles=(
                Style("photo", "Photograph", "a photograph of {prompt}, 50 mm", unless="photograph"),
                Style("ink", "Ink drawing", "an ink drawing of {prompt}"),
            ),
            examples=("a purple ball", "a yellow ball"),
        ),
        ModelSpec(
            id="big",
            label="Big painter",
            tasks=generate,
            load=_refuse,
            readiness=lambda: Readiness(False, "needs a GPU with 13 GB", "Big painter needs a GPU with 13 GB."),
            needs=lambda: (Need("Memory", "here: no GPU", False), Need("Licence", "Free", True, "javascript:alert(1)")),
            about="Paints anything.",
            sizes=(Size(1024, 1024), Size(1216, 832), Size(832, 1216)),
            steps=Range(1, 50, 4),
        ),
        ModelSpec(
            id="broken",
            label="Broken painter",
            **ours,
            sizes=(Size(64, 64),),
            known_words=_break,
        ),
        ModelSpec(
            id="far",
            label="Far painter",
            tasks=generate,
            load=download,
            readiness=lambda: Readiness(True, "4 GB download", download_gb=4.0),
            about="Comes from afar.",
            download_gb=4.0,
            sizes=(Size(64, 64),),
            steps=Range(1, 50, 4),
            licence="Painters <only>",
            licence_url="https://painters.invalid/licence",
            page_url="https://painters.invalid/far",
            gated=True,
        ),
    ]


def _refuse(_tell: Tell) -> Painter:
    raise StudioError("Big painter needs a GPU with 13 GB.")


def _break() -> frozenset[str]:
    raise KeyError("a bug")
