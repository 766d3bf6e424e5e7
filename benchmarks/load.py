"""Many concurrent visitors on all four tabs, over HTTP: nothing is lost, duplicated, mixed up or leaked.

Run `python -m benchmarks.load --visitors 200 --jobs 50` (`make soak` does). The server is another process whose models
answer instantly, so that only Diorama is measured. Then thousands of sessions never read their answers, and hundreds of
open pages stay idle. Memory, threads and files are read from /proc: Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from PIL import Image

from benchmarks.load_server import colour_of
from benchmarks.memory_per_call import LIMITS, resident_kb
from benchmarks.start_up import cpu_seconds
from benchmarks.table import Row, median_ms, print_table
from tests.app_process import ROOT
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port

TABS = ("generate", "iterate", "segment", "generate", "3d", *("generate", "iterate") * 10)
"""The repeated actions of a visitor; a splat with its views costs as much as ten pictures."""
WATCHED_SECONDS = 25
"""Seconds between two polls of an idle page: ui/shared/scripts/watcher.js."""


class Held(NamedTuple):
    """The resources of a process."""

    kb: int
    threads: int
    files: int
    cpu_seconds: float

    @classmethod
    def by(cls, pid: int) -> Held:
        """Source: proc(5)."""
        threads, files = (len(os.listdir(f"/proc/{pid}/{each}")) for each in ("task", "fd"))
        return cls(resident_kb(pid), threads, files, cpu_seconds(pid) or 0.0)


@dataclass
class Outcome:
    """The results of a run."""

    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # per request
    half: Held | None = None
    whole: Held | None = None
    idle_share: float = 0.0  # of a core, for idle pages


class Visits:
    """All visitors; `ids` are those of all their assets."""

    def __init__(self, url: str, visitors: int) -> None:
        self.url, self.outcome = url, Outcome()
        self.ids = {f"visitor-{number:04}": list[str]() for number in range(visitors)}
        self._newest = dict[str, str]()
        self._objects = dict[str, str]()
        self._left = ""  # an abandoned job

    async def work(self, numbers: range) -> None:
        """All visitors run these jobs concurrently, each one after the other."""
        async with self._client() as http:

            async def visit(name: str) -> None:
                for number in numbers:
                    begun = time.perf_counter()
                    await self._job(http, name, number)
                    self.outcome.seconds.append(time.perf_counter() - begun)

            await asyncio.gather(*map(visit, self.ids))

    async def look(self) -> None:
        """Each visitor has all their assets exactly once, and none of another's."""
        owners = Counter(id for ids in self.ids.values() for id in ids)
        self.outcome.wrong += [f"{id} was given {times} times" for id, times in owners.items() if times > 1]
        async with self._client() as http:
            for name, given in self.ids.items():
                kept = {one["id"]: one for one in await self._gallery(http, name)}
                lost = {*given} - kept.keys()
                foreign = kept.keys() & (owners.keys() - {*given})
                titles = Counter(one["prompt"] for one in kept.values() if one["kind"] == "image")
                twice = [title for title, times in titles.items() if times > 1 and title.startswith("visitor")]
                if lost or foreign or twice:
                    self.outcome.wrong.append(f"{name} lost {lost}, has {foreign} of others and {twice} twice")
                answer = await http.get(f"diorama/picture/{self._newest[name]}", headers={"X-Diorama-Token": name})
                with Image.open(io.BytesIO(answer.content)) as image:
                    seen = image.convert("RGB").getpixel((image.width - 1, 1))
                if seen != colour_of(name):
                    self.outcome.wrong.append(f"{name} was given a picture in {seen}")

    async def leave(self) -> None:
        """A visitor asks for a picture and leaves."""
        async with self._client() as http:
            event = await self._begin(http, "generate", token="late", prompt="late asks for 1", wait=False)
            self._left = (await self._end(http, "generate", event))["id"]

    async def come_back(self, sessions: int) -> None:
        """The abandoned picture is there after this many more sessions that never read their answers."""
        async with self._client() as http:
            room = asyncio.Semaphore(20)

            async def come(number: int) -> None:
                async with room:
                    await self._begin(http, "cancel", token=f"guest {number}", job_id="0" * 32)

            await asyncio.gather(*map(come, range(sessions)))
            told = await self._end(http, "job", await self._begin(http, "job", token="late", job_id=self._left))
            if (told["state"], len(told["pictures"])) != ("done", 1):
                self.outcome.wrong.append(f"the late answer is {told}")

    async def rest(self, pid: int, pages: int, seconds: float) -> None:
        """This many idle pages ask once and wait this long, as they do every `WATCHED_SECONDS`."""
        async with self._client() as http:

            async def watch(number: int, wait: float, since: int | None) -> int:
                headers = {"X-Diorama-Token": f"page {number}"}
                asked = {"since": since, "pictures": "", "wait": wait}
                return (
                    (await http.post("diorama/watch", json=asked, headers=headers)).raise_for_status().json()["pulse"]
                )

            pulses = await asyncio.gather(*(watch(number, 0, None) for number in range(pages)))
            before = Held.by(pid).cpu_seconds
            await asyncio.gather(*(watch(number, seconds, pulse) for number, pulse in enumerate(pulses)))
            self.outcome.idle_share = (Held.by(pid).cpu_seconds - before) / WATCHED_SECONDS

    def _client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None, keepalive_expiry=LIMITS.keepalive_expiry)
        return httpx.AsyncClient(base_url=self.url, timeout=10 * PATIENCE_SECONDS, limits=limits)

    async def _job(self, http: httpx.AsyncClient, name: str, number: int) -> None:
        asked: dict[str, Any] = {"token": name}
        match tab := TABS[number % len(TABS)]:
            case "generate":
                endpoint, asked["prompt"] = "generate", f"{name} asks for {number}"
            case "iterate":
                endpoint, asked["picture_id"], asked["instruction"] = "iterate", self._newest[name], f"{number}"
            case "segment":
                endpoint, asked["picture_id"], asked["points"] = "keep_object", self._newest[name], [[40, 40]]
            case _:
                endpoint, asked["object_id"] = "splat", self._objects[name]
        answer = await self._end(http, endpoint, await self._begin(http, endpoint, **asked))
        made = [answer["object"]] if tab == "segment" else answer["pictures"]
        if tab != "segment" and (answer["state"], len(made)) != ("done", 1):
            self.outcome.wrong.append(f"{name}, {number}, {tab}: {answer}")
        if tab == "generate" and made[0]["prompt"] != asked["prompt"]:
            self.outcome.wrong.append(f"{name} was given {made[0]['prompt']}")
        self.ids[name] += [one["id"] for one in made]
        if tab in ("generate", "iterate"):
            self._newest[name] = made[0]["id"]
        if tab == "segment":
            self._objects[name] = made[0]["id"]

    async def _gallery(self, http: httpx.AsyncClient, name: str) -> list[dict[str, Any]]:
        pictures, after = list[dict[str, Any]](), ""
        while True:
            page = await self._end(
                http, "gallery", await self._begin(http, "gallery", token=name, limit=200, after=after)
            )
            pictures, after = pictures + page["pictures"], page["next"]
            if not after:
                return pictures

    @staticmethod
    async def _begin(http: httpx.AsyncClient, endpoint: str, **asked: Any) -> str:
        return (await http.post(f"gradio_api/call/v2/{endpoint}", json=asked)).raise_for_status().json()["event_id"]

    @staticmethod
    async def _end(http: httpx.AsyncClient, endpoint: str, event: str) -> Any:
        told = (await http.get(f"gradio_api/call/{endpoint}/{event}")).text.strip().rpartition("\n\n")[2]
        kind, _, data = told.partition("\ndata: ")
        if kind != "event: complete":
            raise AssertionError(f"{endpoint} was answered with {told[:300]}")
        return json.loads(data)[0]


def run(url: str, pid: int, *, visitors: int, jobs: int, sessions: int, pages: int, seconds: float) -> Outcome:
    """Run everything against a server in another process."""
    visits = Visits(url, visitors)
    asyncio.run(visits.leave())
    asyncio.run(visits.work(range(jobs // 2)))
    visits.outcome.half = Held.by(pid)
    asyncio.run(visits.work(range(jobs // 2, jobs)))
    visits.outcome.whole = Held.by(pid)
    asyncio.run(visits.look())
    asyncio.run(visits.come_back(max(0, sessions - visitors * jobs)))
    asyncio.run(visits.rest(pid, pages, seconds))
    return visits.outcome


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int]]:
    """Address and process id of an open server with the instant models."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load_server", folder, str(port)],
        cwd=ROOT,
        env=os.environ | {"MALLOC_ARENA_MAX": "2"},  # less fragmentation over threads, which would look like a leak
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout
        if not process.stdout.readline():
            sys.exit("Diorama serves no page.")
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.kill()
        process.communicate()


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("visitors", 20), ("jobs", 50), ("sessions", 2_100), ("pages", 300)):
        parser.add_argument(f"--{name}", type=int, default=count)
    options = parser.parse_args(arguments)
    sizes = {name: getattr(options, name) for name in ("visitors", "jobs", "sessions", "pages")}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (url, pid):
        outcome = run(url, pid, **sizes, seconds=WATCHED_SECONDS)
    assert outcome.half
    assert outcome.whole
    done, half = options.visitors * options.jobs, outcome.half
    later = options.visitors * (options.jobs - options.jobs // 2)
    print_table(
        f"{options.visitors} visitors, {options.jobs} jobs each, {options.sessions} sessions",
        [
            Row("lost, made twice or another's", len(outcome.wrong), done, "0", ""),
            median_ms("from a request to its answer", outcome.seconds),
            Row("memory of a job, second half", (outcome.whole.kb - half.kb) / later, later, "< 20", "KB"),
            Row("threads more than at half time", outcome.whole.threads - half.threads, later, "0", ""),
            Row("files more than at half time", outcome.whole.files - half.files, later, "0", ""),
            Row(
                "processor of a page at rest, all together",
                100 * outcome.idle_share,
                options.pages,
                "< 5",
                "% of a core",
            ),
        ],
    )
    if outcome.wrong:
        sys.exit("\n".join(outcome.wrong[:20]))


if __name__ == "__main__":
    main(sys.argv[1:])
