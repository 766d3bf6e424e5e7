"""The terminal verb `upscale`: enlarges a picture. Starts without gradio and torch."""

from __future__ import annotations

import argparse
from typing import Any

from commands import pictures
from commands.open_studio import studio_in
from commands.sharing.identity import LOCAL_OWNER
from studio.contract import UpscaleRequest


def add_verbs(verbs: Any) -> None:
    """Add upscale to the parser's verbs."""
    verb = verbs.add_parser("upscale", help="enlarge a picture 2 or 4 times")
    verb.set_defaults(verb=upscale)
    verb.add_argument("picture", help="a file, or the id of a picture that is in the gallery")
    verb.add_argument("--scale", "-x", type=int, help="how many times as wide and high (default: by the size)")
    verb.add_argument("--model", default="", help="span, or lanczos for photos with noise (default: by the picture)")
    pictures.add_output(verb, "a JSON line: path, seconds, model, id", pictures.TO_PNG)


def upscale(options: argparse.Namespace) -> int:
    """Make the picture and print its path, or JSON."""
    pictures.make_way(options.output)
    with studio_in(options.outputs) as studio:
        source = pictures.opened(studio, options.picture)
        job = studio.upscale(LOCAL_OWNER, UpscaleRequest(source.id, options.model, options.scale))
        return pictures.kept(studio, job, options)
