"""Quality of the bundled toy VQGAN + CLIP: held-out prompts, judged by a network trained only on renderings, not CLIP.

Run `python -m benchmarks.vqgan_clip`. Prints a table, and the machine it ran on. `--sheet` also writes a contact sheet.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Sequence

from PIL import Image

from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from benchmarks.toy_flux import as_tensor, held_out_scenes, write_sheet
from pipelines.families.vqgan_clip import open_checkpoint
from pipelines.hub.cache import Checkpoint
from pipelines.plan import Means, Whole, plans
from studio.contract import ImageRequest, Size
from toybox.edits import describe
from toybox.judge import Verdict, load_judge
from toybox.klein.model import TRAINING_SIZE
from toybox.vqgan_clip.clip_lesson import is_held_out
from toybox.vqgan_clip.model import CLIP_FOLDER, VQGAN_FOLDER
from toybox.world import Scene

PROMPTS, STEPS, SEED = 40, 60, "vqgan clip benchmark"


def unseen(count: int) -> list[tuple[Scene, str]]:
    """Held-out combinations of kind, colour and background, every second one in a held-out
    wording."""
    rng = random.Random(SEED)
    found = []
    for index, scene in enumerate(held_out_scenes(count, 1, SEED)):
        while True:
            text = describe(scene, rng, complete=True).text
            if index % 2 == 0 or is_held_out(text):
                break
        found.append((scene, text))
    return found


def rows_of(scenes: Sequence[Scene], verdicts: Sequence[Verdict], seconds: Sequence[float], steps: int) -> list[Row]:
    """If the judge sees two objects, one of them may be the requested one; "alone" requires a single object."""
    pairs = [(scene.objects[0], verdict.objects) for scene, verdict in zip(scenes, verdicts, strict=True)]
    cases = {
        "right colour": ([any(s.colour == thing.colour for s in looks) for thing, looks in pairs], ">= 90 %"),
        "right background": ([s.background == v.background for s, v in zip(scenes, verdicts, strict=True)], ">= 85 %"),
        "kind recognised": ([any(s.kind == thing.kind for s in looks) for thing, looks in pairs], ">= 60 %"),
        "alone, right in kind and colour": (
            [[(s.kind, s.colour) for s in looks] == [(thing.kind, thing.colour)] for thing, looks in pairs],
            "",
        ),
    }
    rows = [Row(name, sum(right) / len(right), len(right), promise) for name, (right, promise) in cases.items()]
    promise = "<= 15 s" if steps == STEPS else ""
    return [*rows, Row(f"{steps} steps", statistics.median(seconds), len(seconds), promise, "s")]


def main(arguments: Sequence[str] = ()) -> None:
    """Draws, judges, measures and prints."""
    options = options_of(
        __doc__, arguments, vqgan=VQGAN_FOLDER, clip=CLIP_FOLDER, prompts=PROMPTS, steps=STEPS, sheet=""
    )
    checkpoint = Checkpoint(options.vqgan, "the toy", variant="toy", beside=options.clip)
    model = open_checkpoint(checkpoint, plans(Means(0, 0, 8, (0, 0)), Whole()))
    cases = unseen(options.prompts)
    pictures: list[Image.Image] = []
    seconds: list[float] = []
    for seed, (_, text) in enumerate(cases):
        began = time.perf_counter()
        request = ImageRequest(text, Size(TRAINING_SIZE, TRAINING_SIZE), seed, options.steps, 0.0)
        pictures.append(model.run(request, lambda _progress: None).image)
        seconds.append(time.perf_counter() - began)
    verdicts = load_judge().look_at(as_tensor(pictures))
    title = f"{options.vqgan} steered by {options.clip}: {options.steps} steps, unseen prompts"
    print_table(title, rows_of([scene for scene, _ in cases], verdicts, seconds, options.steps))
    if options.sheet:
        write_sheet(pictures, options.sheet, columns=8)


if __name__ == "__main__":
    main(sys.argv[1:])
