"""Server memory that stays allocated after a sessionless call, a page load, and a `gradio_client`.

Run `python -m benchmarks.memory_per_call`. Each kind gets a new server, which first answers some requests, so that
one-time loading does not count. Then its resident memory is compared before and after. Linux only (/proc).
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from gradio_client import Client

from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from tests.app_process import AppProcess
from tests.patience import PATIENCE_SECONDS

FIRST, ALL = 500, 2_000
WARM_UP = 100
PROMISE = "< 20"
LIMITS = httpx.Limits(keepalive_expiry=1.0)
"""Connections are reused for less time than the server's keep-alive of 5 s."""


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = options_of(__doc__, arguments, first=FIRST, all=ALL, warm_up=WARM_UP)
    rest = options.all - options.first
    rows: list[Row] = []
    for name, ask in (("call over HTTP", call), ("page load", load), ("gradio_client", client)):
        with served() as (pid, url), httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, limits=LIMITS) as http:
            held = [resident_after(pid, ask, http, times) for times in (options.warm_up, options.first, rest)]
        first, next_ones = (held[1] - held[0]) / options.first, (held[2] - held[1]) / rest
        rows.append(Row(f"{name}: each of the first {options.first}", first, options.first, PROMISE, "KB"))
        rows.append(Row(f"{name}: each of the next {rest}", next_ones, rest, PROMISE, "KB"))
    print_table("Memory that calls leave behind", rows)


def call(http: httpx.Client) -> None:
    """A call as by curl: two requests, no session."""
    event = http.post("gradio_api/call/v2/models", json={}).raise_for_status().json()["event_id"]
    answer = http.get(f"gradio_api/call/v2/models/{event}").raise_for_status().text
    if "event: complete" not in answer:
        sys.exit(f"A call was answered with {answer[:200]}.")


def load(http: httpx.Client) -> None:
    """The requests of a browser that opens the page: the page, and its load events."""
    http.get("/").raise_for_status()
    session = secrets.token_hex(5)
    for number, values in arrivals(str(http.base_url)):
        body = {"fn_index": number, "session_hash": session, "data": values}
        http.post("gradio_api/run/predict", json=body).raise_for_status()


@cache
def arrivals(url: str) -> list[tuple[int, list[Any]]]:
    """The load events of the page, and their arguments."""
    config = httpx.get(f"{url}config", timeout=PATIENCE_SECONDS).raise_for_status().json()
    values = {each["id"]: each["props"].get("value") for each in config["components"]}
    browser = {each["id"] for each in config["components"] if each["props"].get("storage_key") == "diorama-visitor"}
    begun = [each["id"] for each in config["dependencies"] if any(target[1] == "load" for target in each["targets"])]
    after = [each for each in config["dependencies"] if each["trigger_after"] in begun and each["backend_fn"]]
    return [(each["id"], ["a" * 32 if id in browser else values[id] for id in each["inputs"]]) for each in after]


def client(http: httpx.Client) -> None:
    """A new `gradio_client` for one call."""
    opened = Client(str(http.base_url), verbose=False, download_files=False)
    opened.predict(api_name="/models")
    opened.close()


def resident_after(pid: int, ask: Callable[[httpx.Client], None], http: httpx.Client, times: int) -> int:
    """A server's resident memory in kilobytes after this many requests."""
    for _ in range(times):
        ask(http)
    return resident_kb(pid)


def resident_kb(pid: int) -> int:
    """A process's resident memory in kilobytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@contextmanager
def served() -> Iterator[tuple[int, str]]:
    """Process id and address of a Diorama with an empty gallery."""
    with tempfile.TemporaryDirectory() as outputs:
        app = AppProcess(Path(outputs), HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="")
        try:
            held = 0
            while held != (held := resident_kb(app.pid)):  # the first model is loaded in the background
                time.sleep(5)
            yield app.pid, app.url
        finally:
            app.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
