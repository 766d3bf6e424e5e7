"""The terminal verb `generate`: text to image, for one prompt or many. Starts without gradio and torch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from commands import pictures
from commands.open_studio import studio_in
from commands.sharing.identity import LOCAL_OWNER
from studio.clouds.alternatives import suggesting
from studio.contract import GenerateRequest, Size
from studio.errors import BadRequest, StudioError
from studio.service import Studio
from studio.validation import cleaned, shown


def add_verbs(verbs: Any) -> None:
    """Add generate to the parser's verbs."""
    draw = verbs.add_parser("generate", help="make pictures from words")
    draw.set_defaults(verb=generate)
    draw.add_argument("prompts", nargs="*", metavar="PROMPT", help="what to draw; several make several pictures")
    draw.add_argument(
        "--prompts-file", type=Path, metavar="FILE", help="more prompts, one per line; - reads standard input"
    )
    draw.add_argument("--size", type=size, metavar="WxH", help="in pixels, such as 1024x768")
    draw.add_argument("--style", default="", help="a style of the model")
    pictures.add_options(draw, "follow the outlines, depth or likeness of this picture, where the model supports it")


def size(text: str) -> Size:
    """ "1024x768" to Size(1024, 768)."""
    width, _, height = text.lower().partition("x")
    try:
        return Size(int(width), int(height))
    except ValueError:
        raise argparse.ArgumentTypeError(f"a size is written like 1024x768, got '{text}'") from None


def generate(options: argparse.Namespace) -> int:
    """Make images for every prompt, one job after the other; a failed prompt does not stop the next."""
    prompts = read_prompts(options)
    if not prompts:
        raise BadRequest(
            'Nothing to draw: give a prompt, such as python cli.py generate "a red ball on a grey background".'
        )
    pictures.make_way(options.output)
    with studio_in(options.outputs) as studio:
        made, failed, said = 0, 0, ""
        settings = pictures.settings_of(studio, options)
        for prompt in prompts:
            request = GenerateRequest(prompt, size=options.size, style=options.style, **settings)
            try:
                assets = draw(studio, request, confirm_cost=options.confirm_cost)
            except StudioError as error:
                assets = ()
                if str(error) != said:  # else it was said of the one before
                    said = str(error)
                    pictures.notice(said if len(prompts) == 1 else f"{shown(prompt)}: {said}")
            failed += not assets
            for asset_id in assets:
                made += 1
                pictures.report(studio, asset_id, options, made)
        return 2 if failed else 0


def read_prompts(options: argparse.Namespace) -> list[str]:
    """The prompts of the command line, then those of the file; empty lines are skipped."""
    prompts = list(options.prompts)
    if options.prompts_file:
        try:
            told = sys.stdin.buffer.read() if str(options.prompts_file) == "-" else options.prompts_file.read_bytes()
            text = told.decode("utf-16" if told[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        except OSError as error:
            reason = f"{error.strerror}. Give a text file with one prompt per line"
            raise BadRequest(f"Cannot read prompts from {options.prompts_file}: {reason}.") from error
        except UnicodeDecodeError as error:
            raise BadRequest(
                f"The prompts in {options.prompts_file} are not UTF-8 text: save the file as UTF-8."
            ) from error
        prompts += text.splitlines()
    return [prompt for prompt in prompts if cleaned(prompt)]


def draw(studio: Studio, request: GenerateRequest, *, confirm_cost: bool) -> tuple[str, ...]:
    """Run one job to its end. Returns the new assets."""
    with suggesting(request, studio.models, LOCAL_OWNER):
        job = studio.generate(LOCAL_OWNER, request, confirm_cost=confirm_cost)
    pictures.hint(studio, job.model, request.prompt)
    return pictures.follow(studio, job)
