"""Kill -9 workers, the app and the NATS server at random, and look at what became of the jobs.

`python -m tests.workers.storm FOLDER ROUNDS SEED` prints what is wrong, and last how often it killed whom.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from PIL import Image

from studio.service import Studio
from tests.patience import wait_until
from tests.studio.fakes import OWNER
from tests.workers.nats_server import NatsServer

ROOT = Path(__file__).parents[2]
AT_ONCE = 6  # jobs that the app has asked for and not got
SECONDS = 0.15  # of a picture


class Program:
    """A process that is started again after it was killed."""

    def __init__(self, *arguments: object) -> None:
        self._command = [sys.executable, "-W", "error", "-m", "tests.workers.painting", *map(str, arguments)]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def storm(folder: Path, rounds: int, seed: int) -> tuple[list[str], Counter[str]]:
    """What is wrong after so many kills; nothing, if all is well."""
    chance = random.Random(seed)
    outputs = folder / "outputs"
    outputs.mkdir()
    server = NatsServer(folder / "jetstream")
    workers = [Program("work", server.address, SECONDS) for _ in range(2)]
    app = Program("app", server.address, outputs, AT_ONCE)
    killed: Counter[str] = Counter()
    try:
        for _ in range(rounds):
            before = pictures(outputs)
            wait_until(lambda before=before: pictures(outputs) > before)  # there is work to disturb
            time.sleep(chance.uniform(0, 2 * SECONDS))
            name, victim = chance.choice([("worker", each) for each in workers] + [("app", app), ("server", server)])
            victim.kill()
            killed[name] += 1
            victim.start()
        (outputs / "enough").touch()
        wait_until(lambda: app.process.poll() is not None)
        ended = app.process.wait()
        return [*([f"the app ended with {ended}"] if ended else []), *complaints(outputs)], killed
    finally:
        for each in (*workers, app, server):
            each.kill()


def pictures(outputs: Path) -> int:
    return len([*outputs.glob("images/*.png")])


def complaints(outputs: Path) -> list[str]:
    """Of jobs that were lost, or have no result of their own, or more than one."""
    studio = Studio([], outputs, resume=False)
    jobs = {job.id: job for job in studio.jobs(OWNER, limit=10_000)}
    wrong = [f"job {id} was queued and is lost" for id in (outputs / "asked").read_text().split() if id not in jobs]
    for job in jobs.values():
        if job.state != "done" or len(job.assets) != 1:
            wrong.append(f"job {job.id} is {job.state} with {len(job.assets)} pictures: {job.error}")
            continue
        asset = studio.asset(OWNER, job.assets[0])
        with Image.open(studio.path(OWNER, asset.id)) as image:
            if image.getpixel((0, 0)) != ((asset.seed or 0) % 256, (asset.seed or 0) // 256, 77):
                wrong.append(f"job {job.id} got the picture of another one")
    if len(jobs) != pictures(outputs):
        wrong.append(f"{len(jobs)} jobs have {pictures(outputs)} pictures")
    studio.close()
    return wrong


if __name__ == "__main__":
    found, times = storm(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(*found, f"killed {dict(times)}", sep="\n")
    sys.exit(bool(found))
