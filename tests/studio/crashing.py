"""Kill a studio at many instants and look at what the next start makes of it. Run by `test_crash.py`, not by pytest.

Each round forks twice from a process without threads: the first child works and dies of SIGKILL, the second one opens
the same folder, lets the jobs end, and writes down what it found. "At line N" counts the lines the lane's thread
executes in the modules that write, so every instant between two statements can be met; "after T seconds" also meets
those inside a system call.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from PIL import Image

from studio.contract import ImageRequest, ImageResult, IterateRequest, Stroke, Task, Tell
from studio.intake.picture import read_picture
from studio.recipe import png_text
from studio.service import Studio
from tests.studio.fakes import OWNER, FakeModel, ask, finished, spec_of
from tests.studio.library.test_store import index
from tests.studio.pictures_in import corners, saved
from tests.studio.recipe.test_recipe import RECIPE

WRITING = (
    "store.py",
    "assets.py",
    "files.py",
    "ledger.py",
    "database.py",
    "jobs.py",
    "generate_job.py",
    "saving.py",
    "annotations.py",
    "uploads.py",
)
SAVING = (
    "take_in",
    "save",
    "_keep",
    "_enter",
    "write_temporary",
    "sync_folder",
    "_take_name",
    "transaction",
    "insert",
    "star",
    "_move",
)
"""The functions in which a file gets its place and its row."""
COUNTS = (2, 1)  # pictures of two jobs; a third one changes an upload
UPLOADS = (
    saved(corners(), "JPEG"),
    saved(corners(), "PNG", pnginfo=png_text(RECIPE)),  # another Diorama's, with a parent
)


def open_studio(outputs: Path) -> Studio:
    tasks = frozenset({Task.GENERATE, Task.ITERATE})
    return Studio([spec_of(FakeModel(steps=2), tasks=tasks, references=1)], outputs)


class LineCounter:
    """Counts executed lines of the writing modules in every thread but the main one; kills the process at one."""

    def __init__(self, deadly: int | None) -> None:
        self.lines = 0
        self.deadly = deadly
        self.instants: dict[tuple[str, int], int] = {}  # the count when a line of SAVING was executed first

    def trace(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        file = frame.f_code.co_filename
        if not _writes(file):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            if frame.f_code.co_name in SAVING:
                self.instants.setdefault((os.path.basename(file), frame.f_lineno), self.lines)
        return self.trace


@cache
def _writes(file: str) -> bool:
    """Asked at every call of a function."""
    path = Path(file)
    return path.parent.parent.name == "studio" and path.name in WRITING


def bring(studio: Studio, say: Callable[[str, object], None]) -> None:
    """Uploads, and what people do with them; says what was acknowledged."""
    ids = []
    for number, file in enumerate(UPLOADS):
        ids.append(studio.take_in(OWNER, file, f"upload {number}.png").id)
        say("upload", [number, ids[-1]])
    studio.star(OWNER, ids[0], True)
    say("star", ids[0])
    studio.delete(OWNER, [ids[1]])
    studio.take_in(OWNER, UPLOADS[1])  # out of the trash


def work(outputs: Path, say: Callable[[str, object], None], counter: LineCounter, *, with_jobs: bool = True) -> None:
    """Uploads and jobs; says what was acknowledged: a job once it is queued, assets once their job is over."""
    threading.settrace(counter.trace)
    studio = open_studio(outputs)
    visitor = threading.Thread(target=bring, args=(studio, say))
    visitor.start()
    visitor.join()
    jobs = [] if not with_jobs else [ask(studio, f"picture {count}", count=count) for count in COUNTS]
    if with_jobs:
        stroke = Stroke(((4.0, 4.0),), 2)
        source = studio.take_in(OWNER, UPLOADS[0]).id
        jobs.append(studio.iterate(OWNER, IterateRequest(source, "change 1", strokes=(stroke,))))
    for job in jobs:
        say("job", [job.id, job.pictures])
    for job in jobs:
        say("assets", finished(studio, job).assets)
    studio.close()
    say("lines", counter.lines)
    say("instants", sorted(counter.instants.values()))


def look(outputs: Path, say: Callable[[str, object], None]) -> None:
    """The next start: everything that was left runs to its end."""
    studio = open_studio(outputs)
    for view in studio.jobs(OWNER, limit=200):
        job = finished(studio, view)
        indexes = [studio.asset(OWNER, id).index for id in job.assets]
        say("found", [job.id, job.state, indexes])
    for asset in studio.gallery(OWNER, starred=True).assets:
        say("starred", asset.id)
    for number, file in enumerate(UPLOADS):
        asset = studio.take_in(OWNER, file)
        say("again", [number, asset.id])
        if read_picture(studio.path(OWNER, asset.id)).image.tobytes() != read_picture(file).image.tobytes():
            say("error", f"upload {number} is another picture now")
    say("uploads once", studio.count(OWNER, kind="upload") == len(UPLOADS))
    assets = studio.gallery(OWNER, limit=200).assets
    for asset in assets:
        with Image.open(studio.path(OWNER, asset.id)) as image:
            image.load()
        studio.thumbnail(OWNER, asset.id)
        say("decoded", asset.id)
    files = sorted(path.name for path in (outputs / "images").iterdir())
    say("same files", files == sorted(asset.name for asset in assets) and not list((outputs / "trash").iterdir()))
    before = index(outputs)
    studio.rebuild()
    say("same index", index(outputs) == before)
    studio.close()


def child(body: Callable[[Callable[[str, object], None]], None], kill_after: float | None = None) -> dict[str, list]:
    """Run in a forked process; returns what it said before it ended or died."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            body(lambda what, value: tell(writer, what, value))
        except BaseException as error:
            tell(writer, "error", repr(error))
        finally:
            os._exit(0)
    os.close(writer)
    if kill_after is not None:
        time.sleep(kill_after)  # the instant is the point
        os.kill(pid, signal.SIGKILL)
    said: dict[str, list] = {}
    with os.fdopen(reader, "rb") as pipe:
        for line in pipe:
            what, value = json.loads(line)
            said.setdefault(what, []).append(value)
    os.waitpid(pid, 0)
    return said


def tell(writer: int, what: str, value: object) -> None:
    os.write(writer, json.dumps([what, value]).encode() + b"\n")


def complaints(worked: dict[str, list], found: dict[str, list]) -> list[str]:
    """What is wrong after a crash and the next start; nothing, if all is well."""
    ends = {id: (state, indexes) for id, state, indexes in found.get("found", [])}
    wrong = [f"error: {error}" for error in worked.get("error", []) + found.get("error", [])]
    for id, pictures in worked.get("job", []):
        if ends.get(id) != ("done", list(range(pictures))):
            wrong.append(f"job {id} of {pictures} pictures ended as {ends.get(id)}")
    for id in (id for assets in worked.get("assets", []) for id in assets):
        if id not in found.get("decoded", []):
            wrong.append(f"the acknowledged picture {id} is not there")
    for number, id in worked.get("upload", []):
        if [number, id] not in found.get("again", []):
            wrong.append(f"the acknowledged upload {number} was {id}, now there are {found.get('again')}")
    wrong += [f"the star of {id} is gone" for id in worked.get("star", []) if id not in found.get("starred", [])]
    wrong += [f"{what}: no" for what in ("uploads once", "same files", "same index") if found.get(what) != [True]]
    return wrong


def main(outputs: Path, points: int, seed: int) -> None:
    whole = rehearse(outputs / "uploads", with_jobs=False)
    rounds = kill_at_lines(outputs / "uploads", whole["instants"][0], with_jobs=False)
    (lines,) = rehearse(outputs / "all", with_jobs=True)["lines"]
    chance = random.Random(seed)
    spread = [1 + int((number + chance.random()) * lines / points) for number in range(points)]
    rounds += kill_at_lines(outputs / "all", spread, with_jobs=True)
    for number in range(points):
        folder = outputs / f"time-{number}"
        after = chance.uniform(0.0, 0.25)
        worked = child(lambda say, folder=folder: work(folder, say, LineCounter(None)), kill_after=after)
        report(f"after {after:.4f} s", worked, child(lambda say, folder=folder: look(folder, say)))
        rounds += "lines" not in worked
    print(f"killed {rounds}")


def rehearse(outputs: Path, *, with_jobs: bool) -> dict[str, list]:
    """A round in which nobody dies."""
    whole = child(lambda say: work(outputs / "whole", say, LineCounter(None), with_jobs=with_jobs))
    assert not complaints(whole, child(lambda say: look(outputs / "whole", say))), whole
    return whole


def kill_at_lines(outputs: Path, deadly: list[int], *, with_jobs: bool) -> int:
    """A round for each of these lines; how many of them died."""
    rounds = 0
    for number in deadly:
        folder = outputs / f"line-{number}"
        counter = LineCounter(number)
        worked = child(lambda say, folder=folder, counter=counter: work(folder, say, counter, with_jobs=with_jobs))
        report(f"in {folder}", worked, child(lambda say, folder=folder: look(folder, say)))
        rounds += "lines" not in worked
    return rounds


def report(when: str, worked: dict[str, list], found: dict[str, list]) -> None:
    for complaint in complaints(worked, found):
        print(f"killed {when}: {complaint}")


class Deadly(FakeModel):
    """A model that takes its process with it."""

    def run(self, request: ImageRequest, tell: Tell) -> ImageResult:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


def die(outputs: Path) -> None:
    """Work on the job that is there, or on a new one."""
    studio = Studio([spec_of(Deadly())], outputs)
    jobs = studio.jobs(OWNER)
    finished(studio, jobs[0] if jobs else ask(studio, "deadly"))


if __name__ == "__main__":
    if sys.argv[1] == "die":
        die(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[2]), points=int(sys.argv[3]), seed=int(sys.argv[4]))
