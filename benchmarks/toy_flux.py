"""Quality of the bundled toy FLUX.2 klein: held-out prompts and edits, judged by a network trained only on renderings.

Run `python -m benchmarks.toy_flux`. Prints a table, and the machine it ran on. `--sheet` also writes a contact sheet.
"""

import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import Flux2KleinPipeline
from PIL import Image
from torch import Tensor

from benchmarks.options import options_of
from benchmarks.table import Row, print_table
from benchmarks.timing import repeated
from studio.masks import overlap
from toybox.captions import SILENCE
from toybox.edits import Edit, describe, sample_edit
from toybox.judge import Judge, Look, Verdict, load_judge
from toybox.klein.autoencoder import decode, encode
from toybox.klein.flow import Batch
from toybox.klein.model import (
    FOLDER,
    GUIDANCE,
    MAX_SEQUENCE_LENGTH,
    PICTURE_SIZE,
    STEPS,
    TRAINING_SIZE,
    build_scheduler,
)
from toybox.klein.straighten import guided
from toybox.klein.text import hidden_states, tokenize
from toybox.words import BACKGROUNDS, COLOURS
from toybox.world import Scene, render, sample_scene

SINGLES, PAIRS, EDITS, RESTORED, COMPLETED, TIMED = 150, 50, 120, 64, 48, 9
BALLS = [f"a {colour} ball on a {background} background" for colour in COLOURS for background in BACKGROUNDS[::2]]
_BATCH = 25
_SAME_OUTLINE = 0.75
"""The judge's outlines of a rendering before and after recolouring overlap by 0.79 (white house) to 0.99."""


@dataclass(frozen=True)
class Settings:
    """The settings of the pipeline."""

    steps: int = STEPS
    guidance: float = GUIDANCE


def held_out_scenes(count: int, objects: int, seed: str) -> list[Scene]:
    """Scenes whose combination (one object) or pair (two objects) is in no training picture."""
    rng = random.Random(seed)
    return [sample_scene(rng, count=objects, split="held out") for _ in range(count)]


def held_out_edits(count: int, seed: str) -> list[Edit]:
    """Edits that lead to held-out scenes, two thirds with a single object."""
    rng = random.Random(seed)
    edits = []
    for index in range(count):
        source = sample_scene(rng, count=2 if index % 3 == 2 else 1, split="any")
        edits.append(sample_edit(source, rng, split="held out"))
    return edits


def draw(pipeline: Flux2KleinPipeline, prompts: list[str], settings: Settings) -> list[Image.Image]:
    """Generate one picture per prompt; the n-th always uses the n-th seed."""
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), _BATCH):
        block = prompts[start : start + _BATCH]
        seeds = [torch.Generator().manual_seed(start + offset) for offset in range(len(block))]
        pictures += pipeline(
            prompt=block,
            generator=seeds,
            height=PICTURE_SIZE,
            width=PICTURE_SIZE,
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance,
            max_sequence_length=MAX_SEQUENCE_LENGTH,
            return_dict=False,
        )[0]
    return pictures


def redraw(pipeline: Flux2KleinPipeline, edits: list[Edit], settings: Settings) -> list[Image.Image]:
    """Apply every edit to its rendered source."""
    pictures = []
    for index, edit in enumerate(edits):
        pictures += pipeline(
            image=Image.fromarray(render(edit.source, PICTURE_SIZE).image),
            prompt=edit.phrase.text,
            generator=torch.Generator().manual_seed(index),
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance,
            max_sequence_length=MAX_SEQUENCE_LENGTH,
            return_dict=False,
        )[0]
    return pictures


def drawing_rows(judge: Judge, scenes: list[Scene], pictures: list[Image.Image]) -> list[Row]:
    """How often colour, kind and background are as requested; every object counts."""
    verdicts = judge.look_at(as_tensor(pictures))
    singles = [pair for pair in zip(scenes, verdicts, strict=True) if len(pair[0].objects) == 1]
    doubles = [pair for pair in zip(scenes, verdicts, strict=True) if len(pair[0].objects) == 2]
    rows = []
    for label, cases in (("one object", singles), ("two objects", doubles), ("all", [*singles, *doubles])):
        looks = [look for scene, verdict in cases for look in matched(scene, verdict)]
        backgrounds = [scene.background == verdict.background for scene, verdict in cases]
        rows += [
            _share(f"draw, {label}: colour right", [right for right, _ in looks], ">= 95 %"),
            _share(f"draw, {label}: kind right", [right for _, right in looks], ">= 90 %"),
            _share(f"draw, {label}: background right", backgrounds, ">= 95 %"),
        ]
    return rows


def matched(scene: Scene, verdict: Verdict) -> list[tuple[bool, bool]]:
    """Whether colour and kind of each object of the scene are right; a missing object is wrong."""
    seen: list[Look | None] = [*verdict.objects, None][: len(scene.objects)]
    if len(verdict.objects) != len(scene.objects):
        return [(False, False)] * len(scene.objects)
    return [
        (look is not None and look.colour == thing.colour, look is not None and look.kind == thing.kind)
        for thing, look in zip(scene.objects, seen, strict=True)
    ]


def edit_rows(judge: Judge, edits: list[Edit], pictures: list[Image.Image]) -> list[Row]:
    """How often the edit was done, and how often nothing else changed."""
    after = judge.look_at(as_tensor(pictures))
    before = judge.look_at(as_tensor([Image.fromarray(render(edit.source, PICTURE_SIZE).image) for edit in edits]))
    done: dict[str, list[bool]] = {"colour": [], "kind": [], "background": []}
    kept: dict[str, list[bool]] = {"colour": [], "kind": [], "background": []}
    for edit, old, new in zip(edits, before, after, strict=True):
        operation = edit.phrase.meaning.operation
        did, left = judge_edit(edit, old, new)
        done[operation].append(did)
        kept[operation].append(left)
    rows = []
    for operation in done:
        rows.append(_share(f"edit {operation}: done", done[operation], ">= 90 %"))
        rows.append(_share(f"edit {operation}: rest unchanged", kept[operation], ">= 90 %"))
    rows.append(_share("edit, all: done", [one for every in done.values() for one in every], ">= 90 %"))
    rows.append(_share("edit, all: rest unchanged", [one for every in kept.values() for one in every], ">= 90 %"))
    return rows


def judge_edit(edit: Edit, before: Verdict, after: Verdict) -> tuple[bool, bool]:
    """Whether the edit was done, and whether everything else stayed: looks, background, outline."""
    source, target = edit.source, edit.target
    if len(after.objects) != len(target.objects):
        return False, False
    if edit.phrase.meaning.operation == "background":
        done = after.background == target.background
    else:
        done = all(
            (look.kind, look.colour) == (thing.kind, thing.colour)
            for old, thing, look in zip(source.objects, target.objects, after.objects, strict=True)
            if old != thing
        )
    others = all(
        (look.kind, look.colour) == (thing.kind, thing.colour)
        for old, thing, look in zip(source.objects, target.objects, after.objects, strict=True)
        if old == thing
    )
    kept = others and (source.background != target.background or after.background == target.background)
    if edit.phrase.meaning.operation != "kind":
        kept = kept and overlap(before.silhouette, after.silhouette) >= _SAME_OUTLINE
    return done, kept


def roundness(silhouette: np.ndarray) -> float:
    """How round an outline, HW bool, is: intersection over union with the disc of the same area and centre."""
    rows, columns = np.nonzero(silhouette)
    if not len(rows):
        return 0.0
    across, down = np.meshgrid(np.arange(silhouette.shape[1]), np.arange(silhouette.shape[0]))
    disc = (down - rows.mean()) ** 2 + (across - columns.mean()) ** 2 <= len(rows) / np.pi
    return overlap(disc, silhouette)


@torch.inference_mode()
def restoration_psnr(pipeline: Flux2KleinPipeline, scenes: list[Scene]) -> float:
    """Mean PSNR in dB of rendered scenes, encoded and decoded."""
    pictures = torch.stack([_one_tensor(render(scene, PICTURE_SIZE).image) for scene in scenes])
    restored = pipeline.vae.decode(pipeline.vae.encode(pictures * 2 - 1).latent_dist.mode(), return_dict=False)[0]
    error = ((restored.clamp(-1, 1) + 1) / 2 - pictures).square().mean(dim=(1, 2, 3))
    return float((-10 * error.log10()).mean())


@torch.inference_mode()
def completion_psnr(pipeline: Flux2KleinPipeline, scenes: list[Scene], words: list[str], first: int = 3) -> float:
    """Mean PSNR in dB of pictures that are noised and denoised from the pipeline's step `first` on."""
    scheduler = build_scheduler()
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / STEPS, STEPS).tolist())
    sigmas = torch.as_tensor(scheduler.sigmas).tolist()[first:]
    pictures = torch.stack([_one_tensor(render(scene, PICTURE_SIZE).image) for scene in scenes])
    latents, read = encode(pipeline.vae, pictures), tokenize(pipeline.tokenizer, [*words, SILENCE.text])
    *told, silent = hidden_states(pipeline.text_encoder, read)
    batch, unguided = (Batch(latents, states) for states in (torch.stack(told), silent.expand(len(told), -1, -1)))
    drawn = torch.lerp(latents, torch.randn(latents.shape, generator=torch.Generator().manual_seed(1)), sigmas[0])
    for sigma, after in pairwise(sigmas):
        drawn = drawn + (after - sigma) * guided(pipeline.transformer, batch, unguided, drawn, sigma)
    error = (decode(pipeline.vae, drawn) - pictures).square().mean(dim=(1, 2, 3))
    return float((-10 * error.log10()).mean())


def as_tensor(pictures: list[Image.Image]) -> Tensor:
    """As the judge sees them: NCHW float32, [0, 1], `TRAINING_SIZE` pixels a side."""
    pixels = torch.stack([_one_tensor(np.asarray(picture)) for picture in pictures])
    return F.adaptive_avg_pool2d(pixels, TRAINING_SIZE)


def write_sheet(pictures: list[Image.Image], path: Path, columns: int = 16) -> None:
    """Saves pictures side by side in one file."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * PICTURE_SIZE, rows * PICTURE_SIZE))
    for index, picture in enumerate(pictures):
        sheet.paste(picture, (index % columns * PICTURE_SIZE, index // columns * PICTURE_SIZE))
    sheet.save(path)


def load_pipeline(folder: Path) -> Flux2KleinPipeline:
    """The pipeline as float32, without progress bars."""
    pipeline = Flux2KleinPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def main(arguments: Sequence[str] = ()) -> None:
    """Measures and prints."""
    options = options_of(__doc__, arguments, folder=FOLDER, steps=STEPS, guidance=GUIDANCE, sheet="")
    settings = Settings(options.steps, options.guidance)
    pipeline, judge = load_pipeline(options.folder), load_judge()
    rng = random.Random("benchmark words")
    scenes = held_out_scenes(SINGLES, 1, "benchmark singles") + held_out_scenes(PAIRS, 2, "benchmark pairs")
    edits = held_out_edits(EDITS, "benchmark edits")
    drawn = draw(pipeline, [describe(scene, rng, complete=True).text for scene in scenes], settings)
    redrawn = redraw(pipeline, edits, settings)
    balls = judge.look_at(as_tensor(draw(pipeline, BALLS, settings)))
    discs = [roundness(ball.silhouette) for ball in balls]
    half = held_out_scenes(COMPLETED, 1, "benchmark completion")
    said = [describe(scene, rng, complete=True).text for scene in half]
    unseen = held_out_scenes(RESTORED, 1, "benchmark restoration")
    warm = repeated(lambda: draw(pipeline, ["a red ball on a blue background"], settings), TIMED)
    rows = [
        *drawing_rows(judge, scenes, drawn),
        *edit_rows(judge, edits, redrawn),
        Row("half drawn: mean PSNR", completion_psnr(pipeline, half, said), len(half), "", "dB"),
        Row("balls: median roundness", statistics.median(discs), len(BALLS), ">= 95 %"),
        Row("autoencoder: mean PSNR", restoration_psnr(pipeline, unseen), RESTORED, ">= 32 dB", "dB"),
        Row("one warm picture", statistics.median(warm), TIMED, "<= 1.5 s", "s"),
    ]
    how = f"{settings.steps} steps, guidance {settings.guidance}, {PICTURE_SIZE} x {PICTURE_SIZE}"
    print_table(f"{options.folder}: {how}, {torch.get_num_threads()} threads, torch {torch.__version__}", rows)
    if options.sheet:
        sources = [Image.fromarray(render(edit.source, PICTURE_SIZE).image) for edit in edits]
        write_sheet([*drawn, *(one for pair in zip(sources, redrawn, strict=True) for one in pair)], options.sheet)


def _share(name: str, right: list[bool], promise: str) -> Row:
    return Row(name, sum(right) / max(1, len(right)), len(right), promise)


def _one_tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture.copy()).permute(2, 0, 1).float().div(255)


if __name__ == "__main__":
    main(sys.argv[1:])
