"""Quality of the bundled toy SAM 2: clicks and boxes on held-out scenes and clutter.

Run `python -m benchmarks.toy_sam`. Prints a table, and the machine it ran on. `--sheet` also writes a contact sheet.

Clicks follow the usual protocol: the first one on the point of the object farthest from its edge, every further one on
the point farthest inside the largest error, as a positive or negative click. After the first click, the mask is the
best of three by the scores of the app; after further clicks (with the previous logits) and for boxes, it is the single
mask.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from sam2.sam2_image_predictor import SAM2ImagePredictor

from benchmarks.options import options_of
from benchmarks.table import Row, median_ms, print_table
from benchmarks.timing import repeated
from pipelines.mask_scores import count_sureness
from studio.masks import overlap
from toybox.sam.clicks import deepest_point
from toybox.sam.clutter import sample_clutter
from toybox.sam.fills import Fields
from toybox.sam.model import FOLDER, WEIGHTS_NAME, load_model, predictor_for
from toybox.sam.pictures import MIN_SHARE
from toybox.world import render, sample_scene

SCENES, CLUTTERS, PICTURE_SIZE, MOST_CLICKS, TIMED, TIMED_SIZE = 80, 120, 256, 3, 9, 1024
_SEED = 20_261_121
_SMALL = 128
"""Every second toy picture has the size of the toy klein's pictures."""
_CLEARLY = 0.05
"""Masks whose IoU differs by less are equally good, and their order does not count."""


class Case(NamedTuple):
    """A target to select.

    Attributes:
        picture: its index; cases of one picture are consecutive.
        image: HWC uint8 RGB.
        mask: HW bool, ground truth.
    """

    picture: int
    image: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class Score:
    """The result for one case.

    Attributes:
        clicks: IoU after one, two, three clicks.
        best: IoU of the best of the three masks after one click.
        box: IoU with its box as prompt.
        ranked: for each pair of the three masks that clearly differ, whether the better one has the higher score.
        shown: HW bool, the mask after one click.
    """

    clicks: tuple[float, ...]
    best: float
    box: float
    ranked: tuple[bool, ...]
    shown: np.ndarray


def toy_cases(count: int) -> tuple[list[Case], list[Case]]:
    """The objects of held-out scenes, and the backgrounds of the same scenes."""
    rng = random.Random("benchmark toy sam")
    objects, backgrounds = [], []
    for picture in range(count):
        scene = sample_scene(rng, split="held out")
        rendering = render(scene, size=_SMALL if picture % 2 else PICTURE_SIZE)
        masks = [mask > 0 for mask in rendering.object_masks]
        objects += [Case(picture, rendering.image, mask) for mask in masks]
        backgrounds.append(Case(picture, rendering.image, rendering.mask == 0))
    return objects, backgrounds


def clutter_cases(count: int) -> tuple[list[Case], list[Case]]:
    """The whole things of held-out clutter, at most four per picture, and the backgrounds of the same pictures."""
    fields = Fields(seed=_SEED)
    things, backgrounds = [], []
    for picture in range(count):
        rng = np.random.default_rng([_SEED, picture])
        clutter = sample_clutter(rng, fields, PICTURE_SIZE, "held out")
        owner = clutter.things[clutter.regions]
        masks = [owner == thing for thing in rng.permutation(np.unique(owner[owner > 0]))]
        large = [mask for mask in masks if mask.mean() >= MIN_SHARE]
        things += [Case(picture, clutter.image, mask) for mask in large[:4]]
        if (owner == 0).mean() >= MIN_SHARE:
            backgrounds.append(Case(picture, clutter.image, owner == 0))
    return things, backgrounds


def score_cases(predictor: SAM2ImagePredictor, cases: list[Case]) -> list[Score]:
    """Scores every case."""
    scores, picture = [], None
    for case in cases:
        if case.picture != picture:
            predictor.set_image(case.image)
            picture = case.picture
        scores.append(score_case(predictor, case.mask))
    return scores


def score_case(predictor: SAM2ImagePredictor, wanted: np.ndarray) -> Score:
    """Scores one target in the predictor's picture."""
    points, labels = [deepest_point(wanted)[:2]], [1]
    masks, chances, logits = predictor.predict(np.array(points), np.array(labels), multimask_output=True)
    truths = [overlap(mask > 0, wanted) for mask in masks]
    chosen = int(chances.argmax())
    shown, earlier, clicks = masks[chosen] > 0, logits[chosen][None], [truths[chosen]]
    pairs = [(a, b) for a in range(3) for b in range(a) if abs(truths[a] - truths[b]) > _CLEARLY]
    after = shown
    for _ in range(MOST_CLICKS - 1):
        point, label = correction(wanted, after)
        points, labels = [*points, point], [*labels, label]
        masks, _, earlier = predictor.predict(
            np.array(points), np.array(labels), mask_input=earlier, multimask_output=False
        )
        after = masks[0] > 0
        clicks.append(overlap(after, wanted))
    masks, _, _ = predictor.predict(box=box_around(wanted), multimask_output=False)
    ranked = tuple(bool((chances[a] > chances[b]) == (truths[a] > truths[b])) for a, b in pairs)
    return Score(tuple(clicks), max(truths), overlap(masks[0] > 0, wanted), ranked, shown)


def correction(wanted: np.ndarray, found: np.ndarray) -> tuple[tuple[float, float], int]:
    """The next click, (x, y), and its label; a perfect mask is clicked in its middle."""
    missing, surplus = wanted & ~found, found & ~wanted
    if not missing.any() and not surplus.any():
        return deepest_point(wanted)[:2], 1
    more, less = deepest_point(missing), deepest_point(surplus)
    return (more[:2], 1) if more.depth >= less.depth else (less[:2], 0)


def box_around(mask: np.ndarray) -> np.ndarray:
    """The bounding box, x0, y0, x1, y1 in pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float32)


def rows_for(name: str, scores: list[Score], promises: tuple[str, str, str]) -> list[Row]:
    """The rows for one kind of picture."""
    count = len(scores)
    ranked = [right for score in scores for right in score.ranked]
    return [
        Row(f"{name}: one click, mean IoU", mean(score.clicks[0] for score in scores), count, promises[0]),
        Row(f"{name}: one click, best of three masks", mean(score.best for score in scores), count),
        Row(f"{name}: two clicks, mean IoU", mean(score.clicks[1] for score in scores), count),
        Row(f"{name}: three clicks, mean IoU", mean(score.clicks[2] for score in scores), count, promises[1]),
        Row(f"{name}: box, mean IoU", mean(score.box for score in scores), count, promises[2]),
        Row(f"{name}: pairs of masks ranked right", mean(ranked), len(ranked), ">= 85 %"),
    ]


def background_rows(name: str, scores: list[Score]) -> list[Row]:
    """Whether a click on the background selects it."""
    return [
        Row(f"{name}: background click, mean IoU", mean(score.clicks[0] for score in scores), len(scores)),
        Row(f"{name}: background selected", mean(score.clicks[0] > 0.5 for score in scores), len(scores), "always"),
    ]


def mean(values: Iterable[float]) -> float:
    """The mean of numbers or booleans; 0 for none."""
    listed = list(values)
    return sum(listed) / max(1, len(listed))


def time_rows(predictor: SAM2ImagePredictor) -> list[Row]:
    """Times of encoding and clicking on a large picture."""
    image = np.asarray(Image.fromarray(toy_cases(1)[0][0].image).resize((TIMED_SIZE, TIMED_SIZE)))
    middle, label = np.array([[TIMED_SIZE / 2, TIMED_SIZE / 2]]), np.array([1])
    encode = repeated(lambda: predictor.set_image(image), TIMED)
    click = repeated(lambda: predictor.predict(middle, label, multimask_output=True), TIMED)
    return [
        median_ms(f"encode {TIMED_SIZE} x {TIMED_SIZE}", encode, "<= 400 ms"),
        median_ms(f"click, three masks of {TIMED_SIZE} x {TIMED_SIZE}", click, "<= 30 ms"),
    ]


def write_sheet(cases: list[Case], scores: list[Score], path: Path, columns: int = 12, side: int = 160) -> None:
    """Writes the mask after one click on each case, worst first: the selection keeps its colours, the click is red."""
    order = sorted(range(len(cases)), key=lambda index: scores[index].clicks[0])
    sheet = Image.new("RGB", (columns * side, -(-len(cases) // columns) * side))
    for place, index in enumerate(order):
        case = cases[index]
        image = np.where(scores[index].shown[..., None], case.image, case.image // 5 + 20).astype(np.uint8)
        x, y = (int(value) for value in deepest_point(case.mask)[:2])
        image[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = (255, 0, 0)
        tile = Image.fromarray(image).resize((side, side))
        sheet.paste(tile, (place % columns * side, place // columns * side))
    sheet.save(path)


def main(arguments: Sequence[str] = ()) -> None:
    """Measures and prints."""
    options = options_of(__doc__, arguments, folder=FOLDER, scenes=SCENES, clutters=CLUTTERS, sheet="")
    if not (options.folder / WEIGHTS_NAME).exists():
        sys.exit(f"There is no model in {options.folder}: train one with python -m toybox.sam.train.")
    model = load_model(options.folder)
    count_sureness(model.sam_mask_decoder)
    predictor = predictor_for(model)
    objects, toy_backgrounds = toy_cases(options.scenes)
    things, backgrounds = clutter_cases(options.clutters)
    object_scores, thing_scores = score_cases(predictor, objects), score_cases(predictor, things)
    rows = [
        *rows_for("toy", object_scores, (">= 92 %", ">= 96 %", ">= 95 %")),
        *background_rows("toy", score_cases(predictor, toy_backgrounds)),
        *rows_for("clutter", thing_scores, (">= 80 %", ">= 90 %", ">= 88 %")),
        *background_rows("clutter", score_cases(predictor, backgrounds)),
        *time_rows(predictor),
    ]
    size = predictor.model.image_size
    print_table(f"{options.folder}: {size} x {size}, {torch.get_num_threads()} threads", rows)
    if options.sheet:
        write_sheet([*objects, *things], [*object_scores, *thing_scores], options.sheet)


if __name__ == "__main__":
    main(sys.argv[1:])
