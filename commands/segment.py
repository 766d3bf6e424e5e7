"""The terminal verb `segment`: clicks, boxes and words to masks and cut-outs. Starts without gradio and torch."""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from commands.open_studio import studio_in
from commands.pictures import add_output, notice, opened
from commands.sharing.identity import LOCAL_OWNER
from studio.contract import Size
from studio.errors import BadRequest, StorageFailed
from studio.library.assets import Asset
from studio.library.files import slug
from studio.recipe.selection import Box, Point, SegmentRequest
from studio.segmentation.contract import in_pixels
from studio.service import Studio


def add_verbs(verbs: Any) -> None:
    """Add segment to the parser's verbs."""
    cut = verbs.add_parser("segment", help="cut an object out of a picture by clicks, a box, or everything there is")
    cut.set_defaults(verb=segment)
    cut.add_argument("picture", help="a file, or the id of a picture that is in the gallery")
    cut.add_argument(
        "--point",
        type=point,
        action="append",
        default=[],
        metavar="X,Y",
        help="a click on the object; X,Y,- for a click outside it",
    )
    cut.add_argument("--box", type=box, metavar="L,T,R,B", help="a box around it")
    cut.add_argument("--fraction", action="store_true", help="points and box are fractions of the picture, 0 to 1")
    cut.add_argument("--everything", action="store_true", help="list every object the model detects on its own")
    cut.add_argument("--snap", action="store_true", help="move the edge of the mask to edges of the picture")
    cut.add_argument("--name", default="", help="of the object (default: from the picture's words)")
    cut.add_argument("--model", default="", help="model id (default: the first that is ready; see `models`)")
    add_output(
        cut,
        "one JSON line: id, name, score, box, area, files",
        "folder for NAME.png, NAME-mask.png and NAME-cutout.png",
    )


def point(text: str) -> Point:
    """ "120,80" to a click that adds, "120,80,-" to one that removes."""
    found = re.fullmatch(r"([-+.\d]+),([-+.\d]+)(?:,([-+]))?", text.replace(" ", ""))
    try:
        if found:
            return Point(float(found[1]), float(found[2]), found[3] != "-")
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"a point is written like 120,80 or 120,80,-; got '{text}'")


def box(text: str) -> Box:
    """ "10,20,110,90" to a box."""
    try:
        left, top, right, bottom = (float(side) for side in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"a box is written like 10,20,110,90; got '{text}'") from None
    return Box(left, top, right, bottom)


def segment(options: argparse.Namespace) -> int:
    """Save the selection as an object, or list everything; prints paths, or JSON."""
    make_folder(options.output)
    with studio_in(options.outputs) as studio:
        picture = opened(studio, options.picture)
        notice(studio.adviser.of_selection(LOCAL_OWNER, picture.id, options.model))
        if options.everything:
            return list_everything(studio, picture, options)
        if not options.point and options.box is None:
            raise BadRequest("Nothing to cut out: give --point X,Y on the object, --box L,T,R,B, or --everything.")
        points = tuple(options.point)
        request = SegmentRequest(picture.id, options.model, points, options.box, snap=options.snap)
        unit = "fraction" if options.fraction else "pixel"
        request = in_pixels(request, Size(picture.width, picture.height), unit)
        found = studio.selections.segment(LOCAL_OWNER, request)
        for missed in found.missed:
            where = "outside of" if missed.add else "inside"
            print(f"The point {missed.x:g},{missed.y:g} lies {where} the mask.", file=sys.stderr)
        kept = studio.selections.keep(LOCAL_OWNER, request, options.name)
        files = written(studio, kept, options) if options.output else [studio.path(LOCAL_OWNER, kept.id)]
        if options.json:
            score = found.candidates[found.choice].score
            said = {"id": kept.id, "name": kept.title, "score": round(score, 4), "box": found.box, "area": found.area}
            print(json.dumps(said | {"files": [str(path) for path in files]}), flush=True)
        else:
            print(*files, sep="\n", flush=True)
        return 0


def list_everything(studio: Studio, picture: Asset, options: argparse.Namespace) -> int:
    """Print one line per region: where to click, its score and its size."""
    found = studio.selections.everything(LOCAL_OWNER, picture.id, model=options.model)
    for region in found.regions:
        place = region.point or Point(0, 0)
        if options.json:
            said = {"point": list(place[:2]), "score": round(region.score, 4), "box": region.box, "area": region.area}
            print(json.dumps(said))
        else:
            print(f"--point {place.x:g},{place.y:g}   {100 * region.score:.0f} %   {region.area} pixels")
    return 0


def written(studio: Studio, kept: Asset, options: argparse.Namespace) -> list[Path]:
    """Copies of the object, its mask and its cut-out; named after --name, or with a unique name."""
    folder: Path = options.output
    stem = studio.path(LOCAL_OWNER, kept.id).stem
    if options.name:
        stem = options.name if re.fullmatch(r"[^\x00-\x1f/\\:*?\"<>|]+(?<![. ])", options.name) else slug(options.name)
    contents = {
        folder / f"{stem}.png": studio.path(LOCAL_OWNER, kept.id).read_bytes(),
        folder / f"{stem}-mask.png": studio.selections.mask_png(LOCAL_OWNER, kept.id),
        folder / f"{stem}-cutout.png": studio.selections.cut_out(LOCAL_OWNER, kept.id),
    }
    try:
        for path, content in contents.items():
            path.write_bytes(content)
    except OSError as error:
        raise StorageFailed(f"Cannot write to {folder}: {error.strerror}. Choose another folder with -o.") from error
    return list(contents)


def make_folder(folder: Path | None) -> None:
    """Make the folder that `-o` names, before any work is done.

    Raises:
        BadRequest: it is a file, or cannot be made or written to.
    """
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise BadRequest(f"Cannot write to {folder}: {error.strerror}. Choose another folder with -o.") from error
