"""From the click on Generate to the finished picture on the page, compared with the model alone.

Run `python -m benchmarks.click_to_picture`. It uses the real app with the toy model in another process and a real
Chromium, alternating with the same request to the diffusers pipeline. Needs a Chromium (`python -m tests.browser
--install`).
"""

from __future__ import annotations

import os

if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is loaded, as app.py does

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from benchmarks.in_browser import opened_app, print_measured
from benchmarks.options import options_of
from benchmarks.table import Row, median_ms
from benchmarks.timing import seconds
from benchmarks.toy_flux import Settings, draw, load_pipeline
from pipelines.catalog import models
from studio.completion import completed
from studio.contract import GenerateRequest, ImageRequest, Model
from studio.imaging.generate_job import image_request
from studio.recipe import read_png
from toybox.klein.model import FOLDER

ROUNDS = 9
PROMPT = "a red ball on a grey background"
MODEL = "toy-klein"
# Measured in the page: from the click until the finished picture (previews are data URLs) is decoded. The answer has
# arrived when the picture's URL is set. `origin` is the zero of this clock in milliseconds since 1970.
_CLICK = """() => {
  const shown = () => document.querySelector("#stage .shown");
  const before = shown().getAttribute("src");
  const isThere = () => {
    const source = shown().getAttribute("src");
    return source && source !== before && !source.startsWith("data:");
  };
  const began = performance.now(), origin = performance.timeOrigin;
  window.clicked = null;
  document.querySelector("#generate").click();
  const watcher = new MutationObserver(async () => {
    if (!isThere()) return;
    watcher.disconnect();
    const answered = performance.now();
    await shown().decode();
    window.clicked = { origin, began, answered, drawn: performance.now(), address: shown().getAttribute("src") };
  });
  watcher.observe(document.querySelector("#stage"), { attributes: true, childList: true, subtree: true });
}"""


class Click(NamedTuple):
    """The phases of one click, in seconds."""

    begin: float  # until the model starts
    model: float  # the model in the app, including previews
    answer: float  # from its end until the page knows: saved, sent, received
    drawing: float  # until the picture is fetched and decoded

    @property
    def whole(self) -> float:
        return sum(self)


@dataclass(frozen=True)
class Times:
    """The same request in three ways, one of each per round, in seconds."""

    pipeline: list[float]  # only diffusers
    model: list[float]  # only our model, with previews
    clicks: list[Click]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    rounds = options_of(__doc__, arguments, rounds=ROUNDS).rounds
    title = f"Click to finished picture, {MODEL}, '{PROMPT}'"
    print_measured(title, lambda browser: rows(measure(browser, rounds)))


def rows(times: Times) -> list[Row]:
    """The rows of the table."""
    whole = [click.whole for click in times.clicks]
    around = statistics.median(whole) - statistics.median(times.pipeline)
    return [
        median_ms("the pipeline alone, p50", times.pipeline),
        median_ms("the model with its previews, alone, p50", times.model),
        median_ms("click to finished picture, p50", whole),
        Row("click - pipeline", 1000 * around, len(whole), "<= 100 ms, idle", "ms"),
        median_ms("of which click -> the model begins, p50", [click.begin for click in times.clicks]),
        median_ms("of which the model in the app, p50", [click.model for click in times.clicks]),
        median_ms("of which its end -> the page knows, p50", [click.answer for click in times.clicks]),
        median_ms("of which the page knows -> drawn, p50", [click.drawing for click in times.clicks]),
    ]


def measure(browser: Browser, rounds: int) -> Times:
    """Ask the pipeline, the model and the page in turn, without counting the first round."""
    request, model = loaded()
    pipeline = load_pipeline(FOLDER)
    settings = Settings(request.steps, request.guidance)
    times = Times([], [], [])
    with opened_app(browser) as (page, outputs):
        page.locator("#prompt textarea").fill(PROMPT)
        for _ in range(rounds + 1):
            times.pipeline.append(seconds(lambda: draw(pipeline, [request.prompt], settings)))
            times.model.append(seconds(lambda: model.run(request, lambda _progress: None)))
            times.clicks.append(click(page, outputs))
    return Times(times.pipeline[1:], times.model[1:], times.clicks[1:])


def click(page: Page, outputs: Path) -> Click:
    """Press Generate and wait for the picture; its recipe says when the model ran."""
    page.evaluate(_CLICK)
    told = page.wait_for_function("window.clicked").json_value()
    id = urlsplit(told["address"]).path.rpartition("/")[2]
    found = next(read_png(path) for path in (outputs / "images").glob(f"*_{id[:4]}*.png"))
    if found is None:
        raise ValueError(f"got a picture without a recipe, expected that of {id}")
    pressed, answered, drawn = ((told["origin"] + told[name]) / 1000 for name in ("began", "answered", "drawn"))
    ended, took = found.recipe.created, found.recipe.seconds
    return Click(ended - took - pressed, took, answered - ended, drawn - answered)


def loaded() -> tuple[ImageRequest, Model]:
    """The request that the page will make, and its model."""
    spec = next(spec for spec in models() if spec.id == MODEL)
    request = image_request(completed(GenerateRequest(PROMPT, seed=0), spec), spec, 0)
    return request, spec.load(lambda _progress: None)


if __name__ == "__main__":
    main(sys.argv[1:])
