"""The terminal verbs `describe` and `improve`: words about a picture, or better ones for a prompt."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from commands.open_studio import studio_in
from commands.pictures import add_output, opened
from commands.sharing.identity import LOCAL_OWNER
from studio.clouds.describe import Asked
from studio.errors import Cancelled, NotReady
from studio.service import Studio

LOOK_SECONDS = 0.2
"""How often to check for Ctrl+C while a provider works."""


def add_verbs(verbs: Any) -> None:
    """Add describe and improve to the parser's verbs."""
    seeing = verbs.add_parser("describe", help="describe a picture, so that the gallery finds it")
    seeing.set_defaults(verb=describe)
    seeing.add_argument(
        "pictures", nargs="+", metavar="PICTURE", help="a picture file, or the id of one in the gallery"
    )
    add_output(seeing, "one JSON line per picture: id, name, description")

    saying = verbs.add_parser("improve", help="rewrite a prompt so that models understand it better")
    saying.set_defaults(verb=improve)
    saying.add_argument("prompt", metavar="PROMPT")
    saying.add_argument("--model", metavar="ID", default="", help="the model that will draw it (default: any)")
    add_output(saying, "a JSON line: prompt, improved")


def describe(options: argparse.Namespace) -> int:
    """Print a description of each picture, and store it with the picture."""
    with studio_in(options.outputs) as studio:
        for place in options.pictures:
            asset = _wait(studio, studio.describing.describe(LOCAL_OWNER, opened(studio, place).id))
            line = {"id": asset.id, "name": asset.name, "description": asset.description}
            print(json.dumps(line) if options.json else asset.description, flush=True)
        return 0


def improve(options: argparse.Namespace) -> int:
    """Print the improved prompt."""
    with studio_in(options.outputs) as studio:
        for_toys = not options.model or studio.model(options.model).toys_only
        improved = _wait(studio, studio.describing.improve_prompt(LOCAL_OWNER, options.prompt, for_toys=for_toys))
        print(json.dumps({"prompt": options.prompt, "improved": improved}) if options.json else improved)
        return 0


def _wait(studio: Studio, asked: Asked) -> Any:
    """Wait for the answer; a terminal is told who was asked."""
    if sys.stderr.isatty():
        print(f"asking {studio.clouds.reader(LOCAL_OWNER) or 'this machine'}", file=sys.stderr, flush=True)
    try:
        while True:
            try:
                return asked.answer.result(LOOK_SECONDS)
            except TimeoutError:
                if asked.answer.done():  # raised by the job, not by the wait
                    raise
    except Cancelled:
        raise NotReady("This was stopped. Ask again if you still want it.") from None
