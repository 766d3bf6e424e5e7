"""A model that changes pictures so that one can see it: a fake at the `Model` seam, like the painter."""

from __future__ import annotations

from PIL import Image, ImageFilter

from studio.contract import ImageRequest, ImageResult, ModelSpec, Progress, Range, Size, Task, Tell
from studio.errors import StudioError
from tests.ui.painter import COLOURS, READY, Brush


class Retoucher:
    """Washes the whole picture with the colour that the instruction names: no pixel stays as it was."""

    def __init__(self, brush: Brush) -> None:
        self._brush = brush
        self.requests: list[ImageRequest] = []

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        self.requests.append(request)
        if "impossible" in request.prompt:
            raise StudioError("The retoucher cannot do 'impossible'. Ask for a colour.")
        colour = next((value for name, value in COLOURS.items() if name in request.prompt), "#123456")
        source = request.references[0].convert("RGB").resize(request.size)
        picture = Image.blend(source, Image.new("RGB", request.size, colour), 0.6 + request.seed % 5 / 20)
        for step in range(1, request.steps + 1):
            self._brush.wait()
            tell(Progress(step, request.steps, preview=picture.filter(ImageFilter.GaussianBlur(9 - step))))
        return ImageResult(picture, request.seed, precision=request.precision, fast=request.fast)

    def close(self) -> None:
        pass


def retouchers(brush: Brush, model: Retoucher | None = None) -> list[ModelSpec]:
    """Two models that change pictures: one that honours little, and one that honours everything."""
    plain = model or Retoucher(brush)
    both = {"tasks": frozenset({Task.ITERATE}), "readiness": lambda: READY, "revision": "1"}
    return [
        ModelSpec(
            id="wash",
            label="Wash",
            load=lambda _tell: plain,
            about="Washes a picture with a colour.",
            sizes=(Size(256, 256),),
            any_size=(64, 1024, 16),
            steps=Range(1, 8, 4),
            references=1,
            **both,
        ),
        ModelSpec(
            id="glaze",
            label="Glaze",
            load=lambda _tell: Retoucher(brush),
            about="Honours every control.",
            sizes=(Size(256, 256),),
            any_size=(64, 1024, 16),
            steps=Range(1, 8, 3),
            guidance=Range(1, 10, 4),
            strength=Range(0.1, 1, 0.8),
            negative_prompt=True,
            references=3,
            mask=True,
            precisions=("16-bit", "nf4"),
            samplers=("Euler", "Euler a"),
            fast=True,
            **both,
        ),
    ]
