"""What the verbs that make images share: following a job and copying the results. No gradio, no torch."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from commands.options import OUTPUTS
from commands.sharing.identity import LOCAL_OWNER
from studio.contract import Progress
from studio.errors import BadRequest, StorageFailed
from studio.library.assets import Asset
from studio.recipe import is_asset_id
from studio.scheduling.contract import Done, Event, Failed, JobView, Waiting
from studio.service import Studio

TO_PNG = "a .png file, or a folder (default: only the outputs folder)"
_SETTINGS = (
    *("model", "count", "seed", "steps", "guidance", "clip_skip", "precision", "fast", "quality", "transparent"),
    *("sampler", "control_strength"),
)


def add_options(verb: argparse.ArgumentParser, control: str) -> None:
    """The options of every verb that makes images: how, how many, and where they go.

    Args:
        control: what --control is for.
    """
    verb.add_argument("--model", default="", help="model id (default: the first that is ready; see `models`)")
    verb.add_argument("--count", type=int, default=1, help="pictures to make, 1 to 8")
    verb.add_argument("--seed", type=int, help="seed of the first picture (default, and -1: drawn at random, printed)")
    verb.add_argument("--steps", type=int)
    verb.add_argument("--guidance", type=float)
    verb.add_argument("--clip-skip", type=int, metavar="N", help="read the N-th last layer of the text encoder")
    verb.add_argument("--sampler", default="", metavar="NAME", help="one of the model's samplers, such as 'Euler a'")
    verb.add_argument(
        "--precision",
        default="",
        metavar="NAME",
        help="precision of the weights: 16-bit, fp8, int8, nf4 or gguf-q8, where available (default: automatic)",
    )
    verb.add_argument(
        "--fast",
        action="store_true",
        help="compile the network: a wait for the first picture of a size, faster after that",
    )
    verb.add_argument("--negative", default="", metavar="WORDS", help="what the picture must not show")
    verb.add_argument("--quality", default="", help="one of the model's qualities")
    verb.add_argument("--transparent", action="store_true", help="transparent background, where the model supports it")
    verb.add_argument("--control", default="", metavar="ID|FILE", help=control)
    verb.add_argument("--control-strength", type=float, help="how closely, where the model supports it")
    verb.add_argument("--confirm-cost", action="store_true", help="spend more than the daily cap for cloud models")
    add_output(verb, "one JSON line per picture: path, seed, seconds, prompt, model, id", TO_PNG)


def add_output(verb: argparse.ArgumentParser, as_json: str, output: str = "") -> None:
    """The options of every verb that works in the outputs folder.

    Args:
        as_json: what --json prints.
        output: what -o takes; "" for a verb without output files.
    """
    if output:
        verb.add_argument("-o", "--output", type=Path, help=output)
    verb.add_argument("--outputs", type=Path, default=OUTPUTS, help="Diorama's own folder (default: outputs)")
    verb.add_argument("--json", action="store_true", help=as_json)


def settings_of(studio: Studio, options: argparse.Namespace) -> dict[str, Any]:
    """The options of `add_options` as fields of a request."""
    control = opened(studio, options.control).id if options.control else ""
    settings = {name: getattr(options, name) for name in _SETTINGS}
    return settings | {"negative_prompt": options.negative, "control": control}


def make_way(output: Path | None) -> None:
    """Make the folder that `-o` needs, before any work is done.

    Raises:
        BadRequest: it is not a folder or a .png file, or cannot be made.
    """
    if output is None:
        return
    if output.suffix and not output.is_dir() and not is_png(output):
        raise BadRequest(f"-o takes a folder, or a file name that ends in .png; got '{output}'.")
    try:
        (output.parent if is_png(output) else output).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(f"Cannot write to {output}: {error.strerror}. Choose another place with -o.") from error


def is_png(output: Path) -> bool:
    return output.suffix.lower() == ".png"


def opened(studio: Studio, picture: str, give: str = "a PNG, JPEG or WebP file, or the id of a picture") -> Asset:
    """A picture in the gallery; a file is added to it first.

    Args:
        give: what to name instead, for the message if there is no such file.
    """
    path = Path(picture)
    if is_asset_id(picture) and not path.exists():
        return studio.asset(LOCAL_OWNER, picture)
    if not path.is_file():
        raise BadRequest(f"There is no file '{picture}'. Give {give}.")
    return studio.take_in(LOCAL_OWNER, path, path.name)


def hint(studio: Studio, model_id: str, words: str) -> None:
    """Print which words of the prompt the model does not know."""
    unknown = studio.unknown_words(model_id, words)
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        print(f"{model_id} does not know: {', '.join(unknown[:5])}{more}.", file=sys.stderr)


def notice(said: str) -> None:
    """Print a notice, if any."""
    if said:
        print(said, file=sys.stderr, flush=True)


def follow(studio: Studio, job: JobView) -> tuple[str, ...]:
    """Wait for a job to end, showing progress on a terminal. Returns the new assets."""
    last: Event | None = None
    try:
        for last in studio.events(LOCAL_OWNER, job.id):
            if sys.stderr.isatty():
                print(f"\r\x1b[K{status(last)}", end="", file=sys.stderr, flush=True)
    finally:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if isinstance(last, Failed):
        print(last.error, file=sys.stderr)
        return last.assets
    return last.assets if isinstance(last, Done) else ()


def kept(studio: Studio, job: JobView, options: argparse.Namespace) -> int:
    """Wait for a job and report its images. Returns the exit status: 2 if there are none."""
    assets = follow(studio, job)
    for number, asset_id in enumerate(assets, start=1):
        report(studio, asset_id, options, number)
    return 0 if assets else 2


def status(event: Event) -> str:
    """An event as a line for the terminal."""
    match event:
        case Waiting(position):
            return f"waiting, {position} ahead of it"
        case Progress(_, 0, note):
            return note or "working"
        case Progress(step, steps):
            return f"step {step} of {steps}"
    return ""


def report(studio: Studio, asset_id: str, options: argparse.Namespace, number: int) -> None:
    """Copy a picture to where `-o` says and print its path."""
    asset, kept = studio.asset(LOCAL_OWNER, asset_id), studio.path(LOCAL_OWNER, asset_id)
    path = place(kept, options.output, number)
    if not options.json:
        print(path, flush=True)
        return
    line = {
        "path": str(path),
        "seed": asset.seed,
        "seconds": asset.recipe.seconds,
        "prompt": asset.recipe.prompt,
        "model": asset.model,
        "price_usd": asset.recipe.price_usd,
        "id": asset.id,
    }
    print(json.dumps(line), flush=True)


def place(kept: Path, output: Path | None, number: int) -> Path:
    """Copy a picture into a folder under its own name, or to a file (the second one to name-2.png)."""
    if output is None:
        return kept
    if not is_png(output):
        target = output / kept.name
    elif not is_png(kept):
        raise BadRequest(f"This is not a picture, but {kept}. Name a folder with -o.")
    else:
        target = output if number == 1 else output.with_stem(f"{output.stem}-{number}")
    try:
        return Path(shutil.copyfile(kept, target))
    except shutil.SameFileError:
        return kept
    except OSError as error:
        raise StorageFailed(f"The picture is in {kept}, but not in {target}: {error.strerror}.") from error
