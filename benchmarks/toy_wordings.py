"""Whether the bundled toy FLUX.2 klein understands held-out wordings: `python -m benchmarks.toy_wordings`.

The templates are those that `toybox/wordings.py` holds out; scenes and edits are held out as in `toy_flux`.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import replace

import torch

from benchmarks.options import options_of
from benchmarks.table import print_table
from benchmarks.toy_flux import (
    Settings,
    draw,
    drawing_rows,
    edit_rows,
    held_out_edits,
    held_out_scenes,
    load_pipeline,
    redraw,
    write_sheet,
)
from toybox.captions import Phrase
from toybox.edits import Edit, describe
from toybox.judge import load_judge
from toybox.klein.model import FOLDER
from toybox.wordings import reword
from toybox.world import Scene

SINGLES, PAIRS, EDITS = 120, 50, 60


def other_caption(scene: Scene, rng: random.Random) -> str:
    """A complete caption of the scene in a held-out wording."""
    return reword(describe(scene, rng, complete=True).meaning, rng, "held out")


def other_instruction(edit: Edit, rng: random.Random) -> Edit:
    """The instruction for the same edit in a held-out wording."""
    meaning = edit.phrase.meaning
    return replace(edit, phrase=Phrase(reword(meaning, rng, "held out"), meaning))


def main(arguments: Sequence[str] = ()) -> None:
    """Measures and prints."""
    options = options_of(__doc__, arguments, folder=FOLDER, share=1.0, sheet="")
    pipeline, judge, rng = load_pipeline(options.folder), load_judge(), random.Random("benchmark wordings")
    singles, pairs, edits = (round(options.share * count) for count in (SINGLES, PAIRS, EDITS))
    scenes = held_out_scenes(singles, 1, "benchmark singles") + held_out_scenes(pairs, 2, "benchmark pairs")
    prompts = [other_caption(scene, rng) for scene in scenes]
    pictures = draw(pipeline, prompts, Settings())
    asked = [other_instruction(edit, rng) for edit in held_out_edits(edits, "benchmark edits")]
    rows = [*drawing_rows(judge, scenes, pictures), *edit_rows(judge, asked, redraw(pipeline, asked, Settings()))]
    print_table(f"{options.folder}: other wordings, {torch.get_num_threads()} threads, torch {torch.__version__}", rows)
    if options.sheet:
        write_sheet(pictures, options.sheet)


if __name__ == "__main__":
    main(sys.argv[1:])
