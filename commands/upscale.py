"""The terminal verb `upscale`: a picture, how many times larger, and where. Starts without gradio and torch."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app import LOCAL_OWNER, OUTPUTS
from commands import pictures
from commands.open_studio import studio_in
from commands.segment import opened
from studio.contract import UpscaleRequest


def add_verbs(verbs: Any) -> None:
    """Add upscale to the parser's verbs."""
    verb = verbs.add_parser("upscale", help="enlarge a picture 2 or 4 times")
    verb.set_defaults(verb=upscale)
    verb.add_argument("picture", help="a file, or the id of a picture that is in the gallery")
    verb.add_argument("--scale", "-x", type=int, help="how many times as wide and high (default: by the size)")
    verb.add_argument("--model", default="", help="span, or lanczos for photos with noise (default: by the picture)")
    verb.add_argument("-o", "--output", type=Path, help="a .png file, or a folder (default: only the outputs folder)")
    verb.add_argument("--json", action="store_true", help="a JSON line: path, seconds, model, id")
    verb.add_argument("--outputs", type=Path, default=OUTPUTS, help="Diorama's own folder (default: outputs)")


def upscale(options: argparse.Namespace) -> int:
    """Make the picture and print where it is, or JSON."""
    pictures.make_way(options.output)
    with studio_in(options.outputs) as studio:
        source = opened(studio, options.picture)
        job = studio.upscale(LOCAL_OWNER, UpscaleRequest(source.id, options.model, options.scale))
        assets = pictures.follow(studio, job)
        for number, asset_id in enumerate(assets, start=1):
            pictures.report(studio, asset_id, options, number)
        return 0 if assets else 2
