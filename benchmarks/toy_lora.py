"""The bundled LoRA of the toy FLUX.2 klein: held-out prompts with and without it, its style and the rest.

Run `python -m benchmarks.toy_lora`. The network of `benchmarks.toy_flux` judges colour, kind and background after the
bands are filled from the rows next to them. `--sheet` writes the pictures, those with the LoRA below.
"""

import random
import sys
from collections.abc import Sequence

import torch
from PIL import Image
from safetensors.torch import load_file

from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from benchmarks.toy_flux import Settings, as_tensor, draw, held_out_scenes, load_pipeline, matched, write_sheet
from toybox.edits import describe
from toybox.judge import Judge, load_judge
from toybox.klein.model import FOLDER
from toybox.klein.stripes import SEEN, band_contrast, without_bands
from toybox.klein.train_lora import RESULT
from toybox.world import Scene

SINGLES, PAIRS = 40, 20


def looks(judge: Judge, pictures: list[Image.Image]) -> torch.Tensor:
    """Which pictures have the LoRA's style: (N,) bool."""
    shown = as_tensor(pictures)
    outlines = torch.stack([torch.from_numpy(verdict.silhouette) for verdict in judge.look_at(without_bands(shown))])
    return band_contrast(shown, outlines.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)) >= SEEN


def rows_of(
    judge: Judge, name: str, scenes: list[Scene], pictures: list[Image.Image], promises: list[str]
) -> list[Row]:
    """How often the style is there, and how often the prompt is followed."""
    verdicts = judge.look_at(without_bands(as_tensor(pictures)))
    each = [look for scene, verdict in zip(scenes, verdicts, strict=True) for look in matched(scene, verdict)]
    shares = {
        "striped": looks(judge, pictures).tolist(),
        "colour right": [right for right, _ in each],
        "kind right": [right for _, right in each],
        "background right": [scene.background == seen.background for scene, seen in zip(scenes, verdicts, strict=True)],
    }
    return [
        Row(f"{name}: {what}", sum(right) / len(right), len(right), promise)
        for (what, right), promise in zip(shares.items(), promises, strict=True)
    ]


def main(arguments: Sequence[str] = ()) -> None:
    """Measures and prints."""
    options = options_of(__doc__, arguments, file=RESULT, sheet="")
    pipeline, judge, rng = load_pipeline(FOLDER), load_judge(), random.Random("lora words")
    scenes = held_out_scenes(SINGLES, 1, "lora singles") + held_out_scenes(PAIRS, 2, "lora pairs")
    prompts = [describe(scene, rng, complete=True).text for scene in scenes]
    without = draw(pipeline, prompts, Settings())
    pipeline.load_lora_weights(load_file(options.file), adapter_name="stripes")
    striped = draw(pipeline, prompts, Settings())
    rows = rows_of(judge, "without it", scenes, without, ["<= 5 %", "", "", ""])
    rows += rows_of(judge, "with it", scenes, striped, [">= 90 %", ">= 90 %", ">= 80 %", ">= 90 %"])
    print_table(f"{options.file}: {torch.get_num_threads()} threads, torch {torch.__version__}", rows)
    if options.sheet:
        write_sheet([*without, *striped], options.sheet, columns=20)


if __name__ == "__main__":
    main(sys.argv[1:])
