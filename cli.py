"""The same verbs in a terminal; generate here, others in `cli_cutout` and `cli_models`. No gradio, no torch."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import cli_cutout
import cli_models
from app import LOCAL_OWNER, OUTPUTS, open_studio, prepare_environment
from studio.contract import Done, Event, Failed, GenerateRequest, Progress, Size, Waiting
from studio.errors import BadRequest, StorageFailed, StudioError
from studio.service import Studio


def main(arguments: list[str] | None = None) -> int:
    """Run one verb. Returns the exit status: 0 done, 1 failed, 2 asked wrongly."""
    options = parse(arguments)
    prepare_environment()
    try:
        return options.verb(options)
    except StudioError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, BadRequest) else 1
    except KeyboardInterrupt:
        return 130


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python cli.py", description="Diorama in a terminal.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    draw = verbs.add_parser("generate", help="make pictures from words")
    draw.set_defaults(verb=generate)
    draw.add_argument("prompts", nargs="*", metavar="PROMPT", help="what to draw; several make several pictures")
    draw.add_argument(
        "--prompts-file", type=Path, metavar="FILE", help="more prompts, one a line; - reads standard input"
    )
    draw.add_argument("--model", default="", help="model id (default: the first that is ready; see `models`)")
    draw.add_argument("--count", type=int, default=1, help="pictures per prompt, 1 to 8")
    draw.add_argument("--seed", type=int, help="seed of the first picture (default: drawn at random, printed)")
    draw.add_argument("--size", type=size, metavar="WxH", help="in pixels, such as 1024x768")
    draw.add_argument("--steps", type=int)
    draw.add_argument("--guidance", type=float)
    draw.add_argument("--negative", default="", metavar="WORDS", help="what the picture must not show")
    draw.add_argument("--style", default="", help="a style of the model")
    draw.add_argument("-o", "--output", type=Path, help="a .png file, or a folder (default: only the outputs folder)")
    draw.add_argument("--outputs", type=Path, default=OUTPUTS, help="Diorama's own folder (default: outputs)")
    draw.add_argument(
        "--json", action="store_true", help="one JSON line per picture: path, seed, seconds, prompt, model, id"
    )

    cli_cutout.add_verbs(verbs)
    cli_models.add_verbs(verbs)
    return parser.parse_args(arguments)


def size(text: str) -> Size:
    """ "1024x768" to Size(1024, 768)."""
    width, _, height = text.lower().partition("x")
    try:
        return Size(int(width), int(height))
    except ValueError:
        raise argparse.ArgumentTypeError(f"a size is written like 1024x768, got '{text}'") from None


# --- generate ---------------------------------------------------------------------------------------------------------


def generate(options: argparse.Namespace) -> int:
    """Make pictures for every prompt, one job after the other; a failed prompt does not stop the next."""
    prompts = read_prompts(options)
    if not prompts:
        raise BadRequest(
            'Nothing to draw: give a prompt, such as python cli.py generate "a red ball on a grey background".'
        )
    make_way(options.output)
    studio = open_studio(options.outputs)
    try:
        made, failed = 0, 0
        for prompt in prompts:
            request = GenerateRequest(
                prompt,
                model=options.model,
                size=options.size,
                count=options.count,
                seed=options.seed,
                steps=options.steps,
                guidance=options.guidance,
                negative_prompt=options.negative,
                style=options.style,
            )
            assets = draw(studio, request)
            failed += not assets
            for asset_id in assets:
                made += 1
                report(studio, asset_id, options, made)
        return 1 if failed else 0
    finally:
        studio.close()


def make_way(output: Path | None) -> None:
    """Make the folder that `-o` needs, before anything is drawn.

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


def read_prompts(options: argparse.Namespace) -> list[str]:
    """The prompts of the command line, then those of the file; empty lines are left out."""
    prompts = list(options.prompts)
    if options.prompts_file:
        try:
            text = sys.stdin.read() if str(options.prompts_file) == "-" else options.prompts_file.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadRequest(f"Cannot read prompts from {options.prompts_file}: {error}") from error
        prompts += text.splitlines()
    return [prompt for prompt in prompts if prompt.strip()]


def draw(studio: Studio, request: GenerateRequest) -> tuple[str, ...]:
    """Run one job to its end, showing progress on a terminal. Returns the assets that were made."""
    job = studio.generate(LOCAL_OWNER, request)
    unknown = studio.unknown_words(job.model, request.prompt)
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        print(f"{job.model} does not know: {', '.join(unknown[:5])}{more}.", file=sys.stderr)
    last: Event | None = None
    try:
        for last in studio.events(LOCAL_OWNER, job.id):
            if sys.stderr.isatty():
                print(f"\r\x1b[K{status(last)}", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        studio.cancel(LOCAL_OWNER, job.id)
        raise
    finally:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if isinstance(last, Failed):
        print(last.error, file=sys.stderr)
        return last.assets
    return last.assets if isinstance(last, Done) else ()


def status(event: Event) -> str:
    """An event as a terminal shows it."""
    match event:
        case Waiting(position):
            return f"waiting, {position} before this one"
        case Progress(_, 0, note):
            return note or "working"
        case Progress(step, steps):
            return f"step {step} of {steps}"
    return ""


def report(studio: Studio, asset_id: str, options: argparse.Namespace, number: int) -> None:
    """Put a picture where `-o` says and print its place on standard output."""
    asset, kept = studio.asset(LOCAL_OWNER, asset_id), studio.path(LOCAL_OWNER, asset_id)
    path = place(kept, options.output, number)
    if not options.json:
        print(path)
        return
    line = {
        "path": str(path),
        "seed": asset.seed,
        "seconds": asset.recipe.get("seconds"),
        "prompt": asset.recipe.get("prompt"),
        "model": asset.model,
        "id": asset.id,
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


def place(kept: Path, output: Path | None, number: int) -> Path:
    """Copy a picture out: into a folder under its own name, or to a file (the next to name-2.png)."""
    if output is None:
        return kept
    if not is_png(output):
        target = output / kept.name
    else:
        target = output if number == 1 else output.with_stem(f"{output.stem}-{number}")
    try:
        return Path(shutil.copyfile(kept, target))
    except OSError as error:
        raise StorageFailed(f"The picture is in {kept}, but not in {target}: {error.strerror}.") from error


if __name__ == "__main__":
    sys.exit(main())
