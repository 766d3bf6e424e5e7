"""From the click on Generate to the finished picture on the page, minus what the model itself takes.

Run `python -m benchmarks.click_to_picture`. The real app with the toy model in a process of its own, a real Chromium,
and beside them the same request to the diffusers pipeline alone, in turn. Needs a Chromium (`python -m tests.browser
--install`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.table import Row, median_ms, print_table
from benchmarks.toy_flux import Settings, draw, load_pipeline
from pipelines.catalog import models
from studio.checks import completed
from studio.contract import GenerateRequest, ImageRequest, Model, Progress
from studio.pictures import image_request
from tests import browser as chromium
from tests.app_process import AppProcess
from toybox.klein.model import FOLDER

ROUNDS = 9
PROMPT = "a red ball on a grey background"
MODEL = "toy-klein"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
# The clock runs in the page: from the click until the finished picture (previews are data addresses) is decoded.
_CLICK = """async () => {
  const shown = () => document.querySelector("#stage .shown");
  const before = shown().getAttribute("src");
  const isThere = () => {
    const source = shown().getAttribute("src");
    return source && source !== before && !source.startsWith("data:");
  };
  const began = performance.now();
  document.querySelector("#generate").click();
  await new Promise((done) => {
    const watcher = new MutationObserver(() => { if (isThere()) { watcher.disconnect(); done(); } });
    watcher.observe(document.querySelector("#stage"), { attributes: true, childList: true, subtree: true });
  });
  await shown().decode();
  return performance.now() - began;
}"""


@dataclass(frozen=True)
class Times:
    """Seconds of the same request, three ways, one of each per round."""

    pipeline: list[float]  # diffusers alone
    model: list[float]  # with its previews
    click: list[float]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args(arguments).rounds
    path = chromium.find()
    if path is None:
        print("\nClick to picture: no Chromium here, nothing was measured (python -m tests.browser --install).")
        return
    with tempfile.TemporaryDirectory() as outputs, sync_playwright() as playwright:
        app = AppProcess(Path(outputs))
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            times = measure(browser, app.url, rounds)
        finally:
            browser.close()
            app.stop()
    print_table(f"Click to finished picture, {MODEL}, '{PROMPT}'", rows(times))


def rows(times: Times) -> list[Row]:
    """The table of these times."""
    around = statistics.median(times.click) - statistics.median(times.pipeline)
    previews = statistics.median(times.model) - statistics.median(times.pipeline)
    return [
        median_ms("the pipeline alone, p50", times.pipeline),
        median_ms("the model with its previews, p50", times.model),
        median_ms("click to finished picture, p50", times.click),
        Row("click - pipeline", 1000 * around, len(times.click), "<= 100 ms, idle", "ms"),
        Row("of which previews", 1000 * previews, len(times.click), unit="ms"),
    ]


def measure(browser: Browser, address: str, rounds: int) -> Times:
    """Ask the pipeline, the model and the page in turn; the first answer of each does not count."""
    request, model = loaded()
    pipeline = load_pipeline(FOLDER)
    settings = Settings(request.steps, request.guidance)
    page = opened(browser, address)
    ways: dict[str, Callable[[], object]] = {
        "pipeline": lambda: draw(pipeline, [request.prompt], settings),
        "model": lambda: model.run(request, _deaf),
        "click": lambda: page.evaluate(_CLICK),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds + 1):
        for way, ask in ways.items():
            began = time.perf_counter()
            answer = ask()
            times[way].append(answer / 1000 if isinstance(answer, float) else time.perf_counter() - began)
    return Times(**{way: taken[1:] for way, taken in times.items()})


def loaded() -> tuple[ImageRequest, Model]:
    """What the page will ask for, and the model that it asks."""
    spec = next(spec for spec in models() if spec.id == MODEL)
    request = image_request(completed(GenerateRequest(PROMPT, seed=0), spec), spec, 0)
    return request, spec.load(_deaf)


def opened(browser: Browser, address: str) -> Page:
    """The page, ready for the click."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(120_000)
    page.goto(address)
    page.locator("#stage .scene[data-told]").wait_for(state="attached")
    page.locator("#prompt textarea").fill(PROMPT)
    return page


def _deaf(_progress: Progress) -> None:
    """Nobody listens."""


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main(sys.argv[1:])
