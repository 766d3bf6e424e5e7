"""A family of models as somebody would add one: reads its one file, and paints with the colour in it."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from pipelines.hub.cache import Checkpoint
from pipelines.plan import Plan
from studio.contract import ImageRequest, ImageResult, Progress, Tell


class Dummy:
    def __init__(self, checkpoint: Checkpoint, plans: Sequence[Plan]) -> None:
        self._colour = tuple(checkpoint.path.read_bytes())
        self._checkpoint, self.plan = checkpoint, plans[0]

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        tell(Progress(1, 1, str(self.plan)))
        return ImageResult(Image.new("RGB", request.size, self._colour), request.seed, self._checkpoint.revision)

    def close(self) -> None:
        pass
