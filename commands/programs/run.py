"""The terminal verb `run`: repeats a recipe. Starts without gradio and torch."""

from __future__ import annotations

import argparse
from typing import Any

from commands import pictures
from commands.open_studio import studio_in
from commands.programs import again
from commands.programs.again import ViewRequest
from studio.recipe.selection import SegmentRequest


def add_verbs(verbs: Any) -> None:
    """Add run to the parser's verbs."""
    verb = verbs.add_parser("run", help="make again what a recipe says: the recipe of a picture, or one in JSON")
    verb.set_defaults(verb=run)
    verb.add_argument("recipe", metavar="RECIPE", help="a picture or a splat (a file or an id), or a recipe as .json")
    verb.add_argument("--source", default="", metavar="ID|FILE", help="change this picture instead of the recipe's own")
    verb.add_argument("--confirm-cost", action="store_true", help="spend more than the daily cap for cloud models")
    pictures.add_output(verb, "one JSON line per picture, as `generate` prints it", pictures.TO_PNG)


def run(options: argparse.Namespace) -> int:
    """Repeat it and print the paths, or JSON."""
    pictures.make_way(options.output)
    with studio_in(options.outputs) as studio:
        found = again.read(studio, options.recipe)
        source = pictures.opened(studio, options.source).id if options.source else ""
        for note in found.notes:
            pictures.notice(note)
        request = again.on(found.request, source)
        if not isinstance(request, SegmentRequest | ViewRequest):
            return pictures.kept(studio, again.submit(studio, request, confirm_cost=options.confirm_cost), options)
        pictures.report(studio, again.keep(studio, request).id, options, 1)
        return 0
