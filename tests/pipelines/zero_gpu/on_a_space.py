"""What a ZeroGPU Space does, in a process of its own: `python -m tests.pipelines.zero_gpu.on_a_space FOLDER` prints it.

The real package `spaces` forks real workers; the card they are lent is this machine's CPU. `spaces` is imported as if
torch were not there, because it would look for a CUDA card in every worker.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.modules["torch"] = None  # type: ignore[assignment]
import spaces.zero  # noqa: E402

del sys.modules["torch"]

import gradio as gr  # noqa: E402
import numpy as np  # noqa: E402
from fastapi import Request  # noqa: E402
from gradio.context import LocalContext  # noqa: E402
from PIL import Image  # noqa: E402

from pipelines import catalog, zero_gpu  # noqa: E402
from pipelines.families import sam  # noqa: E402
from pipelines.hub.cache import HubCache  # noqa: E402
from pipelines.machine import Machine, inspect  # noqa: E402
from pipelines.records import RECORDS  # noqa: E402
from studio.contract import GenerateRequest, ImageRequest, ImageResult, Progress, Size, Tell  # noqa: E402
from studio.errors import StudioError  # noqa: E402
from studio.recipe.selection import Point  # noqa: E402
from studio.scheduling.contract import Done  # noqa: E402
from studio.segmentation.contract import MaskRequest  # noqa: E402
from studio.service import Studio  # noqa: E402

TOY_SAM = Path(__file__).parents[3] / "weights" / "toy-sam"


class Endless:
    """Works until it is stopped; counts what was begun in a file, because it is asked for in another process."""

    def __init__(self, count: Path) -> None:
        self._count = count

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        with self._count.open("a") as file:
            print(os.getpid(), file=file)
        if request.prompt == "one step":
            return ImageResult(Image.new("RGB", request.size), request.seed)
        if request.prompt == "no":
            raise StudioError("This cannot be painted.")
        if request.prompt == "bug":
            raise KeyError("a bug")
        step = 0
        while True:
            step += 1
            tell(Progress(step, 0))

    def close(self) -> None:
        pass


def main(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = {"pid": os.getpid(), "machine": str(inspect())}
    lender = zero_gpu.lender()
    machine = Machine("Linux", 2, 24.0, (), lender=lender)  # the card that is lent is the CPU
    own = catalog.OwnModels(folder / "checkpoints", machine)
    own()
    spaces.zero.startup()  # what `Blocks.launch` does first
    studio = Studio(catalog.models(machine), folder / "outputs", own=own)
    told |= pictures(studio, own()[0].id) | clicks(machine) | stopped(lender, folder / "begun")
    studio.close()
    return told


def pictures(studio: Studio, model: str) -> dict[str, Any]:
    """Two of a person's own model, asked for by a visitor of the page; one of the toy, which needs no card."""
    LocalContext.request.set(request_of("the visitor's own"))
    request = GenerateRequest("a red fox", model=model, size=Size(256, 256), seed=3, steps=3, count=2)
    *before, last = studio.events("ada", studio.generate("ada", request).id)
    LocalContext.request.set(None)
    toy = GenerateRequest("a red ball", model="toy-klein", seed=3, steps=4)
    *_, of_toy = studio.events("ada", studio.generate("ada", toy).id)
    assert isinstance(last, Done) and isinstance(of_toy, Done), (last, of_toy)
    steps = sorted({event.step for event in before if isinstance(event, Progress)})
    paths = [str(studio.path("ada", asset)) for asset in last.assets]
    return {"pictures": paths, "steps": steps, "toys": len(of_toy.assets)}


def request_of(token: str) -> gr.Request:
    """With a token as the platform makes it: a JWT, of which only the second part is read here."""
    claims = base64.urlsafe_b64encode(json.dumps({"user": token}).encode()).decode().rstrip("=")
    headers = [(b"x-ip-token", f"e30.{claims}.x".encode())]
    return gr.Request(Request({"type": "http", "method": "POST", "path": "/", "headers": headers}))


def clicks(machine: Machine) -> dict[str, Any]:
    """Three clicks on a picture: looked at on the card once, and answered without it as a whole `Sam` does."""
    whole = sam.open_folder(TOY_SAM)
    record = next(each for each in RECORDS if each.id == "toy-sam")
    large = replace(record, id="large", at=TOY_SAM)  # what is bundled would need no card
    split: Any = catalog.spec_of(large, machine, HubCache.here(), TOY_SAM).load(lambda _: None)
    picture = Image.linear_gradient("L").resize((128, 128)).convert("RGB")
    picture.paste("red", (30, 30, 90, 90))
    far = 0.0
    for count in (1, 2, 3):
        points = tuple(Point(40.0 + 10 * each, 50.0, True) for each in range(count))
        request = MaskRequest(lambda: picture, "key", Size(128, 128), points=points)
        one, other = (each.run(request, lambda _: None) for each in (whole, split))
        far = max(far, float(np.abs(one.logits - other.logits).max()))
    split.close()
    return {"far": far}


def stopped(lender: zero_gpu.Lender, count: Path) -> dict[str, Any]:
    """Stop, an error, a bug and a quota that is used up: each a sentence, and the next one works."""
    model = lender.lend("endless", Endless(count))
    said: list[str] = []

    def stop(progress: Progress) -> None:
        if progress.step == 3:
            raise InterruptedError

    for prompt in ("endless", "no", "bug", "one step"):
        request = ImageRequest(prompt, Size(64, 64), 1, 4, 1.0, late=lambda _: None)
        try:
            model.run(request, stop)
            said.append("done")
        except (InterruptedError, StudioError) as error:
            said.append(str(error) or "stopped")
    print("refuse", flush=True)  # whoever reads this has the scheduler refuse the next
    sys.stdin.readline()
    try:
        model.run(ImageRequest("one step", Size(64, 64), 1, 4, 1.0), stop)
    except StudioError as error:
        said.append(str(error))
    return {"said": said, "begun": count.read_text().split(), "threads": threading.active_count()}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
