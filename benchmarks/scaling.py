"""How far workers scale: the load of a job on the server, calculated, and a simulated day with many machines.

Run `python -m benchmarks.scaling`; with `--write` its tables replace those in docs/scaling.md, and `--most` leaves out
what has more jobs a day. The simulation has arrivals with a peak in the afternoon, pictures of varying duration, and
workers that die: their job waits for `names.ACK_WAIT_SECONDS` and starts again elsewhere. It is deterministic: the same
seed gives the same numbers anywhere.
"""

from __future__ import annotations

import heapq
import math
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.options import options_of
from workers import names

DAY = 86_400.0
PEAK = 2.0  # jobs in the busiest hour, relative to an average one
SECONDS = 20.0  # per picture, on average
SPREAD = 0.5  # standard deviation of their logarithms
DIES_EVERY = DAY / 4  # a worker, on average
RESTART_SECONDS = 60.0
PICTURE_MB, PREVIEW_KB, STEPS, RECORD_KB = 1.9, 30, 20, 6  # 1024 x 1024 as PNG; a record of presence with ten models
CHUNK_MB = 0.128  # of the object store
SAVE_SECONDS = 0.35  # of one core of the app, per picture: python -m benchmarks.save_path --sides 1024
SIZES = (
    (3, 5_000),
    (30, 50_000),
    (300, 500_000),
    (400, 1_000_000),
    (500, 1_000_000),
    (1000, 1_000_000),
)  # workers, jobs a day
PAGE = Path(__file__).parents[1] / "docs/scaling.md"


class Day(NamedTuple):
    """The result of a day."""

    workers: int
    jobs: int
    busy: float  # utilisation of the workers
    wait_p50: float  # seconds from the request to the start of the attempt that made the picture
    wait_p99: float
    most_waiting: int
    begun_again: int
    lost: int


class Load(NamedTuple):
    """The load on the server and the app at the peak of a day."""

    messages: float  # a second
    mb: float  # a second, in and out together
    presence_mb: float  # of which presence messages, to each app
    threads: float  # of the app, each waiting for a worker
    cores: float  # of the app, for writing files


def arrivals(jobs: int, chance: random.Random) -> Iterator[float]:
    """Sorted arrival times of this many jobs in a day, with the peak at three in the afternoon."""
    now, left = 0.0, jobs
    while left:
        now += chance.expovariate(jobs / DAY * PEAK)
        share = 1 + (PEAK - 1) * math.cos(2 * math.pi * (now / DAY - 15 / 24))
        if chance.random() * PEAK < share:
            left -= 1
            yield now


def simulate(workers: int, jobs: int, seed: int = 1) -> Day:
    """Simulate a day of one queue for all workers."""
    chance = random.Random(seed)
    free = [0.0] * workers  # when each is free again
    again: list[tuple[float, float, float]] = []  # ready, requested, seconds of a job whose worker died
    starts: list[float] = []
    waits: list[float] = []
    worked, begun_again, most_waiting = 0.0, 0, 0
    coming = arrivals(jobs, chance)
    wish = next(coming, None)
    middle = math.log(SECONDS) - SPREAD**2 / 2
    while wish is not None or again:
        if again and (wish is None or again[0][0] <= wish):
            ready, wished, seconds = heapq.heappop(again)
        else:
            assert wish is not None
            ready = wished = wish
            seconds, wish = chance.lognormvariate(middle, SPREAD), next(coming, None)
        start = max(ready, heapq.heappop(free))
        heapq.heappush(starts, start)
        while starts and starts[0] <= ready:
            heapq.heappop(starts)
        most_waiting = max(most_waiting, len(starts))
        until_death = chance.expovariate(1 / DIES_EVERY)
        if until_death < seconds:
            begun_again += 1
            worked += until_death
            died = start + until_death
            heapq.heappush(free, died + RESTART_SECONDS)
            heapq.heappush(again, (died + names.ACK_WAIT_SECONDS, wished, seconds))
            continue
        worked += seconds
        heapq.heappush(free, start + seconds)
        waits.append(start - wished)
    waits.sort()
    length = max(DAY, max(free))
    p50, p99 = (waits[min(len(waits) - 1, int(share * len(waits)))] for share in (0.5, 0.99))
    return Day(workers, jobs, worked / workers / length, p50, p99, most_waiting, begun_again, jobs - len(waits))


def load(workers: int, jobs: int) -> Load:
    """The calculated load at the peak: every message of a job counts once in and once out."""
    rate = PEAK * jobs / DAY
    at_work = min(rate * SECONDS, workers)
    chunks = math.ceil(PICTURE_MB / CHUNK_MB) + 1
    of_job = 2 * (2 + 2 * chunks + STEPS + 6) + SECONDS / names.HEARTBEAT_SECONDS
    presence = workers / names.PRESENCE_SECONDS
    idle = (workers - at_work) / 5  # idle workers ask again every five seconds
    mb = rate * (2 * PICTURE_MB + 2 * STEPS * PREVIEW_KB / 1e3) + 2 * presence * RECORD_KB / 1e3
    return Load(rate * of_job + 2 * presence + 2 * idle, mb, presence * RECORD_KB / 1e3, at_work, rate * SAVE_SECONDS)


def tables(sizes: Sequence[tuple[int, int]]) -> str:
    """Both tables as Markdown."""
    days = [simulate(*size) for size in sizes]
    lines = [
        "| workers | jobs a day | busy | wait, median | wait, 99 % | most waiting | begun again | lost |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {day.workers:,} | {day.jobs:,} | {day.busy:.0%} | {day.wait_p50:.1f} s | {day.wait_p99:.1f} s "
            f"| {day.most_waiting:,} | {day.begun_again:,} | {day.lost} |"
            for day in days
        ),
        "",
        "| workers | jobs a day | messages/s | MB/s by the server | presence | threads of the app | its cores |",
        "|---|---|---|---|---|---|---|",
    ]
    for workers, jobs in sizes:
        cost = load(workers, jobs)
        numbers = (
            f"{cost.messages:,.0f} | {cost.mb:,.1f} | {cost.presence_mb:,.2f} | {cost.threads:,.0f} | {cost.cores:.1f}"
        )
        lines.append(f"| {workers:,} | {jobs:,} | {numbers} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables, or write them to docs/scaling.md."""
    options = options_of(__doc__, arguments, write=False, most=10**6)
    written = tables([size for size in SIZES if size[1] <= options.most])
    print(f"\nScaling\n\n{written}")
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        marked = r"(<!-- made by python -m benchmarks.scaling --write -->\n).*?(\n<!-- end -->)"
        PAGE.write_text(re.sub(marked, lambda found: found[1] + written + found[2], page, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
