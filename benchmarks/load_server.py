"""The server of `load`, in a process of its own: its models answer instantly."""

from __future__ import annotations

import sys
import time
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

from studio.contract import ImageRequest, ModelSpec, Task
from studio.service import Studio
from tests.studio.fakes import FakeModel, spec_of
from tests.studio.selecting_fake import ColourModel, colour_spec
from tests.studio.turning_fake import FakeSplats, FakeViews, turning_specs
from tests.ui.serve import everybody_by_token, served

SPLATS = 100


class Forgotten(list[Any]):
    """A list of a fake model's requests that stays empty, since it would grow with every job."""

    def append(self, _: Any) -> None:
        pass


def colour_of(name: str) -> tuple[int, int, int]:
    """The colour of a visitor."""
    red, green, blue, _ = zlib.crc32(name.encode()).to_bytes(4)
    return red, green, blue


def painted(request: ImageRequest) -> Image.Image:
    """A picture in the colour of the visitor whom the prompt starts with; an edit keeps the colour."""
    if request.references:
        return request.references[0].convert("RGB").resize(request.size)
    picture = Image.new("RGB", request.size, colour_of(request.prompt.partition(" ")[0]))
    picture.paste((255, 255, 255), (0, 0, 8, request.size.height))  # so that there is an object on a background
    return picture


def instant_models() -> list[ModelSpec]:
    """One for each tab; they store nothing."""
    painter, views, splats, colours = FakeModel(steps=1), FakeViews(), FakeSplats(SPLATS), ColourModel()
    painter.requests, painter.paint = Forgotten(), painted
    views.orders, splats.orders, colours.requests = Forgotten(), Forgotten(), Forgotten()
    both = frozenset({Task.GENERATE, Task.ITERATE})
    return [spec_of(painter, tasks=both, references=1), colour_spec(colours), *turning_specs(views, splats)]


def serve(folder: Path, port: int) -> None:
    """Serve until killed."""
    studio = Studio(instant_models(), folder)
    with served(studio, everybody_by_token, server_port=port):
        print("served", flush=True)
        time.sleep(1e9)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
