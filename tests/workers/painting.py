"""A worker, or an app, as a process of its own with a model without torch: `python -m tests.workers.painting ...`.

The model paints what the request says, so that a picture shows whether it was made from its own request.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from studio.contract import GenerateRequest, ImageRequest, ImageResult, ModelSpec, Progress, Tell
from studio.residents import Residents
from studio.service import Studio
from tests.studio.fakes import OWNER, picture, spec_of
from workers.connection import Connection, Server
from workers.remote import RemoteWorkers
from workers.worker import Worker, offered

MODEL = "painter"


class Painter:
    """Takes its time, in steps, and says so."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        if request.prompt == "poison":
            os.kill(os.getpid(), 9)
        if request.prompt == "broken":
            raise ArithmeticError("this model is broken")
        for step in range(5):
            tell(Progress(step, 5, f"in process {os.getpid()}", picture(request)))
            time.sleep(self._seconds / 5)
        image = request.references[0].rotate(180) if request.references else picture(request)
        return ImageResult(image, request.seed)

    def close(self) -> None:
        """Nothing is kept."""


def painter(seconds: float = 0.1, **changes: object) -> ModelSpec:
    return spec_of(Painter(seconds), MODEL, gpu_gb=0.0, **changes)


def connect(address: str, name: str = "test") -> Connection:
    return Connection(Server(address), name)


def work(address: str, seconds: float) -> None:
    connection = connect(address, "worker")
    worker = Worker(connection, offered([painter(seconds)]), Residents(1.0), "CPU")
    print("ready", flush=True)
    worker.wait()


def app(address: str, outputs: Path, count: int) -> None:
    """Ask for one picture after the other, `count` at once, until a file `enough` appears; then wait for the rest.

    What was queued is written down in a file `asked`, so that nobody can say later that it was not.
    """
    workers = RemoteWorkers(connect(address, "app"))
    studio = Studio([], outputs, workers=workers)
    said, enough = outputs / "asked", outputs / "enough"
    seed = len(said.read_text().split()) if said.exists() else 0
    with said.open("a") as asked:
        while (open_jobs := unfinished(studio)) or not enough.exists():
            if workers.models() and open_jobs < count and not enough.exists():
                job = studio.generate(OWNER, GenerateRequest("a picture", MODEL, seed=seed))
                print(job.id, file=asked, flush=True)
                seed += 1
            else:
                time.sleep(0.02)


def unfinished(studio: Studio) -> int:
    return sum(not job.is_over for job in studio.jobs(OWNER, limit=1))


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(sys.argv[2], float(sys.argv[3]))
    else:
        app(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
