"""Kill a studio while it makes and takes in splats, and look at what the next start makes of it; see `crashing`.

Run by `test_crash.py`, not by pytest.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from studio.library.assets import Asset
from studio.service import Studio
from studio.solid.contract import SolidRequest
from studio.splats.any_format import read_splat
from studio.splats.formats.ply import write_ply
from tests.studio.crashing import LineCounter, child
from tests.studio.fakes import OWNER, finished
from tests.studio.library.test_store import index
from tests.studio.turning_fake import FakeSplats, ball, disc_png, turning_specs

Say = Callable[[str, object], None]
UPLOAD = write_ply(ball(40))


def open_studio(outputs: Path) -> Studio:
    return Studio(turning_specs(splats=FakeSplats(count=60)), outputs)


def work(outputs: Path, say: Say, counter: LineCounter) -> None:
    """An object, one job for its views and the splat of them, and an upload that goes into the trash and comes back."""
    threading.settrace(counter.trace)
    studio = open_studio(outputs)
    visitor = threading.Thread(target=visit, args=(studio, say))
    visitor.start()
    visitor.join()
    say("lines", counter.lines)
    studio.close()


def visit(studio: Studio, say: Say) -> None:
    disc = studio.take_in(OWNER, disc_png(), "disc.png").id
    say("object", disc)
    job = studio.solids.make(OWNER, SolidRequest(disc, seed=1))
    say("job", job.id)
    say("kept", finished(studio, job).assets)
    upload = studio.splats.take_in(OWNER, UPLOAD, "ball.ply").id
    say("kept", [upload])
    studio.delete(OWNER, [upload])
    studio.restore(OWNER, [upload])


def look(outputs: Path, say: Say) -> None:
    """The next start: jobs run to their end, and every file can be read."""
    studio = open_studio(outputs)
    for view in studio.jobs(OWNER, limit=20):
        job = finished(studio, view)
        say("found", [job.id, job.state, [studio.asset(OWNER, id).index for id in job.assets]])
    for asset in everything(studio):
        if asset.kind == "splat":
            read_splat(studio.path(OWNER, asset.id))
        say("there", asset.id)
        studio.thumbnail(OWNER, asset.id)
    say("upload", studio.splats.take_in(OWNER, UPLOAD, "ball.ply").id)
    names = sorted(asset.name for asset in everything(studio))
    files = sorted(path.name for folder in ("images", "splats") for path in (outputs / folder).iterdir())
    say("same files", files == names and not list((outputs / "trash").iterdir()))
    before = index(outputs)
    studio.rebuild()
    say("same index", index(outputs) == before)
    studio.close()


def everything(studio: Studio) -> list[Asset]:
    """What is in the gallery, and the views, which are in it only when they are asked for."""
    return [asset for kind in ("", "view") for asset in studio.gallery(OWNER, kind=kind, limit=200).assets]


def complaints(worked: dict[str, list], found: dict[str, list]) -> list[str]:
    """What is wrong after a crash and the next start; nothing, if all is well."""
    wrong = [f"error: {error}" for error in worked.get("error", []) + found.get("error", [])]
    ends = {id: (state, indexes) for id, state, indexes in found.get("found", [])}
    for id in worked.get("job", []):
        if ends.get(id) != ("done", [0, 1, 2, 3, 4]):
            wrong.append(f"the job ended as {ends.get(id)}")
    there = [*found.get("there", []), *found.get("upload", [])]
    kept = [id for ids in worked.get("kept", []) for id in ids] + worked.get("object", [])
    wrong += [f"the acknowledged {id} is not there" for id in kept if id not in there]
    wrong += [f"{what}: no" for what in ("same files", "same index") if found.get(what) != [True]]
    return wrong


def main(outputs: Path, points: int) -> None:
    folder = outputs / "whole"
    whole = child(lambda say: work(folder, say, LineCounter(None)))
    for complaint in complaints(whole, child(lambda say: look(folder, say))):
        print(f"nobody killed: {complaint}")
    (lines,) = whole["lines"]
    killed = 0
    for number in range(points):
        folder = outputs / f"point-{number}"
        counter = LineCounter(1 + number * lines // points)
        worked = child(lambda say, folder=folder, counter=counter: work(folder, say, counter))
        found = child(lambda say, folder=folder: look(folder, say))
        for complaint in complaints(worked, found):
            print(f"killed in {folder}: {complaint}")
        killed += "lines" not in worked
    print(f"killed {killed}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), points=int(sys.argv[2]))
