"""The terminal verbs `iterate` and `control`: change a picture. Starts without gradio and torch."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from commands import pictures
from commands.open_studio import studio_in
from commands.sharing.identity import LOCAL_OWNER
from studio.contract import IterateRequest
from studio.imaging.edit_codec import SIDES
from studio.recipe import is_asset_id
from studio.service import Studio


def add_verbs(verbs: Any) -> None:
    """Add iterate and control to the parser's verbs."""
    change = verbs.add_parser("iterate", help="change a picture with words, as a whole or only a part of it")
    change.set_defaults(verb=iterate)
    change.add_argument("picture", help="a file, or the id of a picture that is in the gallery")
    change.add_argument(
        "instruction", nargs="?", default="", help="what to change; may be left out to extend or fill a picture"
    )
    change.add_argument(
        "--object", default="", metavar="ID|FILE", help="change only inside this object, or this mask (white: change)"
    )
    change.add_argument("--invert", action="store_true", help="change everything but the object")
    change.add_argument(
        "--feather", type=float, metavar="PIXELS", help="over which the change fades out (default: by size)"
    )
    change.add_argument(
        *("--extend", "-e"),
        type=extension,
        action="append",
        default=[],
        metavar="SIDE=PIXELS",
        help="extend left, top, right, bottom or all sides by pixels, such as left=128; may be given several times",
    )
    change.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="ID|FILE",
        help="a further picture that the prompt may refer to",
    )
    change.add_argument(
        "--strength", type=float, help="how much the picture may change, 0 to 1, where the model supports it"
    )
    pictures.add_options(
        change, "follow the outlines or the depth of this picture instead of the source, where the model supports it"
    )

    drawn = verbs.add_parser("control", help="draw the outlines or the depth of a picture, which models can follow")
    drawn.set_defaults(verb=control)
    drawn.add_argument("picture", help="a file, or the id of a picture that is in the gallery")
    drawn.add_argument("--model", default="", help="see `models` (default: outlines)")
    pictures.add_output(drawn, "a JSON line: path, seconds, model, id", pictures.TO_PNG)


def extension(text: str) -> tuple[int, int, int, int]:
    """ "left=128" to (128, 0, 0, 0), "all=64" to 64 on each side."""
    found = re.fullmatch(r"(left|top|right|bottom|all)=(\d{1,9})", text.replace(" ", ""))
    if found is None:
        raise argparse.ArgumentTypeError(f"an extension is written like left=128 or all=64, got '{text}'")
    left, top, right, bottom = (int(found[2]) if found[1] in (side, "all") else 0 for side in SIDES)
    return left, top, right, bottom


def iterate(options: argparse.Namespace) -> int:
    """Make the versions and print their paths, or JSON."""
    pictures.make_way(options.output)
    with studio_in(options.outputs) as studio:
        source = pictures.opened(studio, options.picture)
        left, top, right, bottom = (sum(pixels) for pixels in zip((0, 0, 0, 0), *options.extend, strict=True))
        request = IterateRequest(
            source.id,
            options.instruction,
            references=tuple(pictures.opened(studio, each).id for each in options.reference),
            object=_object(studio, source.id, options.object),
            invert=options.invert,
            feather=options.feather,
            extend=(left, top, right, bottom),
            strength=options.strength,
            **pictures.settings_of(studio, options),
        )
        job = studio.iterate(LOCAL_OWNER, request, confirm_cost=options.confirm_cost)
        pictures.notice(studio.adviser.of_change(LOCAL_OWNER, request, job.model))
        pictures.hint(studio, job.model, options.instruction)
        return pictures.kept(studio, job, options)


def control(options: argparse.Namespace) -> int:
    """Make the picture and print its path, or JSON."""
    pictures.make_way(options.output)
    with studio_in(options.outputs) as studio:
        job = studio.control(LOCAL_OWNER, pictures.opened(studio, options.picture).id, options.model)
        return pictures.kept(studio, job, options)


def _object(studio: Studio, picture: str, text: str) -> str:
    """The id of an object; a file is imported as one."""
    if not text or (is_asset_id(text) and not Path(text).exists()):
        return text
    return studio.object_of_mask(LOCAL_OWNER, picture, Path(text), Path(text).stem).id
